"""Measures of lexical decisions, each with a bootstrap interval over items, beside what people and DIANA have."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from otoscope.metrics.detection import d_prime as told_apart

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
N_RESAMPLES = 2000


@dataclass(frozen=True, eq=False)
class Answers:
    """What was answered to each item, `(n_items,)` each.

    Parameters
    ----------
    is_word, said_word
        What it is, and what the listener said.
    rt_s, after_s
        Time from the onset to the answer, and from the offset to the decision (negative: before it).
    duration_s, n_phones, zipf
        Of the item; Zipf frequency NaN for pseudowords.
    right_word
        Whether the word identified was the word said.
    """

    is_word: Flags
    said_word: Flags
    rt_s: Floats
    after_s: Floats
    duration_s: Floats
    n_phones: Floats
    zipf: Floats
    right_word: Flags

    @property
    def correct(self) -> Flags:
        """Whether each was answered rightly."""
        return self.is_word == self.said_word

    def taken(self, items: NDArray[np.int64]) -> Answers:
        """Return the answers to some items."""
        return Answers(*(getattr(self, one.name)[items] for one in fields(self)))

    def later_s(self) -> float:
        """Return how much later pseudowords are refused than words accepted; right answers only."""
        return _mean(self.rt_s[self.correct & ~self.is_word]) - _mean(self.rt_s[self.correct & self.is_word])


@dataclass(frozen=True)
class Measure:
    """A figure of answers: name, unit, how it is found, what people and DIANA have, and what is expected of it."""

    name: str
    unit: str
    of: Callable[[Answers], float]
    people: float | None = None
    diana: float | None = None
    above: float | None = None
    below: float | None = None

    @property
    def expected(self) -> str | None:
        """What is expected, in words."""
        if self.above is not None:
            return f"above {self.above:g}"
        return None if self.below is None else f"below {self.below:g}"

    def met(self, value: float) -> bool | None:
        """Return whether a value is as expected; `None` where nothing is."""
        if self.expected is None:
            return None
        return value > self.above if self.above is not None else value < (self.below or 0.0)


def d_prime(answers: Answers) -> float:
    """Return d' of words among pseudowords."""
    words, said = answers.is_word, answers.said_word
    counts = (words & said).sum(), words.sum(), (~words & said).sum(), (~words).sum()
    return told_apart(*(int(count) for count in counts))


def measure_rows(answers: Answers, seed: int) -> list[dict[str, Any]]:
    """Return a row a measure; words and pseudowords are resampled apart."""
    rng = np.random.default_rng(seed)
    kinds = [np.flatnonzero(answers.is_word), np.flatnonzero(~answers.is_word)]
    samples = [
        answers.taken(np.concatenate([rng.choice(kind, kind.size) for kind in kinds])) for _ in range(N_RESAMPLES)
    ]
    rows = []
    for measure in MEASURES:
        value = measure.of(answers)
        low, high = np.nanquantile([measure.of(sample) for sample in samples], [0.025, 0.975])
        rows.append(
            {
                "measure": measure.name,
                "unit": measure.unit,
                "value": value,
                "low": float(low),
                "high": float(high),
                "people": measure.people,
                "diana": measure.diana,
                "expected": measure.expected,
                "met": measure.met(value),
            }
        )
    return rows


def _mean(values: Floats) -> float:
    return float(values.mean()) if values.size else float("nan")


def _accuracy(words: bool) -> Callable[[Answers], float]:
    return lambda answers: _mean(answers.correct[answers.is_word == words].astype(np.float64))


def _time(words: bool) -> Callable[[Answers], float]:
    return lambda answers: _mean(answers.rt_s[answers.correct & (answers.is_word == words)])


def _slope(answers: Answers) -> float:
    own = answers.correct & answers.is_word
    x, y = answers.zipf[own], answers.rt_s[own]
    spread = float(x.var()) if x.size else 0.0
    return float(((x - x.mean()) * (y - y.mean())).mean() / spread) if spread > 0 else float("nan")


def _r(of: str, what: str, words: bool) -> Callable[[Answers], float]:
    def found(answers: Answers) -> float:
        own = answers.correct & (answers.is_word == words)
        x, y = getattr(answers, of)[own], getattr(answers, what)[own]
        if x.size < 3 or np.ptp(x) == 0 or np.ptp(y) == 0:
            return float("nan")
        return float(np.corrcoef(x, y)[0, 1])

    return found


def _accuracy_by_frequency(third: int) -> Callable[[Answers], float]:
    def found(answers: Answers) -> float:
        zipf, correct = answers.zipf[answers.is_word], answers.correct[answers.is_word]
        part = np.array_split(np.argsort(zipf, kind="stable"), 3)[third]
        return _mean(correct[part].astype(np.float64))

    return found


MEASURES = (
    Measure("d prime", "", d_prime, 2.38, 1.88, above=1.88),
    Measure("accuracy, words", "share", _accuracy(True), 0.890, 0.88),
    Measure("accuracy, nonwords", "share", _accuracy(False), 0.876, 0.76),
    Measure("accuracy, rarest third", "share", _accuracy_by_frequency(0)),
    Measure("accuracy, commonest third", "share", _accuracy_by_frequency(2)),
    Measure(
        "right word identified", "share", lambda answers: _mean(answers.right_word[answers.is_word].astype(np.float64))
    ),
    Measure("time, words", "s", _time(True), 0.942),
    Measure("time, nonwords", "s", _time(False), 1.057),
    Measure("nonwords later", "s", Answers.later_s, 0.115, above=0.0),
    Measure("slope of frequency", "s per log10", _slope, -0.068, below=0.0),
    Measure("after offset × duration, words", "r", _r("after_s", "duration_s", True), below=0.0),
    Measure("after offset × duration, nonwords", "r", _r("after_s", "duration_s", False), below=0.0),
    Measure("after offset × phones, words", "r", _r("after_s", "n_phones", True), below=0.0),
    Measure("time × duration, words", "r", _r("rt_s", "duration_s", True), above=0.0),
    Measure("time × phones, words", "r", _r("rt_s", "n_phones", True), 0.23, above=0.0),
)
"""People: accuracies, times, slope and r with phones of MALD's 5,000 trials; DIANA: accuracies. Times of all studies
are from the onset; only signs are known of what goes on after the offset (people: negative, DIANA: positive)."""
