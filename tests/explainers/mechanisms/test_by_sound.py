"""Sparse codes and steering by sounds alone, on a network that is known."""

from __future__ import annotations

import numpy as np
import pytest

from otoscope.core import BadInput
from otoscope.explainers.mechanisms import mean_difference, sparse_codes, steer, steer_by_sound
from otoscope.testing.circuits import circuit_sound


def test_a_code_is_told_by_the_half_it_was_not_learnt_from(recognizer):
    heard = [circuit_sound(word, seed=seed) for seed in range(2) for word in "ppkk"]
    told = []
    found = sparse_codes(recognizer, heard, n_features=8, k=2, n_steps=20, progress=lambda *at: told.append(at))
    assert found.provenance["code"]["n_recordings"] == 4
    assert len(found.provenance["recordings"]) == 4
    assert found.provenance["at"] == "encoder.blocks.2"
    assert told[-1] == (28, 28)
    assert [done for done, _ in told] == sorted(done for done, _ in told)
    with pytest.raises(BadInput, match="one half"):
        sparse_codes(recognizer, heard[:1])


def test_steering_by_sound_is_steering_along_the_mean_difference(recognizer, sounds):
    at = "encoder.blocks.1"
    found = steer_by_sound(recognizer, sounds["p"], towards=sounds["k"], at=at, n_random=2)
    direction = mean_difference(recognizer, [sounds["k"]], [sounds["p"]], at=at)
    same = steer(recognizer, sounds["p"], at=at, direction=direction, n_random=2)
    assert [dict(row) for row in found.table] == [dict(row) for row in same.table]
    back = steer_by_sound(recognizer, sounds["p"], towards=sounds["p"], away=sounds["k"], at=at, n_random=2)
    forth = {row["strength"]: row["score"] for row in found.table}
    assert np.allclose([forth[-row["strength"]] for row in back.table], [row["score"] for row in back.table])
