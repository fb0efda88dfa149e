"""The Trace: every part, at its place; recording it changes nothing and leaves nothing behind."""

from __future__ import annotations

import numpy as np
import pytest

import otoscope
from otoscope.core import (
    Aligning,
    BadInput,
    Differentiable,
    Intervenable,
    NotAble,
    NotRecorded,
    Recognizer,
    Recording,
    Trace,
)

EVERYTHING = ("features", "steps", "activations", "attentions", "logits")


def hooks_of(recognizer):
    network = recognizer.parts.network.model
    places = recognizer.parts.places.by_name.values()
    modules = [*network.modules(), *(place.module for place in places)]
    return sum(len(m._forward_hooks) + len(m._forward_pre_hooks) for m in modules)


@pytest.fixture(scope="module")
def recording(babble):
    return babble(7)


def test_it_keeps_the_protocols(opened):
    for protocol in (Recognizer, Aligning, Differentiable, Intervenable):
        assert isinstance(opened(), protocol)


@pytest.mark.parametrize("kind", ["multilingual", "distilled", "large-v3"])
def test_everything_inside_is_at_its_place(opened, recording, kind):
    recognizer = opened(kind)
    trace = recognizer.trace(recording, record=EVERYTHING)
    config = recognizer.parts.network.config
    n_given = len(trace.hypothesis.tokens) - (trace.hypothesis.tokens[-1] == "<|endoftext|>")
    for name in recognizer.parts.places.activations:
        part = trace.activations[name]
        if name.split(".")[0] in ("decoder", "logits"):
            assert part.grid is None
            assert len(part.values) == n_given
        else:
            assert (
                part.values.shape[0]
                == part.grid.n_frames
                == (1500 if "conv.0" not in name else 3000) * (2 if name == "features" else 1)
            )
        assert part.values.shape[1] == part.site.n_units
    np.testing.assert_array_equal(trace.activations["features"].values, trace.features.values)
    layers = [f"encoder.{i}.attention" for i in range(config.encoder_layers)]
    layers += [f"decoder.{i}.{k}_attention" for i in range(config.decoder_layers) for k in ("self", "cross")]
    assert list(trace.attentions) == layers
    for name, part in trace.attentions.items():
        np.testing.assert_allclose(part.weights.sum(2), 1, atol=1e-5)
        queries, keys = part.weights.shape[1:]
        assert (part.query_grid is None) == (queries == n_given) == name.startswith("decoder")
        assert (part.key_grid is None) == (keys == n_given) == name.endswith("self_attention")
        if name.endswith("self_attention"):
            assert not np.triu(part.weights, 1).any()


def test_heads_and_attention_belong_together(opened, recording):
    """What the heads bring is the weights times the values of what they look at."""
    recognizer = opened()
    trace = recognizer.trace(recording, record=["attentions", "encoder", "decoder.1.cross_attention.heads"])
    attention = recognizer.parts.network.decoder.layers[1].encoder_attn
    import torch

    values = attention.v_proj(torch.tensor(trace.activations["encoder"].values)).reshape(1500, 4, -1).numpy()
    brought = np.einsum("hqk,khu->qhu", trace.attentions["decoder.1.cross_attention"].weights, values)
    own = trace.activations["decoder.1.cross_attention.heads"].values
    np.testing.assert_allclose(own, brought.reshape(own.shape), atol=1e-4)


def test_recording_changes_nothing_and_leaves_nothing_behind(opened, recording):
    recognizer = opened()
    before = hooks_of(recognizer)
    plain = recognizer.trace(recording)
    full = recognizer.trace(recording, record=EVERYTHING)
    assert (full.hypotheses, full.alignment, full.provenance) == (
        plain.hypotheses,
        plain.alignment,
        plain.provenance,
    )
    assert set(plain.parts) == {"alignment"}
    assert recognizer.trace(recording, record="text") == plain == recognizer.trace(recording, record=["text"])
    assert hooks_of(recognizer) == before


def test_no_hook_survives_an_exception(opened, recording):
    recognizer = opened()
    before, plain = hooks_of(recognizer), recognizer.trace(recording)

    def broken(values):
        raise RuntimeError("broken edit")

    for site in ("features", "encoder.0.mlp", "decoder.1.cross_attention", "logits"):
        with pytest.raises(RuntimeError, match="broken edit"), recognizer.edited({site: broken}):
            recognizer.trace(recording, record=EVERYTHING)
        with pytest.raises(BadInput, match="the shape must stay"), recognizer.edited({site: lambda v: v[..., :-1]}):
            recognizer.trace(recording)
    with pytest.raises(KeyboardInterrupt), recognizer.edited({"encoder.0": lambda v: v}):
        raise KeyboardInterrupt
    assert hooks_of(recognizer) == before
    assert recognizer.trace(recording) == plain


def test_edits_change_what_is_heard_and_are_named(opened, recording):
    recognizer = opened()
    plain = recognizer.trace(recording, record=["attentions"])
    with recognizer.edited({"features": lambda v: v}) as same:
        assert same.trace(recording).hypotheses == plain.hypotheses
    silence = recognizer.trace(Recording(np.zeros(16000), 16000))
    with recognizer.edited({"features": lambda v: np.full_like(v, -1.5)}):
        deaf = recognizer.trace(recording)
    assert deaf.hypotheses == silence.hypotheses != plain.hypotheses
    assert deaf.provenance.parameters["edited"][0].startswith("features (edit ")
    with recognizer.edited({"decoder.1.cross_attention": lambda w: np.full_like(w, 1 / w.shape[2])}):
        flat = recognizer.trace(recording, record=["attentions"])
    np.testing.assert_allclose(flat.attentions["decoder.1.cross_attention"].weights, 1 / 1500, atol=1e-7)
    assert flat.hypothesis.log_score != plain.hypothesis.log_score


def test_under_sdpa_the_text_and_times_are_the_same_and_attention_says_how_to_get_it(opened, recording):
    eager, sdpa = opened(), opened(attention="sdpa")
    trace, other = eager.trace(recording), sdpa.trace(recording, record=["attentions", "activations"])
    assert other.hypothesis.tokens == trace.hypothesis.tokens
    for own, theirs in zip(other.words, trace.words, strict=True):
        assert own.start_s == pytest.approx(theirs.start_s, abs=0.011)
    remedy = 'attention="sdpa" computes no attention weights; open the checkpoint with attention="eager"'
    with pytest.raises(NotRecorded, match=remedy):
        _ = other.attentions
    with pytest.raises(NotRecorded, match=remedy):
        sdpa.trace(recording, record=["encoder.0.attention"])
    with pytest.raises(NotAble, match=remedy), sdpa.edited({"encoder.0.attention": lambda w: w}):
        pass
    with pytest.raises(BadInput, match="attention must be one of eager, sdpa"):
        otoscope.load(eager.parts.network.model.config._name_or_path, attention="flash")


def test_cross_attention_is_computed_under_sdpa_as_it_is_seen_in_eager(opened, recording):
    from otoscope.recognizers.whisper.following import follow

    found = []
    for attention in ("eager", "sdpa"):
        recognizer = opened(attention=attention)
        (window,) = recognizer.hear_windows([recording])
        found.append(follow(recognizer.parts, window.heard, window.prefix, layers=(0, 1)).looked)
    for layer in (0, 1):
        np.testing.assert_allclose(found[0][layer], found[1][layer], atol=1e-5)


def test_words_are_those_of_the_text_with_times_and_confidence(opened, recording):
    trace = opened(timestamps=False, language="en", most_tokens=30).trace(recording)
    assert trace.hypothesis.words == tuple(trace.text.split()) == trace.alignment.words.labels
    japanese = opened(timestamps=False, language="ja", most_tokens=30).trace(recording)
    assert len(japanese.words) > len(japanese.text.split())
    assert japanese.text == japanese.provenance.parameters["heard"][0]["text"].strip()
    assert trace.words
    assert all(0 <= w.start_s <= w.end_s <= recording.duration_s for w in trace.words)
    for confidence in (trace.alignment.text_confidence, trace.alignment.time_confidence):
        assert all(0 <= share <= 1 for share in confidence)
    assert trace.hypothesis.tokens[:4] == ("<|startoftranscript|>", "<|en|>", "<|transcribe|>", "<|notimestamps|>")


def test_steps_are_rows_of_all_tokens(opened, recording):
    recognizer = opened(timestamps=False, language="en")
    trace = recognizer.trace(recording, record=["steps"])
    np.testing.assert_allclose(np.exp(trace.steps.scores).sum(1), 1, atol=1e-4)
    assert trace.steps.tokens == trace.hypothesis.tokens[4:]
    assert trace.steps.symbols == recognizer.parts.tokens.symbols
    with pytest.raises(NotRecorded, match="Whisper scores tokens, not frames; see the steps"):
        _ = trace.emissions
    with pytest.raises(BadInput, match="cannot record emissions, nothing; it records features, steps"):
        recognizer.trace(recording, record=["emissions", "nothing"])


def test_long_recordings_are_heard_window_by_window(opened, babble):
    recognizer = opened(most_tokens=8)
    samples = np.concatenate([babble(i).samples for i in range(16)])
    recording = Recording(samples, 16000)
    assert recording.duration_s > 32
    for how in ({}, {"long": "batched"}, {"condition": True}):
        trace = recognizer.with_options(**how).trace(recording)
        assert trace.hypothesis.words == trace.alignment.words.labels
        if "long" not in how:  # tones are no speech, which is all that is cut out
            assert len(trace.provenance.parameters["heard"]) > 1
            assert 0 < trace.words[-1].end_s <= recording.duration_s
        with pytest.raises(NotRecorded, match="heard window by window; trace a stretch"):
            _ = trace.attentions


def test_a_trace_is_saved_and_opens_equal(opened, recording, tmp_path):
    trace = opened().trace(recording, record=["steps", "decoder.0", "decoder.1.cross_attention"])
    trace.save(tmp_path / "trace.safetensors")
    assert Trace.load(tmp_path / "trace.safetensors") == trace


def test_languages_come_likeliest_first(opened, recording):
    found = opened().languages(recording)
    assert list(found.values()) == sorted(found.values(), reverse=True)
    assert sum(found.values()) == pytest.approx(1, abs=1e-5)
    heard = opened().trace(recording).provenance.parameters["heard"][0]
    assert heard["language"] == next(iter(found))
    assert opened("english").languages(recording) == {}


def test_provenance_tells_every_option(opened):
    told = opened(prompt="so", beam_size=2).provenance
    assert told.parameters["prompt"] == "so"
    assert told.parameters["beam_size"] == 2
    assert told.parameters["attention"] == "eager"
    assert told.parameters["heads"]["how"] == "checkpoint"
    assert opened("no-heads").provenance.parameters["heads"]["how"] == "all"
    assert len(told.weights_sha256) == 64
    assert told != opened(prompt="so", beam_size=3).provenance


def test_words_are_placed_by_the_attention_with_which_their_tokens_were_written(opened, recording, monkeypatch):
    from otoscope.recognizers.whisper import placing

    given = {}
    original = placing.word_times

    def noting(weights, words, **how):
        given.update(weights=weights, words=words)
        return original(weights, words, **how)

    monkeypatch.setattr(placing, "word_times", noting)
    recognizer = opened(language="en")
    trace = recognizer.trace(recording, record=["attentions"])
    (window,) = recognizer.hear_windows([recording])
    first, n_rows = len(window.prefix) - 1, given["weights"].shape[1]
    for own, (layer, head) in zip(given["weights"], recognizer.heads.heads, strict=True):
        rows = trace.attentions[f"decoder.{layer}.cross_attention"].weights[head]
        np.testing.assert_array_equal(own, rows[first : first + n_rows])
    assert [text for text, _ in given["words"]] == list(trace.hypothesis.words)
    for (_, rows), confidence in zip(given["words"], trace.alignment.text_confidence, strict=True):
        assert np.log(confidence) == pytest.approx(sum(window.log_probs[rows]), abs=1e-5)
