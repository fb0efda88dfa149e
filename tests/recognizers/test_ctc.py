"""The CTC recogniser: what it promises of times, scores, gradients, sites and files, on an untrained small network."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest
import torch
from captum.attr import Saliency

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
    Trainable,
)
from otoscope.decoding.ctc import log_likelihood
from otoscope.nets.acoustic import AcousticShape
from otoscope.nets.front_end import FrontEndShape
from otoscope.recognizers.ctc import CTCRecognizer
from otoscope.recognizers.ctc.card import LETTERS, CtcCard
from otoscope.recognizers.ctc.decoding import word_automaton
from otoscope.recognizers.ctc.scoring import place_of
from otoscope.signal.resampling import resampled

SITES = ("features", "conv.0", "conv.1", "encoder.0", "encoder.1", "logits")


def card(**changes):
    shape = AcousticShape(20, len(LETTERS), (4, 6), (2, 1), n_units=8, n_layers=2)
    return CtcCard("small", FrontEndShape(8000, 20, low_hz=50), shape, **{"vocabulary": ("one", "two"), **changes})


def noise(duration_s=1.0, rate_hz=8000, seed=0):
    samples = np.random.default_rng(seed).normal(0, 0.1, round(duration_s * rate_hz))
    return Recording(samples.astype(np.float32), rate_hz)


@pytest.fixture
def recognizer():
    return CTCRecognizer(card(), seed=3)


@pytest.fixture
def targets():
    words = ("one", "two", "one")
    spans = [(0.1, 0.3), (0.4, 0.55), (0.6, 0.8)]
    own = [
        Target("word", w, Interval(a, b, w), i, words) for i, (w, (a, b)) in enumerate(zip(words, spans, strict=True))
    ]
    return [*own, own[1].rather_than("one"), Target.utterance("one two one")]


def test_it_keeps_the_protocols(recognizer):
    for protocol in (Recognizer, Trainable, Aligning, Differentiable, Intervenable):
        assert isinstance(recognizer, protocol)
    assert tuple(site.name for site in recognizer.sites()) == SITES


def test_a_trace_holds_what_was_asked_for(recognizer):
    trace = recognizer.trace(noise())
    assert trace.hypotheses
    assert [w.label for w in trace.words] == list(trace.hypothesis.words)
    with pytest.raises(NotRecorded, match="record=\\['emissions'\\]"):
        _ = trace.emissions
    full = recognizer.trace(noise(), record=["features", "emissions", "activations"])
    assert full.words == trace.words
    assert tuple(full.activations) == SITES
    for site in recognizer.sites():
        assert full.activations[site.name].values.shape[1] == site.n_units
    np.testing.assert_array_equal(full.activations["features"].values, full.features.values)
    logits = torch.tensor(full.activations["logits"].values)
    np.testing.assert_allclose(full.emissions.scores, torch.log_softmax(logits, -1), atol=1e-5)
    assert tuple(recognizer.trace(noise(), record=["conv.1"]).activations) == ("conv.1",)
    with pytest.raises(BadInput, match="cannot record pitch; it records emissions, activations, features"):
        recognizer.trace(noise(), record=["pitch"])


@pytest.mark.parametrize("site", ["features", "conv.0", "conv.1"])
@pytest.mark.parametrize("at", [1, 700, 4242, 7998])
def test_an_impulse_shows_in_just_the_frames_whose_window_holds_it(recognizer, site, at):
    samples = np.zeros(8000, np.float32)
    silent = recognizer.trace(Recording(samples, 8000), record=[site]).activations[site]
    samples[at] = 1.0
    struck = recognizer.trace(Recording(samples, 8000), record=[site]).activations[site]
    grid = silent.grid
    changed = np.flatnonzero((silent.values != struck.values).any(axis=1))
    first = grid.start + grid.hop * np.arange(grid.n_frames)
    inside = np.flatnonzero((first < at) & (at < first + grid.window - 1))  # a Hann window is zero at its ends
    np.testing.assert_array_equal(changed, inside)


def test_n_best_scores_are_the_likelihoods_of_the_emissions():
    recording = noise(0.3)
    wide = CTCRecognizer(card(beam=4000), seed=3).trace(recording, record=["emissions"])
    narrow = CTCRecognizer(card(beam=4), seed=3).trace(recording)
    assert len(wide.hypotheses) > 1
    for hypothesis in (*wide.hypotheses, *narrow.hypotheses):
        assert set(hypothesis.words) <= {"one", "two"}
        labels = [LETTERS.index(token) for token in hypothesis.tokens]
        exact = log_likelihood(wide.emissions.scores, labels, blank=0)
        assert hypothesis.log_score <= exact + 1e-3
        if hypothesis in wide.hypotheses:
            assert hypothesis.log_score == pytest.approx(exact, abs=1e-3)
    scores = [h.log_score for h in wide.hypotheses]
    assert scores == sorted(scores, reverse=True)


def test_the_automaton_lets_through_strings_of_whole_words_only():
    automaton = word_automaton(["one", "ones"], LETTERS, " ")

    def allowed(text):
        context = automaton.start
        for letter in text:
            if automaton.scores[context, LETTERS.index(letter)] == -np.inf:
                return False
            context = automaton.successors[context, LETTERS.index(letter)]
        return automaton.scores[context, 0] == 0

    assert all(allowed(text) for text in ("", "one", "ones", "one one ones"))
    assert not any(allowed(text) for text in ("on", "onesone", "two", " one", "one  one"))


def test_an_utterance_scores_its_likelihood_and_a_rival_the_difference(recognizer, targets):
    recording = noise()
    emissions = recognizer.trace(recording, record=["emissions"]).emissions.scores
    scores = recognizer.score([recording], [*targets, Target.utterance("two")])[0]
    labels = [LETTERS.index(letter) for letter in "one two one"]
    assert scores[4] == pytest.approx(log_likelihood(emissions, labels, blank=0), abs=1e-3)
    rival = dataclasses.replace(targets[1], label="one")
    assert scores[3] == pytest.approx(scores[1] - recognizer.score([recording], [rival])[0, 0])


def test_a_word_hangs_on_the_frames_of_its_place_alone(recognizer, targets):
    emissions = recognizer.trace(noise(), record=["emissions"]).emissions
    place = place_of(targets[1], emissions.grid, recognizer.card)
    inside = emissions.grid.times_s()[place.first : place.stop]
    assert 0.4 - 0.06 - 0.02 <= inside[0] <= 0.4 - 0.02
    assert 0.55 <= inside[-1] <= 0.55 + 0.06 + 0.02
    changed = torch.from_numpy(emissions.scores.copy())[None]
    before = place.score(changed)
    changed[0, : place.first] = torch.log_softmax(torch.randn(place.first, 29), -1)
    assert torch.equal(place.score(changed), before)
    changed[0, place.first + 2] = torch.log_softmax(torch.randn(29), -1)
    assert not torch.equal(place.score(changed), before)


def test_scores_do_not_depend_on_the_company_they_are_computed_in(recognizer, targets):
    recordings = [noise(d, seed=i) for i, d in enumerate((1.0, 1.31, 0.95, 2.0, 1.0, 1.0))]
    together = recognizer.score(recordings, targets)
    alone = np.concatenate([recognizer.score([r], [t]) for r in recordings for t in targets]).reshape(6, 5)
    np.testing.assert_allclose(together, alone, atol=1e-5, rtol=1e-6)
    calls = []
    recognizer.score(recordings, targets, progress=lambda done, total: calls.append((done, total)))
    assert calls[-1] == (6, 6)


def test_any_rate_gives_times_of_the_recording(recognizer):
    low = noise(1.5, rate_hz=8000)
    for rate_hz in (16000, 44100):
        high = resampled(low, rate_hz)
        a, b = (recognizer.trace(r, record=["features"]) for r in (low, high))
        assert abs(a.features.grid.n_frames - b.features.grid.n_frames) <= 1
        n = min(a.features.grid.n_frames, b.features.grid.n_frames) - 2
        middle = slice(2, n)
        assert np.abs(a.features.values[middle, :17] - b.features.values[middle, :17]).max() < 0.01
        assert all(w.end_s <= high.duration_s for w in b.words)


@pytest.mark.parametrize("n_samples", [1, 40, 80, 161])
def test_very_short_recordings_are_no_trouble(recognizer, n_samples):
    trace = recognizer.trace(Recording(np.zeros(n_samples), 8000), record=["emissions", "activations"])
    assert trace.hypotheses
    assert all(w.end_s <= trace.recording.duration_s for w in trace.words)


def test_alignment_holds_the_letters_in_order(recognizer):
    alignment = recognizer.align(noise(), "One two")
    assert alignment.words.labels == ("one", "two")
    assert alignment.states.labels == tuple("onetwo")
    assert alignment.phones is None
    assert {w.origin for w in alignment.words} == {"aligned"}
    assert alignment.words[0].start_s == alignment.states[0].start_s
    assert alignment.words[0].end_s == alignment.states[2].end_s
    path = "".join(LETTERS[s] for s, before in zip(alignment.path, [-1, *alignment.path], strict=False) if s != before)
    assert path.replace("<blank>", "") == "one two"
    assert all(0 <= c <= 1 for c in alignment.text_confidence)
    with pytest.raises(DoesNotFit, match="labels need at least"):
        recognizer.align(noise(0.1), "one two one two")
    with pytest.raises(DoesNotFit, match="small does not know café; it knows one, two"):
        recognizer.align(noise(), "café")
    with pytest.raises(BadInput, match="'é', which this recogniser cannot write"):
        CTCRecognizer(card(vocabulary=None), seed=3).align(noise(), "café")


def in_double(recognizer):
    recognizer.network.double()
    recognizer.front_end.double()
    return recognizer


@pytest.mark.parametrize("at", SITES)
@pytest.mark.parametrize("which", [1, 3, 4])
def test_gradient_equals_finite_differences(recognizer, targets, at, which):
    recognizer, recording, target = in_double(recognizer), noise(), targets[which]
    slope = recognizer.gradient(recording, target, at=at)
    values = recognizer.trace(recording, record=[at]).activations[at].values
    assert slope.shape == values.shape
    rng, step = np.random.default_rng(0), 1e-5
    for _ in range(4):
        direction = rng.normal(size=slope.shape)
        scores = []
        for sign in (1, -1):
            with recognizer.edited({at: lambda x, move=sign * step * direction: x + move}):
                scores.append(recognizer.score([recording], [target])[0, 0])
        assert (slope * direction).sum() == pytest.approx((scores[0] - scores[1]) / (2 * step), rel=1e-4, abs=1e-7)


def test_gradient_of_the_waveform_equals_finite_differences(recognizer, targets):
    recognizer, recording = in_double(recognizer), noise()
    slope = recognizer.gradient(recording, targets[0], at="waveform")
    assert slope.shape == (recording.n_samples, 1)
    direction = np.sign(slope[:, 0]) * 2.0**-16
    scores = recognizer.score([recording.with_samples(recording.samples + s * direction) for s in (1, -1)], targets[:1])
    assert (slope[:, 0] @ direction) == pytest.approx((scores[0, 0] - scores[1, 0]) / 2, rel=1e-2)


def test_gradient_equals_captums(recognizer, targets):
    recording, target = noise(), targets[0]
    features = torch.from_numpy(recognizer.trace(recording, record=["features"]).features.values.copy())[None]
    grid = recognizer.trace(recording, record=["emissions"]).emissions.grid
    place = place_of(target, grid, recognizer.card)

    def forward(x):
        logits, _ = recognizer.network(x, torch.tensor([x.shape[1]] * x.shape[0]))
        return place.score(torch.log_softmax(logits, -1))

    peer = Saliency(forward).attribute(features.requires_grad_(True), abs=False)[0].numpy()
    np.testing.assert_allclose(recognizer.gradient(recording, target), peer, atol=1e-6)


def n_hooks(recognizer):
    return sum(len(module._forward_hooks) for module in recognizer.network.modules())


def test_hooks_leave_even_when_something_fails(recognizer, targets):
    def failing(values):
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError), recognizer.edited({"conv.0": failing, "logits": lambda x: x}):
        recognizer.trace(noise(), record=["activations"])
    with pytest.raises(BadInput, match=r"no site 'conv\.7'"), recognizer.edited({"conv.0": failing, "conv.7": failing}):
        pass
    with pytest.raises(BadInput, match="no site 'pitch'"):
        recognizer.gradient(noise(), targets[0], at="pitch")
    with pytest.raises(BadInput, match="the shape must stay"), recognizer.edited({"conv.0": lambda x: x[1:]}):
        recognizer.trace(noise())
    assert n_hooks(recognizer) == 0
    assert "edited" not in recognizer.provenance.parameters


def test_identity_edits_change_nothing_and_others_do(recognizer, targets):
    recordings = [noise(1.0), noise(1.2, seed=1)]
    before = recognizer.score(recordings, targets)
    with recognizer.edited({site: lambda x: x for site in SITES}) as same_one:
        np.testing.assert_array_equal(same_one.score(recordings, targets), before)
        assert len(same_one.provenance.parameters["edited"]) == len(SITES)
        with pytest.raises(NotAble, match="no gradient through edits"):
            same_one.gradient(recordings[0], targets[0])
    for site in SITES:
        with recognizer.edited({site: np.zeros_like}):
            assert not np.array_equal(recognizer.score(recordings, targets), before)
    np.testing.assert_array_equal(recognizer.score(recordings, targets), before)


def test_edits_see_real_frames_only(recognizer, targets):
    seen = []
    recordings = [noise(1.0), noise(1.5)]
    with recognizer.edited({"conv.1": lambda x: seen.append(x.shape) or x}):
        recognizer.score(recordings, targets)
    assert sorted(seen) == [(50, 30), (75, 30)]


def test_impossible_targets_say_why(recognizer):
    recording = noise()
    with pytest.raises(DoesNotFit, match="'onetwoonetwoone' needs at least 17 frames"):
        recognizer.score([recording], [Target("word", "onetwoonetwoone", Interval(0.5, 0.52, "x"))])
    with pytest.raises(BadInput, match="lies behind the end"):
        recognizer.score([recording], [Target("word", "one", Interval(3.0, 3.2, "one"))])
    with pytest.raises(BadInput, match="which this recogniser cannot write"):
        recognizer.score([recording], [Target("word", "1", Interval(0.1, 0.3, "1"))])


def test_saved_and_opened_it_is_the_same(recognizer, targets, tmp_path):
    recognizer.save(tmp_path / "net")
    opened = CTCRecognizer.load(tmp_path / "net")
    assert opened.card == recognizer.card
    assert opened.provenance == recognizer.provenance
    np.testing.assert_array_equal(opened.score([noise()], targets), recognizer.score([noise()], targets))
    first = (tmp_path / "net" / "weights.safetensors").read_bytes()
    opened.save(tmp_path / "again")
    assert (tmp_path / "again" / "weights.safetensors").read_bytes() == first


def broken(tmp_path, recognizer, change):
    recognizer.save(tmp_path)
    path = tmp_path / "recognizer.json"
    description = json.loads(path.read_text())
    change(description)
    path.write_text(json.dumps(description))
    return tmp_path


def test_damaged_folders_are_refused_in_one_line(recognizer, tmp_path):
    recognizer.save(tmp_path)
    weights = tmp_path / "weights.safetensors"
    data = bytearray(weights.read_bytes())
    data[-1] ^= 1
    weights.write_bytes(bytes(data))
    with pytest.raises(CorruptWeights, match="is not the file its card names") as caught:
        CTCRecognizer.load(tmp_path)
    assert "\n" not in str(caught.value)
    weights.unlink()
    with pytest.raises(CorruptWeights, match="no readable weights"):
        CTCRecognizer.load(tmp_path)
    (tmp_path / "recognizer.json").write_text("{")
    with pytest.raises(CorruptWeights, match="is damaged"):
        CTCRecognizer.load(tmp_path)
    (tmp_path / "recognizer.json").unlink()
    with pytest.raises(CorruptWeights, match="holds no readable recognizer"):
        CTCRecognizer.load(tmp_path)


def test_folders_of_another_kind_are_refused(recognizer, tmp_path):
    with pytest.raises(CorruptWeights, match="lacks weights_sha256"):
        CTCRecognizer.load(broken(tmp_path, recognizer, lambda d: d.pop("weights_sha256")))
    with pytest.raises(BadInput, match="schema 99"):
        CTCRecognizer.load(broken(tmp_path, recognizer, lambda d: d.update(schema=99)))
    with pytest.raises(CorruptWeights, match="weights of another network"):
        CTCRecognizer.load(broken(tmp_path, recognizer, lambda d: d["card"]["network"].update(n_units=9)))
    with pytest.raises(BadInput, match="not the card of a CTC recogniser"):
        CTCRecognizer.load(broken(tmp_path, recognizer, lambda d: d["card"].update(colour="red")))
