"""A toy that hears ten words in noise, each mostly by its own stretch, and counts how much it is asked."""

import numpy as np
import pytest

from otoscope.core import Interval, Recording, Segment
from otoscope.testing import AdditiveRecognizer


class Counting:
    """Counts the recordings that were scored, and keeps their digests."""

    def __init__(self, recognizer):
        self.recognizer, self.digests, self.n_calls = recognizer, [], 0

    def __getattr__(self, name):
        return getattr(self.recognizer, name)

    def score(self, recordings, targets, *, progress=None):
        self.n_calls += 1
        self.digests += [recording.digest for recording in recordings]
        return self.recognizer.score(recordings, targets)


@pytest.fixture
def noise():
    return Recording(np.random.default_rng(0).normal(scale=0.1, size=32000), 16000)


@pytest.fixture
def words():
    return tuple(Interval(0.2 * i, 0.2 * i + 0.2, "abcdefghij"[i]) for i in range(10))


@pytest.fixture
def stretches(words):
    return tuple(Segment(word.start_s, word.end_s, label=word.label) for word in words)


@pytest.fixture
def toy(words, stretches):
    weights = {
        word.label: [3000.0 if i == j else 600.0 if abs(i - j) == 1 else (-1.0) ** i * 5 * i for i in range(10)]
        for j, word in enumerate(words)
    }
    return Counting(AdditiveRecognizer(stretches, weights, words, bias=-4.0))
