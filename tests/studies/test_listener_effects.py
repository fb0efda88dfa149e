"""The study of effects: rows and intervals as said, and refusals."""

import numpy as np
import pytest

from otoscope.core import BadInput
from otoscope.studies import listener_effects
from otoscope.studies.effects_laboratory import bootstrap, effect_row
from otoscope.studies.effects_words import _for_good


def test_interval_encloses_the_mean():
    sample = np.random.default_rng(3).normal(2.0, 1.0, 200)
    value, low, high = bootstrap(lambda s: float(s.mean()), sample)
    assert value == pytest.approx(sample.mean())
    assert low < value < high
    assert high - low == pytest.approx(2 * 1.96 * sample.std() / np.sqrt(200), rel=0.15)


def test_one_item_has_no_interval():
    with pytest.raises(BadInput, match="two items"):
        bootstrap(lambda s: float(s.mean()), np.array([1.0]))


@pytest.mark.parametrize(
    ("found", "direction", "holds"),
    [((0.2, 0.1, 0.3), True, True), ((0.2, -0.1, 0.3), True, False), ((-0.2, -0.3, -0.1), False, False)],
)
def test_an_effect_holds_where_its_interval_is_above_zero(found, direction, holds):
    row = effect_row("e", "m", "p", found, n_items=3)
    assert (row["direction"], row["holds"]) == (direction, holds)


@pytest.mark.parametrize(
    ("good", "place"), [([True, False, True, True], 2), ([True, True], 0), ([True, False], None), ([], None)]
)
def test_isolated_is_from_when_it_leads_for_good(good, place):
    assert _for_good(good) == place


def test_nothing_is_refused():
    with pytest.raises(BadInput, match="scale above 0"):
        listener_effects.run(scale=0)
