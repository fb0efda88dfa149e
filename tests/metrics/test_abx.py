"""ABX by listing every triplet."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from otoscope.core import BadInput
from otoscope.metrics.abx import abx_error


def listed(distances, kinds, speakers, contexts, across):
    """Mean over pairs of kinds of the mean over (direction, context, speakers) of all triplets, one by one."""
    n, pairs, total = len(kinds), {}, 0
    for a, b in itertools.permutations(sorted(set(kinds)), 2):
        cells = {}
        for i, j, x in itertools.product(range(n), repeat=3):
            if kinds[i] != a or kinds[x] != a or kinds[j] != b or i == x:
                continue
            if speakers[i] != speakers[j] or (speakers[x] != speakers[i]) != across:
                continue
            if not contexts[i] == contexts[j] == contexts[x]:
                continue
            near, far = distances[x, i], distances[x, j]
            cells.setdefault((contexts[i], speakers[i], speakers[x]), []).append((near > far) + 0.5 * (near == far))
        total += sum(map(len, cells.values()))
        pairs.setdefault(tuple(sorted((a, b))), []).extend(np.mean(v) for v in cells.values())
    return float(np.mean([np.mean(v) for v in pairs.values() if v])), total


@pytest.mark.parametrize("across", [False, True])
@pytest.mark.parametrize("with_contexts", [False, True])
def test_error_is_that_of_all_triplets_one_by_one(across, with_contexts):
    rng = np.random.default_rng(0)
    n = 36
    kinds = rng.choice(list("aei"), n).tolist()
    speakers = rng.choice(["x", "y", "z"], n).tolist()
    contexts = rng.choice(["p_t", "k_s"], n).tolist() if with_contexts else [None] * n
    places = rng.normal(size=n) + [{"a": 0, "e": 1, "i": 2}[k] for k in kinds]
    distances = np.abs(places[:, None] - places[None]).round(1)
    found = abx_error(distances, kinds, speakers, contexts=contexts if with_contexts else None, across=across)
    error, n_triplets = listed(distances, kinds, speakers, contexts, across)
    assert found.error == pytest.approx(error)
    assert found.n_triplets == n_triplets
    assert set(found.by_pair) <= {("a", "e"), ("a", "i"), ("e", "i")}


def test_ends_of_the_scale():
    kinds, speakers = ["a"] * 5 + ["b"] * 5, ["x"] * 10
    apart = np.array([[0.0 if i == j else 1.0 for j in kinds] for i in kinds])
    assert abx_error(apart, kinds, speakers).error == 0
    assert abx_error(1 - apart, kinds, speakers).error == 1
    assert abx_error(np.zeros((10, 10)), kinds, speakers).error == 0.5
    assert np.isnan(abx_error(apart, kinds, speakers, across=True).error)
    with pytest.raises(BadInput, match="distances"):
        abx_error(apart[:5], kinds, speakers)
