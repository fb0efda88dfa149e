"""Fine-tuning: learns by heart, resumes to the same weights, leaves frozen parts alone, merges LoRA exactly."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from lessons import tone_words
from safetensors.torch import load_file

from otoscope.core import BadInput, MissingExtra, UnknownName
from otoscope.recognizers.checkpoints.folder import read_checkpoint
from otoscope.recognizers.endtoend.batching import Sounds
from otoscope.recognizers.registry import load
from otoscope.recognizers.wav2vec2.finetuning import TuningOptions, train_wav2vec2
from otoscope.recognizers.wav2vec2.finetuning_model import letters_of, open_for_training, save_trained, with_lora
from otoscope.recognizers.wav2vec2.finetuning_task import CtcNetwork, CtcTuningTask

QUICK = {"epochs": 3, "batch_s": 3.0, "learning_rate": 1e-3, "mask_share": 0.02, "mask_frames": 4}
KINDS = ("wav2vec2", "hubert", "wavlm", "wav2vec2-conformer", "data2vec-audio", "unispeech-sat", "sew", "sew-d")
FRONT_END = "feature_extractor"


class Killed(Exception):
    """Stands for a process that was killed."""


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    return tone_words(tmp_path_factory.mktemp("tones"), 8)


def weights(folder: Path) -> dict[str, torch.Tensor]:
    return load_file(folder / "model.safetensors")


@pytest.mark.slow
def test_learns_a_few_recordings_by_heart_and_transformers_reads_them_too(corpus, folder_of, tmp_path: Path) -> None:
    from transformers import pipeline

    more = {"frozen_front_end": False, "epochs": 320, "learning_rate": 6e-3, "mask_share": 0.0, "new_head": True}
    learnt = corpus[:3]
    recognizer = train_wav2vec2(learnt, [], tmp_path / "out", start=folder_of(), **{**QUICK, **more, "batch_s": 9.0})
    heard = [recognizer.trace(utterance.recording()).text for utterance in learnt]
    assert heard == [utterance.text for utterance in learnt]
    theirs = pipeline("automatic-speech-recognition", model=str(tmp_path / "out"))
    assert [theirs(utterance.recording().samples)["text"] for utterance in learnt] == heard


def test_killed_and_resumed_tuning_ends_with_the_same_weights(corpus, folder_of, tmp_path: Path) -> None:
    start = folder_of(head="pretraining")
    whole = train_wav2vec2(corpus, corpus[:3], tmp_path / "whole", seed=3, start=start, augment=True, **QUICK)

    def kill(done: int, total: int) -> None:
        if done == 1:
            raise Killed

    again = {"start": start, "seed": 3, "augment": True, **QUICK}
    with pytest.raises(Killed):
        train_wav2vec2(corpus, corpus[:3], tmp_path / "cut", progress=kill, **again)
    resumed = train_wav2vec2(corpus, corpus[:3], tmp_path / "cut", **again)
    assert resumed.provenance.weights_sha256 == whole.provenance.weights_sha256


def test_the_front_end_stays_and_all_else_learns(corpus, folder_of, tmp_path: Path) -> None:
    start = folder_of()
    train_wav2vec2(corpus, [], tmp_path / "out", start=start, new_head=True, head_alone=0.0, **QUICK)
    before, after = weights(start), weights(tmp_path / "out")
    frozen = {name for name in before if FRONT_END in name}
    assert frozen
    assert all(torch.equal(before[name], after[name]) for name in frozen)
    same = {
        name for name in after if name in before and "lm_head" not in name and torch.equal(before[name], after[name])
    }
    assert same == frozen


def test_a_new_head_learns_alone_at_first(corpus, folder_of, tmp_path: Path) -> None:
    start = folder_of(head="none")
    train_wav2vec2(corpus, [], tmp_path / "out", start=start, head_alone=1.0, **QUICK)
    card = json.loads((tmp_path / "out" / "recognizer.json").read_text())
    before, after = weights(start), weights(tmp_path / "out")
    inside = {name: value for name, value in after.items() if "lm_head" not in name}
    prefix = next(iter(set(inside) - set(before))).split(".")[0] + "." if set(inside) - set(before) else ""
    assert all(torch.equal(value, before[name.removeprefix(prefix)]) for name, value in inside.items())
    assert card["training"]["valid_losses"] == [None, None, None]
    assert card["training"]["train_losses"][-1] < card["training"]["train_losses"][0]
    assert card["start"]["sha256"] == read_checkpoint(start).sha256


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_learns_with_lora_which_changes_its_own_parts_only(kind, corpus, folder_of, tmp_path: Path) -> None:
    start = folder_of(kind)
    options = {**QUICK, "epochs": 1, "lora": 2, "new_head": True, "head_alone": 0.0}
    train_wav2vec2(corpus[:4], [], tmp_path, start=start, **options)
    before, after = weights(start), weights(tmp_path)
    assert set(after) == set(before)
    changed = {
        name for name in before if before[name].shape != after[name].shape or not torch.equal(before[name], after[name])
    }
    changed -= {"lm_head.weight", "lm_head.bias"}
    names = ("q_proj", "k_proj", "v_proj", "out_proj", "linear_", "query_proj", "key_proj", "value_proj", "_dense")
    assert changed
    assert all(any(part in name for part in names) and name.endswith("weight") for name in changed)


def test_merging_lora_leaves_the_outputs_as_they_were(corpus, folder_of, tmp_path: Path) -> None:
    start = read_checkpoint(folder_of())
    opened = open_for_training(start, [("ab",)], new_head=True, seed=0)
    opened = with_lora(opened, "wav2vec2", rank=3, seed=0)
    with torch.no_grad():
        for name, value in opened.model.named_parameters():
            if "lora_B" in name:
                value.normal_(std=0.3)
    wave = torch.randn(1, 8000, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        before = opened.model.eval()(wave).logits
        save_trained(opened, tmp_path, start)
        after = load(tmp_path).network.model(wave).logits
    torch.testing.assert_close(after, before, atol=2e-5, rtol=1e-5)
    plain = open_for_training(start, [("ab",)], new_head=True, seed=0)
    assert float((plain.model(wave).logits - before).abs().max()) > 0.01


def test_without_peft_lora_names_the_extra(corpus, folder_of, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "peft", None)
    with pytest.raises(MissingExtra, match="finetune"):
        train_wav2vec2(corpus, [], tmp_path, start=folder_of(), new_head=True, lora=2, **QUICK)


def test_the_loss_is_that_of_transformers(corpus, folder_of) -> None:
    start = read_checkpoint(folder_of())
    opened = open_for_training(start, [("AB",)], new_head=False, seed=0)
    network = CtcNetwork(opened.model.eval())
    task = CtcTuningTask(Sounds(corpus, 16000), None, opened.symbols, None, TuningOptions().recipe, network.n_frames)
    batch = task.batch([task.train[0], task.train[1]])
    n = batch.n_labels.tolist()
    rows = torch.full((2, max(n)), -100)
    rows[0, : n[0]], rows[1, : n[1]] = batch.labels[: n[0]], batch.labels[n[0] :]
    mask = (torch.arange(batch.waves.shape[1]) < batch.n_samples[:, None]).long()
    opened.model.config.ctc_loss_reduction, opened.model.config.ctc_zero_infinity = "sum", True
    with torch.no_grad():
        theirs = opened.model(batch.waves, attention_mask=mask, labels=rows).loss
        own = network.eval() and task.losses(network, batch).sum()
    assert float(own) == pytest.approx(float(theirs), rel=1e-6)


def test_hidden_frames_are_drawn_by_us_and_lie_within_the_sound(corpus, folder_of) -> None:
    from otoscope.nets.contrastive import Spans

    opened = open_for_training(read_checkpoint(folder_of()), [("AB",)], new_head=False, seed=0)
    network = CtcNetwork(opened.model)
    task = CtcTuningTask(
        Sounds(corpus, 16000), None, opened.symbols, Spans(0.1, 4, 0), TuningOptions().recipe, network.n_frames
    )
    found = task.batch([task.train[i] for i in range(8)], np.random.default_rng(0))
    for row, n_samples in zip(found.hidden, found.n_samples, strict=True):
        assert not row[int(network.n_frames(n_samples)) :].any()
    given: list[torch.Tensor] = []
    body = opened.model.base_model
    handle = body.encoder.register_forward_pre_hook(lambda _, args: given.append(args[0]))
    network.train()(found)
    handle.remove()
    same = (given[0] == body.masked_spec_embed).all(-1)
    assert torch.equal(same, found.hidden)


def test_letters_of_the_corpus_make_a_new_vocabulary(corpus, folder_of, tmp_path: Path) -> None:
    assert letters_of([("cab", "fed")]).names[5:] == ("a", "b", "c", "d", "e", "f")
    recognizer = train_wav2vec2(corpus, [], tmp_path, start=folder_of(head="none"), **{**QUICK, "epochs": 1})
    assert recognizer.symbols.names == ("<pad>", "<s>", "</s>", "<unk>", "|", *"abcdef")
    assert recognizer.symbols.encode(("ab", "cd")) == (5, 6, 4, 7, 8)
    assert json.loads((tmp_path / "config.json").read_text())["architectures"] == ["Wav2Vec2ForCTC"]


def test_what_cannot_be_tuned_is_refused(corpus, folder_of, tmp_path: Path) -> None:
    start = folder_of()
    with pytest.raises(BadInput, match="--from"):
        train_wav2vec2(corpus, [], tmp_path)
    with pytest.raises(UnknownName, match="epoch_count"):
        train_wav2vec2(corpus, [], tmp_path, start=start, epoch_count=3)
    with pytest.raises(BadInput, match="another folder"):
        train_wav2vec2(corpus, [], start, start=start)
    with pytest.raises(BadInput, match="rank"):
        train_wav2vec2(corpus, [], tmp_path, start=start, lora=0)
    lacking = _without(folder_of(), "B", tmp_path)
    with pytest.raises(BadInput, match="cannot write the word"):
        train_wav2vec2(corpus, [], tmp_path / "out", start=lacking)
    with pytest.raises(BadInput, match="language adapters"):
        train_wav2vec2(corpus, [], tmp_path, start=folder_of(stable=True, adapters=("eng",)))


def _without(folder: Path, letter: str, tmp_path: Path) -> Path:
    """Copy a checkpoint whose vocabulary lacks a letter."""
    import shutil

    made = tmp_path / f"without-{letter}"
    shutil.copytree(folder, made)
    vocabulary = json.loads((made / "vocab.json").read_text())
    vocabulary["ß"] = vocabulary.pop(letter)
    (made / "vocab.json").write_text(json.dumps(vocabulary))
    return made
