"""A word can break on two sides of how it was spoken: too slow and too fast, too low and too high."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from otoscope.explainers.response.dimensions import Dimension
from otoscope.explainers.response.trials import Trials
from otoscope.metrics.psychometric import Form, PsychometricFit, fit_psychometric


@dataclass(frozen=True)
class Side:
    """One side and the function fitted there, on the axis on which the dimension's steps are even.

    `name` is `all`, or `below` or `above` the level that changes nothing.
    """

    name: str
    axis: Dimension
    levels: tuple[float, ...]
    fit: PsychometricFit

    def level(self, place: float | None) -> float | None:
        """Return a place on the axis as a level."""
        return None if place is None else self.axis.unscaled(place)


def fitted_sides(
    axis: Dimension, trials: Trials, column: int, *, form: Form, guess: float, seed: int
) -> tuple[Side, ...]:
    """Return the fit of a target, or two: below and above the reference where levels lie on both sides of it."""
    levels = np.array(trials.levels)
    rises = [("all", np.ones(levels.size, dtype=bool), axis.rising)]
    if axis.reference is not None:
        below, above = levels <= axis.reference, levels >= axis.reference
        halves = [("below", below, True), ("above", above, False)]
        rises = [half for half in halves if half[1].sum() >= 2] or rises
    found = []
    for name, chosen, rising in rises:
        counts = trials.recognized[chosen, :, column]
        fit = fit_psychometric(
            axis.scaled(levels[chosen]), counts.sum(1), np.full(len(counts), counts.shape[1]), form=form,
            rising=rising, guess=guess, seed=seed,
        )  # fmt: skip
        found.append(Side(name, axis, tuple(float(level) for level in levels[chosen]), fit))
    return tuple(found)
