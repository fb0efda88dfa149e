"""Opening: languages, encoders without a head, known texts, language models, and what is refused."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest
import torch

import otoscope
from otoscope.core import (
    Aligning,
    BadInput,
    CorruptWeights,
    DoesNotFit,
    Intervenable,
    NotAble,
    NotRecorded,
    Recognizer,
    Recording,
    Target,
    UnknownName,
)
from otoscope.lexicon.ngram import estimate, save, write_arpa
from otoscope.recognizers.checkpoints.folder import read_checkpoint
from otoscope.recognizers.wav2vec2 import Wav2Vec2Encoder, Wav2Vec2Recognizer, open_checkpoint

LANGUAGES = ("eng", "deu", "fra")
MMS = {"kind": "wav2vec2", "stable": True, "how": {"adapters": LANGUAGES}}


@pytest.mark.parametrize("kind", ["wav2vec2", "wav2vec2-bert"])
def test_otoscope_opens_a_folder(folder_of, bursts, kind):
    recognizer = otoscope.load(folder_of(kind))
    assert isinstance(recognizer, Wav2Vec2Recognizer)
    assert recognizer.trace(bursts(0)).text


def test_a_trace_is_saved_with_all_its_parts(opened, bursts, tmp_path):
    trace = opened("sew").trace(bursts(1), record=["features", "emissions", "activations", "attentions"])
    trace.save(tmp_path / "trace")
    assert otoscope.Trace.load(tmp_path / "trace") == trace


@pytest.mark.parametrize("language", LANGUAGES)
def test_languages_are_those_that_transformers_loads(opened, folder_of, bursts, language):
    from transformers import AutoTokenizer, Wav2Vec2ForCTC

    folder = folder_of("wav2vec2", True, adapters=LANGUAGES)
    recognizer = opened("wav2vec2", True, how={"adapters": LANGUAGES}, language=language)
    model = Wav2Vec2ForCTC.from_pretrained(folder, attn_implementation="eager")
    model.load_adapter(language)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    tokenizer.set_target_lang(language)
    for number in range(5):
        recording = bursts(number)
        trace = recognizer.trace(recording, record=["logits", "features"])
        with torch.no_grad():
            expected = model.eval()(torch.from_numpy(trace.features.values[None, :, 0].copy())).logits[0]
        assert np.array_equal(trace.activations["logits"].values, expected.numpy())
        assert trace.text == " ".join(tokenizer.decode(expected.argmax(-1)).split())
    assert recognizer.provenance.parameters["language"] == language


def test_switching_leaves_no_trace_of_the_former_language(opened, bursts):
    recording = bursts(5)
    plain = opened("wav2vec2", True, how={"adapters": LANGUAGES})
    before = plain.trace(recording, record=["logits"])
    german = plain.with_language("deu")
    french = german.with_language("fra")
    alone = opened("wav2vec2", True, how={"adapters": LANGUAGES}, language="fra")
    record = ["activations", "attentions"]
    own, other = french.trace(recording, record=record), alone.trace(recording, record=record)
    for name, each in other.activations.items():
        assert np.array_equal(own.activations[name].values, each.values), name
    assert own.text == other.text
    assert french.symbols == alone.symbols
    after = plain.trace(recording, record=["logits"])
    assert np.array_equal(before.activations["logits"].values, after.activations["logits"].values)
    assert plain.symbols != german.symbols
    shared = dict(plain.network.model.named_parameters())
    for name, weight in german.network.model.named_parameters():
        assert (weight is shared[name]) == ("adapter_layer" not in name and "lm_head" not in name), name
    with german.edited({"encoder.0.mlp": np.zeros_like}):
        same = plain.trace(recording, record=["logits"])
    assert np.array_equal(before.activations["logits"].values, same.activations["logits"].values)


def test_languages_that_are_not_there_are_refused(opened, folder_of, tmp_path):
    with pytest.raises(UnknownName, match="unknown language adapter 'nld'"):
        opened("wav2vec2", True, how={"adapters": LANGUAGES}, language="nld")
    with pytest.raises(BadInput, match="has no language adapters"):
        opened(language="deu")
    folder = shutil.copytree(folder_of("wav2vec2", True, adapters=LANGUAGES), tmp_path / "mms")
    whole = (folder / "adapter.deu.safetensors").read_bytes()
    (folder / "adapter.deu.safetensors").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(CorruptWeights, match=r"adapter\.deu\.safetensors cannot be read"):
        open_checkpoint(read_checkpoint(folder), language="deu")
    shutil.copy(folder_of() / "model.safetensors", folder / "adapter.deu.safetensors")
    with pytest.raises(CorruptWeights, match="is not of this network"):
        open_checkpoint(read_checkpoint(folder), language="deu")


@pytest.mark.parametrize(
    ("kind", "stable", "head"),
    [("hubert", False, "none"), ("wavlm", True, "none"), ("wav2vec2", True, "pretraining"), ("sew", False, "none")],
)
def test_an_encoder_without_a_head_shows_what_transformers_computes(opened, folder_of, bursts, kind, stable, head):
    from transformers import AutoModel

    encoder, recording = opened(kind, stable, how={"head": head}), bursts(1)
    assert isinstance(encoder, Wav2Vec2Encoder)
    assert isinstance(encoder, Recognizer)
    assert isinstance(encoder, Intervenable)
    assert not isinstance(encoder, Aligning)
    trace = encoder.trace(recording, record=["activations", "attentions", "features"])
    model = AutoModel.from_pretrained(folder_of(kind, stable, head=head), attn_implementation="eager").eval()
    with torch.no_grad():
        expected = model(torch.from_numpy(trace.features.values[None, :, 0].copy()), output_hidden_states=True)
    assert np.array_equal(trace.activations["embedding"].values, expected.hidden_states[0][0].numpy())
    assert np.array_equal(trace.activations["encoder.0"].values, expected.hidden_states[1][0].numpy())
    last = {True: "encoded", False: "encoder.1"}[stable] if kind != "sew" else "upsampling"
    values = trace.activations[last].values
    assert np.array_equal(values, expected.last_hidden_state[0, : len(values)].numpy())
    assert (trace.text, trace.hypothesis.words) == ("", ())
    assert len(encoder.sites()) == len(trace.activations)
    assert set(trace.attentions) == {site.name for site in encoder.attention_sites()}
    for part in ("alignment", "emissions", "steps"):
        with pytest.raises(NotRecorded, match="this encoder has no head"):
            getattr(trace, part)
    with pytest.raises(NotAble, match="cannot score words; probe its activations"):
        encoder.score([recording], [Target.utterance("A")])
    with encoder.edited({"encoder.0.attention": lambda weights: weights[:, :, ::-1]}):
        other = encoder.trace(recording, record=["encoder.1"])
    assert not np.array_equal(other.activations["encoder.1"].values, trace.activations["encoder.1"].values)
    assert other.provenance.parameters["edited"]


def test_an_encoder_has_no_use_for_languages(opened):
    with pytest.raises(BadInput, match="has no head"):
        opened("hubert", how={"head": "none"}, language="deu")


def spelled_alike(trace, symbols):
    """Whether a text was heard without marks at its ends and without two marks between two words."""
    return [symbols.names[k] for k in symbols.encode(trace.hypothesis.words)] == list(trace.hypothesis.tokens)


def test_a_heard_text_can_be_aligned_and_another_cannot(opened, bursts):
    recognizer = opened().with_decoding(most_nats=1.0)
    traces = (recognizer.trace(bursts(i)) for i in range(99))
    trace = next(each for each in traces if len(each.words) > 1 and spelled_alike(each, recognizer.symbols))
    recording = trace.recording
    known = recognizer.align(recording, trace.text.lower())
    assert [(w.label, w.start_s) for w in known.words] == [(w.label.lower(), w.start_s) for w in trace.words]
    assert known.text_confidence == pytest.approx(trace.alignment.text_confidence)
    assert known.time_confidence == pytest.approx(trace.alignment.time_confidence)
    with pytest.raises(DoesNotFit, match=r"the text does not fit the sound: .* hears"):
        recognizer.align(recording, "the fox")
    with pytest.raises(DoesNotFit, match="frames"):
        recognizer.align(Recording(recording.samples[:2000], 16000), "the quick brown fox")
    with pytest.raises(BadInput, match="cannot write the word 'é'"):
        recognizer.align(recording, "é")


def test_scores_are_those_of_the_trace_whatever_is_scored_beside(opened, bursts):
    recognizer = opened("hubert", True)
    recording = next(bursts(i) for i in range(50) if len(recognizer.trace(bursts(i)).words) > 2)
    trace = recognizer.trace(recording)
    targets = [*trace.targets(), Target.utterance(trace.text), trace.target(0).rather_than("E")]
    short = next(bursts(i) for i in range(99) if bursts(i).n_samples < 3000)
    twice = recording.with_samples(0.9 * recording.samples)
    calls = []
    scores = recognizer.score([recording, twice], targets, progress=lambda *done: calls.append(done))
    assert calls == [(2, 2)]
    assert scores[0, : len(trace.words)] == pytest.approx(np.log(trace.alignment.text_confidence), abs=1e-3)
    assert scores[0, -2] == pytest.approx(trace.hypothesis.log_score, abs=1e-3)
    assert recognizer.score([twice], targets)[0] == pytest.approx(scores[1], abs=1e-3)
    alone = recognizer.score([recording, recording.with_samples(recording.samples[:-1])], targets[:1])
    assert alone[0, 0] == pytest.approx(scores[0, 0], abs=1e-3)
    with pytest.raises((DoesNotFit, BadInput)):
        recognizer.score([recording, short], targets)


def test_sound_of_another_rate_is_resampled(opened, bursts):
    from otoscope.signal.resampling import resampled

    recording = bursts(11)
    slow = resampled(recording, 8000)
    trace = opened().trace(slow)
    assert trace.text == opened().trace(resampled(slow, 16000)).text
    assert trace.recording is slow
    assert trace.words[-1].end_s <= slow.duration_s


def test_a_language_model_is_taken_from_a_file_or_from_memory(opened, bursts, tmp_path):
    model = estimate([["a", "b", "a"], ["b", "a"]], order=2, smoothing="witten-bell")
    save(model, tmp_path / "two.otoscope")
    write_arpa(model, tmp_path / "two.arpa")
    how = {"lm_weight": 1.0, "word_bonus": 2.0, "beam": 8, "n_best": 3}
    traces = [
        opened(lm=lm, **how).trace(bursts(2))
        for lm in (model, model.automaton(), tmp_path / "two.otoscope", str(tmp_path / "two.arpa"))
    ]
    assert len({trace.text for trace in traces}) == 1
    assert 1 < len(traces[0].hypotheses) <= 3
    scores = [hypothesis.log_score for hypothesis in traces[0].hypotheses]
    assert scores == sorted(scores, reverse=True)
    said = traces[0].provenance.parameters["language_model"]
    assert (said["unit"], said["weight"], said["bonus"]) == ("word", 1.0, 2.0)
    wider = opened(lm=model, **how).with_decoding(beam=20)
    assert wider.provenance.parameters["decoding"]["beam"] == 20
    assert wider.provenance.parameters["language_model"] == said


@pytest.mark.parametrize("seed", range(3))
def test_only_words_of_a_vocabulary_are_heard(opened, bursts, seed):
    words = ["ON", "NO", "to", "TOO", "ant"]
    plain = opened(search="beam", beam=30)
    lexicon = plain.with_vocabulary(words)
    model = estimate([["on", "no"], ["too", "to", "ant"]], order=2, smoothing="witten-bell")
    tree = plain.with_vocabulary(words, model.automaton(), lm_scale=0.5, beam=1e9, max_active=100_000)
    for recognizer in (lexicon, tree):
        trace = recognizer.trace(bursts(seed))
        assert trace.words
        assert set(trace.hypothesis.words) <= {word.upper() for word in words}
        assert trace.alignment.words.labels == trace.hypothesis.words
        assert trace.provenance.parameters["language_model"]["n_vocabulary"] == 5
    open_again = lexicon.with_vocabulary(None)
    assert open_again.trace(bursts(seed)).text == plain.trace(bursts(seed)).text
    assert "language_model" not in open_again.provenance.parameters
    with pytest.raises(BadInput, match="writes letters"):
        opened(how={"head": "phones"}).with_vocabulary(["a"])


def test_no_other_language_while_edits_are_open(opened):
    recognizer = opened("wav2vec2", True, how={"adapters": LANGUAGES})
    assert recognizer.languages == tuple(sorted(LANGUAGES))
    with recognizer.edited({"logits": lambda v: v}), pytest.raises(NotAble, match="while edits are open"):
        recognizer.with_language("deu")


def test_phones_of_any_tokenizer_can_be_words(opened, bursts):
    letters, phones = opened(how={"head": "arpabet"}), opened(how={"head": "arpabet"}, units="phones")
    trace = phones.trace(bursts(3))
    assert "".join(trace.hypothesis.words) == letters.trace(bursts(3)).text.replace(" ", "")
    assert trace.alignment.phones.labels == trace.hypothesis.words
    model = estimate([["aa", "b"]], order=1, smoothing="witten-bell")
    fused = opened(how={"head": "arpabet"}, units="phones", lm=model, beam=4)
    assert fused.provenance.parameters["language_model"]["unit"] == "token"
    assert fused.trace(bursts(3)).words


def test_weights_that_only_training_needs_may_be_there_or_not(folder_of, bursts, tmp_path):
    folder = shutil.copytree(folder_of(), tmp_path / "unmasked")
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "mask_time_prob": 0.0, "mask_feature_prob": 0.0}))
    assert "masked_spec_embed" in (folder / "model.safetensors").read_bytes()[:9999].decode(errors="ignore")
    assert open_checkpoint(read_checkpoint(folder)).trace(bursts(0)).text


def test_what_cannot_be_opened_says_why(folder_of, tmp_path):
    folder = shutil.copytree(folder_of(), tmp_path / "lacking")
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "architectures": ["Wav2Vec2ForSequenceClassification"]}))
    with pytest.raises(BadInput, match="which writes no text"):
        open_checkpoint(read_checkpoint(folder))
    (folder / "config.json").write_text(json.dumps({**config, "num_hidden_layers": 3}))
    with pytest.raises(CorruptWeights, match="has no weights for"):
        open_checkpoint(read_checkpoint(folder))
    (folder / "config.json").write_text(json.dumps({**config, "model_type": "whisper"}))
    with pytest.raises(BadInput, match="is a whisper; this opens wav2vec2, hubert"):
        open_checkpoint(read_checkpoint(folder))
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "preprocessor_config.json").unlink()
    with pytest.raises(CorruptWeights, match="does not say what its network hears"):
        open_checkpoint(read_checkpoint(folder))
    with pytest.raises(BadInput, match="more than twice context_s"):
        open_checkpoint(read_checkpoint(folder_of()), chunk_s=2, context_s=1)
