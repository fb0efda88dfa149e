"""Ears: evidence on the right grid, the same in chunks as whole, saved and opened, with their provenance."""

from __future__ import annotations

import json

import numpy as np
import pytest

from otoscope.core import BadInput, CorruptWeights, Recording
from otoscope.core.errors import UnknownName
from otoscope.listener.ears.card import EarsCard
from otoscope.listener.ears.ears import Ears
from otoscope.listener.ears.hearing import N_FEATURES
from otoscope.listener.ears.network import Network

PHONES = ("AA", "B", "T")
OFFSETS = ((-3, 0, 3), (-6, 0))


def random_weights(n_units=12, n_columns=10, seed=0):
    rng = np.random.default_rng(seed)
    draw = lambda *shape: (0.3 * rng.normal(size=shape)).astype(np.float16).astype(np.float32)  # noqa: E731
    weights = {
        "mean": draw(N_FEATURES),
        "scale": (1 + np.abs(draw(N_FEATURES))).astype(np.float16).astype(np.float32),
        "widen.weight": draw(n_units, 7 * N_FEATURES),
        "widen.bias": draw(n_units),
        "norm.weight": draw(n_units),
        "norm.bias": draw(n_units),
        "head.weight": draw(n_columns, n_units),
        "head.bias": draw(n_columns),
    }
    for k, own in enumerate(OFFSETS):
        weights |= {
            f"layers.{k}.norm.weight": draw(n_units),
            f"layers.{k}.norm.bias": draw(n_units),
            f"layers.{k}.splice.weight": draw(n_units, len(own) * n_units),
            f"layers.{k}.splice.bias": draw(n_units),
            f"layers.{k}.add.weight": draw(n_units, n_units),
            f"layers.{k}.add.bias": draw(n_units),
        }
    return weights


@pytest.fixture(scope="module")
def card():
    priors = np.log(np.arange(1, 11) / 55)
    return EarsCard("toy", PHONES, tuple(priors), (3.0,) * 10, prior_weight=0.7, offsets=OFFSETS, training={"seed": 4})


@pytest.fixture(scope="module")
def ears(card):
    return Ears(card, Network(random_weights(), card.reach, card.offsets))


@pytest.fixture(scope="module")
def recording():
    rng = np.random.default_rng(5)
    return Recording((0.1 * rng.normal(size=16123) * np.hanning(16123)).astype(np.float32), 16000)


def test_evidence_every_ten_milliseconds(ears, recording):
    found = ears.hear(recording)
    assert found.scores.shape == (100, 10)
    assert found.grid.n_frames == 100
    np.testing.assert_allclose(found.grid.edges_s(), np.arange(101) * 0.01)
    assert found.phones == PHONES
    assert found.models.silence == "SIL"
    assert [s.column for s in found.models.states("B", "T", None)] == [6, 7, 8]
    assert [s.column for s in found.models.states(None, "SIL", None)] == [9]


def test_priors_are_taken_off(ears, card, recording):
    scores = ears.hear(recording).scores
    posteriors = np.exp(scores + 0.7 * np.array(card.log_priors))
    np.testing.assert_allclose(posteriors.sum(axis=1), 1, rtol=1e-5)


def test_chunks_hear_what_the_whole_hears(ears, recording):
    stream, rng, parts, place = ears.stream(), np.random.default_rng(6), [], 0
    while place < recording.n_samples:
        n = int(rng.integers(1, 900))
        parts.append(stream.feed(recording.samples[place : place + n]))
        place += n
    parts.append(stream.finish())
    np.testing.assert_allclose(np.concatenate(parts), ears.hear(recording).scores, atol=2e-4)
    with pytest.raises(BadInput, match="finished"):
        stream.feed(recording.samples)


def test_a_frame_is_certain_80_milliseconds_later(ears, recording):
    n_known = len(ears.stream().feed(recording.samples[:8000]))
    assert 50 - n_known <= 8


def test_other_rates_are_resampled(ears, recording):
    slow = Recording(recording.samples[::2].copy(), 8000)
    assert ears.hear(slow).grid.n_frames == 100


def test_silence_and_very_short_sound(ears):
    assert ears.hear(Recording(np.zeros(100, np.float32), 16000)).scores.shape == (0, 10)
    assert np.isfinite(ears.hear(Recording(np.zeros(1600, np.float32), 16000)).scores).all()


def test_long_recordings_are_heard_in_blocks(ears, recording, monkeypatch):
    whole = ears.hear(recording).scores
    monkeypatch.setattr("otoscope.listener.ears.ears.BLOCK_S", 1)
    np.testing.assert_allclose(ears.hear(recording).scores, whole, atol=2e-4)


def test_saved_and_opened(ears, recording, tmp_path):
    ears.save(tmp_path / "mine")
    again = Ears.load(tmp_path / "mine")
    assert again.card == ears.card
    assert again.sha256 == ears.sha256
    np.testing.assert_array_equal(again.hear(recording).scores, ears.hear(recording).scores)
    made = again.provenance
    assert made.weights_sha256 == ears.sha256
    assert made.recognizer == "toy"
    assert made.seed == 4


def test_damaged_or_unknown(ears, tmp_path):
    with pytest.raises(UnknownName, match="nobody"):
        Ears.load("nobody")
    ears.save(tmp_path)
    (tmp_path / "weights.safetensors").write_bytes(b"no")
    with pytest.raises(CorruptWeights):
        Ears.load(tmp_path)
    ears.save(tmp_path)
    values = json.loads((tmp_path / "ears.json").read_text("utf-8"))
    (tmp_path / "ears.json").write_text(json.dumps({**values, "strange": 1}), "utf-8")
    with pytest.raises(CorruptWeights, match="strange"):
        Ears.load(tmp_path)


def test_cards_that_do_not_go_together(card):
    with pytest.raises(BadInput, match="10 columns"):
        EarsCard("toy", PHONES, (0.0,) * 9, (3.0,) * 10)
    with pytest.raises(BadInput, match="more than one frame"):
        EarsCard("toy", PHONES, (0.0,) * 10, (1.0,) * 10)
    with pytest.raises(UnknownName):
        card.states(None, "ZZ", None)
