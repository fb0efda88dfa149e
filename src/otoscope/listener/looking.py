"""One trial of the visual world: from what was heard of a word to looks at the pictures that are shown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from otoscope.core import BadInput, UnknownName
from otoscope.lexicon.pronunciations import Phones
from otoscope.listener.choosing import (
    UPTAKE_S,
    certainty,
    choice,
    choose,
    looks_by_fixations,
    looks_by_saccades,
    looks_by_strength,
    taken_in,
)
from otoscope.listener.deciding import Decision, DecisionRule
from otoscope.listener.evidence import Evidence
from otoscope.listener.mishearing import MISHEARD, activations_misheard

Floats = NDArray[np.float64]
Eyes = Literal["follow", "fixations", "random"]
RATE_HZ = 4.0
"""Eye movements a second where they come at random, the upper end of the literature's three to four."""
STEP_S = 0.01


@dataclass(frozen=True)
class Link:
    """From what was heard to looks.

    Parameters
    ----------
    scale
        κ of Luce's choice.
    misheard
        How often a phone is misheard.
    uptake_s
        Time constant of taking in what is heard; 0: at once.
    rule
        When a picture is decided on; `None`: never.
    eyes
        `follow` the choice of 200 ms before (Allopenna et al. 1998); stay for `fixations`; or move at `random` moments.
    confusions
        How often a phone is taken for another, by pair, in place of one rate for all.

    Raises
    ------
    UnknownName
        Eyes move in no other way.
    """

    scale: float
    misheard: float = MISHEARD
    uptake_s: float = UPTAKE_S
    rule: DecisionRule | None = None
    eyes: Eyes = "follow"
    confusions: Mapping[tuple[str, str], float] | None = None

    def __post_init__(self) -> None:
        if self.eyes not in get_args(Eyes):
            raise UnknownName("eyes", self.eyes, get_args(Eyes))


def trial_looks(
    evidence: Evidence,
    forms: Sequence[Phones],
    prior: ArrayLike,
    link: Link,
    *,
    onset_s: float,
    offset_s: float,
    until_s: float,
) -> tuple[Floats, Floats, Decision | None]:
    """Return times from word onset `(n,)`, shares of looks `(n, n_forms)`, and the decision among what is shown.

    Parameters
    ----------
    evidence
        What was heard.
    forms, prior
        How each alternative is said, and λ log P of each, `(n_forms,)`.
    link
        See there. Nothing drives the eyes before the onset of the word.
    onset_s, offset_s
        Where the word lies, in the evidence's time.
    until_s
        From word onset; behind the last frame its state of affairs holds.

    Raises
    ------
    BadInput
        There are less than two forms, not a finite prior for each, or no end.
    """
    before = np.asarray(prior, dtype=np.float64)
    if before.shape != (len(forms),):
        raise BadInput(f"{len(forms)} forms need a prior each, got {before.shape}")
    if not np.isfinite(until_s):
        raise BadInput(f"until_s must be finite, got {until_s:g}")
    times = evidence.grid.times_s() - onset_s
    activations = before + activations_misheard(
        evidence, forms, rate=link.misheard, acoustic_scale=link.scale, offset_s=offset_s, confusions=link.confusions
    )
    n_after = max(0, round((until_s + 0.2 - times[-1]) / STEP_S))
    times = np.r_[times, times[-1] + STEP_S * np.arange(1, n_after + 1)]
    activations = taken_in(np.pad(activations, ((0, n_after), (0, 0)), mode="edge"), times, constant_s=link.uptake_s)
    shares = choice(activations, scale=link.scale)
    strengths = np.where(times < 0, 0.0, certainty(shares))
    made = None
    if link.rule is not None:
        made = choose(activations, times, link.rule, scale=link.scale, offset_s=offset_s - onset_s)
        if made.form is not None and made.time_s is not None:
            after = times >= made.time_s
            shares[after], strengths[after] = np.eye(len(forms))[made.form], 1.0
    return times, _seen(shares, strengths, times, link.eyes), made


def _seen(shares: Floats, strengths: Floats, times: Floats, eyes: Eyes) -> Floats:
    if eyes == "follow":
        return looks_by_strength(shares, times, strengths)
    if eyes == "fixations":
        return looks_by_fixations(shares * strengths[:, None], times)
    return looks_by_saccades(shares, times, rate_hz=RATE_HZ, strengths=strengths)
