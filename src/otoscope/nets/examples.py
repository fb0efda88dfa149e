"""Training examples: sound with its words, joined into strings of words and sorted into batches of like length."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from otoscope.core import BadInput
from otoscope.nets.augment import Augmentation, add_room_noise, change_gain, change_speed, tilt_spectrum


@dataclass(frozen=True, eq=False)
class Example:
    """Samples at the rate of the front end, the words in them, and who speaks."""

    samples: NDArray[np.float32]
    words: tuple[str, ...]
    speaker: str = ""


@dataclass(frozen=True)
class Joining:
    """How to make strings of words from recordings of single ones.

    Parameters
    ----------
    n_words
        Least and most recordings in a string.
    gap_s
        Least and most silence between two of them, seconds; half of the strings have none.
    edge_s
        Least and most silence before the first and after the last.
    """

    n_words: tuple[int, int] = (1, 8)
    gap_s: tuple[float, float] = (0.0, 0.3)
    edge_s: tuple[float, float] = (0.0, 0.3)


def join(
    examples: Sequence[Example], rng: np.random.Generator, *, how: Joining, rate_hz: int, augmentation: Augmentation
) -> list[Example]:
    """Use every example once, in strings of one speaker, each with its own speed and tilt (see `Augmentation`)."""
    joined: list[Example] = []
    for speaker in sorted({example.speaker for example in examples}):
        own = [example for example in examples if example.speaker == speaker]
        order = rng.permutation(len(own))
        while order.size:
            n = int(rng.integers(how.n_words[0], how.n_words[1] + 1))
            chosen, order = [own[i] for i in order[:n]], order[n:]
            joined.append(_string(chosen, rng, how, rate_hz, augmentation))
    return joined


def _string(
    parts: list[Example], rng: np.random.Generator, how: Joining, rate_hz: int, augmentation: Augmentation
) -> Example:
    def silence(bounds: tuple[float, float]) -> NDArray[np.float32]:
        length = 0 if rng.random() < 0.5 else round(rng.uniform(*bounds) * rate_hz)
        return np.zeros(length, dtype=np.float32)

    pieces = [silence(how.edge_s)]
    for i, part in enumerate(parts):
        pieces += [silence(how.gap_s)] if i else []
        pieces.append(part.samples)
    samples = np.concatenate([*pieces, silence(how.edge_s)])
    samples = change_speed(samples, rng, largest=augmentation.speed)
    samples = tilt_spectrum(samples, rng, largest=augmentation.tilt)
    samples = change_gain(samples, rng, gain_db=augmentation.gain_db)
    samples = add_room_noise(samples, rng, snr_db=augmentation.snr_db)
    return Example(samples, tuple(word for part in parts for word in part.words), parts[0].speaker)


def batches(lengths: Sequence[int], *, most: int, rng: np.random.Generator | None = None) -> list[NDArray[np.int64]]:
    """Sort items of like length together: lists of indices whose padded size is at most `most`.

    The order of the batches is drawn from `rng`; without one it goes from short to long. An item longer than `most`
    stands alone.

    Examples
    --------
    >>> [batch.tolist() for batch in batches([5, 1, 2, 9, 2], most=6)]
    [[1, 2, 4], [0], [3]]
    """
    if most < 1:
        raise BadInput(f"a batch must hold at least 1 sample, got {most}")
    found: list[list[int]] = []
    for i in np.argsort(np.asarray(lengths), kind="stable"):
        if not found or lengths[i] * (len(found[-1]) + 1) > most:
            found.append([])
        found[-1].append(int(i))
    order = np.arange(len(found)) if rng is None else rng.permutation(len(found))
    return [np.array(found[i], dtype=np.int64) for i in order]


def padded(waveforms: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
    """Return `(n, n_samples)` with zeros behind the shorter ones."""
    out = np.zeros((len(waveforms), max(w.size for w in waveforms)), dtype=np.float32)
    for row, waveform in zip(out, waveforms, strict=True):
        row[: waveform.size] = waveform
    return out
