"""Figures of probes: control labels, description lengths against closed forms, and intervals over speakers."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from sklearn.metrics import r2_score

from otoscope.core import BadInput
from otoscope.metrics.agreement import bootstrap_interval
from otoscope.metrics.probing import (
    block_ends,
    compression,
    control_labels,
    grouped_interval,
    online_code_length,
    r_squared,
)


def test_control_labels_are_one_a_type_and_as_frequent_as_the_labels():
    labels = ["s"] * 3000 + ["t"] * 1000
    types = [f"type {i // 2}" for i in range(4000)]
    drawn = control_labels(labels, types, seed=1)
    assert drawn[0::2] == drawn[1::2]
    assert drawn.count("s") / 4000 == pytest.approx(0.75, abs=0.03)
    assert drawn != control_labels(labels, types, seed=2)


def test_a_probe_that_knows_nothing_sends_the_even_code():
    labels = np.random.default_rng(0).integers(0, 4, 500)
    bits = online_code_length(labels, 4, lambda n, m: np.full((m - n, 4), 0.25))
    assert bits == pytest.approx(500 * 2)
    assert compression(bits, 500, 4) == pytest.approx(1)


def test_a_probe_that_knows_all_pays_for_the_first_block_and_its_caution():
    labels = np.random.default_rng(0).integers(0, 4, 500)
    bits = online_code_length(labels, 4, lambda n, m: np.eye(4)[labels[n:m]])
    ends = block_ends(500, 4)
    assert ends[0] == 4
    caution = sum((m - n) * math.log2((n + 4) / (n + 1)) for n, m in itertools.pairwise(ends))
    assert bits == pytest.approx(4 * 2 + caution)
    assert compression(bits, 500, 4) > 8


def test_a_wrong_probe_costs_more_than_the_even_code_but_never_everything():
    labels = np.zeros(200, int)
    bits = online_code_length(labels, 2, lambda n, m: np.eye(2)[np.ones(m - n, int)])
    assert 200 < bits < 2000


def test_blocks_end_with_all_items_and_begin_with_the_classes():
    assert block_ends(10, 3)[-1] == 10
    assert all(end >= 39 for end in block_ends(5000, 39))
    with pytest.raises(BadInput, match="shape"):
        online_code_length([0, 1] * 50, 2, lambda n, m: np.zeros((m - n, 3)))


def test_r_squared_is_that_of_scikit_learn():
    rng = np.random.default_rng(1)
    truth = rng.normal(size=50)
    guess = truth + 0.5 * rng.normal(size=50)
    assert r_squared(truth, guess) == pytest.approx(r2_score(truth, guess))
    assert math.isnan(r_squared([1, 1], [0, 1]))


def test_intervals_over_speakers_are_wider_than_over_items():
    rng = np.random.default_rng(2)
    groups = np.repeat(np.arange(12), 50)
    values = rng.normal(size=12)[groups] + 0.1 * rng.normal(size=600)
    narrow, wide = bootstrap_interval(values), grouped_interval(values, groups.tolist())
    assert wide[1] - wide[0] > 3 * (narrow[1] - narrow[0])
    assert wide[0] < values.mean() < wide[1]
    alone = grouped_interval(values, list(range(600)))
    assert alone == pytest.approx(narrow, abs=0.02)
