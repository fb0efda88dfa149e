"""Probes on layers that hold what they hold by construction: what is there is found, what is not is not."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest

from otoscope.core import BadInput, NotAble, Recording
from otoscope.explainers.layers import ProbePlan, probe
from otoscope.explainers.layers.probe_tasks import _pitch_of
from otoscope.explainers.layers.probes import code_length, held_out_predictions
from otoscope.explainers.layers.tokens import Token, arpabet_of, gathered


def by_layer(finding):
    return {row["layer"]: row for row in finding.table}


def test_phones_are_read_where_they_are_and_nowhere_else(toys, utterances):
    found = probe(toys.Layers(), utterances, task="phone")
    rows = by_layer(found)
    assert list(rows) == ["features", "encoder.0", "encoder.1", "encoder.2"]
    assert rows["encoder.0"]["score"] > 0.95
    assert rows["encoder.0"]["low"] > 0.9
    assert rows["encoder.0"]["compression"] > 1.8
    for other in ("features", "encoder.1"):
        assert rows[other]["score"] == pytest.approx(rows[other]["chance"], abs=0.12)
        assert rows[other]["compression"] < 1.1
    assert rows["encoder.0"]["selectivity"] == rows["encoder.0"]["score"] - rows["encoder.0"]["control"]
    assert found.passed
    assert "encoder.0" in found.summary
    assert found.provenance["groups"] == "speaker"


def test_a_probe_that_learns_places_by_heart_is_not_selective(toys, utterances):
    """The place in a word tells the phone, and any label drawn for places as well."""
    by_place = by_layer(probe(toys.Layers(noise=0.05), utterances, task="phone"))
    assert by_place["encoder.2"]["score"] > 0.97
    assert by_place["encoder.2"]["control"] > 0.97
    assert by_place["encoder.0"]["control"] < 0.7
    found = probe(toys.Layers(noise=0.05), utterances, task="phone", sites=["encoder.2"])
    assert any("by heart" in failure for failure in found.failures)
    assert found.panels[0].warning


def test_where_nothing_is_known_the_finding_says_so(toys, utterances):
    found = probe(toys.Layers(), utterances, task="phone", sites=["features"])
    assert any("no layer is better than chance" in failure for failure in found.failures)


@pytest.mark.parametrize(
    ("task", "classes"),
    [
        ("manner", {"fricative", "stop", "vowel"}),
        ("place", {"alveolar"}),
        ("voicing", {"voiced", "voiceless"}),
        ("height", {"high", "low"}),
        ("word", {"zeesa", "tadee", "sadi"}),
        ("speaker", {"s0", "s1", "s2", "s3"}),
    ],
)
def test_tasks_ask_for_what_their_names_say(toys, utterances, task, classes):
    if len(classes) == 1:
        with pytest.raises(BadInput, match="1 classes"):
            probe(toys.Layers(), utterances, task=task, sites=["encoder.0"])
        return
    site = {"speaker": "encoder.1", "word": "encoder.2"}.get(task, "encoder.0")
    found = probe(toys.Layers(), utterances, task=task, sites=[site])
    assert set(found.provenance["labels"]) == classes
    assert found.table[0]["score"] > 0.9
    n = found.provenance["n_items"]
    assert n == {"manner": 192, "voicing": 96, "height": 96, "word": 48, "speaker": 16}[task]
    assert found.provenance["groups"] == ("utterance" if task == "speaker" else "speaker")


def test_labels_of_ones_own_go_by_speaker_or_utterance(toys, utterances):
    sexes = {"s0": "female", "s1": "male", "s2": "female", "s3": "male"}
    found = probe(toys.Layers(), utterances, task="sex", plan=ProbePlan(labels=sexes), sites=["encoder.1"])
    assert found.provenance["labels"] == {"female": 8, "male": 8}
    assert found.table[0]["score"] < 0.7, "speakers that were not taught cannot be known by who they are"
    by_utterance = {u.id: u.words[0] for u in utterances}
    first = probe(
        toys.Layers(), utterances, task="first-word", plan=ProbePlan(labels=by_utterance), sites=["encoder.0"]
    )
    assert first.provenance["n_items"] == 16
    with pytest.raises(BadInput, match="sex needs labels"):
        probe(toys.Layers(), utterances, task="sex")
    with pytest.raises(BadInput, match="unknown task 'mood'"):
        probe(toys.Layers(), utterances, task="mood")


def test_noise_is_heard_at_every_ratio_asked_for(toys, utterances, monkeypatch):
    heard = []

    def louder(recording, kind, *, snr_db, seed):
        heard.append((kind, snr_db))
        return recording.with_samples(recording.samples + np.float32(0.1 * (3 if snr_db == 20 else 5)))

    monkeypatch.setattr("otoscope.explainers.layers.probe_tasks.add_noise", louder)
    plan = ProbePlan(snrs_db=(20.0, 3.0), n_folds=4)
    found = probe(toys.Layers(noise=0.01), utterances, task="noise", plan=plan, sites=["features", "encoder.1"])
    assert set(heard) == {("speech", 20.0), ("speech", 3.0)}
    assert found.provenance["labels"] == {"20 dB": 16, "3 dB": 16, "as it is": 16}
    assert len(found.provenance["recordings_sha256"]) == 48


def test_pitch_of_a_vowel_is_that_of_its_middle():
    pytest.importorskip("parselmouth")
    t = np.arange(16000) / 16000
    hz = np.where(t < 0.5, 110.0, 220.0)
    tone = sum(np.sin(2 * np.pi * k * np.cumsum(hz) / 16000) / k for k in range(1, 8))

    class Said:
        def recording(self, *, rate_hz):
            return Recording((0.1 * tone).astype(np.float32), 16000)

    of = _pitch_of({"u": Said()})
    low, high = Token("IY", 0.1, 0.4, "u", "s", 0), Token("AA", 0.6, 0.9, "u", "s", 0)
    assert math.exp(of(low, "")) == pytest.approx(110, rel=0.01)
    assert math.exp(of(high, "")) == pytest.approx(220, rel=0.01)
    assert of(Token("S", 0.1, 0.4, "u", "s", 0), "") is None


def test_groups_are_never_taught_and_tested():
    rng = np.random.default_rng(0)
    groups = np.repeat(np.arange(10), 20)
    labels = rng.integers(0, 2, 10)[groups]
    vectors = np.eye(10)[groups] + 0.05 * rng.normal(size=(200, 10))
    apart = held_out_predictions(vectors, labels, groups.tolist())
    mixed = held_out_predictions(vectors, labels, list(range(200)))
    assert (mixed == labels).mean() > 0.99
    assert (apart == labels).mean() < 0.7


def test_values_are_regressed():
    rng = np.random.default_rng(1)
    vectors = rng.normal(size=(120, 4))
    values = vectors @ [1.0, -2.0, 0.0, 0.5] + 0.1 * rng.normal(size=120)
    for kind in ("linear", "mlp"):
        found = held_out_predictions(vectors, values, (np.arange(120) // 10).tolist(), kind=kind)
        assert np.corrcoef(found, values)[0, 1] > 0.9


def test_more_knowledge_is_a_shorter_code():
    rng = np.random.default_rng(2)
    labels = rng.integers(0, 3, 240)
    lengths = [code_length(np.eye(3)[labels] + noise * rng.normal(size=(240, 3)), labels, 3) for noise in (0.1, 0.7, 5)]
    assert all(a < b for a, b in pairwise(lengths))
    assert lengths[0] < 100 < 240 * math.log2(3) < lengths[-1]


def test_phones_come_from_an_aligner_where_there_are_no_tiers(toys):
    without = toys.corpus(annotated=False)
    with pytest.raises(NotAble, match="cannot align"):
        probe(toys.Layers(), without, task="phone")
    known = gathered(toys.Layers(), toys.corpus(), unit="phone", sites=["encoder.0"])
    aligned = gathered(toys.Layers(), without, unit="phone", sites=["encoder.0"], aligner=toys.Aligner())
    assert aligned.tokens == known.tokens
    np.testing.assert_array_equal(aligned.means("encoder.0"), known.means("encoder.0"))
    some = gathered(toys.Layers(), without, unit="phone", sites=["encoder.0"], aligner=toys.Aligner(refuses="u1"))
    assert set(some.skipped) == {f"u1-{k}" for k in range(4)}
    assert {token.speaker for token in some.tokens} == {"s0", "s2", "s3"}


def test_tokens_know_their_place_and_neighbours(toys):
    said = toys.corpus(1, 1)
    tokens = gathered(toys.Layers(), said, unit="phone", sites=["encoder.0"]).tokens
    assert tokens[0].context == ("#", tokens[1].label)
    assert tokens[1].context == (tokens[0].label, tokens[2].label)
    assert [token.kind for token in tokens[:5]] == [*((said[0].words[0], i) for i in range(4)), (said[0].words[1], 0)]


def test_names_of_phones():
    assert arpabet_of(["sil", "t", "iy"]) == [None, "T", "IY"]
    assert arpabet_of(["t", "'i:", "T", "'O: l"]) == ["T", "IY", "TH", None]
