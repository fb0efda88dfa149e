"""When is one word far enough ahead? Races of activations go in; a decision, its time and its confidence come out.

The rules work on any activations over time: log-probabilities of the listener, or those of TRACE, TISK and EARSHOT.
"DIANA-type" means the rule of ten Bosch, Boves and Ernestus (2015, 2022) as far as it is published: the leader must be
ahead of the runner-up by a threshold; if that has not come about when the sound ends, more time goes by, the more the
more candidates are left. None of the numbers below is theirs: those could not be read.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from otoscope.core import BadInput
from otoscope.listener.races import Race

Floats = NDArray[np.float64]
How = Literal["lead", "urgency", "hick-hyman", "never"]


@dataclass(frozen=True)
class Criterion:
    """What a leader must fulfil: a lead over the runner-up, a level of its own, or both, for some frames on end.

    Parameters
    ----------
    lead
        θ: least lead over the best rival, in units of the activations; 0 asks only that there is a single leader.
    level
        Least activation of the leader.
    hold_frames
        How many frames on end the same leader must fulfil it.
    timed
        A decision is timed at the `end` of these frames, as a listener can know it only then, or at their `start`.

    Raises
    ------
    BadInput
        Neither lead nor level is given, or a number cannot be.
    """

    lead: float | None = None
    level: float | None = None
    hold_frames: int = 1
    timed: Literal["start", "end"] = "end"

    def __post_init__(self) -> None:
        if self.lead is None and self.level is None:
            raise BadInput("a criterion needs a lead, a level or both")
        if (self.lead is not None and self.lead < 0) or self.hold_frames < 1:
            raise BadInput(f"lead must be 0 or more and hold_frames 1 or more, got {self.lead}, {self.hold_frames}")
        if self.timed not in ("start", "end"):
            raise BadInput(f"timed must be start or end, got {self.timed!r}")


TISK: Mapping[str, Criterion] = MappingProxyType(
    {
        "absolute": Criterion(level=0.75),
        "relative": Criterion(lead=0.05),
        "time-dependent": Criterion(lead=0.0, hold_frames=10),
    }
)
"""The three criteria of TISK (You and Magnuson 2018); its cycles are the frames."""
EARSHOT: Mapping[str, Criterion] = MappingProxyType(
    {
        "absolute": Criterion(level=0.7),
        "relative": Criterion(lead=0.05),
        "time-dependent": Criterion(lead=0.05, hold_frames=10),
    }
)
"""The three criteria of EARSHOT (Magnuson et al. 2020); its 10 ms steps are the frames."""


@dataclass(frozen=True)
class HickHyman:
    """Time to choose among what is left when the sound has ended (Hick 1952, Hyman 1953).

    Parameters
    ----------
    beta_s
        β: seconds a bit.
    counted
        Bits are log2 of the number of words within `margin` of the leader, instead of the entropy of posteriors.
    margin
        For counting words and pseudowords, in units of activations.
    beta_pseudo_s
        Seconds for each log2(1 + number of pseudowords that could be meant: `otoscope.listener.strings_left`).
    """

    beta_s: float
    counted: bool = False
    margin: float = 0.0
    beta_pseudo_s: float = 0.0

    def __post_init__(self) -> None:
        if min(self.beta_s, self.beta_pseudo_s, self.margin) < 0:
            raise BadInput("beta_s, beta_pseudo_s and margin must be 0 or more")

    def seconds(self, race: Race, frame: int, *, n_pseudowords: int = 0) -> float:
        """Return how long choosing takes after what stands at a frame."""
        bits = float(np.log2(race.n_within(frame, self.margin))) if self.counted else float(race.entropies()[frame])
        return self.beta_s * bits + self.beta_pseudo_s * float(np.log2(1 + n_pseudowords))


@dataclass(frozen=True)
class DecisionRule:
    """A criterion while the word lasts, and what comes after its end.

    Parameters
    ----------
    criterion
        What the leader must fulfil.
    choosing
        Hick and Hyman's time after the offset; `None`: none, only the criterion counts.
    urgency_s
        After the offset the threshold of the lead falls evenly and is 0 so many seconds later; `None`: it stays.
    """

    criterion: Criterion
    choosing: HickHyman | None = None
    urgency_s: float | None = None

    def __post_init__(self) -> None:
        if self.urgency_s is not None and not self.urgency_s > 0:
            raise BadInput(f"urgency_s must be above 0, got {self.urgency_s}")
        if self.urgency_s is not None and not self.criterion.lead:
            raise BadInput("urgency lowers the threshold of a lead; the criterion has none above 0")

    def bound(self, times_s: Floats, offset_s: float | None) -> Floats:
        """Return the lead that is asked for at each time, θ(t)."""
        theta = np.full(times_s.shape, self.criterion.lead or 0.0)
        if self.urgency_s is None or offset_s is None:
            return theta
        return np.asarray(theta * np.clip(1 - (times_s - offset_s) / self.urgency_s, 0, 1))


@dataclass(frozen=True)
class Decision:
    """What was decided.

    Parameters
    ----------
    form
        The candidate that won, `None` where there was no decision.
    time_s
        When, on the time axis of the race; `None` where never.
    how
        `lead`: the criterion was met; `urgency`: the fallen threshold was; `hick-hyman`: by choice among what was left
        after the offset; `never`.
    confidence
        Posterior of the winner at the decision (of its frame); `None` where the race has no posteriors.
    lead
        Its lead then; of the last frame's leader where there was no decision.
    frame
        The frame whose state of affairs was decided on.
    """

    form: int | None
    time_s: float | None
    how: How
    confidence: float | None
    lead: float
    frame: int | None

    def after_s(self, offset_s: float) -> float | None:
        """Return the time from an offset to the decision, negative before it."""
        return None if self.time_s is None else self.time_s - offset_s


def crossing(race: Race, criterion: Criterion, *, bound: Floats | None = None) -> tuple[int, int] | None:
    """Return the first and the last frame of the first stretch that fulfils a criterion, `None` where none does.

    Parameters
    ----------
    race
        Who leads, and by how much.
    criterion
        What is asked for.
    bound
        `(n_frames,)` the lead asked for at each frame, instead of the criterion's.
    """
    fulfilled = np.ones(race.n_frames, dtype=bool)
    if criterion.level is not None:
        fulfilled &= race.tops >= criterion.level
    if criterion.lead is not None:
        fulfilled &= (race.leads >= (criterion.lead if bound is None else bound)) & (race.leads > 0)
    length = 0
    for frame in np.flatnonzero(fulfilled):
        goes_on = length and fulfilled[frame - 1] and race.leaders[frame] == race.leaders[frame - 1]
        length = length + 1 if goes_on else 1
        if length == criterion.hold_frames:
            return int(frame) - length + 1, int(frame)
    return None


def decide(race: Race, rule: DecisionRule, *, offset_s: float | None = None, n_pseudowords: int = 0) -> Decision:
    """Return the first decision that a rule comes to.

    Parameters
    ----------
    race
        Who leads, and by how much; the state of affairs at the offset is that of the first frame at or after it (the
        final-state rule holds there), else of the last frame.
    rule
        Criterion, and what comes after the offset.
    offset_s
        Where the speech ends on the race's time axis; without, only the criterion counts.
    n_pseudowords
        How many strings of phones that are no words could be meant, for the rule's pseudoword term.
    """
    if race.n_frames == 0:
        return Decision(None, None, "never", None, 0.0, None)
    found = _by_lead(race, rule, offset_s)
    if offset_s is None:
        return found
    at = race.frame_from(offset_s)
    options = [found, _by_urgency(race, rule, offset_s)]
    if rule.choosing is not None:
        late_s = offset_s + rule.choosing.seconds(race, at, n_pseudowords=n_pseudowords)
        options.append(_decided(race, at, late_s, "hick-hyman"))
    made = [one for one in options if one.time_s is not None]
    return min(made, key=lambda one: (one.time_s, one.how != "lead")) if made else found


def _decided(race: Race, frame: int, time_s: float, how: How) -> Decision:
    confidence = None if race.confidence is None else float(race.confidence[frame])
    return Decision(int(race.leaders[frame]), float(time_s), how, confidence, float(race.leads[frame]), frame)


def _by_lead(race: Race, rule: DecisionRule, offset_s: float | None) -> Decision:
    stretch = crossing(race, rule.criterion, bound=rule.bound(race.times_s, offset_s))
    if stretch is None:
        return Decision(None, None, "never", None, float(race.leads[-1]), None)
    first, last = stretch
    at = last if rule.criterion.timed == "end" else first
    full = rule.criterion.lead is None or race.leads[first : last + 1].min() >= rule.criterion.lead
    return _decided(race, at, race.times_s[at], "lead" if full else "urgency")


def _by_urgency(race: Race, rule: DecisionRule, offset_s: float) -> Decision:
    """Return when the falling threshold meets the last lead, if that is beyond the last frame."""
    lead, theta = float(race.leads[-1]), rule.criterion.lead
    never = Decision(None, None, "never", None, lead, None)
    if rule.urgency_s is None or not theta or lead <= 0:
        return never
    if rule.criterion.level is not None and race.tops[-1] < rule.criterion.level:
        return never
    meets_s = offset_s + rule.urgency_s * (1 - lead / theta)
    return _decided(race, race.n_frames - 1, max(meets_s, float(race.times_s[-1])), "urgency")
