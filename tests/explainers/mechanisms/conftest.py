"""Planted networks, made once."""

from __future__ import annotations

import pytest

from otoscope.nets.acoustic import AcousticShape
from otoscope.nets.front_end import FrontEndShape
from otoscope.recognizers.ctc import CTCRecognizer
from otoscope.recognizers.ctc.card import BLANK, CtcCard
from otoscope.testing.circuits import WORDS, circuit_sound, planted_circuit

SEED = 1


@pytest.fixture(scope="session")
def planted():
    """Return a network with leaking bystanders whose two heads stand in blocks 0 and 2."""
    return planted_circuit(SEED, leak=0.01)


@pytest.fixture(scope="session")
def recognizer(planted):
    return planted.recognizer


@pytest.fixture(scope="session")
def sounds():
    return {word: circuit_sound(word, seed=SEED) for word in WORDS}


@pytest.fixture(scope="session")
def contrast(recognizer, sounds):
    return recognizer.trace(sounds["p"]).target(0).rather_than("k")


@pytest.fixture(scope="session")
def plain():
    """Return a network of convolutions and an LSTM, not taught anything."""
    card = CtcCard(
        "plain",
        FrontEndShape(8000, 24, low_hz=50.0, floor=1e-5),
        AcousticShape(24, 5, (8, 16), (2, 1), n_units=16, n_layers=1, dropout=0.0),
        symbols=(BLANK, " ", "b", "d", "g"),
        vocabulary=("b", "d", "g"),
        beam=2,
        n_best=1,
    )
    return CTCRecognizer(card, seed=0)
