"""Items whose activations grow at known paces, and listeners who answer from known parameters."""

from __future__ import annotations

import numpy as np
import pytest

from otoscope.listener.fitting.predicting import DecisionTimes, HeardItem
from otoscope.listener.fitting.trials import trials_from

TRUE = {"frequency_weight": 3.0, "acoustic_scale": 0.1, "threshold": 25.0, "beta_s": 0.08}


def made_items(n, seed=0):
    rng = np.random.default_rng(seed)
    found = []
    for _ in range(n):
        offset = rng.uniform(0.35, 0.9)
        times = np.arange(0.005, offset + 0.02, 0.01)
        n_words = 12
        starts = np.sort(rng.uniform(0.03, offset * rng.uniform(0.3, 1.3), n_words))
        slopes = rng.uniform(40, 220, n_words)
        acoustic = -np.maximum(times[:, None] - starts[::-1], 0) * slopes
        acoustic[:, 0] = -rng.uniform(0, 2, times.size)
        found.append(HeardItem(acoustic, rng.normal(-9, 2.5, n_words), times, float(offset)))
    return found


@pytest.fixture(scope="session")
def items():
    return made_items(120)


@pytest.fixture(scope="session")
def times(items):
    return DecisionTimes(items)


@pytest.fixture(scope="session")
def trials(items, times):
    """Trials of 20 listeners with 80 items each: t_exec 0.3 s, σ 0.12, ρ 0.1."""
    rng = np.random.default_rng(5)
    total = times(TRUE) + 0.3
    names, people, rts, order = [], [], [], []
    own = rng.normal(0, 0.15, 20)
    own -= own.mean()
    middle = np.log(total).mean()
    for listener, u in enumerate(own):
        before = np.nan
        for k, item in enumerate(rng.choice(len(items), 80, replace=False)):
            carried = 0.1 * (np.log(before) - middle) if np.isfinite(before) else 0.0
            before = float(np.exp(np.log(total[item]) + u + carried + rng.normal(0, 0.12)))
            names.append(f"i{item:03d}")
            people.append(f"l{listener}")
            rts.append(before)
            order.append(k)
    missing = sorted(set(range(len(items))) - {int(name[1:]) for name in names})
    assert not missing
    durations = [items[int(name[1:])].offset_s for name in names]
    right = np.ones(len(rts), bool)
    return trials_from(names, people, rts, correct=right, of_item=([True] * len(rts), durations), order=order)
