"""Effects of sounds that fit badly: rows find what was put in, and each effect runs on a few items of another voice."""

from __future__ import annotations

import math

import numpy as np
import pytest

from otoscope.lexicon.mental_lexicon import MentalLexicon
from otoscope.lexicon.pseudowords import PseudowordMaker
from otoscope.listener.ears.voices import VALIDATION
from otoscope.listener.evidence import saying_nothing
from otoscope.listener.listening import WordListener
from otoscope.listener.stimuli.sets.designs import mispronunciations
from otoscope.studies.effects_ambiguity import _restoration_rows, restoration
from otoscope.studies.effects_laboratory import Laboratory
from otoscope.studies.effects_mismatch import (
    _from_splice,
    _looks,
    _mismatch_rows,
    mispronunciation,
    nearest_and_farthest,
    subcategorical_mismatch,
)
from otoscope.studies.effects_pseudowords import duration_held, how_refused, pseudowords

STEPS = ("W1W1 less N3W1", "N3W1 less W2W1")


@pytest.fixture(scope="module")
def lab() -> Laboratory:
    pytest.importorskip("espeakng_loader", reason="speech is synthesised with the extra synth")
    return Laboratory(WordListener(MentalLexicon.english(25_000)), VALIDATION[:2], 3, 0)


def test_mismatches_are_contrasted_step_by_step(lab):
    odds = np.array([[5.0, 3.0, 2.0], [4.0, 2.0, 1.5], [6.0, 4.0, 2.5]])
    shares = np.array([[0.6, 0.5, 0.4], [0.6, 0.6, 0.3], [0.6, 0.4, 0.5]])
    latencies = np.array([[0.1, 0.2, 0.5], [0.2, math.nan, 0.6], [0.1, 0.3, 0.4], [0.0, 0.1, math.nan]])
    one_voice = [values[:, None, :] for values in (odds, latencies, shares)]
    rows = {row["effect"]: row for row in _mismatch_rows(lab, *one_voice)}
    values = [rows[f"subcategorical mismatch, {step}"]["value"] for step in STEPS]
    assert values == pytest.approx([2.0, 1.0])
    looks = [rows[f"subcategorical mismatch, rival shown, {step}"]["value"] for step in STEPS]
    assert looks == pytest.approx([0.1, 0.1])
    later = rows["subcategorical mismatch, time, N3W1 less W1W1"]
    assert later["value"] == pytest.approx((0.1 + 0.2 + 0.1) / 3)
    assert later["n_items"] == 3
    assert "W1W1 1.00, N3W1 0.75, W2W1 0.75" in later["note"]
    assert "less N3W1 +0.200 s" in later["note"]
    assert not any("inhibit" in row["note"] for row in rows.values())
    turned = {row["effect"]: row for row in _mismatch_rows(lab, one_voice[0][..., [0, 2, 1]], *one_voice[1:])}
    assert [name for name, row in turned.items() if "inhibit" in row["note"]] == [
        f"subcategorical mismatch, {STEPS[1]}"
    ]


def test_voices_that_did_not_say_a_triple_have_no_part(lab):
    odds = np.array([[[3.0, 1.0, 1.0], [np.nan] * 3], [[5.0, 1.0, 1.0], [9.0, 1.0, 1.0]], [[np.nan] * 3] * 2])
    first = _mismatch_rows(lab, odds, odds, odds)[0]
    assert first["value"] == pytest.approx((2 + 6) / 2)
    assert first["n_items"] == 2


def test_looks_at_a_word_beside_its_rival(lab):
    item = lab.word("captain", 0)
    kitchen, table, garden = (lab.word(word, 0).phones for word in ("kitchen", "table", "garden"))
    named = _looks(lab, item, (item.phones, kitchen, table, garden))
    other = _looks(lab, item, (kitchen, item.phones, table, garden))
    assert named > 0.4
    assert other < 0.1


def test_mismatches_count_from_the_splice(lab):
    item = lab.word("captain", 0)
    form = lab.form(item.phones)
    late, time_s = _from_splice(lab, item, len(item.phones) - 1, form)
    early, earlier_s = _from_splice(lab, item, 1, form)
    assert late > early + 1
    apart = item.boundary_s(len(item.phones) - 1) - item.boundary_s(1)
    assert earlier_s - time_s == pytest.approx(apart)
    other = lab.form(lab.word("kitchen", 0).phones)
    assert math.isnan(_from_splice(lab, item, 1, other)[1])


def test_first_phones_change_as_the_list_of_mispronunciations_has_it(lab):
    maker = PseudowordMaker(lab.usual)
    for word in ("captain", "mention", "table"):
        said = lab.usual.pronunciations[lab.usual.position(word)][0]
        listed = mispronunciations(word, lab.usual)
        assert nearest_and_farthest(maker, said) == (listed[0][0], listed[-1][0])


def test_what_duration_alone_explains_is_held():
    rng = np.random.default_rng(0)
    duration = rng.normal(size=400)
    spurious = np.c_[duration + 0.1 * rng.normal(size=400), duration + 0.1 * rng.normal(size=400), duration]
    assert np.corrcoef(spurious[:, :2].T)[0, 1] > 0.9
    assert abs(duration_held(spurious)) < 0.15
    shared = rng.normal(size=400)
    assert duration_held(np.c_[duration + shared, shared, duration]) > 0.95


def test_what_is_refused_at_the_deadline_is_told_apart():
    deviates = np.array([0.1, 0.3, 0.2, 0.6, 0.4, 0.5])
    duration = np.array([0.4, 0.5, 0.3, 0.7, 0.6, 0.5])
    soon = np.array([True, True, True, False, False, False])
    said = how_refused(np.c_[deviates, np.where(soon, deviates + 0.1, duration + 0.3), duration], soon)
    assert "before the deadline 3 (r +1.00), deviating 200 ms" in said
    assert "at it 3 (r +0.50), 100 ms" in said


def test_what_is_covered_says_nothing_there_alone(lab):
    item = lab.word("captain", 0)
    evidence, stretch = lab.listener.evidence(item.sound), item.times[2]
    covered = saying_nothing(evidence, stretch.start_s, stretch.end_s)
    changed = (covered.scores != evidence.scores).any(axis=1)
    times = evidence.grid.times_s()
    assert changed.tolist() == ((times >= stretch.start_s) & (times < stretch.end_s)).tolist()
    assert np.ptp(covered.scores[changed]) == 0
    form = lab.form(item.phones)
    as_said, without = (lab.compete(one, [form]).final[form] for one in (evidence, covered))
    assert as_said != without


def test_restoration_is_noise_less_silence(lab):
    odds = np.array([[3.0, 1.0, 6.0, 2.0], [5.0, 2.0, 6.0, 2.0]])
    taken = [["vowel", "stop"], ["vowel", "silence"]]
    rows = _restoration_rows(lab, odds, np.array([0.9, 0.7]), ["vowel", "stop"], taken)
    assert [row["value"] for row in rows] == pytest.approx([2.5, 0.5, 0.3])
    assert "stop +3.0 (1), vowel +2.0 (1)" in rows[0]["note"]
    assert "noise taken for vowel 2; silence taken for" in rows[0]["note"]


@pytest.mark.parametrize(
    ("effect", "names"),
    [
        (restoration, ("phoneme restoration", "phoneme restoration, covered", "phoneme restoration, the phone")),
        (mispronunciation, ("mispronunciation",)),
        (subcategorical_mismatch, ("subcategorical mismatch, W1W1 less N3W1",)),
        (pseudowords, ("nonwords",)),
    ],
)
def test_an_effect_of_few_items(effect, names, lab):
    rows = {row["effect"]: row for row in effect(lab)}
    assert set(names) <= set(rows)
    for row in rows.values():
        assert 2 <= row["n_items"] <= 24
        assert row["low"] <= row["value"] <= row["high"]
        assert row["holds"] == (row["low"] > 0)
