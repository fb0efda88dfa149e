"""Log-probabilities of whole recordings, scores of many, and whether a known text can be what is said."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from otoscope.core import DoesNotFit, FrameGrid, Recording, Target
from otoscope.core.protocols import Progress
from otoscope.decoding.ctc import log_likelihood
from otoscope.decoding.edit_distance import edit_distance
from otoscope.recognizers.wav2vec2.chunking import Chunking, log_posteriors
from otoscope.recognizers.wav2vec2.network import SpeechEncoder
from otoscope.recognizers.wav2vec2.reading import Heard, Reader
from otoscope.signal.resampling import resampled

BATCH_S = 60.0
"""Seconds of sound that go through the network at once when many recordings are scored."""


def heard(network: SpeechEncoder, recording: Recording, chunking: Chunking) -> Heard:
    """Return the log-probabilities of a whole recording."""
    wave = resampled(recording, network.rate_hz).samples
    rows = list(chunking.outputs(network, wave))
    log_probs = np.concatenate(rows) if rows else np.zeros((0, network.head.out_features))
    return Heard(log_probs, grid_of_logits(network, wave.size), recording.duration_s)


def grid_of_logits(network: SpeechEncoder, n_samples: int) -> FrameGrid:
    """Return where the logits of a waveform lie; no frames where it is too short for the network."""
    grid = network.grids(n_samples)["logits"]
    return grid if network.hears(n_samples) else FrameGrid(grid.rate_hz, grid.start, grid.hop, grid.window, 0)


def check_said(reader: Reader, name: str, sound: Heard, words: tuple[str, ...]) -> None:
    """Raise unless `words` can be what the sound says, letter case aside.

    Raises
    ------
    DoesNotFit
        What is heard is likelier by more than `decoding.most_nats` for each word that differs.
    """
    text = reader.texts(sound)[0]
    best = reader.symbols.words(text.labels)
    n_edits = edit_distance([word.casefold() for word in words], [word.casefold() for word in best])
    if not n_edits:
        return
    likely = log_likelihood(sound.log_probs, text.labels, blank=reader.symbols.blank)
    nats, most = (likely - reader.log_prob(sound, words)) / n_edits, reader.decoding.most_nats
    if nats > most:
        said = repr(" ".join(best)) if best else "nothing"
        raise DoesNotFit(
            f"the text does not fit the sound: {name} hears {said}, likelier by {nats:.1f} nats for each word that "
            f"differs, where {most:.1f} are allowed; check that text and recording belong together"
        )


def scored(
    network: SpeechEncoder,
    reader: Reader,
    recordings: Sequence[Recording],
    targets: Sequence[Target],
    *,
    chunking: Chunking,
    progress: Progress | None = None,
) -> NDArray[np.float64]:
    """Return `(n_recordings, n_targets)` scores; recordings of one length share a pass through the network."""
    scores = np.empty((len(recordings), len(targets)))
    n_done = 0
    for rows in _batches(recordings, chunking) if targets else ():
        log_probs, grid = _log_probs(network, [recordings[i] for i in rows], chunking)
        with torch.no_grad():
            scores[rows] = reader.scores(log_probs, grid, targets).numpy()
        n_done += len(rows)
        if progress is not None:
            progress(n_done, len(recordings))
    return scores


def _batches(recordings: Sequence[Recording], chunking: Chunking) -> Iterator[list[int]]:
    """Yield indices of recordings of one length and rate, at most `BATCH_S` together; a long one stands alone."""
    groups: dict[tuple[int, int], list[int]] = defaultdict(list)
    for i, recording in enumerate(recordings):
        groups[recording.n_samples, recording.rate_hz].append(i)
    for (n_samples, rate_hz), members in groups.items():
        size = 1 if chunking.is_long(n_samples, rate_hz) else max(1, int(BATCH_S * rate_hz / n_samples))
        yield from (members[i : i + size] for i in range(0, len(members), size))


def _log_probs(network: SpeechEncoder, recordings: Sequence[Recording], chunking: Chunking) -> tuple[Tensor, FrameGrid]:
    waves = [resampled(recording, network.rate_hz).samples for recording in recordings]
    grid = grid_of_logits(network, waves[0].size)
    if len(recordings) == 1 or not grid.n_frames:
        rows = torch.from_numpy(heard(network, recordings[0], chunking).log_probs)[None]
        return rows.expand(len(recordings), -1, -1), grid
    with torch.no_grad():
        return log_posteriors(network.outputs(waves)), grid
