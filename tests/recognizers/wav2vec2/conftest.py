"""Tiny checkpoints of every architecture of the family, opened here and by transformers."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from otoscope.core import Recording

sys.path.insert(0, str(Path(__file__).parent))

LETTERS = ("<pad>", "<s>", "</s>", "<unk>", "|", *"ETAONIHSRDLU")


@pytest.fixture(autouse=True)
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")


@pytest.fixture(scope="session")
def folder_of(tiny_checkpoint, tmp_path_factory) -> Callable[..., Path]:
    """Write a tiny checkpoint of an architecture, once for the session, and return its folder."""
    made: dict[str, Path] = {}

    def folder(kind: str = "wav2vec2", stable: bool = False, **how: Any) -> Path:
        if kind != "wav2vec2-bert":
            return tiny_checkpoint("wav2vec2", kind=kind, stable_layer_norm=stable, **how)
        asked = repr(sorted(how.items()))
        if asked not in made:
            made[asked] = write_bert(tmp_path_factory.mktemp("bert"), **how)
        return made[asked]

    return folder


def write_bert(folder: Path, **more: Any) -> Path:
    """Write a tiny wav2vec2-bert, which hears log-mel frames in pairs."""
    from transformers import SeamlessM4TFeatureExtractor, Wav2Vec2BertConfig, Wav2Vec2BertForCTC

    from otoscope.testing.checkpoints.weights import fill

    config = Wav2Vec2BertConfig(
        vocab_size=len(LETTERS), hidden_size=32, num_hidden_layers=2, num_attention_heads=4, intermediate_size=64,
        feature_projection_input_dim=160, output_hidden_size=32, conv_depthwise_kernel_size=5, pad_token_id=0, **more,
    )  # fmt: skip
    network = Wav2Vec2BertForCTC(config)
    fill(network, seed=0, gains={"lm_head.weight": 6.0})
    network.eval().save_pretrained(folder)
    SeamlessM4TFeatureExtractor(feature_size=80, num_mel_bins=80, padding_value=1, stride=2).save_pretrained(folder)
    (folder / "vocab.json").write_text(json.dumps({letter: i for i, letter in enumerate(LETTERS)}))
    said = {"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>", "pad_token": "<pad>"}
    said |= {"word_delimiter_token": "|", "tokenizer_class": "Wav2Vec2CTCTokenizer"}
    (folder / "tokenizer_config.json").write_text(json.dumps(said))
    return folder


@pytest.fixture(scope="session")
def opened(folder_of) -> Callable[..., Any]:
    """Open a tiny checkpoint here: `opened("hubert", True, how={…}, **parameters)`; those without parameters once."""
    from otoscope.recognizers.checkpoints.folder import read_checkpoint
    from otoscope.recognizers.wav2vec2 import open_checkpoint

    kept: dict[str, Any] = {}

    def recognizer(kind: str = "wav2vec2", stable: bool = False, *, how: Any = None, **parameters: Any) -> Any:
        folder = folder_of(kind, stable, **(how or {}))
        if parameters:
            return open_checkpoint(read_checkpoint(folder), **parameters)
        if str(folder) not in kept:
            kept[str(folder)] = open_checkpoint(read_checkpoint(folder))
        return kept[str(folder)]

    return recognizer


@pytest.fixture(scope="session")
def bursts() -> Callable[[int], Recording]:
    """Make recording number `i`, 0.1 to 0.6 s of any number of samples: tones and noise that come and go."""

    def made(number: int) -> Recording:
        rng = np.random.default_rng(number)
        t = np.arange(int(rng.integers(1600, 9600))) / 16000
        tone = np.sin(2 * np.pi * (rng.uniform(100, 400) + rng.uniform(0, 900) * t) * t)
        samples = 0.1 * tone * np.sin(2 * np.pi * rng.uniform(1, 9) * t) + 0.02 * rng.standard_normal(t.size)
        return Recording(samples.astype(np.float32), 16000)

    return made
