"""The verbs that every recogniser family shares: transcribe, align, and transcribe what is too long for one go."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from otoscope.core import Aligning, Alignment, BadInput, DoesNotFit, NotAble, Recognizer, Recording, Tier, Trace
from otoscope.lexicon.normalization import normalize_words
from otoscope.signal.levels import at_level
from otoscope.signal.vad import speech_probability

LEAST_SPEECH = 0.5
"""Mean probability of speech (silero-vad) that the words of an aligned text must lie on: more likely than not.

With pocketsphinx, true texts had 0.56 or more in 142 recordings (the sample, espeak, read sentences also at 0 dB SNR,
learners, single words and digits). Four texts on 44 everyday noises (esc10 train) passed its own test 109 times: 107
of them had less than 0.5; the two others lay on one sneeze. Of 33 pairs with esc10 test clips, looked at once, none
passed both. It says that somebody speaks there, not what."""
_SPEECH_LEVEL_DB = -22.0
_SPEECH_MARGIN_S = 0.3
_STEP_S = 0.01
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
        The text has no words, words the recogniser does not know, or is not what the recording says; or nobody
        speaks where its words would lie (`LEAST_SPEECH`).
    """
    if not isinstance(recognizer, Aligning):
        raise NotAble(f"recogniser {recognizer.name!r} cannot align a known text; 'otoscope-en' can")
    words = normalize_words(text)
    if not words:
        raise DoesNotFit(f"the text {text!r} holds no words to align")
    alignment = recognizer.align(recording, " ".join(words))
    if (speech := _speech_at(alignment.words, recording)) < LEAST_SPEECH:
        raise DoesNotFit(
            f"nobody seems to speak where the words would lie: the probability of speech there is {speech:.2f}, where "
            f"{LEAST_SPEECH} is needed; check that text and recording belong together"
        )
    return alignment


def _speech_at(words: Tier, recording: Recording) -> float:
    """Return the mean probability of speech over the words' time, looked up every 10 ms; 1 where there are no words.

    The recording is first brought to -22 dB, with 0.3 s of silence around it: without these, 7 % of single digits
    (fsdd train and valid) never reach 0.5 anywhere, with them all do.
    """
    if not words.intervals:
        return 1.0
    if not recording.samples.any():
        return 0.0
    margin = np.zeros(round(_SPEECH_MARGIN_S * recording.rate_hz), np.float32)
    samples = np.concatenate([margin, at_level(recording, _SPEECH_LEVEL_DB).samples.clip(-1, 1), margin])
    track = speech_probability(recording.with_samples(samples))
    times_s = np.concatenate([np.arange(word.start_s, word.end_s, _STEP_S) for word in words.intervals])
    return float(np.interp(times_s, track.grid.times_s() - _SPEECH_MARGIN_S, track.values[:, 0]).mean())


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
