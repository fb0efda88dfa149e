"""Labels read by a probe as targets: taught on some sounds, told apart on others, explained by any method."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from otoscope.core import BadInput, Recording, Segment, Target, UnknownName
from otoscope.explainers import explain
from otoscope.explainers.probe_scores import LinearProbe, ProbedRecognizer, teach

pytest.importorskip("torch")


@dataclass
class Said:
    id: str
    speaker: str
    recording_: Recording
    text: str = "one"

    def recording(self, *, rate_hz=16000):
        return self.recording_


def sound(speaker, seed):
    """Noise in which one half has a tone of the speaker's own."""
    rng, t = np.random.default_rng(seed), np.arange(6400) / 8000
    tone = np.sin(2 * np.pi * {"low": 300, "high": 2500, "mid": 1000}[speaker] * t) * (t < 0.4)
    return Recording((0.02 * rng.standard_normal(6400) + 0.3 * tone).astype(np.float32), 8000)


def utterances(seeds, speakers=("low", "high")):
    return [Said(f"{s}{seed}", s, sound(s, seed)) for seed in seeds for s in speakers]


@pytest.fixture(scope="module")
def engine():
    from otoscope.recognizers.endtoend import PRESETS, EndToEndRecognizer
    from otoscope.recognizers.endtoend.presets import Options, card_of
    from otoscope.recognizers.endtoend.tokens import characters

    card = card_of(PRESETS["wav2letter"], Options(n_units=8, n_layers=2, rate_hz=8000), characters())
    return EndToEndRecognizer(card, seed=1)


@pytest.fixture(scope="module")
def probe(engine):
    return teach(engine, utterances(range(8)), utterances(range(20, 26)))


def test_the_map_of_a_speaker_lies_where_the_speaker_is(engine, probe):
    assert probe.accuracy == 1
    assert probe.chance == 0.5
    assert not probe.failures
    probed = ProbedRecognizer(engine, probe)
    recording = sound("high", 99)
    target = probed.target(recording)
    assert target.label == "high"
    scores = probed.score([recording, sound("low", 98)], [target, target.rather_than("low")])
    assert scores[0, 0] > scores[1, 0]
    assert scores[0, 1] > 0 > scores[1, 1]
    halves = [Segment(0, 0.4), Segment(0.4, 0.8)]
    found = explain(probed, recording, target=target, segments=halves, method="shapley", checks=False)[0]
    assert found.relevance[0] > abs(found.relevance[1])
    assert found.completeness_gap < 1e-6


@pytest.mark.parametrize("speakers", [("low", "high"), ("low", "high", "mid")])
def test_probabilities_are_those_of_the_regression(engine, speakers):
    made = teach(engine, utterances(range(6), speakers), utterances([9], speakers))
    probed = ProbedRecognizer(engine, made)
    targets = [probed.target(sound("low", 1), name) for name in made.labels]
    assert np.exp(probed.score([sound("low", 1)], targets)).sum() == pytest.approx(1)
    assert probed.target(sound("high", 50)).label == "high"


def test_a_probe_that_knows_nothing_says_so(engine):
    said = utterances(range(8))
    lots = np.random.default_rng(0).permutation(["a", "b"] * 8)
    labels = {each.id: str(lot) for each, lot in zip(said, lots, strict=True)}
    made = teach(engine, said[:8], said[8:], label=labels)
    assert made.failures
    halves = [Segment(0, 0.4), Segment(0.4, 0.8)]
    probed = ProbedRecognizer(engine, made)
    found = explain(probed, sound("low", 3), target=Target.utterance("a"), segments=halves, method="shapley")[0]
    assert found.trust.failures[: len(made.failures)] == made.failures
    assert not found.trust.passed


def test_saved_and_refused(engine, probe, tmp_path):
    probe.save(tmp_path / "probe.json")
    assert LinearProbe.load(tmp_path / "probe.json") == probe
    (tmp_path / "other.json").write_text("[]")
    for name in ("other.json", "none.json"):
        with pytest.raises(BadInput, match="holds no probe"):
            LinearProbe.load(tmp_path / name)
    with pytest.raises(BadInput, match="other weights"):
        ProbedRecognizer(engine.with_random_weights(seed=5), probe)
    with pytest.raises(UnknownName, match="nobody"):
        ProbedRecognizer(engine, probe).target(sound("low", 1), "nobody")
    with pytest.raises(BadInput, match="two labels"):
        teach(engine, utterances(range(3), ("low",)), utterances([9]))


@pytest.mark.parametrize("speaker", [None, "", " "])
def test_who_is_not_known_is_no_label(engine, speaker):
    some = utterances(range(2))
    some[1].speaker = speaker
    with pytest.raises(BadInput, match="high0 has no label"):
        teach(engine, some, utterances([9]))
    with pytest.raises(BadInput, match="high0 has no label"):
        teach(engine, utterances(range(2)), utterances([9]), label={"low0": "a", "high0": speaker})
