"""What published checkpoints and old fine-tunes ask of decoding, and heads and tokenizers that are not their own."""

from __future__ import annotations

import json
import shutil

import pytest
import torch

import otoscope
from otoscope.core import CorruptWeights
from otoscope.recognizers.whisper.heads import all_heads

GENERATION, CONFIG = "generation_config.json", "config.json"


@pytest.fixture
def copied(tiny_checkpoint, tmp_path):
    """Copy a tiny Whisper, with other settings in its files; `None` takes one away."""

    def changed(gone=(), **files):
        folder = shutil.copytree(tiny_checkpoint("whisper"), tmp_path / "changed", dirs_exist_ok=True)
        for name in gone:
            (folder / name).unlink()
        for stem, said in files.items():
            path = folder / f"{stem}.json"
            old = json.loads(path.read_text())
            kept = {key: value for key, value in {**old, **said}.items() if value is not None}
            path.write_text(json.dumps(kept))
        return folder

    return changed


def opened(folder, **options):
    plain = {"timestamps": False, "least_log_prob": None, "most_compression": None, "most_no_speech": None}
    return otoscope.load(folder, heads=all_heads(2, 4), **{**plain, **options})


def rows(recognizer, sounds):
    return [(*window.prefix, *window.tokens) for window in recognizer.hear_windows(sounds)]


def their_rows(folder, sounds, **how):
    from transformers import WhisperForConditionalGeneration, WhisperProcessor

    model = WhisperForConditionalGeneration.from_pretrained(folder).eval()
    processor, found = WhisperProcessor.from_pretrained(folder), []
    for sound in sounds:
        inputs = processor(sound.samples, sampling_rate=16000, return_tensors="pt").input_features
        with torch.no_grad():
            row = model.generate(inputs, force_unique_generate_call=True, **how)[0].tolist()
        while row[-1] == model.generation_config.eos_token_id:
            row.pop()
        found.append(tuple(row))
    return found


@pytest.fixture
def ids(tiny_checkpoint):
    said = json.loads((tiny_checkpoint("whisper") / GENERATION).read_text())
    names = {**said["lang_to_id"], **said["task_to_id"]}
    return {**names, "no times": said["no_timestamps_token_id"], "never": said["suppress_tokens"]}


def forced(ids, language, task):
    return [[1, ids.get(language)], [2, ids[task]], [3, ids["no times"]]]


@pytest.mark.parametrize("case", ["generation_config", "config", "config-alone"])
def test_an_old_fine_tune_asks_by_forced_tokens(copied, ids, babble, case):
    said = {"forced_decoder_ids": forced(ids, "<|de|>", "translate")}
    if case == "config-alone":
        said |= {"suppress_tokens": [*ids["never"], 300], "begin_suppress_tokens": [220], "max_length": 9}
        folder = copied(gone=[GENERATION], config=said)
    else:
        folder = copied(**{case: said})
    recognizer, sounds = opened(folder, most_tokens=8), [babble(i) for i in range(3)]
    assert (recognizer.options.language, recognizer.options.task) == ("de", "translate")
    assert rows(recognizer, sounds) == their_rows(folder, sounds, max_new_tokens=8)
    other = opened(folder, language="fr", task="transcribe")
    assert (other.options.language, other.options.task) == ("fr", "transcribe")


def test_published_models_name_a_task_and_leave_the_language_open(copied, ids):
    folder = copied(
        generation_config={"forced_decoder_ids": [[1, None], [2, ids["transcribe"]]]},
        config={"forced_decoder_ids": forced(ids, "<|en|>", "transcribe")},
    )
    assert (opened(folder).options.language, opened(folder).options.task) == (None, "transcribe")


def test_language_and_task_by_name_come_before_forced_tokens(copied, ids):
    said = {"language": "german", "task": "transcribe", "forced_decoder_ids": forced(ids, "<|fr|>", "translate")}
    recognizer = opened(copied(generation_config=said))
    assert (recognizer.options.language, recognizer.options.task) == ("de", "transcribe")
    with pytest.raises(CorruptWeights, match="asks for the task 'sing'"):
        opened(copied(generation_config={"language": "german", "task": "sing"}))


def test_what_is_never_written_stands_in_one_file(copied, babble):
    sounds = [babble(i) for i in range(3)]
    alone = copied(generation_config={"suppress_tokens": None}, config={"suppress_tokens": [300, 625]})
    assert rows(opened(alone, most_tokens=8), sounds) == their_rows(alone, sounds, max_new_tokens=8, task="transcribe")


@pytest.mark.parametrize("said", [{"max_length": 5}, {"max_new_tokens": 3, "max_length": None}, {"num_beams": 3}])
def test_beams_and_lengths_are_those_asked_for(copied, babble, said):
    folder, sounds = copied(generation_config={"max_length": 6, **said}), [babble(i) for i in range(3)]
    assert rows(opened(folder), sounds) == their_rows(folder, sounds, task="transcribe")
    free = opened(folder, beam_size=1, most_tokens=None).options
    assert (free.beam_size, free.most_tokens) == (1, None)


def test_heads_of_a_larger_model_are_not_taken_for_ones_own(copied, babble, tmp_path, monkeypatch):
    monkeypatch.setenv("OTOSCOPE_MODELS", str(tmp_path / "store"))
    folder = copied(generation_config={"alignment_heads": [[1, 3], [25, 2], [27, 3]]})
    recognizer = otoscope.load(folder, attention="sdpa", most_tokens=6)
    assert recognizer.heads.how == "last half"
    assert recognizer.trace(babble(1)).words


def test_a_tokenizer_that_was_saved_while_it_padded_and_cut_batches(copied):
    folder = copied()
    said = json.loads((folder / "tokenizer.json").read_text())
    said["truncation"] = {"direction": "Right", "max_length": 2, "strategy": "LongestFirst", "stride": 0}
    said["padding"] = {"strategy": {"Fixed": 9}, "direction": "Right", "pad_to_multiple_of": None, "pad_type_id": 0}
    said["padding"] |= {"pad_id": 656, "pad_token": "<|endoftext|>"}
    (folder / "tokenizer.json").write_text(json.dumps(said))
    text = "one two three, four five six"
    assert opened(folder, prompt=text).parts.tokens.encode(text) == opened(copied()).parts.tokens.encode(text)
