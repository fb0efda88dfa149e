"""How many words a listener heard in a second of speech, and how many winners there were."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from otoscope.core import BadInput, HeardWord, Percept


@dataclass(frozen=True)
class Rates:
    """Words of running speech: how many, how many of them were decided (before they had ended), in how many seconds.

    `speech_s` goes from the beginning of the first word to the end of the last, pauses included.
    """

    n_words: int
    n_decided: int
    n_early: int
    speech_s: float

    @property
    def words_per_s(self) -> float | None:
        """Words a second; `None` without speech."""
        return self.n_words / self.speech_s if self.speech_s > 0 else None

    @property
    def winners_per_s(self) -> float | None:
        """Words decided on in a second; `None` without speech."""
        return self.n_decided / self.speech_s if self.speech_s > 0 else None

    def as_json(self) -> dict[str, float | int | None]:
        """Return all of them by name."""
        rates = {"words_per_s": self.words_per_s, "winners_per_s": self.winners_per_s}
        return {**asdict(self), **{name: None if rate is None else round(rate, 3) for name, rate in rates.items()}}


def rates_of(percept: Percept) -> Rates:
    """Return the rates of what a listener heard."""
    return rates_of_words(percept.heard)


def rates_of_words(heard: Sequence[HeardWord]) -> Rates:
    """Return the rates of words, in any order."""
    times = [(word.decision_time_s, word.end_s) for word in heard if word.decision_time_s is not None]
    speech_s = max(w.end_s for w in heard) - min(w.start_s for w in heard) if heard else 0.0
    return Rates(len(heard), len(times), sum(decided < end for decided, end in times), round(speech_s, 6))


def rates_along(
    heard: Sequence[HeardWord], duration_s: float, *, every_s: float = 5.0
) -> tuple[tuple[float, float, float], ...]:
    """Return words and winners a second along a recording: middle of each stretch, both rates in it.

    Parameters
    ----------
    heard
        Words; one counts where it begins, a winner where it was decided.
    duration_s
        How long the recording is.
    every_s
        How long stretches are; the last is shorter, one of less than half a stretch is left out.

    Raises
    ------
    BadInput
        The recording, or a stretch, has no length.
    """
    if not (duration_s > 0 and every_s > 0):
        raise BadInput(f"duration_s and every_s must be above 0, got {duration_s:g} and {every_s:g}")
    found = []
    for k in range(max(1, math.floor(duration_s / every_s + 0.5))):
        first, behind = k * every_s, min((k + 1) * every_s, duration_s)
        decided = [word.decision_time_s for word in heard if word.decision_time_s is not None]
        said = sum(first <= word.start_s < behind for word in heard)
        won = sum(first <= time_s < behind or time_s == behind == duration_s for time_s in decided)
        found.append(((first + behind) / 2, said / (behind - first), won / (behind - first)))
    return tuple(found)
