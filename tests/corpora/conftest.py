"""Small corpora of each kind, with noise for sound."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile


@pytest.fixture
def sound() -> Callable[..., Path]:
    """Write a sound file of noise, the same for the same name; returns its path."""

    def write(path: Path, duration_s: float = 0.5, *, rate_hz: int = 16000, n_channels: int = 1) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        rng = np.random.default_rng(sum(map(ord, path.name)))
        samples = rng.uniform(-0.5, 0.5, (round(duration_s * rate_hz), n_channels))
        soundfile.write(path, samples, rate_hz, subtype=None if path.suffix == ".mp3" else "PCM_16")
        return path

    return write


def lines(path: Path, *rows: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{row}\n" for row in rows), encoding="utf-8")
    return path


@pytest.fixture
def write_lines() -> Callable[..., Path]:
    """Write a text file of these lines; returns its path."""
    return lines


@pytest.fixture
def kaldi(tmp_path: Path, sound: Callable[..., Path]) -> Path:
    """Two data folders: `train` of whole files, `test` of segments of one file with two channels."""
    a, b = sound(tmp_path / "wav" / "a.wav", 0.4), sound(tmp_path / "wav" / "b.wav", 0.7)
    lines(tmp_path / "data" / "train" / "wav.scp", f"ann-a {a}", f"bob-b {b}")
    lines(tmp_path / "data" / "train" / "text", "ann-a so  my", "bob-b well")
    lines(tmp_path / "data" / "train" / "utt2spk", "ann-a ann", "bob-b bob")
    call = sound(tmp_path / "wav" / "call.wav", 3.0, rate_hz=8000, n_channels=2)
    test = tmp_path / "data" / "test"
    lines(test / "wav.scp", f"call {call}")
    lines(test / "segments", "cy-1 call 0.5 1.25 0", "di-1 call 1 2.5 1", "di-2 call 2.5 -1 1")
    lines(test / "text", "cy-1 hello", "di-1 good bye", "di-2")
    lines(test / "utt2spk", "cy-1 cy", "di-1 di", "di-2 di")
    return tmp_path / "data"


@pytest.fixture
def common_voice(tmp_path: Path, sound: Callable[..., Path]) -> Path:
    folder = tmp_path / "cv-corpus" / "en"
    for name, length_s in (("c1", 0.5), ("c2", 0.6), ("c3", 0.8), ("c4", 0.9)):
        sound(folder / "clips" / f"{name}.mp3", length_s, rate_hz=32000)
    heading = "client_id\tpath\tsentence_id\tsentence\tup_votes"
    lines(folder / "train.tsv", heading, 'aa\tc1.mp3\t1\tShe said "no.\t2', "aa\tc2.mp3\t2\tIt's  late\t0")
    lines(folder / "dev.tsv", heading, "bb\tc3.mp3\t3\tÉtude, please\t2")
    lines(folder / "test.tsv", heading)
    lines(folder / "other.tsv", heading, "cc\tc4.mp3\t4\tOther\t0")
    return folder


@pytest.fixture
def librispeech(tmp_path: Path, sound: Callable[..., Path]) -> Path:
    root = tmp_path / "LibriSpeech"
    for subset, speaker, chapter, texts in (
        ("dev-clean", "84", "121123", ("GO DO YOU HEAR", "BUT IN LESS")),
        ("train-clean-5", "1088", "134315", ("AS YOU KNOW",)),
    ):
        stem = f"{speaker}-{chapter}"
        for number in range(len(texts)):
            sound(root / subset / speaker / chapter / f"{stem}-{number:04d}.flac", 0.3 + 0.1 * number)
        lines(
            root / subset / speaker / chapter / f"{stem}.trans.txt",
            *(f"{stem}-{number:04d} {text}" for number, text in enumerate(texts)),
        )
    return root
