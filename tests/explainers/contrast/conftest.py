"""A toy that hears one of three words, each by its own stretches, and noise for it to hear."""

import numpy as np
import pytest

from otoscope.core import Recording, Segment
from otoscope.testing.listening import BestOfRecognizer


@pytest.fixture
def stretches():
    return tuple(Segment(0.1 * i, 0.1 * i + 0.1) for i in range(8))


@pytest.fixture
def noise():
    return Recording(np.random.default_rng(0).normal(scale=0.3, size=12800), 16000)


@pytest.fixture
def toy(stretches):
    """kick by the first stretches, pick by later ones, tick always a little."""
    weights = {"kick": (900, 700, 500, 0, 0, 0, 0, 0), "pick": (0, 0, 0, 300, 400, 0, 0, 0), "tick": (0,) * 8}
    return BestOfRecognizer(stretches, weights, {"tick": 5.0})
