"""Labels needed: the same recordings and updates for both, nested amounts, models kept, honest rows."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from otoscope.core import BadInput, Recording
from otoscope.corpora.manifest import Utterance, manifest_text
from otoscope.io.audio import write_recording
from otoscope.recognizers.checkpoints.folder import read_checkpoint
from otoscope.studies import labels_needed
from otoscope.studies.labels_needed import _counts, _spread, run

WORDS = {"one": (300, 900), "two": (2000, 500)}


@pytest.fixture(scope="module")
def corpus(tmp_path_factory) -> Path:
    """Write two words of tones by three speakers, each in one split."""
    folder = tmp_path_factory.mktemp("words")
    rng = np.random.default_rng(0)
    t = np.arange(3200) / 16000
    made = []
    for split, n in (("train", 8), ("valid", 2), ("test", 4)):
        for number in range(n):
            word = tuple(WORDS)[number % 2]
            samples = np.concatenate([0.3 * np.sin(2 * np.pi * hz * t) for hz in WORDS[word]])
            samples += 0.01 * rng.standard_normal(samples.size)
            path = folder / split / f"{number}.flac"
            path.parent.mkdir(exist_ok=True)
            write_recording(Recording(samples.astype(np.float32), 16000), path)
            made.append(Utterance(f"{split}{number}", path, word, split, split, samples.size / 16000))
    (folder / "manifest.tsv").write_text(manifest_text(made, folder))
    return folder


@pytest.fixture(autouse=True)
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")


def test_both_starts_learn_from_the_same_recordings_and_everything_is_kept(corpus, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(labels_needed, "BATCHES", 2)
    how = {"amounts": "2,6", "updates": 4, "batch_s": 2.0, "shape": "tiny", "epochs": 1, "out": tmp_path / "out"}
    result = run(corpus, sound=corpus, **how)
    assert [(row["start"], row["recordings"]) for row in result.table] == [
        ("random", 2), ("pretrained", 2), ("random", 6), ("pretrained", 6)
    ]  # fmt: skip
    assert all(row["n_test"] == 4 and row["n_choices"] == 2 for row in result.table)
    for row in result.table:
        assert row["low"] - 1e-9 <= row["right_of_choices"] <= row["high"] + 1e-9
    assert [panel.kind for panel in result.panels] == ["lines", "lines"]
    assert "from 6 recordings (0.04 min)" in result.summary
    folder = tmp_path / "out"
    sizes = {name: read_checkpoint(folder / name).config["hidden_size"] for name in ("untrained", "pretrained")}
    assert sizes["untrained"] == sizes["pretrained"] == 32

    monkeypatch.setattr(labels_needed, "train_wav2vec2", None)
    monkeypatch.setattr(labels_needed, "train_wav2vec2_pretraining", None)
    again = run(corpus, sound=corpus, **how)
    assert [dict(row) for row in again.table] == [dict(row) for row in result.table]
    given = run(corpus, pretrained=folder / "pretrained", **how)
    assert given.provenance["pretrained_sha256"] == result.provenance["pretrained_sha256"]


def test_amounts_are_nested_and_take_speakers_and_words_in_turn() -> None:
    told = [
        Utterance(f"{speaker}{word}{n}", Path("x"), word, speaker, "train", 1.0)
        for speaker in ("a", "b", "c") for word in ("one", "two") for n in range(5)
    ]  # fmt: skip
    few, more = _spread(told, 6, 0), _spread(told, 13, 0)
    assert more[:6] == few
    assert len({(each.speaker, each.text) for each in few}) == 6
    assert len({each.id for each in more}) == 13
    assert _spread(told, 6, 1) != few


def test_what_cannot_be_run_is_refused(corpus, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="either sound"):
        run(corpus, out=tmp_path, amounts="2")
    with pytest.raises(BadInput, match="between 1 and the 8"):
        run(corpus, sound=corpus, out=tmp_path, amounts="2,9")
    with pytest.raises(BadInput, match="commas"):
        _counts("2;3", 8)
