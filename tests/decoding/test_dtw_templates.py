"""One against many, averages and connected words, against the plain recursions and all divisions listed."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from otoscope.core import BadInput, DoesNotFit, UnknownName
from otoscope.decoding.dtw import PATTERNS, FrameStack, barycenter, best_string, distances, dtw, local_costs


@pytest.mark.parametrize("pattern", [name for name, p in PATTERNS.items() if p.normalised])
def test_one_against_many_equals_one_against_each(pattern):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(12, 4))
    sequences = [rng.normal(size=(n, 4)) for n in (12, 7, 20, 3, 60)]
    found = distances(x, FrameStack.of(sequences), pattern=pattern)
    for distance, sequence in zip(found, sequences, strict=True):
        try:
            assert distance == pytest.approx(dtw(x, sequence, pattern=pattern).normalised_distance, rel=1e-12)
        except DoesNotFit:
            assert distance == np.inf
    assert np.isfinite(found).any()


def test_distances_that_do_not_compare_are_refused():
    stack = FrameStack.of([np.zeros((2, 1))])
    with pytest.raises(BadInput, match="symmetric1 do not compare over lengths; take one of symmetric2"):
        distances([[0.0]], stack, pattern="symmetric1")
    with pytest.raises(UnknownName, match="symmetric_p1"):
        distances([[0.0]], stack, pattern="symmetric_p")
    with pytest.raises(BadInput, match="every sequence needs a frame"):
        FrameStack(np.zeros((3, 2)), np.array([0, 3, 3]))


def test_an_average_costs_less_than_where_it_began_and_undoes_warping():
    rng = np.random.default_rng(1)
    word = np.cumsum(rng.normal(size=(15, 3)), axis=0)
    spoken = [np.repeat(word, rng.integers(1, 4, 15), axis=0) for _ in range(6)]
    assert barycenter(spoken, word) == pytest.approx(word)
    noisy = [one + 0.3 * rng.normal(size=one.shape) for one in spoken]

    def cost(average):
        paths = [(one, dtw(one, average, pattern="symmetric1").pairs) for one in noisy]
        return sum(((one[p[:, 0]] - average[p[:, 1]]) ** 2).sum() for one, p in paths)

    costs = [cost(barycenter(noisy, noisy[0], n_iterations=n)) for n in (0, 1, 10)]
    assert costs[2] <= costs[1] < costs[0]


def alone(costs):
    """Least cost of one template over all its frames, by listing Itakura's moves."""
    n_frames, n = costs.shape
    best = np.inf
    for steps in itertools.product((0, 1, 2), repeat=n_frames - 1):
        if sum(steps) == n - 1 and not any(a == b == 0 for a, b in itertools.pairwise(steps)):
            path = np.concatenate([[0], np.cumsum(steps)])
            best = min(best, costs[np.arange(n_frames), path].sum())
    return best


def every_string(x, templates, n_most, allowed=None):
    """Least cost of any division of x into templates, and the division."""
    found = (np.inf, ())
    for n in range(1, n_most + 1):
        for cuts in itertools.combinations(range(1, len(x)), n - 1):
            edges = (0, *cuts, len(x))
            for string in itertools.product(range(len(templates)), repeat=n):
                if allowed is not None and (n != len(allowed) or any(t not in a for t, a in zip(string, allowed))):  # noqa: B905
                    continue
                spans = list(zip(string, edges[:-1], edges[1:], strict=True))
                total = sum(alone(local_costs(x[a:b], templates[t])) for t, a, b in spans)
                found = min(found, (total, tuple(spans)))
    return found


@pytest.mark.parametrize("allowed", [None, [[0, 1], [2]], [[1], [0, 2], [1]]])
def test_no_string_is_better_than_the_one_found(allowed):
    rng = np.random.default_rng(2)
    n_fitting = 0
    for _ in range(12):
        templates = [rng.normal(size=(n, 2)) for n in (2, 3, 4)]
        x = rng.normal(size=(int(rng.integers(4, 9)), 2))
        total, spans = every_string(x, templates, 4, allowed)
        if total == np.inf:
            with pytest.raises(DoesNotFit, match="half to twice"):
                best_string(x, FrameStack.of(templates), words=allowed)
            continue
        n_fitting += 1
        found = best_string(x, FrameStack.of(templates), words=allowed)
        assert found.distance * len(x) == pytest.approx(total)
        assert tuple((p.template, p.first, p.stop) for p in found.placed) == spans
    assert n_fitting > 5


def test_a_penalty_buys_fewer_words():
    rng = np.random.default_rng(3)
    stack = FrameStack.of([rng.normal(size=(3, 2)) for _ in range(4)])
    x = rng.normal(size=(18, 2))
    numbers = [len(best_string(x, stack, word_penalty=penalty).placed) for penalty in (0.0, 2.0, 20.0)]
    assert numbers == sorted(numbers, reverse=True)
    assert numbers[-1] < numbers[0]


def test_a_word_without_templates_is_refused():
    with pytest.raises(BadInput, match="at least one template"):
        best_string(np.zeros((3, 1)), FrameStack.of([np.zeros((3, 1))]), words=[[0], []])
