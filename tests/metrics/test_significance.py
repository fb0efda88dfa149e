"""Matched pairs against their definition, the bootstrap of differences, and Holm's correction."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest

from otoscope.core import BadInput
from otoscope.decoding.edit_distance import align_words
from otoscope.metrics.error_rate import ErrorRate, bootstrap_interval, error_rate
from otoscope.metrics.significance import (
    bootstrap_difference,
    holm,
    matched_pairs,
    matched_pairs_of,
    segment_errors,
)

VOCABULARY = ["so", "my", "fellow", "listeners", "ask", "not"]


def garbled(words, rng, share):
    """Words with substitutions, deletions and insertions."""
    heard = []
    for word in words:
        change = rng.random()
        if change < share / 3:
            continue
        heard.append(str(rng.choice(VOCABULARY)) + "x" if change < 2 * share / 3 else word)
        if rng.random() < share / 3:
            heard.append("uh")
    return heard


def segments_by_definition(a, b, n_good=2):
    """Gillick and Cox' segments found otherwise: cut the row of places at each run of good words, count what is left.

    A place is a word of the reference or the gap before it. Every maximal run of places without any error that holds
    at least `n_good` words parts two segments.
    """
    n = len(a.reference)

    def errors_at(alignment):
        gaps, words, before = [0] * (n + 1), [0] * n, 0
        for operation in alignment.operations:
            if operation.reference_index is None:
                gaps[before] += 1
            else:
                words[before] = int(operation.kind != "match")
                before += 1
        return [x for pair in zip(gaps, [*words, None], strict=True) for x in pair][:-1]

    ea, eb = errors_at(a), errors_at(b)
    wrong = [i for i in range(2 * n + 1) if ea[i] or eb[i]]
    if not wrong:
        return []
    groups = [[wrong[0]]]
    for left, right in pairwise(wrong):
        good_words = sum(1 for i in range(left + 1, right) if i % 2)
        if good_words >= n_good:
            groups.append([])
        groups[-1].append(right)
    return [(sum(ea[i] for i in g), sum(eb[i] for i in g)) for g in groups]


@pytest.mark.parametrize("n_good", [1, 2, 3])
def test_segments_are_those_of_the_definition(n_good):
    rng = np.random.default_rng(n_good)
    n_seen = 0
    for _ in range(400):
        said = [str(word) for word in rng.choice(VOCABULARY, size=rng.integers(0, 25))]
        a, b = (align_words(said, garbled(said, rng, share)) for share in (0.3, 0.15))
        found = segment_errors(a, b, n_good=n_good)
        assert found == segments_by_definition(a, b, n_good)
        assert sum(x for x, _ in found) == a.distance
        assert sum(y for _, y in found) == b.distance
        n_seen += len(found)
    assert n_seen > 500


def test_an_insertion_between_two_right_words_does_not_part_segments_but_two_right_words_after_it_do():
    said = "so my fellow listeners ask not"
    right = align_words(said, said)
    assert segment_errors(align_words(said, "uh so um my fellow listeners ask nod"), right) == [(2, 0), (1, 0)]
    assert segment_errors(align_words(said, "sow my um fellow listeners as not"), right) == [(2, 0), (1, 0)]


def test_the_statistic_of_a_worked_example():
    """Z = (2, 1, 1, 0, -1, 1): mean 2/3, variance (Σ Z² - n mean²) / (n - 1) = (8 - 8/3) / 5 = 16/15."""
    test = matched_pairs_of(np.array([2.0, 1, 1, 0, -1, 1]))
    assert test.statistic == pytest.approx((2 / 3) / math.sqrt(16 / 15 / 6))
    assert test.p_value == pytest.approx(2 * (1 - 0.5 * (1 + math.erf(test.statistic / math.sqrt(2)))))
    assert not test.enough


def test_the_test_is_that_of_paired_differences_in_scipy():
    """With many segments Student's t for pairs has the same statistic."""
    from scipy import stats

    differences = np.random.default_rng(0).integers(-2, 4, size=200).astype(float)
    theirs = stats.ttest_1samp(differences, 0.0)
    ours = matched_pairs_of(differences)
    assert ours.statistic == pytest.approx(theirs.statistic)
    assert ours.p_value == pytest.approx(2 * stats.norm.sf(abs(theirs.statistic)))
    assert ours.enough


def test_equal_recognisers_are_called_different_as_often_as_the_level_says():
    rng = np.random.default_rng(5)
    n_called = 0
    for _ in range(120):
        said = [[str(w) for w in rng.choice(VOCABULARY, size=10)] for _ in range(25)]
        a, b = ([align_words(s, garbled(s, rng, 0.2)) for s in said] for _ in range(2))
        n_called += matched_pairs(a, b).p_value < 0.1
    assert 0.04 < n_called / 120 < 0.16


def test_a_and_b_the_other_way_round_turn_the_sign():
    rng = np.random.default_rng(1)
    said = [[str(w) for w in rng.choice(VOCABULARY, size=15)] for _ in range(30)]
    a, b = ([align_words(s, garbled(s, rng, share)) for s in said] for share in (0.4, 0.1))
    there, back = matched_pairs(a, b), matched_pairs(b, a)
    assert there.statistic == -back.statistic > 3
    assert there.p_value == back.p_value < 0.01


def test_no_difference_and_only_one_kind_of_difference():
    assert matched_pairs_of(np.zeros(5)).p_value == 1.0
    assert matched_pairs_of(np.zeros(0)).p_value == 1.0
    alike = matched_pairs_of(np.ones(5))
    assert alike.statistic == math.inf
    assert alike.p_value == 2 * 0.5**5


def test_different_references_are_refused():
    with pytest.raises(BadInput, match="same reference words"):
        segment_errors(align_words("a b", "a"), align_words("a c", "a"))
    with pytest.raises(BadInput, match="same utterances, got 1 and 0"):
        matched_pairs([align_words("a", "a")], [])


def test_the_difference_is_resampled_for_both_together():
    """Errors that both make in the same utterances cancel: the difference is known better than either rate."""
    rng = np.random.default_rng(2)
    shared = rng.integers(0, 6, size=80)
    a = [ErrorRate(10 - e, int(e), 0, 0) for e in (shared + 1).tolist()]
    b = [ErrorRate(10 - e, int(e), 0, 0) for e in shared.tolist()]
    difference = bootstrap_difference(a, b)
    assert difference.low == pytest.approx(0.1)
    assert difference.high == pytest.approx(0.1)
    low, high = bootstrap_interval(a)
    assert high - low > 0.05
    assert difference.probability_of_improvement == 1.0
    assert difference.relative == pytest.approx(80 / (shared.sum() + 80))
    assert difference.relative_low < difference.relative < difference.relative_high


def test_no_difference_at_all_is_no_improvement_either_way():
    rates = [error_rate("a b c", "a x c"), error_rate("a b", "a b")]
    difference = bootstrap_difference(rates, rates)
    assert (difference.difference, difference.low, difference.high) == (0.0, 0.0, 0.0)
    assert difference.probability_of_improvement == 0.5


def test_other_references_have_no_difference():
    with pytest.raises(BadInput, match="same utterances and reference words"):
        bootstrap_difference([error_rate("a b", "a")], [error_rate("a", "a")])


def test_speakers_are_resampled_whole():
    """Two speakers of 50 utterances each, one all right, one all wrong: over speakers anything from 0 to 1 can come."""
    rates = [error_rate("a", "a")] * 50 + [error_rate("a", "b")] * 50
    assert bootstrap_interval(rates, groups=["x"] * 50 + ["y"] * 50) == (0.0, 1.0)
    low, high = bootstrap_interval(rates)
    assert 0.35 < low < 0.45 < 0.55 < high < 0.65
    with pytest.raises(BadInput, match="1 groups were given for 100 utterances"):
        bootstrap_interval(rates, groups=["x"])


def test_holm_is_that_of_the_step_down_procedure():
    """A hypothesis is rejected at a level just where Holm's procedure, carried out by hand, rejects it."""
    rng = np.random.default_rng(0)
    for _ in range(200):
        p_values = rng.random(rng.integers(1, 7)) ** 3
        level = float(rng.uniform(0.01, 0.2))
        order, rejected = np.argsort(p_values), set()
        for rank, index in enumerate(order):
            if p_values[index] > level / (p_values.size - rank):
                break
            rejected.add(int(index))
        assert {i for i, p in enumerate(holm(list(p_values))) if p <= level} == rejected
    with pytest.raises(BadInput, match="p-values lie in"):
        holm([1.2])
