"""The contract of a hybrid recogniser, on small networks with random weights and four words."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import numpy as np
import pytest
import torch

from otoscope.core import (
    Aligning,
    BadInput,
    CorruptWeights,
    Differentiable,
    DoesNotFit,
    Interval,
    Intervenable,
    NotAble,
    NotRecorded,
    Recognizer,
    Recording,
    Target,
)
from otoscope.nets.front_end import FrontEndShape
from otoscope.recognizers import load
from otoscope.recognizers.hybrid import HybridRecognizer
from otoscope.recognizers.hybrid.card import HybridCard
from otoscope.recognizers.hybrid.files import Parts
from otoscope.recognizers.hybrid.language import any_order
from otoscope.recognizers.hybrid.model import AcousticScores
from otoscope.recognizers.hybrid.phones import PhoneTable, tied_biphones

LEXICON = {"see": (("S", "IY"),), "sue": (("S", "UW"),), "tea": (("T", "IY"),), "two": (("T", "UW"),)}
SHAPES = {
    "factorized-tdnn": {"channels": (2, 3), "n_units": 12, "n_bottleneck": 4, "dilations": (0, 1), "n_prefinal": 6},
    "mlp": {"reach": 2, "n_hidden": (12, 10)},
    "tdnn": {"reach": 1, "n_units": 12, "dilations": (1, 3), "n_prefinal": 8},
    "lstm": {"n_units": 6, "n_layers": 2},
}


def made(network: str, features: str = "log-mel", **fields: object) -> HybridRecognizer:
    table = PhoneTable.of(tied_biphones({("S", "IY"): 200.0}, ("S", "T", "IY", "UW")))
    front_end = FrontEndShape(n_mels=16)
    n_features = 256 if features == "spectrogram" else 16
    shape = {"n_features": n_features, "n_symbols": table.n_columns, **SHAPES[network]}
    criterion = "mmi" if network == "factorized-tdnn" else "cross-entropy"
    card = HybridCard(
        f"tiny-{network}",
        front_end,
        network,
        shape,
        criterion,
        features=features,
        least_said=0.0,
        least_told=0.0,
        least_fit=-1e9,
        **fields,
    )
    priors = np.random.default_rng(0).normal(-2.0, 0.5, table.n_columns) if criterion != "mmi" else None
    acoustic = AcousticScores(card, table, log_priors=priors, seed=1)
    torch.manual_seed(2)
    with torch.no_grad():
        for parameter in acoustic.network.parameters():
            parameter += 0.3 * torch.randn_like(parameter)
    return HybridRecognizer(Parts(acoustic, LEXICON, any_order(list(LEXICON))))


@pytest.fixture(scope="module", params=sorted(SHAPES))
def recognizer(request: pytest.FixtureRequest) -> HybridRecognizer:
    return made(request.param)


def sound(duration_s: float = 0.6, rate_hz: int = 16000, seed: int = 0) -> Recording:
    rng = np.random.default_rng(seed)
    t = np.arange(round(duration_s * rate_hz)) / rate_hz
    samples = 0.1 * np.sin(2 * np.pi * (300 + 500 * t) * t) + 0.02 * rng.standard_normal(t.size)
    return Recording(samples.astype(np.float32), rate_hz)


def word(label: str = "tea", rival: str | None = None) -> Target:
    context = ("two", "tea", "see")
    return Target("word", label, Interval(0.2, 0.4, label), position=1, context=context, rival=rival)


def test_it_has_the_abilities_of_its_family(recognizer: HybridRecognizer) -> None:
    for ability in (Recognizer, Aligning, Differentiable, Intervenable):
        assert isinstance(recognizer, ability)


def test_a_trace_holds_what_was_asked_for_on_its_own_grid(recognizer: HybridRecognizer) -> None:
    recording = sound()
    trace = recognizer.trace(recording, record=["features", "emissions", "activations"])
    assert trace.features.kind == "log_mel"
    assert trace.features.values.shape == (trace.features.grid.n_frames, 16)
    names = [site.name for site in recognizer.sites()]
    assert list(trace.activations) == names
    for site in recognizer.sites():
        activation = trace.activations[site.name]
        assert activation.values.shape == (activation.grid.n_frames, site.n_units)
        assert abs(activation.grid.edges_s()[-1] - recording.duration_s) < 0.035
    emissions = trace.emissions
    assert emissions.kind == "scaled_log_likelihood"
    assert len(set(emissions.symbols)) == len(emissions.symbols)
    assert emissions.grid == trace.activations["logits"].grid
    if recognizer.card.criterion == "mmi":
        np.testing.assert_array_equal(emissions.scores, trace.activations["logits"].values)
    else:
        joint = np.exp(emissions.scores + recognizer.acoustic.log_priors)
        np.testing.assert_allclose(joint.sum(1), 1, rtol=1e-5)
    assert set(trace.hypotheses[0].words) <= set(LEXICON)
    alignment = trace.alignment
    assert tuple(i.label for i in alignment.words.intervals) == trace.hypotheses[0].words
    assert len(alignment.path) == emissions.grid.n_frames
    assert {i.label for i in alignment.states.intervals} <= set(emissions.symbols)
    scores = [h.log_score for h in trace.hypotheses]
    assert scores == sorted(scores, reverse=True)


def test_what_was_not_asked_for_is_not_there(recognizer: HybridRecognizer) -> None:
    trace = recognizer.trace(sound())
    for part in ("features", "emissions", "activations", "steps", "attentions"):
        with pytest.raises(NotRecorded, match=f"did not record {part}: "):
            getattr(trace, part)
    with pytest.raises(BadInput, match="cannot record attention"):
        recognizer.trace(sound(), record=["attention"])


def test_a_word_of_a_long_recording_scores_as_if_all_frames_were_made(recognizer: HybridRecognizer) -> None:
    recordings = [sound(duration_s, seed=seed) for seed, duration_s in enumerate((4.0, 3.97, 4.0))]
    late = Target("word", "see", Interval(3.7, 3.97, "see"), position=2, context=("two", "tea", "see"))
    middle = Target("word", "tea", Interval(2.0, 2.2, "tea"), position=1, context=("two", "tea", "see"))
    for targets in ([middle], [late], [middle, late]):
        found = recognizer.score(recordings, targets)
        with recognizer.edited({"logits": lambda values: values}):
            whole = recognizer.score(recordings, targets)
        np.testing.assert_allclose(found, whole, rtol=1e-4)
        assert np.ptp(whole) > 0.01


def test_scores_in_a_batch_are_those_alone(recognizer: HybridRecognizer) -> None:
    recordings = [sound(0.6), sound(0.9, seed=1), sound(0.45, rate_hz=8000, seed=2), sound(0.5, rate_hz=48000, seed=3)]
    targets = [word(), word("see", rival="sue"), Target("utterance", "two tea")]
    together = recognizer.score(recordings, targets)
    alone = np.concatenate([recognizer.score([recording], targets) for recording in recordings])
    np.testing.assert_allclose(together, alone, rtol=1e-4, atol=1e-4)
    assert (together[:, [0, 2]] <= 1e-6).all()
    told: list[tuple[int, int]] = []
    recognizer.score(recordings, targets[:1], progress=lambda done, total: told.append((done, total)))
    assert told[-1] == (4, 4)
    with pytest.raises(BadInput, match="behind the end"):
        recognizer.score([sound(0.1)], targets[:1])
    with pytest.raises(NotAble, match="not tokens"):
        recognizer.score([sound()], [Target("token", "see", Interval(0.1, 0.2, "see"), position=0)])


@pytest.mark.parametrize("n_samples", [1, 100, 400])
def test_next_to_nothing_is_heard_without_error(recognizer: HybridRecognizer, n_samples: int) -> None:
    recording = Recording(np.full(n_samples, 0.01, np.float32), 16000)
    trace = recognizer.trace(recording, record=["emissions", "activations"])
    assert np.isfinite(trace.emissions.scores).all()
    assert all(i.end_s <= recording.duration_s for i in trace.alignment.words.intervals)
    with pytest.raises(DoesNotFit, match=r"8 words do not fit \d frames?: the recording is too short"):
        recognizer.align(recording, "see two tea sue see two tea sue")


def test_digital_silence_gives_numbers(recognizer: HybridRecognizer) -> None:
    silence = Recording(np.zeros(8000, np.float32), 16000)
    assert np.isfinite(recognizer.trace(silence, record=["emissions"]).emissions.scores).all()
    assert np.isfinite(recognizer.score([silence], [word()])).all()
    assert np.isfinite(recognizer.gradient(silence, word(), at="waveform")).all()


def test_alignment_holds_the_words_in_order_and_judges(recognizer: HybridRecognizer) -> None:
    recording = sound(1.2)
    alignment = recognizer.align(recording, "two tea See")
    words = alignment.words.intervals
    assert [i.label for i in words] == ["two", "tea", "see"]
    assert all(a.end_s <= b.start_s for a, b in itertools.pairwise(words))
    assert [i.label for i in alignment.phones.intervals] == ["T", "UW", "T", "IY", "S", "IY"]
    assert alignment.text_confidence is not None
    assert all(0 <= sure <= 1 for sure in alignment.text_confidence)
    with pytest.raises(DoesNotFit, match="the text does not fit the sound"):
        recognizer.with_card(least_fit=0.5).align(recording, "two tea see")
    with pytest.raises(DoesNotFit, match="no model of what bottle"):
        recognizer.align(recording, "bottle")
    with pytest.raises(DoesNotFit, match=r"6 words do not fit \d frames?: the recording is too short"):
        recognizer.align(sound(0.05), "see two tea sue see two")


SITES = {
    "factorized-tdnn": ("features", "conv.0", "conv.1", "tdnn.0", "tdnn.1", "prefinal", "logits"),
    "mlp": ("features", "mlp.hidden.0", "mlp.hidden.1", "logits"),
    "tdnn": ("features", "tdnn.0", "tdnn.1", "prefinal", "logits"),
    "lstm": ("features", "lstm.0", "lstm.1", "logits"),
}


@pytest.mark.parametrize("network", sorted(SHAPES))
def test_gradients_are_differences_through_edits(network: str) -> None:
    recognizer, step = made(network), 2.0**-10
    recognizer.acoustic.network.double()
    recognizer.acoustic.front_end.double()
    assert tuple(site.name for site in recognizer.sites()) == SITES[network]
    recording, rng = sound(0.35), np.random.default_rng(1)
    target = Target("word", "tea", Interval(0.1, 0.25, "tea"))
    for site in SITES[network]:
        gradient = recognizer.gradient(recording, target, at=site)
        direction = rng.normal(size=gradient.shape)
        direction /= np.linalg.norm(direction)
        found = []
        for sign in (1, -1):
            moved = sign * step * direction
            with recognizer.edited({site: lambda x, moved=moved: x + moved}):
                found.append(recognizer.score([recording], [target])[0, 0])
        assert (gradient * direction).sum() == pytest.approx((found[0] - found[1]) / (2 * step), rel=0.02, abs=2e-3)
    gradient = recognizer.gradient(recording, target, at="waveform")
    assert gradient.shape == (recording.n_samples, 1)
    other = Recording((recording.samples + 1e-5 * np.sign(gradient[:, 0])).astype(np.float32), 16000)
    assert recognizer.score([other], [target])[0, 0] > recognizer.score([recording], [target])[0, 0]


def test_edits_leave_and_are_named(recognizer: HybridRecognizer) -> None:
    recording, target = sound(), word()
    before = recognizer.score([recording], [target])
    with recognizer.edited({"logits": np.zeros_like}):
        assert "logits" in str(recognizer.provenance.parameters["edited"])
        assert recognizer.score([recording], [target]) != before
        with pytest.raises(NotAble, match="no gradient through edits"):
            recognizer.gradient(recording, target)
    with pytest.raises(ZeroDivisionError), recognizer.edited({"logits": lambda x: x / (1 // 0)}):
        recognizer.score([recording], [target])
    np.testing.assert_array_equal(recognizer.score([recording], [target]), before)
    assert "edited" not in recognizer.provenance.parameters
    with pytest.raises(BadInput, match="no site 'nowhere'"), recognizer.edited({"nowhere": np.zeros_like}):
        pass


def test_numbers_that_are_none_are_refused(recognizer: HybridRecognizer) -> None:
    with recognizer.edited({"logits": lambda x: np.full_like(x, np.nan)}):
        with pytest.raises(BadInput, match="NaN"):
            recognizer.score([sound()], [word()])
        with pytest.raises(BadInput, match="NaN"):
            recognizer.trace(sound())
        with pytest.raises(BadInput, match="NaN"):
            recognizer.align(sound(), "see")


def test_what_was_saved_is_the_same_when_loaded(recognizer: HybridRecognizer, tmp_path: Path) -> None:
    recognizer.save(tmp_path / "whole")
    again = load(tmp_path / "whole")
    assert isinstance(again, HybridRecognizer)
    assert again.provenance == recognizer.provenance
    np.testing.assert_array_equal(again.score([sound()], [word()]), recognizer.score([sound()], [word()]))
    assert again.trace(sound()).hypotheses == recognizer.trace(sound()).hypotheses
    recognizer.save(tmp_path / "half", half=True)
    half = load(tmp_path / "half")
    np.testing.assert_allclose(half.score([sound()], [word()]), recognizer.score([sound()], [word()]), atol=0.1)
    assert (tmp_path / "half" / "weights.safetensors").stat().st_size < 0.75 * (
        tmp_path / "whole" / "weights.safetensors"
    ).stat().st_size
    assert load(tmp_path / "half").provenance.weights_sha256 == half.provenance.weights_sha256


@pytest.mark.parametrize("name", ["weights.safetensors", "phones.safetensors", "lexicon.txt.xz", "language.otoscope"])
def test_a_damaged_file_is_refused_by_name(tmp_path: Path, name: str) -> None:
    made("mlp").save(tmp_path)
    data = bytearray((tmp_path / name).read_bytes())
    data[len(data) // 2] ^= 1
    (tmp_path / name).write_bytes(bytes(data))
    with pytest.raises(CorruptWeights, match=name):
        load(tmp_path)
    (tmp_path / name).unlink()
    with pytest.raises(CorruptWeights, match=name):
        load(tmp_path)


def test_another_description_is_refused(tmp_path: Path) -> None:
    made("mlp").save(tmp_path)
    path = tmp_path / "recognizer.json"
    description = json.loads(path.read_text())
    path.write_text(json.dumps({**description, "schema": 99}))
    with pytest.raises(BadInput, match="schema 99"):
        HybridRecognizer.load(tmp_path)
    path.write_text(json.dumps({**description, "schema": 1}))
    with pytest.raises(BadInput, match="saved by an earlier version whose limits of align meant something else; train"):
        HybridRecognizer.load(tmp_path)
    for name in description["sha256"]:
        others = {other: digest for other, digest in description["sha256"].items() if other != name}
        path.write_text(json.dumps({**description, "sha256": others}))
        with pytest.raises(CorruptWeights, match=f"its description names no {name}"):
            HybridRecognizer.load(tmp_path)
    path.write_text(json.dumps({**description, "card": {**description["card"], "criterion": "guess"}}))
    with pytest.raises(BadInput, match="criterion"):
        HybridRecognizer.load(tmp_path)
    card = {name: value for name, value in description["card"].items() if name != "features"}
    path.write_text(json.dumps({**description, "card": card}))
    assert HybridRecognizer.load(tmp_path).card.features == "log-mel"
    path.write_text("{")
    with pytest.raises(CorruptWeights, match="damaged"):
        HybridRecognizer.load(tmp_path)


@pytest.mark.parametrize("features", ["mfcc", "spectrogram"])
def test_other_features_are_named_for_what_they_are(features: str, tmp_path: Path) -> None:
    recognizer = made("mlp", features)
    found = recognizer.trace(sound(), record=["features"]).features
    assert found.kind == features
    assert found.coefficients is not None
    if features == "spectrogram":
        assert found.coefficients[[0, -1]].tolist() == [31.25, 8000.0]
    recognizer.save(tmp_path)
    np.testing.assert_array_equal(load(tmp_path).score([sound()], [word()]), recognizer.score([sound()], [word()]))


def test_parts_that_do_not_go_together_are_refused() -> None:
    recognizer = made("mlp")
    with pytest.raises(BadInput, match="the front end has 40"):
        recognizer.with_card(front_end=FrontEndShape(n_mels=40))
    with pytest.raises(BadInput, match="unknown features 'waveform'"):
        recognizer.with_card(features="waveform")
    with pytest.raises(BadInput, match="no network 'perceptron'"):
        AcousticScores(
            HybridCard("x", FrontEndShape(), "perceptron", {}, "mmi"), recognizer.acoustic.table, log_priors=None
        )
