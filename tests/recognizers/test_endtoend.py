"""End-to-end recognisers: what every preset promises of times, scores, gradients, sites and files, on small nets."""

from __future__ import annotations

import copy
import dataclasses
import json

import numpy as np
import pytest

import otoscope
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
    Streaming,
    Target,
    Trainable,
)
from otoscope.core.errors import UnknownName
from otoscope.decoding.ctc import log_likelihood
from otoscope.recognizers.endtoend import PRESETS, EndToEndRecognizer
from otoscope.recognizers.endtoend.presets import Options, card_of
from otoscope.recognizers.endtoend.tokens import byte_pairs, characters

SUBWORDS = byte_pairs([["one", "two", "three"]], n_units=18)
VARIANTS = [
    *((name, {}, characters()) for name in PRESETS),
    ("deepspeech2", {"streaming": True}, characters()),
    ("conformer", {"streaming": True, "features": "waveform"}, SUBWORDS),
    ("rnnt", {"streaming": True}, SUBWORDS),
    ("las", {"features": "mfcc"}, SUBWORDS),
    ("joint-ctc-attention", {"features": "spectrogram"}, SUBWORDS),
]
WORDS = ("one", "two", "one")


def made(name, options, tokens, seed=1):
    chosen = Options(n_units=8, n_layers=2, rate_hz=8000, **options)
    card = card_of(PRESETS[name], chosen, tokens)
    decoding = dataclasses.replace(card.decoding, beam=3, margin_s=0.3, most_nats=1e9)
    return EndToEndRecognizer(dataclasses.replace(card, decoding=decoding), seed=seed)


def noise(duration_s=1.0, rate_hz=8000, seed=0):
    samples = np.random.default_rng(seed).normal(0, 0.1, round(duration_s * rate_hz))
    return Recording(samples.astype(np.float32), rate_hz)


@pytest.fixture(
    scope="module", params=VARIANTS, ids=lambda v: "-".join([v[0], *map(str, v[1].values()), str(len(v[2]))])
)
def recognizer(request):
    return made(*request.param)


@pytest.fixture(scope="module")
def targets():
    spans = [(0.1, 0.3), (0.4, 0.55), (0.6, 0.8)]
    own = [
        Target("word", w, Interval(a, b, w), i, WORDS) for i, (w, (a, b)) in enumerate(zip(WORDS, spans, strict=True))
    ]
    return [*own, own[1].rather_than("one"), Target.utterance("one two one")]


def test_it_keeps_the_protocols(recognizer):
    for protocol in (Recognizer, Trainable, Aligning, Differentiable, Intervenable):
        assert isinstance(recognizer, protocol)
    assert isinstance(recognizer, Streaming) == recognizer.card.shape.encoder.streaming


def test_a_trace_holds_what_was_asked_for_and_its_times_lie_in_the_recording(recognizer):
    recording = noise(0.8)
    record = ["features", "emissions", "steps", "activations", "attentions"]
    trace = recognizer.trace(recording, record=record)
    assert trace.alignment.words.labels == trace.hypothesis.words
    for tier in trace.alignment.tiers:
        assert all(0 <= i.start_s <= i.end_s <= recording.duration_s for i in tier)
    scores = [h.log_score for h in trace.hypotheses]
    assert scores == sorted(scores, reverse=True)
    for site in recognizer.sites():
        found = trace.activations[site.name]
        assert found.values.shape[1] == site.n_units
        assert np.isfinite(found.values).all()
    np.testing.assert_array_equal(trace.activations["features"].values, trace.features.values)
    if trace.has("attentions"):
        for found in trace.attentions.values():
            assert found.key_grid is None or found.weights.shape[2] == found.key_grid.n_frames
            np.testing.assert_allclose(found.weights.sum(-1), 1, atol=1e-5)
    for part in {"emissions", "steps", "attentions"} - set(trace.parts):
        with pytest.raises(NotRecorded, match=r"has no|scores tokens, not frames"):
            getattr(trace, part)
    if trace.has("emissions"):
        np.testing.assert_allclose(np.exp(trace.emissions.scores).sum(1), 1, atol=1e-4)
    if trace.has("steps"):
        np.testing.assert_allclose(np.exp(trace.steps.scores).sum(1), 1, atol=1e-4)
    with pytest.raises(BadInput, match="cannot record pitch; it records emissions, steps"):
        recognizer.trace(recording, record=["pitch"])
    assert all(not module._forward_hooks for module in recognizer.network.modules())


def test_alignments_lie_in_order_with_both_confidences(recognizer):
    recording = noise(1.2)
    alignment = recognizer.align(recording, "one two one")
    assert alignment.words.labels == WORDS
    origin = "attention" if recognizer.name in ("las", "speech-transformer") else "aligned"
    assert {interval.origin for interval in alignment.words} == {origin}
    assert all(0 <= i.start_s <= i.end_s <= recording.duration_s for i in alignment.words)
    for confidence in (alignment.text_confidence, alignment.time_confidence):
        assert len(confidence) == 3
        assert all(0 <= value <= 1 for value in confidence)


def test_a_wrong_transcript_is_refused(recognizer):
    strict = recognizer.with_decoding(most_nats=-1e9)
    with pytest.raises(DoesNotFit, match="nats for each word that differs"):
        strict.align(noise(), "one two three one two")


def test_scores_of_a_batch_are_those_of_each(recognizer, targets):
    recordings = [noise(1.0), noise(1.7, seed=1), noise(1.0, seed=2)]
    together = recognizer.score(recordings, targets)
    assert np.isfinite(together).all()
    for recording, row in zip(recordings, together, strict=True):
        np.testing.assert_allclose(recognizer.score([recording], targets)[0], row, atol=2e-4)
    rival = dataclasses.replace(targets[1], label="one")
    expected = together[:, 1] - recognizer.score(recordings, [rival])[:, 0]
    np.testing.assert_allclose(together[:, 3], expected, atol=2e-4)
    assert recognizer.score(recordings, []).shape == (3, 0)


def test_gradients_equal_finite_differences(recognizer, targets):
    network = copy.deepcopy(recognizer.network).double()
    recognizer = EndToEndRecognizer(recognizer.card, network)
    recording = noise(0.9)
    place = next(site.name for site in recognizer.sites() if site.name.startswith("encoder"))
    rng = np.random.default_rng(0)
    for at, target in [(place, targets[1]), ("features", targets[4])]:
        slope = recognizer.gradient(recording, target, at=at)
        direction = rng.normal(size=slope.shape)
        ends = []
        for sign in (1, -1):
            with recognizer.edited({at: lambda x, move=sign * 1e-5 * direction: x + move}):
                ends.append(recognizer.score([recording], [target])[0, 0])
        assert (slope * direction).sum() == pytest.approx((ends[0] - ends[1]) / 2e-5, rel=1e-3, abs=1e-6)
    assert recognizer.gradient(recording, targets[0], at="waveform").shape == (recording.n_samples, 1)
    with pytest.raises(BadInput, match="no site 'pitch'"):
        recognizer.gradient(recording, targets[0], at="pitch")


def test_edits_change_what_is_heard_and_leave(recognizer, targets):
    recordings = [noise(1.0), noise(1.2, seed=1)]
    before = recognizer.score(recordings, targets)
    names = [site.name for site in recognizer.sites()]
    with recognizer.edited({name: lambda x: x for name in names}) as same:
        np.testing.assert_array_equal(same.score(recordings, targets), before)
        assert len(same.provenance.parameters["edited"]) == len(names)
        with pytest.raises(NotAble, match="no gradient through edits"):
            same.gradient(recordings[0], targets[0])
    with recognizer.edited({"features": np.zeros_like}):
        assert not np.array_equal(recognizer.score(recordings, targets), before)
    with pytest.raises(BadInput, match="no site 'pitch'"), recognizer.edited({"pitch": np.zeros_like}):
        pass
    np.testing.assert_array_equal(recognizer.score(recordings, targets), before)


def test_saved_and_opened_it_is_the_same(recognizer, targets, tmp_path):
    recognizer.save(tmp_path)
    opened = otoscope.load(tmp_path)
    assert type(opened) is type(recognizer)
    assert opened.card == recognizer.card
    assert opened.provenance == recognizer.provenance
    np.testing.assert_array_equal(opened.score([noise()], targets), recognizer.score([noise()], targets))


def test_silence_and_a_click_are_heard_without_complaint(recognizer):
    for samples in (np.zeros(800, np.float32), np.ones(1, np.float32)):
        trace = recognizer.trace(Recording(samples, 8000), record=["emissions", "steps"])
        assert trace.alignment.words.labels == trace.hypothesis.words


def test_ctc_utterances_score_their_likelihood(targets):
    recognizer = made("deepspeech2", {}, characters())
    emissions = recognizer.trace(noise(), record=["emissions"]).emissions.scores
    labels = recognizer.card.tokens.encode(WORDS)
    score = recognizer.score([noise()], targets[4:])[0, 0]
    assert score == pytest.approx(log_likelihood(emissions, labels), abs=1e-3)


def test_attention_words_add_up_to_the_utterance_but_for_what_may_follow():
    recognizer = made("las", {}, characters())
    words = ("one", "two")
    targets = [Target("word", w, Interval(0, 1, w), i, words) for i, w in enumerate(words)]
    scores = recognizer.score([noise()], [*targets, Target.utterance("one two")])[0]
    assert scores[2] <= scores[0] + scores[1] + 1e-6  # the words allow space or end behind them, the text says which


def test_transducer_scores_are_differences_of_likelihoods():
    recognizer = made("rnnt", {}, characters())
    word = Target("word", "two", Interval(0, 1, "two"), 1, ("one", "two"))
    scores = recognizer.score([noise()], [word, Target.utterance("one two"), Target.utterance("one")])[0]
    assert scores[0] == pytest.approx(scores[1] - scores[2], abs=1e-4)


def test_unknown_names_and_options_are_refused(tmp_path):
    from otoscope.recognizers.endtoend.training import train_preset

    with pytest.raises(UnknownName, match="unknown preset 'lass'; did you mean las"):
        train_preset("lass", [], [], tmp_path)
    with pytest.raises(UnknownName, match="unknown option 'epoch'; did you mean epochs"):
        train_preset("las", [], [], tmp_path, epoch=3)
    with pytest.raises(BadInput, match="hears whole recordings only; these can stream: deepspeech2, conformer, rnnt"):
        made("las", {"streaming": True}, characters())
    with pytest.raises(BadInput, match="no such setting of the search"):
        made("las", {}, characters()).with_decoding(width=3)
    with pytest.raises(BadInput, match="coverage penalty needs a recurrent decoder"):
        made("speech-transformer", {}, characters()).with_decoding(coverage=0.1)


def test_damaged_folders_are_refused(tmp_path):
    recognizer = made("wav2letter", {}, characters())
    recognizer.save(tmp_path)
    path = tmp_path / "recognizer.json"
    good = json.loads(path.read_text())
    for change, error, message in [
        ({"schema": 9}, BadInput, "schema 9"),
        ({"weights_sha256": "0"}, CorruptWeights, "is not the file its card names"),
        ({"card": {**good["card"], "colour": 1}}, BadInput, "not the card of an end-to-end"),
    ]:
        path.write_text(json.dumps({**good, **change}))
        with pytest.raises(error, match=message):
            EndToEndRecognizer.load(tmp_path)
    path.write_text("{")
    with pytest.raises(CorruptWeights, match="is damaged"):
        EndToEndRecognizer.load(tmp_path)


def test_coverage_changes_the_scores_of_the_search():
    recognizer = made("las", {}, characters())
    plain = recognizer.with_decoding(length_power=0.0).trace(noise(0.5)).hypotheses
    covered = recognizer.with_decoding(length_power=0.0, coverage=1.0).trace(noise(0.5)).hypotheses
    assert {h.log_score for h in covered} != {h.log_score for h in plain}
