"""Competition for a place in running speech: against every way on, and what it says of words well and badly heard."""

from __future__ import annotations

import numpy as np
import pytest
from tests.listener.test_competing import Models, evidence, tree_of
from tests.listener.test_running import said, word_score
from tests.listener.test_running_stream import noisy

from otoscope.listener.competing import relative_to_best
from otoscope.listener.running import RunningListening
from otoscope.listener.running_speech import race_of_slot
from otoscope.listener.slots import NEAR_FRAMES, _bridge, slots_of

FORMS = [("K", "AE", "T"), ("K", "AE", "T", "S"), ("K", "AH", "T"), ("AE", "T"), ("S",), ("K", "AE", "T", "AH", "S")]


def heard(models, scores, **more):
    listening = RunningListening(tree_of(models), acoustic_scale=0.3, **more)
    listening.feed(scores)
    return listening


def activation_by_trying(listening, spoken, form, t):
    """Return A(form, t) in the place of a word, every way on through the words that were kept being tried."""
    graph, silent, prior = listening.graph(), listening.silent().astype(float), listening.prior
    position, entering = listening.tree.position, listening.entering()
    edges = [graph[k] for k in range(len(graph))]
    frames = np.repeat(t, listening.n_kept)
    first = listening.beginnings(listening["places"][t], frames, listening["values"][t], whole=False)
    forms = listening.tree.form[listening["places"][t]]
    values = listening["values"][t].astype(float) + listening["taken"][t]
    going = [(int(f), int(b), v - entering[b]) for f, b, v in zip(forms, first, values, strict=True) if b <= t]

    def on(frame):
        """Return the best way from a frame to behind frame t."""
        if frame == t + 1:
            return float(prior.max())
        ways = [silent[frame] + on(frame + 1)]
        ways += [score for _, b, score in going if b == frame]
        ways += [
            e.sound + prior[position[e.form]] + on(e.behind) for e in edges if e.first == frame and e.behind <= t + 1
        ]
        return max(ways)

    near = range(max(0, spoken.first - NEAR_FRAMES), spoken.first + NEAR_FRAMES + 1)
    ways = [entering[b] + score for f, b, score in going if f == form and b in near]
    ways += [
        entering[e.first] + e.sound + prior[position[form]] + on(e.behind)
        for e in edges
        if e.form == form and e.first in near and e.behind <= t + 1
    ]
    return max(ways, default=-np.inf)


@pytest.mark.parametrize("seed", range(5))
def test_activations_are_those_of_the_best_way_on(seed):
    models = Models(2, skips=True)
    listening = heard(models, evidence(models, 15, seed=seed).scores, frequency_weight=0.8)
    words = listening.sequence()
    assert words
    for slot in slots_of(listening, words):
        for t in range(len(slot.activations)):
            for k, form in enumerate(slot.forms):
                tried = activation_by_trying(listening, slot.spoken, int(form), slot.spoken.first + t)
                if np.isfinite(tried) or not t or np.isneginf(slot.activations[t, k]):
                    assert slot.activations[t, k] == pytest.approx(tried, abs=1e-3)
                else:
                    assert slot.activations[t, k] <= slot.activations[t - 1, k], "it was bridged"


@pytest.mark.parametrize("seed", range(3))
def test_a_word_of_the_best_sequence_is_as_good_as_that(seed):
    models = Models(2)
    listening = heard(models, evidence(models, 18, seed=seed).scores)
    last = slots_of(listening, listening.sequence())[-1]
    if last.spoken.behind == listening.n_frames:
        rows, spoken = relative_to_best(evidence(models, 18, seed=seed).scores), last.spoken
        alone = word_score(rows[spoken.first : spoken.behind].astype(float), FORMS[spoken.form], models)
        prior = listening.prior[listening.tree.position[spoken.form]]
        best = listening.entering()[spoken.first] + alone + prior
        own = last.activations[-1, np.flatnonzero(last.forms == spoken.form)[0]]
        assert own >= best - 1e-3, "the next word may be expected, but nothing is lost"


def test_a_word_well_heard_comes_near_certainty_and_those_that_begin_so_are_awake_before():
    models = Models(2)
    order = [0, 4, 2]
    slots = slots_of(listening := heard(models, said(models, order).scores), listening.sequence())
    assert [slot.spoken.form for slot in slots] == order
    for slot in slots:
        own = slot.posteriors[:, np.flatnonzero(slot.forms == slot.spoken.form)[0]]
        assert own[-1] > 0.9
        assert (slot.posteriors.sum(axis=1) <= 1 + 1e-9).all()
        assert slot.posteriors.min() >= 0
    cats = next(k for k, form in enumerate(slots[0].forms) if form == 1)
    on_the_way = slots[0].posteriors[14]
    assert on_the_way[cats] > 0.1 > slots[0].posteriors[-1, cats], "cats is awake until cat has ended"


def test_words_that_may_begin_elsewhere_stand_for_rivals_that_were_not_looked_at():
    models = Models(2)
    listening = heard(models, said(models, [0, 4]).scores)
    first, second = slots_of(listening, listening.sequence())
    later = slice(first.spoken.first + NEAR_FRAMES, first.spoken.first + 2 * NEAR_FRAMES)
    least = listening["values"][later, -1] + listening["taken"][later]
    assert first.unseen[NEAR_FRAMES : 2 * NEAR_FRAMES] == pytest.approx(least), "some may begin a little later"
    assert np.isneginf(first.unseen[:NEAR_FRAMES]).all(), "all words of the tree begin here"
    assert np.isneginf(first.unseen[-1]), "the word has ended"
    assert np.isneginf(second.unseen).all(), "whatever begins later follows it"


def test_nothing_is_believed_or_leads_before_all_words_of_a_place_may_have_begun():
    models = Models(2)
    listening = heard(models, said(models, [0, 4]).scores)
    grid = said(models, [0, 4]).grid
    for slot in slots_of(listening, listening.sequence()):
        assert np.isfinite(slot.activations[:NEAR_FRAMES]).any(), "some have begun"
        assert not slot.posteriors[:NEAR_FRAMES].any()
        race = race_of_slot(slot, grid, listening.tree.words)
        assert not race.leads[:NEAR_FRAMES].any()
        assert race.leads[NEAR_FRAMES:].max() > 0 < slot.posteriors[NEAR_FRAMES:].max()


def test_a_doubt_has_its_odds_against_the_leader():
    models = Models(2)
    listening = heard(models, said(models, [0, 4]).scores)
    words = listening.sequence()
    plain, doubted = slots_of(listening, words), slots_of(listening, words, doubt=0.25)
    for sure, unsure in zip(plain, doubted, strict=True):
        led = sure.posteriors.max(axis=1) > 0
        top = sure.posteriors[led].max(axis=1)
        # Odds of everything else: what they were, and the doubt.
        np.testing.assert_allclose(1 / unsure.posteriors[led].max(axis=1), 1 / top + 0.25)
        np.testing.assert_allclose(unsure.posteriors, sure.believed(scale=0.3, doubt=0.25))
        np.testing.assert_allclose(sure.posteriors, unsure.believed(scale=0.3, doubt=0.0))
        assert (sure.believed(scale=0.03, doubt=0.0).max(axis=1) <= sure.posteriors.max(axis=1) + 1e-9).all()


def test_what_is_expected_gains_its_bonus():
    models = Models(2)
    listening = heard(models, said(models, [0, 4]).scores)
    words = listening.sequence()
    plain = slots_of(listening, words)
    asked = []

    def bonus(k, forms):
        asked.append(k)
        return np.where(forms == 2, 7.0, 0.0)

    expected = slots_of(listening, words, bonus=bonus)
    assert asked == [0, 1]
    raised = plain[0].forms == 2
    more = expected[0].activations - plain[0].activations
    here = np.isfinite(plain[0].activations)
    np.testing.assert_allclose(more[here], np.broadcast_to(np.where(raised, 7.0, 0.0), here.shape)[here])
    here[:NEAR_FRAMES] = False
    assert (expected[0].posteriors[here & raised] > plain[0].posteriors[here & raised]).all()
    assert slots_of(listening, ()) == ()


def test_a_form_that_falls_out_and_comes_back_is_bridged():
    values = np.array([[-1.0, -np.inf, 0.0], [-np.inf, -5.0, 0.0], [-np.inf, -np.inf, 0.0], [-6.0, -np.inf, 0.0]])
    going = np.array([[True, False, True], [False, True, True], [False, False, True], [False, False, True]])
    _bridge(values, going, np.array([-2.0, -3.0, -2.5, -9.0]))
    np.testing.assert_array_equal(values[:, 0], [-1.0, -3.0, -3.0, -6.0], "no better than the last, nor than before")
    np.testing.assert_array_equal(values[:, 1], [-np.inf, -5.0, -np.inf, -np.inf], "nothing before nor after")
    np.testing.assert_array_equal(going[:, 0], [True, True, True, False])


def test_fewer_words_looked_at_leave_no_holes():
    """With two words on their way kept at each frame, some come and go; what is told of them does not."""
    models = Models(2)
    holes = {}
    for n_kept in (2, 6):
        listening = heard(models, noisy(models, 7)[0], n_kept=n_kept)
        for slot in slots_of(listening, listening.sequence()):
            there = np.isfinite(slot.activations)
            for column in there.T:
                frames = np.flatnonzero(column)
                holes[n_kept] = holes.get(n_kept, 0) + (frames.size and frames[-1] - frames[0] + 1 - frames.size)
    assert holes == {2: 0, 6: 0}
