"""A small CTC network with random weights, and a word in noise."""

from __future__ import annotations

import numpy as np
import pytest

from otoscope.core import Interval, Recording, Target


@pytest.fixture(scope="session")
def small_ctc():
    pytest.importorskip("torch")
    from otoscope.nets.acoustic import AcousticShape
    from otoscope.nets.front_end import FrontEndShape
    from otoscope.recognizers.ctc import CTCRecognizer
    from otoscope.recognizers.ctc.card import LETTERS, CtcCard

    shape = AcousticShape(20, len(LETTERS), (4, 6), (2, 1), n_units=8, n_layers=1)
    card = CtcCard("small", FrontEndShape(8000, 20, low_hz=50), shape, vocabulary=("one", "two"))
    return CTCRecognizer(card, seed=3)


@pytest.fixture(scope="session")
def tone():
    samples = np.random.default_rng(0).normal(0, 0.1, 6400) * np.hanning(6400)
    return Recording(samples.astype(np.float32), 8000)


@pytest.fixture(scope="session")
def target():
    return Target("word", "two", Interval(0.3, 0.5, "two"), 1, ("one", "two", "one"))
