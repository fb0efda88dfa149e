"""Looks of the visual world: what is heard shows in the looks, later, and the measure is that of the human curves."""

from __future__ import annotations

import numpy as np
import pytest

from otoscope.lexicon.mental_lexicon import MentalLexicon
from otoscope.listener.listening import WordListener
from otoscope.listener.stimuli.sets.displays import ALLOPENNA_1998
from otoscope.studies import study
from otoscope.studies.visual_world import TIMES_S, heard, looks, run

pytest.importorskip("espeakng_loader", reason="speech is synthesised with the extra synth")


def trial(onset_s: float = 0.3) -> tuple[np.ndarray, np.ndarray]:
    """Return activations in which the target is ahead from a time on."""
    times = np.arange(-0.1, 0.8, 0.01)
    activations = np.zeros((times.size, 4))
    activations[times >= onset_s, 0] = 60.0
    return times, activations


def test_looks_go_to_the_target_200_ms_after_it_is_ahead():
    seen = looks([trial()], scale=0.15, rate_hz=4.0)
    assert seen.curves["target"][TIMES_S < 0.48].max() == pytest.approx(0, abs=1e-6)
    assert seen.curves["target"][-1] > 0.8
    assert seen.curves["rhyme"].max() < 0.01


def test_a_higher_rate_looks_sooner():
    slow, fast = (looks([trial()], scale=0.15, rate_hz=rate).curves["target"] for rate in (3.0, 6.0))
    assert (fast >= slow).all()
    assert fast[70] > slow[70] + 0.1


@pytest.fixture(scope="module")
def small():
    words = {word for display in ALLOPENNA_1998 for word in display.words}
    return WordListener(MentalLexicon.english().only(sorted(words)))


def test_a_named_picture_is_ahead_in_the_end(small):
    times, activations = heard(small, "gmw/en-US+f3", ALLOPENNA_1998[0])
    assert activations[-1].argmax() == 0
    early = (times > 0.05) & (times < 0.15)
    assert activations[early, 1].mean() > activations[early, 3].mean() + 1, "the cohort is awake, the unrelated not"


def test_the_study_stands_beside_people(shared_data, small):
    result = run(shared_data, n_voices=1, displays=ALLOPENNA_1998[:2], listener=small)
    ours, fitted = result.table[0], result.table[1]
    assert fitted["rmse"] <= ours["rmse"] < 0.2
    assert ours["r"] > 0.8
    assert next(panel.title for panel in result.panels) == "People"
    assert "0.080" in result.summary


def test_it_is_listed():
    with pytest.raises(Exception, match="data"):
        study("visual-world")
