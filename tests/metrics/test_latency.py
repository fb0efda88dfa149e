"""When a word is stable: by hand and by the definition."""

from __future__ import annotations

import numpy as np
import pytest

from otoscope.core import BadInput
from otoscope.metrics.latency import Latency, stable_since


def test_stable_since_is_the_definition():
    rng = np.random.default_rng(0)
    for _ in range(300):
        partials = [tuple(rng.choice(["a", "b"], size=rng.integers(0, 5))) for _ in range(rng.integers(1, 8))]
        final = partials[-1]
        expected = [
            min(t for t in range(len(partials)) if all(p[: n + 1] == final[: n + 1] for p in partials[t:]))
            for n in range(len(final))
        ]
        assert list(stable_since(partials)) == expected


def test_a_word_taken_back_is_not_stable_until_it_comes_again():
    assert stable_since([("so",), ("so", "my"), ("sew",), ("so", "my")]) == (3, 3)
    with pytest.raises(BadInput, match="no partial results"):
        stable_since([])


def test_summary():
    latency = Latency(np.array([0.1, 0.3, 0.2]), np.array([0.0, 0.0, 0.1]), 2)
    assert latency.summary()["median_s"] == pytest.approx(0.2)
    assert latency.summary()["signal_median_s"] == 0.0
    assert Latency(np.zeros(0), np.zeros(0), 1).summary()["median_s"] is None
