"""Bucketing uses every item once; batches made ahead are those made one by one."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from otoscope.core import BadInput
from otoscope.nets.batching import LazyBatches, bucketed


def padding(lengths, groups):
    padded = sum(len(group) * lengths[group].max() for group in groups)
    return 1 - lengths.sum() / padded


def test_buckets_hold_every_item_once_and_little_padding():
    rng = np.random.default_rng(0)
    lengths = rng.integers(10, 1000, 400)
    groups = bucketed(lengths, most=8000, rng=rng, pool=200)
    assert sorted(np.concatenate(groups).tolist()) == list(range(400))
    assert all(len(group) == 1 or len(group) * lengths[group].max() <= 8000 for group in groups)
    assert padding(lengths, groups) < 0.1
    shuffled = np.array_split(rng.permutation(400), len(groups))
    assert padding(lengths, shuffled) > 0.3
    again = bucketed(lengths, most=8000, rng=rng, pool=200)
    assert {tuple(sorted(group)) for group in groups} != {tuple(sorted(group)) for group in again}
    with pytest.raises(BadInput, match="a pool must hold"):
        bucketed(lengths, most=8000, rng=rng, pool=0)


@pytest.mark.parametrize("n_workers", [0, 1, 3])
def test_batches_made_ahead_are_those_made_one_by_one(n_workers):
    groups = [np.arange(k, k + 3) for k in range(20)]
    lazy = LazyBatches(groups, lambda items, rng: items + rng.random(3), seed=4, n_workers=n_workers)
    one_by_one = [lazy[i] for i in range(20)]
    assert all((a == b).all() for a, b in zip(lazy, one_by_one, strict=True))
    assert all((a == b).all() for a, b in zip(lazy.iterate([7, 9]), [lazy[7], lazy[9]], strict=True))
    assert (lazy[-1] == lazy[19]).all()
    assert len({batch[0] % 1 for batch in one_by_one}) == 20


def test_workers_leave_when_nobody_asks_any_more():
    before = threading.active_count()
    row = iter(LazyBatches([np.arange(2)] * 9, lambda items, rng: items, seed=0, n_workers=2))
    next(row)
    row.close()
    assert threading.active_count() == before


def test_an_error_in_a_worker_reaches_the_caller():
    def broken(items, rng):
        raise BadInput("this item is broken")

    with pytest.raises(BadInput, match="this item is broken"):
        list(LazyBatches([np.arange(2)], broken, seed=0))
