"""Where a text was misheard: neighbouring word errors as one passage, with its stretch of sound."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from otoscope.core import Interval, Trace
from otoscope.decoding.edit_distance import EditOperation, align_words
from otoscope.lexicon.normalization import normalize_words


@dataclass(frozen=True)
class Passage:
    """Neighbouring words that were heard otherwise than they were said.

    Parameters
    ----------
    said, heard
        The words of the reference and of the hypothesis; either may be empty.
    reference_start, heard_start
        Place of the first word in the reference and in the hypothesis (where it would stand, if there is none).
    start_s, end_s
        The stretch of sound: from the first to the last word heard, or between its neighbours where none was.
    """

    said: tuple[str, ...]
    heard: tuple[str, ...]
    reference_start: int
    heard_start: int
    start_s: float
    end_s: float

    @property
    def n_errors(self) -> int:
        """How many word errors it counts for."""
        return max(len(self.said), len(self.heard))

    @property
    def kind(self) -> str:
        """`substitution`, `deletion` or `insertion`."""
        return "substitution" if self.said and self.heard else "deletion" if self.said else "insertion"

    def corrected(self, heard: Sequence[str]) -> str:
        """Return the whole text heard, with this passage as it was said."""
        stop = self.heard_start + len(self.heard)
        return " ".join([*heard[: self.heard_start], *self.said, *heard[stop:]])


def misheard(reference: str, trace: Trace) -> tuple[Passage, ...]:
    """Return the passages where what was heard differs from a reference, in order.

    Examples
    --------
    >>> import numpy as np
    >>> from otoscope.core import Alignment, Hypothesis, Provenance, Recording, Tier
    >>> words = Tier("words", (Interval(0, 0.4, "as"), Interval(0.5, 0.9, "not")))
    >>> sound = Recording(np.ones(16000), 16000)
    >>> trace = Trace(sound, (Hypothesis(("as", "not")),), Provenance("toy", "1"), {"alignment": Alignment(words)})
    >>> [(p.said, p.heard, p.start_s, p.end_s) for p in misheard("ask not now", trace)]
    [(('ask',), ('as',), 0.0, 0.4), (('now',), (), 0.9, 1.0)]
    """
    said = normalize_words(reference)
    spoken = [(word, interval) for interval in trace.words for word in normalize_words(interval.label)]
    heard, intervals = tuple(word for word, _ in spoken), [interval for _, interval in spoken]
    steps = align_words(said, heard).operations
    found, position = [], {"said": 0, "heard": 0}
    for is_match, group in groupby(steps, key=lambda step: step.kind == "match"):
        own = list(group)
        n_said, n_heard = _count(own, "reference_index"), _count(own, "hypothesis_index")
        first, at = position["said"], position["heard"]
        if not is_match:
            start_s, end_s = _stretch(intervals, at, n_heard, trace.recording.duration_s)
            words = said[first : first + n_said], heard[at : at + n_heard]
            found.append(Passage(*words, first, at, start_s, end_s))
        position = {"said": first + n_said, "heard": at + n_heard}
    return tuple(found)


def _count(steps: Sequence[EditOperation], side: str) -> int:
    return sum(getattr(step, side) is not None for step in steps)


def _stretch(intervals: Sequence[Interval], first: int, n: int, duration_s: float) -> tuple[float, float]:
    if n:
        return intervals[first].start_s, intervals[first + n - 1].end_s
    before = intervals[first - 1].end_s if first else 0.0
    after = intervals[first].start_s if first < len(intervals) else duration_s
    return before, max(before, after)
