"""The tiny checkpoints: the published layout, real tokenizers, the same bytes again, and transformers runs them."""

from __future__ import annotations

import hashlib
import json
import os

import pytest

from otoscope.core import BadInput, UnknownName
from otoscope.testing import tiny_wav2vec2, tiny_whisper

transformers = pytest.importorskip("transformers")
from otoscope.testing.checkpoints.symbols import ARPABET, IPA, LANGUAGE_LETTERS, LETTERS  # noqa: E402
from otoscope.testing.checkpoints.wav2vec2 import PRETRAINED, STABLE, STEMS  # noqa: E402
from otoscope.testing.checkpoints.whisper_tokens import TEXTS  # noqa: E402


@pytest.fixture(autouse=True)
def offline(monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")


def hashes(folder):
    return {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in sorted(os.listdir(folder))}


def says(folder, recording, **how):
    pipeline = transformers.pipeline("automatic-speech-recognition", model=str(folder), device="cpu")
    return pipeline({"raw": recording.samples.copy(), "sampling_rate": 16000}, **how)["text"]


def config(folder, name="config.json"):
    return json.loads((folder / name).read_text())


@pytest.mark.parametrize("make", [tiny_whisper, tiny_wav2vec2])
def test_the_same_seed_gives_the_same_bytes_and_another_other_weights(make, tmp_path):
    folders = {"first": 3, "again": 3, "other": 4}
    first, again, other = (hashes(make(tmp_path / name, seed=seed)) for name, seed in folders.items())
    assert first == again
    assert {name for name in first if first[name] != other[name]} == {"model.safetensors"}


@pytest.mark.parametrize(
    ("how", "end", "n_tokens", "unsaid"),
    [
        ({}, 50257, 51865, "<|nocaptions|>"),
        ({"multilingual": False}, 50256, 51864, "<|nocaptions|>"),
        ({"kind": "v3"}, 50257, 51866, "<|nospeech|>"),
    ],
)
def test_whisper_tokens_of_published_size_have_the_published_ids(how, end, n_tokens, unsaid, tiny_checkpoint):
    folder = tiny_checkpoint("whisper", published_size=True, width=8, n_layers=1, **how)
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    languages = 100 if how.get("kind") == "v3" else 99
    ids = [end, end + 1, end + 2, end + 3, end + 1 + languages]
    ids += [end + 2 + languages + k for k in range(6)]
    names = ["<|endoftext|>", "<|startoftranscript|>", "<|en|>", "<|zh|>", "<|yue|>" if languages == 100 else "<|su|>"]
    names += ["<|translate|>", "<|transcribe|>", "<|startoflm|>", "<|startofprev|>", unsaid, "<|notimestamps|>"]
    assert tokenizer.convert_tokens_to_ids(names) == ids
    assert tokenizer.convert_tokens_to_ids(["<|0.00|>", "<|30.00|>"]) == [n_tokens - 1501, n_tokens - 1]
    assert len(tokenizer) == config(folder)["vocab_size"] == n_tokens
    assert tokenizer.convert_ids_to_tokens([0, 6, 220]) == ["!", "'", "Ġ"]


def test_whisper_tokenizer_gives_back_every_text_after_saving(tiny_checkpoint):
    tokenizer = transformers.AutoTokenizer.from_pretrained(tiny_checkpoint("whisper"))
    for text in (*TEXTS, " naïve Ünïcode 🙂 unseen", "no blank before"):
        ids = tokenizer.encode(text, add_special_tokens=False)
        assert tokenizer.decode(ids) == text
        assert len(ids) < len(text.encode())
    assert tokenizer.decode(tokenizer(" one").input_ids).startswith("<|startoftranscript|><|en|><|transcribe|>")


def test_whisper_suppresses_symbols_as_the_published_models_do(tiny_checkpoint):
    from transformers.models.whisper.configuration_whisper import NON_SPEECH_TOKENS_MULTI

    folder = tiny_checkpoint("whisper")
    said, tokenizer = config(folder, "generation_config.json"), transformers.AutoTokenizer.from_pretrained(folder)
    bytes_only = [i for i in NON_SPEECH_TOKENS_MULTI if i < 256]
    assert [i for i in said["suppress_tokens"] if i < 256 and i not in bytes_only] == []
    assert set(bytes_only) <= set(said["suppress_tokens"])
    names = ["<|startoftranscript|>", "<|translate|>", "<|startofprev|>", "<|nocaptions|>"]
    assert set(tokenizer.convert_tokens_to_ids(names)) <= set(said["suppress_tokens"])
    assert said["lang_to_id"]["<|de|>"] == tokenizer.convert_tokens_to_ids("<|de|>")
    assert said["task_to_id"] == {task: tokenizer.convert_tokens_to_ids(f"<|{task}|>") for task in said["task_to_id"]}


@pytest.mark.parametrize(
    "how", [{}, {"multilingual": False}, {"kind": "distil"}, {"kind": "v3"}, {"alignment_heads": False}]
)
def test_transformers_hears_different_things_with_every_tiny_whisper(how, tiny_checkpoint, babble):
    folder = tiny_checkpoint("whisper", **how)
    texts = {says(folder, babble(number), generate_kwargs={"max_new_tokens": 20}) for number in range(3)}
    assert len(texts) == 3
    assert len(set("".join(texts))) > 9
    said, network = config(folder, "generation_config.json"), config(folder)
    assert ("alignment_heads" in said) == how.get("alignment_heads", True)
    assert said["is_multilingual"] == ("lang_to_id" in said) == how.get("multilingual", True)
    assert (network["decoder_layers"] < network["encoder_layers"]) == (how.get("kind") == "distil")
    assert network["num_mel_bins"] == (128 if how.get("kind") == "v3" else 80)


CTC = [{"kind": kind} for kind in STEMS] + [{"kind": kind, "stable_layer_norm": True} for kind in STABLE]


@pytest.mark.parametrize("how", CTC, ids=lambda how: "-".join(map(str, how.values())))
def test_transformers_hears_different_words_with_every_tiny_encoder(how, tiny_checkpoint, babble):
    folder = tiny_checkpoint("wav2vec2", **how)
    texts = {says(folder, babble(number)) for number in range(3)}
    assert len(texts) == 3
    assert all(len(set(text)) > 5 for text in texts)
    assert any(" " in text for text in texts) or how["kind"] == "sew-d"
    said = config(folder)
    assert said["model_type"] == how["kind"]
    if how["kind"] in STABLE:
        assert (said["feat_extract_norm"] == "layer") == said["do_stable_layer_norm"] == ("stable_layer_norm" in how)


@pytest.mark.parametrize(("head", "symbols"), [("ctc", LETTERS), ("phones", IPA), ("arpabet", ARPABET)])
def test_phones_and_letters_are_written_with_the_head_s_own_symbols(head, symbols, tiny_checkpoint, babble):
    folder = tiny_checkpoint("wav2vec2", head=head)
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    assert tuple(tokenizer.convert_ids_to_tokens(range(len(symbols)))) == symbols
    assert tokenizer.pad_token_id == config(folder)["pad_token_id"] == symbols.index("<pad>")
    written = says(folder, babble(1))
    if head == "phones":
        assert set(written.split()) <= set(IPA)
        assert len(written.split()) > 5


@pytest.mark.parametrize("kind", PRETRAINED)
def test_encoders_without_a_head_and_with_that_of_pretraining_lack_no_weights(kind, tiny_checkpoint):
    for head, opens in (("none", transformers.AutoModel), ("pretraining", transformers.AutoModelForPreTraining)):
        folder = tiny_checkpoint("wav2vec2", kind=kind, head=head)
        _, told = opens.from_pretrained(folder, output_loading_info=True)
        assert not told["missing_keys"]
        assert not told["unexpected_keys"]
        assert not (folder / "vocab.json").exists()


def test_adapters_change_what_is_written_and_the_first_is_in_the_model(tiny_checkpoint, babble):
    languages = ("eng", "deu", "fra")
    folder = tiny_checkpoint("wav2vec2", stable_layer_norm=True, adapters=languages)
    pipeline = transformers.pipeline("automatic-speech-recognition", model=str(folder), device="cpu")
    sound = {"raw": babble(2).samples.copy(), "sampling_rate": 16000}
    texts = {"": pipeline(dict(sound))["text"]}
    for language in languages:
        pipeline.tokenizer.set_target_lang(language)
        pipeline.model.load_adapter(language)
        texts[language] = pipeline(dict(sound))["text"]
        assert set(texts[language]) <= {*LANGUAGE_LETTERS[language], " "}
        assert pipeline.model.config.vocab_size == len(LANGUAGE_LETTERS[language])
    assert texts[""] == texts["eng"]
    assert len(set(texts.values())) == 3


@pytest.mark.parametrize(
    ("make", "how", "error", "says"),
    [
        (tiny_whisper, {"kind": "v4"}, UnknownName, "kind of Whisper"),
        (tiny_whisper, {"width": 30}, BadInput, "multiple of 4"),
        (tiny_whisper, {"kind": "v3", "multilingual": False}, BadInput, "no English-only"),
        (tiny_wav2vec2, {"kind": "wav2vec"}, UnknownName, "did you mean wav2vec2"),
        (tiny_wav2vec2, {"head": "words"}, UnknownName, "head"),
        (tiny_wav2vec2, {"kind": "hubert", "head": "pretraining"}, BadInput, "no head for pretraining"),
        (tiny_wav2vec2, {"kind": "sew", "stable_layer_norm": True}, BadInput, "before each block"),
        (tiny_wav2vec2, {"adapters": ["eng"]}, BadInput, "adapters need"),
        (tiny_wav2vec2, {"adapters": ["xxx"], "stable_layer_norm": True}, UnknownName, "language"),
    ],
)
def test_what_does_not_go_together_is_refused(make, how, error, says, tmp_path):
    with pytest.raises(error, match=says):
        make(tmp_path / "model", **how)
    assert not (tmp_path / "model").exists()
