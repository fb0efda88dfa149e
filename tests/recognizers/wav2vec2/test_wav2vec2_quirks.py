"""Folders as they are found on the hub: tokenizers of 2021, several languages, words and marks of fine-tunes."""

from __future__ import annotations

import json
import shutil

import pytest
from safetensors.torch import load_file, save_file

import otoscope
from otoscope.core import BadInput, CorruptWeights


@pytest.fixture
def copied(folder_of, tmp_path):
    """Copy a tiny checkpoint with other settings in its tokenizer's file; `None` takes one away."""

    def changed(kind="wav2vec2", stable=False, how=None, **said):
        folder = shutil.copytree(folder_of(kind, stable, **(how or {})), tmp_path / "changed", dirs_exist_ok=True)
        path = folder / "tokenizer_config.json"
        old = json.loads(path.read_text())
        path.write_text(json.dumps({name: value for name, value in {**old, **said}.items() if value is not None}))
        return folder

    return changed


@pytest.mark.parametrize("kind", ["wav2vec2", "wavlm", "sew", "sew-d"])
@pytest.mark.parametrize("named", [None, "Wav2Vec2Tokenizer"])
def test_a_tokenizer_without_a_class_or_with_that_of_2021_is_the_one_of_letters(copied, opened, bursts, kind, named):
    recognizer = otoscope.load(copied(kind, tokenizer_class=named))
    assert [recognizer.trace(bursts(i)).text for i in range(3)] == [
        opened(kind).trace(bursts(i)).text for i in range(3)
    ]


def test_a_tokenizer_that_nobody_knows_is_named(copied):
    with pytest.raises(CorruptWeights, match=r"has no readable tokenizer \(FooTokenizer\): \S+"):
        otoscope.load(copied(tokenizer_class="FooTokenizer"))


def test_letters_of_several_languages_need_one_of_them(copied, opened, bursts):
    how = {"adapters": ("eng", "deu", "fra")}
    folder = copied("wav2vec2", True, how, target_lang=None)
    with pytest.raises(BadInput, match="writes several languages; give language=, one of deu, eng, fra"):
        otoscope.load(folder)
    german = opened("wav2vec2", True, how=how, language="deu")
    assert otoscope.load(folder, language="deu").trace(bursts(1)).text == german.trace(bursts(1)).text


@pytest.mark.parametrize("n_beyond", [0, 2, 4])
def test_a_fine_tune_as_the_usual_notebook_leaves_it(copied, bursts, n_beyond):
    """Special tokens of its own names at the end, start and end of text added behind them, in the head or not."""
    folder = copied(unk_token="[UNK]", pad_token="[PAD]")
    old = json.loads((folder / "vocab.json").read_text())
    names = [*[name for name in old if not name.startswith("<")], "[UNK]", "[PAD]"]
    (folder / "vocab.json").write_text(json.dumps({name: i for i, name in enumerate(names)}))
    (folder / "added_tokens.json").write_text(json.dumps({"<s>": len(names), "</s>": len(names) + 1}))
    (folder / "special_tokens_map.json").unlink()
    renamed = {"[UNK]": "<unk>", "[PAD]": "<pad>"}
    places = [old[renamed.get(name, name)] for name in names] + [1, 2, 5, 6][:n_beyond]
    weights = load_file(folder / "model.safetensors")
    head = {name: weights[name][places].clone() for name in ("lm_head.weight", "lm_head.bias")}
    save_file({**weights, **head}, folder / "model.safetensors", metadata={"format": "pt"})
    config = json.loads((folder / "config.json").read_text())
    size = {"vocab_size": len(places), "pad_token_id": names.index("[PAD]")}
    (folder / "config.json").write_text(json.dumps({**config, **size}))
    recognizer, pipe = otoscope.load(folder), _pipeline(folder)
    for number in range(5):
        sound = {"raw": bursts(number).samples.copy(), "sampling_rate": 16000}
        assert recognizer.trace(bursts(number)).text == " ".join(pipe(sound)["text"].split())
    assert recognizer.symbols.names[recognizer.symbols.blank] == "[PAD]"


def _pipeline(folder):
    from transformers import AutoFeatureExtractor, AutoModelForCTC, AutoTokenizer, pipeline

    return pipeline(
        "automatic-speech-recognition",
        model=AutoModelForCTC.from_pretrained(folder),
        tokenizer=AutoTokenizer.from_pretrained(folder),
        feature_extractor=AutoFeatureExtractor.from_pretrained(folder),
    )
