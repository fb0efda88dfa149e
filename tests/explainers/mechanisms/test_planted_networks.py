"""The networks that the tests of mechanisms rest on do what they were set to do."""

from __future__ import annotations

import numpy as np
import pytest

from otoscope.core import BadInput
from otoscope.testing.circuits import WORDS, circuit_sound, circuit_tones, planted_circuit

SIZES = [{}, {"n_layers": 2, "n_heads": 1, "n_hidden": 3}, {"n_layers": 5, "n_heads": 3}, {"final_norm": True}]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("seed", [0, 1])
def test_each_word_is_heard(size, seed):
    recognizer = planted_circuit(seed, **size).recognizer
    assert [recognizer.trace(circuit_sound(word, seed=seed)).text for word in WORDS] == list(WORDS)


@pytest.mark.parametrize("seed", [0, 1])
def test_a_sabotaged_network_exchanges_the_first_and_the_last_word(seed):
    recognizer = planted_circuit(seed, sabotaged=True).recognizer
    assert [recognizer.trace(circuit_sound(word, seed=seed)).text for word in WORDS] == ["k", "t", "p"]


def test_the_word_is_written_where_the_end_is(recognizer, sounds):
    word = recognizer.trace(sounds["p"]).words[0]
    end = circuit_tones("p", seed=1)[2]
    assert end.label == "end"
    assert word.overlap_s(end) > 0.8 * end.duration_s


def test_sounds_of_a_seed_differ_in_the_cue_alone(sounds):
    cue = circuit_tones("p", seed=1)[0]
    changed = np.flatnonzero(sounds["p"].samples != sounds["k"].samples) / 8000
    assert changed.min() >= cue.start_s - 1e-3
    assert changed.max() <= cue.end_s + 1e-3


def test_the_seed_moves_the_circuit_and_only_the_seed():
    places = {tuple(sorted(planted_circuit(seed, n_layers=4).heads)) for seed in range(6)}
    assert len(places) > 3
    first, second = (planted_circuit(3, leak=0.01) for _ in range(2))
    assert first.recognizer.provenance == second.recognizer.provenance
    assert first.recognizer.provenance != planted_circuit(4, leak=0.01).recognizer.provenance


@pytest.mark.parametrize("size", [{"n_layers": 1}, {"n_hidden": 2}, {"n_heads": 0}])
def test_too_small_a_network_is_refused(size):
    with pytest.raises(BadInput, match="a circuit needs 2 blocks"):
        planted_circuit(0, **size)


def test_an_unknown_word_is_refused():
    with pytest.raises(BadInput, match="a word of p, t, k"):
        circuit_sound("q")
