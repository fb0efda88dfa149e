"""The competition is exact: against every path, against word by word, in chunks, by both recursions."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pytest
from tests.listener.reference import every_path, pooled, word_by_word

from otoscope.core import BadInput, FrameGrid, Provenance
from otoscope.decoding.tree.units import HmmState
from otoscope.listener.competing import Listening, compete, relative_to_best
from otoscope.listener.evidence import Evidence
from otoscope.listener.logarithms import exp_of_negative, joined
from otoscope.listener.word_tree import WordTree

PHONES = ("K", "AE", "T", "S", "AH")


@dataclass(frozen=True)
class Models:
    """Phones of `n_states`, the last of which may be passed by where `skips`; left context gives columns of its own."""

    n_states: int = 2
    skips: bool = False
    left: bool = False
    phones: tuple[str, ...] = PHONES
    silence: str = "SIL"

    @property
    def context(self) -> tuple[bool, bool]:
        return (self.left, False)

    @property
    def n_columns(self) -> int:
        return 1 + len(PHONES) * self.n_states * (len(PHONES) + 1 if self.left else 1)

    def states(self, left, phone, right):
        if phone == "SIL":
            return (HmmState(0, math.log(0.7), math.log(0.3)),)
        lefts = 1 + (PHONES.index(left) if left else -1) if self.left else 0
        first = 1 + self.n_states * (PHONES.index(phone) + len(PHONES) * lefts)
        skip = math.log(0.25) if self.skips else -math.inf
        return tuple(
            HmmState(first + s, math.log(0.6), math.log(0.4), skip if s == self.n_states - 1 else -math.inf)
            for s in range(self.n_states)
        )


FORMS = [("K", "AE", "T"), ("K", "AE", "T", "S"), ("K", "AH", "T"), ("AE", "T"), ("S",), ("K", "AE", "T", "AH", "S")]
PRIORS = np.log(np.array([0.4, 0.1, 0.2, 0.1, 0.15, 0.05]))


def evidence(models: Models, n_frames: int, seed: int = 0) -> Evidence:
    scores = np.random.default_rng(seed).normal(0, 3, (n_frames, models.n_columns)).astype(np.float32)
    return Evidence(scores, FrameGrid(16000, 0, 160, 160, n_frames), models, Provenance("test", "0"), "phone states")


def tree_of(models: Models, forms=FORMS, priors=PRIORS, **more) -> WordTree:
    return WordTree.build(forms, models, priors, **more)


def by_form(competition) -> np.ndarray:
    """Return activations `(n_frames, n_forms)` from the kept ones."""
    values = np.full((competition.grid.n_frames, competition.tree.n_forms), np.nan)
    np.put_along_axis(values, competition.forms, competition.activations, axis=1)
    return values


@pytest.mark.parametrize("skips", [False, True])
@pytest.mark.parametrize("search", ["viterbi", "forward"])
def test_every_path_of_a_word_counts(search, skips):
    models = Models(n_states=2, skips=skips)
    heard = evidence(models, 5)
    got = compete(heard, tree_of(models, FORMS[:4], PRIORS[:4]), frequency_weight=0.7, search=search)
    rows = relative_to_best(heard.scores)
    for form, phones in enumerate(FORMS[:4]):
        ended, whole = every_path(rows, phones, models)
        if search == "viterbi":
            assert by_form(got)[-1, form] == pytest.approx(pooled(ended, total=False) + 0.7 * PRIORS[form], abs=1e-4)
        through = pooled(whole, total=False) if whole else -np.inf
        if search == "viterbi":
            assert got.final[form] == pytest.approx(through + 0.7 * PRIORS[form], abs=1e-4)
        elif whole:
            assert got.final[form] <= pooled(whole, total=True) + 0.7 * PRIORS[form] + 1e-4
            assert got.final[form] >= through + 0.7 * PRIORS[form] - 1e-4


@pytest.mark.parametrize("models", [Models(3), Models(2, skips=True), Models(2, left=True), Models(1)])
@pytest.mark.parametrize("search", ["viterbi", "forward"])
def test_the_tree_gives_what_each_word_gives_alone(models, search):
    heard = evidence(models, 40, seed=3)
    got = compete(heard, tree_of(models), frequency_weight=1.3, search=search)
    partial, final = word_by_word(relative_to_best(heard.scores), FORMS, models, total=search == "forward")
    np.testing.assert_allclose(by_form(got), partial + 1.3 * PRIORS, rtol=0, atol=2e-4)
    np.testing.assert_allclose(got.final, final + 1.3 * PRIORS, rtol=0, atol=2e-4)


@pytest.mark.parametrize("search", ["viterbi", "forward"])
@pytest.mark.parametrize("times", [10, 100])
def test_words_that_hardly_can_be_stay_exact(search, times):
    models = Models(3)
    heard = evidence(models, 60, seed=6)
    loud = type(heard)(times * heard.scores, heard.grid, models, heard.origin, heard.kind)
    got = compete(loud, tree_of(models), search=search)
    partial, final = word_by_word(relative_to_best(loud.scores), FORMS, models, total=search == "forward")
    assert partial[-1].min() < -26 * 60, "26 nats a frame and more"
    np.testing.assert_allclose(by_form(got), partial + PRIORS, rtol=3e-6, atol=2e-4)
    np.testing.assert_allclose(got.final, final + PRIORS, rtol=3e-6, atol=2e-4)


def test_exponentials_and_sums_in_logarithms_are_right():
    x = -np.random.default_rng(0).exponential(12, 20000).astype(np.float32)
    x = x[x > -80]
    found = np.array([exp_of_negative(value) for value in x])
    np.testing.assert_allclose(found, np.exp(x.astype(np.float64)), rtol=2e-7)
    one, none = np.float32(-3.5), np.float32(-np.inf)
    sums = np.array([joined(one, value) for value in x])
    np.testing.assert_allclose(sums, np.logaddexp(-3.5, x.astype(np.float64)), rtol=0, atol=1e-6)
    assert joined(none, one) == joined(one, none) == one
    assert joined(none, none) == none


def test_behind_the_offset_only_whole_words_count():
    models = Models(2)
    heard = evidence(models, 30, seed=1)
    tree = tree_of(models)
    whole = compete(heard, tree, offset_s=0.2)
    free = compete(heard, tree)
    before = heard.grid.times_s() < 0.2
    np.testing.assert_array_equal(by_form(whole)[before], by_form(free)[before])
    assert (by_form(whole)[~before] <= by_form(free)[~before] + 1e-6).all()
    assert (by_form(whole)[~before] < by_form(free)[~before] - 0.1).any()
    np.testing.assert_allclose(by_form(whole)[-1], whole.final)


def test_chunks_of_any_length_are_heard_alike():
    models = Models(3)
    heard = evidence(models, 50, seed=5)
    tree = tree_of(models)
    whole = compete(heard, tree, track=(2, 0))
    for search in ("viterbi", "forward"):
        whole = compete(heard, tree, track=(2, 0), search=search)
        listening = Listening(tree, track=(2, 0), search=search)
        for start in range(0, 50, 7):
            listening.feed(heard.scores[start : start + 7])
            now = whole.forms[min(start + 7, 50) - 1]
            assert [form for form, _ in listening.top(3)] == now[:3].tolist()
        again = listening.competition(heard.grid)
        np.testing.assert_array_equal(again.activations, whole.activations)
        np.testing.assert_array_equal(again.tracked[:, 0], by_form(whole)[:, 2])
        np.testing.assert_array_equal(again.final, whole.final)


@pytest.mark.parametrize("n_kept", [1, 3, 6, 50])
def test_the_best_are_kept_best_first(n_kept):
    models = Models(2)
    heard = evidence(models, 20, seed=7)
    full = by_form(compete(heard, tree_of(models)))
    got = compete(heard, tree_of(models), n_kept=n_kept)
    want = -np.sort(-full, axis=1)[:, : min(n_kept, 6)]
    np.testing.assert_array_equal(got.activations, want)


def test_of_thousands_the_best_are_found():
    models = Models(1)
    rng = np.random.default_rng(2)
    forms = sorted({tuple(rng.choice(PHONES, rng.integers(1, 9))) for _ in range(9000)})
    priors = rng.normal(0, 2, len(forms))
    heard = evidence(models, 25, seed=4)
    tree = WordTree.build(forms, models, priors)
    got = compete(heard, tree, n_kept=200)
    partial, final = word_by_word(relative_to_best(heard.scores), forms[:300], models)
    everybody = by_form(compete(heard, tree, n_kept=len(forms)))
    np.testing.assert_allclose(everybody[:, :300], partial + priors[:300], atol=2e-4, rtol=0)
    np.testing.assert_allclose(got.final[:300], final + priors[:300], atol=2e-4, rtol=0)
    np.testing.assert_array_equal(got.activations, -np.sort(-everybody, axis=1)[:, :200])
    total = np.log(np.exp(everybody.astype(np.float64)).sum(axis=1))
    np.testing.assert_allclose(got.log_total, total, atol=1e-6)
    p = np.exp(everybody - total[:, None])
    np.testing.assert_allclose(got.entropy_bits, -(p * np.log2(p)).sum(axis=1), atol=1e-4)


def test_forms_of_one_word_are_no_rivals():
    models = Models(2)
    heard = evidence(models, 12, seed=9)
    words = [(0,), (1,), (0, 2), (3,), (4,), (5,)]
    alone, shared = compete(heard, tree_of(models)), compete(heard, tree_of(models, words=words))
    for t in range(12):
        leader = alone.forms[t, 0]
        rivals = [k for k in range(6) if not set(words[k]) & set(words[leader])]
        lead = by_form(alone)[t, leader] - max(by_form(alone)[t, rivals])
        assert shared.lead[t] == pytest.approx(lead, abs=1e-5)
        assert alone.lead[t] == pytest.approx(alone.activations[t, 0] - alone.activations[t, 1], abs=1e-5)
    assert (shared.lead > alone.lead + 1e-6).any()


def test_posteriors_sum_to_one_and_follow_kappa():
    models = Models(2)
    heard = evidence(models, 15)
    got = compete(heard, tree_of(models), acoustic_scale=0.3)
    np.testing.assert_allclose(got.posterior(range(6)).sum(axis=1), 1.0, atol=1e-6)
    np.testing.assert_allclose(got.final_posterior().sum(), 1.0)
    sharper = compete(heard, tree_of(models), acoustic_scale=3.0)
    assert (sharper.entropy_bits <= got.entropy_bits + 1e-6).all()


def test_before_anybody_speaks_the_frequent_word_leads():
    models = Models(2)
    scores = np.full((10, models.n_columns), -20.0, np.float32)
    scores[:, 0] = 0.0
    heard = Evidence(scores, FrameGrid(16000, 0, 160, 160, 10), models, Provenance("test", "0"), "phone states")
    got = compete(heard, tree_of(models))
    assert (got.forms[:, 0] == 0).all()
    np.testing.assert_allclose(got.activations[5], np.sort(PRIORS)[::-1], atol=1e-6)


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"search": "beam"}, "viterbi or forward"),
        ({"acoustic_scale": 0}, "κ above 0"),
        ({"track": [6]}, "form 6"),
        ({"n_kept": 0}, "n_kept"),
    ],
)
def test_what_cannot_be_is_said(wrong, says):
    models = Models(2)
    with pytest.raises(BadInput, match=says):
        compete(evidence(models, 3), tree_of(models), **wrong)


def test_phones_that_nobody_hears_and_empty_lexica_are_refused():
    models = Models(2)
    with pytest.raises(BadInput, match="no phones ZH"):
        WordTree.build([("ZH",)], models, [0.0])
    with pytest.raises(BadInput, match="forms of one phone or more"):
        WordTree.build([], models, [])
    with pytest.raises(BadInput, match="0 frames were heard"):
        compete(evidence(models, 0), tree_of(models))
    with pytest.raises(BadInput, match="columns or more"):
        Listening(tree_of(models)).feed(np.zeros((3, 2)))
