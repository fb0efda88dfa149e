"""The measure of fit to human looks, on cases worked by hand."""

from __future__ import annotations

import numpy as np
import pytest

from otoscope.core import BadInput
from otoscope.metrics.visual_world import ROLES, at_each_ms, cross, curve_fit


def curves(**given):
    return {role: np.asarray(given.get(role, [0.0, 0.0])) for role in ROLES}


def test_cross_is_gone_for_good_after_its_first_zero():
    assert cross([0.0, 0.5, 1.0, 0.5]).tolist() == [1.0, 0.5, 0.0, 0.0]
    assert cross([0.0, 0.2, 0.8]) == pytest.approx([0.8, 0.55, 0.0])
    assert cross([0.0, 0.0]).tolist() == [0.0, 0.0]


def test_a_known_case():
    human = curves(target=[0.0, 1.0])
    model = curves(target=[0.0, 1.0], unrelated=[0.1, 0.1])
    # S of the model is 0.1 + t, at most 1.1: cross = 1.1 - (0.1 + t) / 1.1; of people 1 - t
    t = np.arange(1001) / 1000
    ours = 1.1 - (0.1 + t) / 1.1
    assert at_each_ms([0, 1], model)["cross"] == pytest.approx(ours)
    squares = [0 * t, 0 * t, 0 * t, 0.01 + 0 * t, (ours - (1 - t)) ** 2]
    found = curve_fit([0, 1], model, [0, 1], human)
    assert found.rmse == pytest.approx(np.sqrt(np.mean(squares)))
    assert found.by_curve["unrelated"] == pytest.approx(0.1)
    pooled = [np.concatenate([t, 0 * t, 0 * t, u + 0 * t, c]) for u, c in ((0.1, ours), (0, 1 - t))]
    assert found.r == pytest.approx(np.corrcoef(*pooled)[0, 1])


def test_people_against_themselves_and_times_of_any_step():
    human = curves(target=[0.0, 1.0], cohort=[0.2, 0.0])
    fine = {role: np.interp(np.linspace(0, 1, 31), [0, 1], values) for role, values in human.items()}
    found = curve_fit(np.linspace(0, 1, 31), fine, [0, 1], human)
    assert found.rmse == pytest.approx(0, abs=1e-12)
    assert found.r == pytest.approx(1)


def test_what_is_missing_is_named():
    with pytest.raises(BadInput, match="rhyme is missing"):
        at_each_ms([0, 1], {role: [0, 0] for role in ROLES if role != "rhyme"})
    with pytest.raises(BadInput, match="must rise"):
        at_each_ms([1, 0], curves())
