"""From a window's text to words in time: attention of the chosen heads while the text is followed once more."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from otoscope.core import Alignment, DoesNotFit, Interval, Recording, Tier
from otoscope.recognizers.whisper.following import Followed
from otoscope.recognizers.whisper.heads import HeadChoice
from otoscope.recognizers.whisper.sound import sound_odds
from otoscope.recognizers.whisper.times import StatesPlan, TimesBy, WordTimes, word_times
from otoscope.recognizers.whisper.tokens import Word


@dataclass(frozen=True)
class Written:
    """A text that was written behind what the decoder was given.

    Parameters
    ----------
    words
        With the rows of their tokens among the tokens written.
    log_probs
        Of each token written, nats.
    n_given
        Tokens before the first that was written.
    """

    words: tuple[Word, ...]
    log_probs: tuple[float, ...]
    n_given: int


def placed(
    recording: Recording, written: Written, followed: Followed, heads: HeadChoice, *, by: TimesBy, strict: bool = False
) -> Alignment:
    """Return where the words of one window lie.

    Text confidence is the probability of the word's tokens given those before; time confidence that of `times`.

    Parameters
    ----------
    recording
        What is in the window.
    strict
        Whether a text of more tokens than the sound has room for is an error; else its words are put where plain
        warping of attention puts them.

    Raises
    ------
    DoesNotFit
        The text has more tokens than the sound has room for (`strict`).
    """
    if not written.words:
        return Alignment(Tier("words"))
    n_rows = max(word.rows.stop for word in written.words) + 1
    first = written.n_given - 1
    weights = np.stack([followed.looked[layer][head].numpy() for layer, head in heads.heads])[:, first : first + n_rows]
    found = _timed(recording, weights, written.words, StatesPlan(lead_s=heads.lead_s), by, strict)
    likely = tuple(
        min(1.0, math.exp(math.fsum(written.log_probs[word.spoken.start : word.spoken.stop]))) for word in written.words
    )
    return Alignment(found.words, text_confidence=likely, time_confidence=found.confidence)


def _timed(
    recording: Recording,
    weights: NDArray[np.float32],
    words: Sequence[Word],
    plan: StatesPlan,
    by: TimesBy,
    strict: bool,
) -> WordTimes:
    rows = [(word.text, word.spoken) for word in words]
    duration_s = recording.duration_s
    if by == "dtw":
        return word_times(weights, rows, duration_s=duration_s, by="dtw")
    try:
        return word_times(weights, rows, duration_s=duration_s, sound=sound_odds(recording), plan=plan)
    except DoesNotFit:
        if strict:
            raise
        return word_times(weights, rows, duration_s=duration_s, by="dtw")


def joined(pieces: Sequence[tuple[float, Alignment]]) -> Alignment:
    """Return the words of windows that begin at these times as words of the whole; none overlaps the one before.

    Where an engine tells no confidence of the times there is none.
    """
    words: list[Interval] = []
    for start_s, alignment in pieces:
        for word in alignment.words:
            start = max(word.start_s + start_s, words[-1].end_s if words else 0.0)
            words.append(dataclasses.replace(word, start_s=start, end_s=max(start, word.end_s + start_s)))
    text = [share for _, each in pieces for share in each.text_confidence or ()]
    time = [share for _, each in pieces for share in each.time_confidence or ()]
    known = tuple(time) if len(time) == len(words) else None
    return Alignment(Tier("words", tuple(words)), text_confidence=tuple(text), time_confidence=known)
