"""TRACE: its equations unit by unit, and what any TRACE must show."""

from __future__ import annotations

import numpy as np
import pytest

from otoscope.core import BadInput, NotAble
from otoscope.listener.peers.features import FEATURES, PHONES, feature_table, phone_rows
from otoscope.listener.peers.simulated import Simulated, check_memory
from otoscope.listener.peers.slex import read_slex
from otoscope.listener.peers.trace import TraceModel
from otoscope.listener.peers.trace_parameters import TraceParameters
from otoscope.listener.peers.wiring import input_pattern

TABLE = feature_table()
TOY = ("bar", "bark", "park", "pi")


def unit_by_unit(words, heard, p, n_cycles):
    """TRACE with a loop for every unit: `(n_cycles, n_words, n_slots)`."""
    n_slots = p.n_slices // 3
    spelt = [phone_rows(word) for word in words]
    flat = TABLE.reshape(len(TABLE), -1)
    sound = input_pattern(phone_rows("-" + heard + "-"), p.n_slices, TABLE, step=p.step, spread=p.spread)
    f = np.full((63, p.n_slices), p.feature_rest)
    ph = np.full((15, n_slots), p.phone_rest)
    w = np.full((len(words), n_slots), p.word_rest)
    f = f - p.feature_decay * (f - p.feature_rest)
    wide = p.spread
    whole = sum((1 - abs(d) / wide) ** 2 for d in range(1 - wide, wide))
    reach = {-1: 0.75 / 2.625, 0: 1 / 2.625, 1: 0.75 / 2.625}
    told = []
    for cycle in range(n_cycles):
        told.append(w.copy())
        nf, np_, nw = np.zeros_like(f), np.zeros_like(ph), np.zeros_like(w)
        if cycle + 1 < p.n_slices:
            nf[:, cycle + 1] += sound[:, cycle + 1]
        for c in range(7):
            for t in range(p.n_slices):
                positive = np.maximum(f[9 * c : 9 * c + 9, t], 0)
                for v in range(9):
                    nf[9 * c + v, t] -= p.feature_rivals * (positive.sum() - positive[v])
        for s in range(n_slots):
            for t in range(max(0, 3 * s - wide + 1), min(p.n_slices, 3 * s + wide)):
                np_[:, s] += p.feature_phone * (flat @ np.maximum(f[:, t], 0)) * (1 - abs(3 * s - t) / wide) / whole
        last = n_slots - 1
        for s in range(n_slots):
            competing = [i for i in (s - 1, s) if 0 <= i < last]
            for i in competing:
                for r in (i, i + 1):
                    np_[:, s] -= p.phone_rivals * np.maximum(ph[:, r], 0).sum()
            if s < last:
                np_[:, s] += len(competing) * p.phone_rivals * np.maximum(ph[:, s], 0)
        load = np.zeros(n_slots)
        for k, rows in enumerate(spelt):
            for s in range(n_slots):
                for t in range(s, min(s + 2 * len(rows), n_slots)):
                    load[t] += max(w[k, s], 0) ** 2
        for k, rows in enumerate(spelt):
            for s in range(n_slots - 1):
                for position, row in enumerate(rows):
                    for d, share in reach.items():
                        t = s + 2 * position + d
                        if 0 <= t < n_slots:
                            nw[k, s] += 2 * p.phone_word * share * max(ph[row, t], 0)
                            if t < n_slots - 1:
                                np_[row, t] += p.word_phone * share * max(w[k, s], 0)
                for t in range(s, min(s + 2 * len(rows), n_slots)):
                    nw[k, s] -= p.word_rivals * (min(load[t], 3.0) - max(w[k, s], 0) ** 2)
        for layer, net, decay, rest in (
            (f, nf, p.feature_decay, p.feature_rest),
            (ph, np_, p.phone_decay, p.phone_rest),
            (w, nw, p.word_decay, p.word_rest),
        ):
            room = np.where(net > 0, 1.0 - layer, layer + 0.3)
            layer += room * net - decay * (layer - rest)
            np.clip(layer, -0.3, 1.0, out=layer)
    return np.array(told)


@pytest.mark.parametrize("spread", [6, 3])
def test_every_cycle_is_that_of_the_equations_unit_by_unit(spread):
    p = TraceParameters(spread=spread)
    expected = unit_by_unit(TOY, "bark", p, 45)
    found = TraceModel(TOY, parameters=p, silence=False).hear(["bark"], n_cycles=45)
    assert expected[:, :, 4].max() > 0.3
    np.testing.assert_allclose(found.activations[0], expected[:, :, 4], atol=1e-12)


def test_a_model_reads_words_wherever_they_are_most_active_when_asked():
    model = TraceModel(TOY, silence=False)
    places = [model.hear(["park"], n_cycles=40, slot=place).activations for place in range(33)]
    found = model.hear(["park"], n_cycles=40, slot=-1)
    assert np.array_equal(found.activations, np.max(places, axis=0))


def test_side_by_side_or_one_by_one_is_the_same():
    model = TraceModel(TOY)
    words = list(TOY) * 5
    together = model.hear(words, n_cycles=30).activations
    alone = model.hear(["pi"], n_cycles=30).activations[0]
    assert np.array_equal(together[3], alone)
    assert np.array_equal(together[19], alone)


def test_cohort_leads_early_and_loses_later():
    made = TraceModel(("bark", "babi", "duti", "kru")).hear(["bark"], n_cycles=80).of("bark")
    bark, cohort, other = made[:, 0], made[:, 1], made[:, 2]
    assert abs(bark[20] - cohort[20]) < 0.02
    assert cohort[22] > other[22] + 0.03
    assert bark[60] > cohort[60] + 0.2
    assert cohort[60] < cohort[:60].max()


def test_a_rival_slows_a_word_down():
    alone = TraceModel(("bark", "duti"), silence=False).hear(["bark"], n_cycles=60).activations[0, :, 0]
    rivalled = TraceModel(("bark", "bar", "barp"), silence=False).hear(["bark"], n_cycles=60).activations[0, :, 0]
    assert alone[50] > rivalled[50] + 0.01


def test_words_excite_their_phones_only_with_feedback():
    inputs = ["bark"]
    fed = TraceModel(TOY).hear(inputs, n_cycles=60).activations
    unfed = TraceModel(TOY, parameters=TraceParameters(word_phone=0.0)).hear(inputs, n_cycles=60).activations
    assert fed[0, 50, 1] > unfed[0, 50, 1] + 0.005


@pytest.mark.parametrize("route", ["frequency_rest", "frequency_weight"])
def test_a_frequent_word_leads_its_cohort(route):
    parameters = TraceParameters(**{route: 0.06})
    model = TraceModel(("bar", "bab"), parameters=parameters, counts=[1000.0, 1.0], silence=False)
    made = model.hear(["ba"], n_cycles=40).activations[0]
    even = TraceModel(("bar", "bab"), silence=False).hear(["ba"], n_cycles=40).activations[0]
    assert made[25, 0] - made[25, 1] > even[25, 0] - even[25, 1] + 0.01


def test_choice_sums_to_one_and_sharpens_with_k():
    made = TraceModel(TOY).hear(list(TOY), n_cycles=70)
    soft, sharp = made.choice(5.0), made.choice(20.0)
    np.testing.assert_allclose(soft.sum(axis=2), 1.0)
    assert sharp[1, 60, 1] > soft[1, 60, 1] > 0.2
    with pytest.raises(BadInput, match="above 0"):
        made.choice(0.0)


def test_input_is_bounded_and_peaks_where_phones_stand():
    sound = input_pattern(phone_rows("-pa-"), 36, TABLE, step=6).reshape(len(FEATURES), 9, 36)
    assert sound.max() == 1.0
    assert sound[0, 4].argmax() == 12
    assert sound[0, 0].argmax() == 18
    assert sound[0, 4, 15] == 0.5


def test_every_phone_is_like_itself_most():
    flat = TABLE.reshape(len(PHONES), -1)
    likeness = flat @ flat.T / np.outer(*[np.linalg.norm(flat, axis=1)] * 2)
    assert (likeness.argmax(axis=1) == np.arange(len(PHONES))).all()
    assert likeness[PHONES.index("p"), PHONES.index("b")] > likeness[PHONES.index("p"), PHONES.index("a")]


def test_refusals():
    with pytest.raises(BadInput, match="'z'"):
        TraceModel(("baz",))
    with pytest.raises(BadInput, match="each once"):
        TraceModel(("bar", "bar"))
    with pytest.raises(NotAble, match="GiB"):
        check_memory(1e12, "that")
    with pytest.raises(BadInput, match="2 words"):
        Simulated(("bar",), ("bar", "bab"), np.zeros((1, 3, 3)))


def of_the_makers(shared_data, heard, n_cycles):
    """The lexicon of TRACE's makers as their own program in C hears it."""
    words = read_slex(shared_data / "trace-tisk").words
    model = TraceModel(words, parameters=TraceParameters(early=1), rationalised=True)
    return model.hear(words if heard is None else heard, n_cycles=n_cycles)


def test_words_pass_the_threshold_and_peak_when_they_do_in_the_program_of_the_makers(shared_data):
    passed = {"ad": 57, "ar": 64, "ark": 48, "art": 50, "art^st": 46}
    peaked = {"ad": 67, "ar": 79, "ark": 74, "art": 79, "art^st": 88}
    made = of_the_makers(shared_data, list(passed), 101)
    own = made.activations[np.arange(len(passed)), :, made.targets()]
    assert (own > 0.45).argmax(axis=1).tolist() == list(passed.values())
    assert own.argmax(axis=1).tolist() == list(peaked.values())


@pytest.mark.slow
def test_words_heard_rise_and_fall_as_in_the_program_of_the_makers(shared_data):
    course = {13: -0.01001, 15: -0.00243, 20: 0.05222, 30: 0.19338, 50: 0.52347, 80: 0.62682, 100: 0.62746}
    made = of_the_makers(shared_data, None, 101)
    mean = made.activations[np.arange(len(made.inputs)), :, made.targets()].mean(axis=0)
    np.testing.assert_allclose(mean[list(course)], list(course.values()), atol=6e-6)


def test_every_phone_has_one_value_of_each_feature_when_rationalised():
    table = feature_table(rationalised=True)
    assert (table.sum(axis=2) == 1.0).all()
    assert len({phone.tobytes() for phone in table}) == len(PHONES)


def test_frequencies_need_counts_and_places_must_be_there():
    for route in ("frequency_rest", "frequency_weight"):
        with pytest.raises(BadInput, match=f"{route} needs counts"):
            TraceModel(TOY, parameters=TraceParameters(**{route: 0.1}))
    with pytest.raises(BadInput, match="4 words need 4 counts"):
        TraceModel(TOY, counts=[1.0])
    for wrong in (-1.0, np.nan, np.inf):
        with pytest.raises(BadInput, match="0 or more"):
            TraceModel(TOY, counts=[1.0, 2.0, 3.0, wrong])
    model = TraceModel(TOY)
    for options in ({"slot": 33}, {"slot": -2}, {"silences": (40, 1)}):
        with pytest.raises(BadInput, match="place"):
            model.hear(["bar"], n_cycles=2, **options)


def test_an_input_longer_than_the_slices_is_refused_not_cut():
    model = TraceModel(TOY)
    assert model.hear(["bar" * 5], n_cycles=2).activations.shape == (1, 2, 5), "the last phone peaks in slice 96"
    with pytest.raises(BadInput, match="99 slices"):
        model.hear(["bar" * 5 + "p"], n_cycles=2)
