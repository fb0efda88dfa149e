"""Scores of targets in many recordings, in batches, and what stands behind them: the weights' provenance."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import version

import numpy as np
import torch
from numpy.typing import NDArray

from otoscope.core import Provenance, Recording, Target
from otoscope.core.protocols import Progress
from otoscope.nets.examples import batches
from otoscope.nets.weights import weights_sha256
from otoscope.recognizers.endtoend.hearing import EndToEnd
from otoscope.signal.resampling import resampled

BATCH_S = 60.0
"""Seconds of padded sound that go through the network at once."""


def scored(
    recognizer: EndToEnd,
    recordings: Sequence[Recording],
    targets: Sequence[Target],
    progress: Progress | None = None,
) -> NDArray[np.float64]:
    """Return `(n_recordings, n_targets)` log scores; see `EndToEndRecognizer.score`."""
    rate_hz = recognizer.card.shape.front_end.rate_hz
    scores = np.empty((len(recordings), len(targets)))
    n_done = 0
    lengths = [round(r.n_samples * rate_hz / r.rate_hz) for r in recordings]
    for chosen in batches(lengths, most=round(BATCH_S * rate_hz)) if targets else ():
        waves = [resampled(recordings[i], rate_hz).samples for i in chosen]
        with torch.no_grad():
            found = recognizer.scores_of(recognizer.waves(waves), [w.size for w in waves], targets)
        scores[chosen] = found.double().numpy()
        n_done += len(chosen)
        if progress is not None:
            progress(n_done, len(recordings))
    return scores


def provenance_of(recognizer: EndToEnd) -> Provenance:
    """Return version, hash of the weights as they are now, and the card; language model and open edits are named."""
    card = recognizer.card
    parameters = {k: v for k, v in card.as_json().items() if k in ("family", "shape", "decoding", "vocabulary")}
    parameters["n_tokens"] = len(card.tokens)
    if recognizer.language_model:
        parameters["language_model"] = dict(recognizer.language_model)
    parameters |= recognizer.open_edits.parameters()
    digest = weights_sha256(recognizer.network)
    return Provenance(card.name, version("otoscope"), digest, parameters, card.training.get("seed"))
