"""The verbs that every recogniser family shares: transcribe, align, and transcribe what is too long for one go."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from otoscope.core import Aligning, Alignment, BadInput, DoesNotFit, NotAble, Recognizer, Recording, Trace
from otoscope.lexicon.normalization import normalize_words

_QUIET_S = 0.2
"""A pause to cut at is the quietest stretch of this length."""


def transcribe(recognizer: Recognizer, recording: Recording, *, record: Sequence[str] = ()) -> Trace:
    """Return what a recogniser heard in a recording, with times.

    Parameters
    ----------
    recognizer
        What `load` returns.
    recording
        One channel at any rate.
    record
        Optional parts or sites to keep: `"features"`, `"emissions"`, `"activations"`, or a site's name.
    """
    return recognizer.trace(recording, record=record)


def align(recognizer: Recognizer, recording: Recording, text: str) -> Alignment:
    """Return where each word of a known text lies; the text is normalised first (case, punctuation, numbers).

    Raises
    ------
    NotAble
        The recogniser cannot align.
    DoesNotFit
        The text has no words, words the recogniser does not know, or is not what the recording says.
    """
    if not isinstance(recognizer, Aligning):
        raise NotAble(f"recogniser {recognizer.name!r} cannot align a known text; 'pocketsphinx' can")
    words = normalize_words(text)
    if not words:
        raise DoesNotFit(f"the text {text!r} holds no words to align")
    return recognizer.align(recording, " ".join(words))


def transcribe_stream(
    recognizer: Recognizer, blocks: Iterable[Recording], *, max_segment_s: float = 30.0, record: Sequence[str] = ()
) -> Iterator[tuple[float, Trace]]:
    """Yield `(offset_s, trace)` for stretches of a long recording, cut at pauses; memory stays bounded.

    Each stretch is at most `max_segment_s` long and ends in the middle of the quietest 0.2 s of its second half.
    Times in a trace count from the stretch's own start: add `offset_s`. Stretches meet without gap or overlap.

    Parameters
    ----------
    recognizer
        What hears each stretch.
    blocks
        Consecutive pieces of one recording at one rate, as `otoscope.io.audio.stream_recording` yields them.
    max_segment_s
        Longest stretch, 1 s or more.

    Raises
    ------
    BadInput
        `max_segment_s` is below 1, or the blocks differ in rate.
    """
    if max_segment_s < 1:
        raise BadInput(f"max_segment_s must be 1 or more, got {max_segment_s}")
    n_before = 0
    for stretch in _stretches(blocks, max_segment_s):
        yield n_before / stretch.rate_hz, recognizer.trace(stretch, record=record)
        n_before += stretch.n_samples


def _stretches(blocks: Iterable[Recording], max_segment_s: float) -> Iterator[Recording]:
    waiting: Recording | None = None
    for block in blocks:
        if waiting is not None:
            if block.rate_hz != waiting.rate_hz:
                raise BadInput(f"the blocks differ in rate: {waiting.rate_hz} and {block.rate_hz} Hz")
            block = block.with_samples(np.concatenate([waiting.samples, block.samples]))
        n_most = int(max_segment_s * block.rate_hz)
        start = 0
        while block.n_samples - start > n_most:
            cut = start + _quietest(block.samples[start : start + n_most], block.rate_hz)
            yield block.with_samples(block.samples[start:cut])
            start = cut
        waiting = block.with_samples(block.samples[start:])
    if waiting is not None:
        yield waiting


def _quietest(samples: NDArray[np.float32], rate_hz: int) -> int:
    """Return the middle of the quietest stretch in the second half (the last of equals), in samples."""
    half = samples.size // 2
    width = max(1, int(_QUIET_S * rate_hz))
    energy = np.concatenate([[0.0], np.cumsum(samples[half:].astype(np.float64) ** 2)])
    sums = np.round(energy[width:] - energy[:-width], 12)
    return half + int(sums.size - 1 - np.argmin(sums[::-1])) + width // 2
