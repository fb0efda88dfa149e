"""The study of effects: rows and intervals as said, and refusals."""

import threading

import numpy as np
import pytest

from otoscope.core import BadInput
from otoscope.lexicon.mental_lexicon import MentalLexicon
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


def test_effects_measured_at_once_keep_their_order(monkeypatch):
    second_is_done = threading.Event()

    def first(lab):
        assert second_is_done.wait(20)
        return [effect_row("first", "m", "p", (lab.n_items, 0.1, 0.3), n_items=3)]

    def second(lab):
        second_is_done.set()
        return [effect_row("second", "m", "p", (-0.2, -0.3, -0.1), n_items=3)]

    monkeypatch.setattr(listener_effects, "EFFECTS", (first, second))
    told = []
    found = listener_effects.run(
        scale=0.5, lexicon=MentalLexicon.english(500), n_workers=2, progress=lambda *at: told.append(at)
    )
    assert [row["effect"] for row in found.table] == ["first", "second"]
    assert found.table[0]["value"] == 36
    assert told == [(1, 2), (2, 2)]
    assert found.summary == "1 of 2 effects hold. Not shown (interval reaches 0 or below): second."
    picture = found.panels[0].data
    assert list(picture["labels"]) == ["first", "second"]
    assert picture["values"] == pytest.approx([6.0, -2.0])  # cut off; 0.2 of 0.1
    assert picture["low"][1] == pytest.approx(-3.0)


def test_an_effect_that_cannot_be_measured_ends_the_study(monkeypatch):
    def broken(lab):
        raise BadInput("the lexicon has too few words")

    monkeypatch.setattr(listener_effects, "EFFECTS", (broken,))
    with pytest.raises(BadInput, match="too few"):
        listener_effects.run(lexicon=MentalLexicon.english(500))
