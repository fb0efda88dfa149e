"""Planted networks, made once."""

from __future__ import annotations

import pytest

from otoscope.testing import planted_cue
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
def cue():
    """Return a network of convolutions and an LSTM, hardly taught."""
    return planted_cue(0, n_utterances=2, epochs=1)
