"""Labels needed: how many recordings with texts a recogniser needs, with and without pretraining on sound alone.

A small wav2vec 2.0 (Baevski et al. 2020) is pretrained on recordings whose texts nobody reads. It, and the same network
with random weights, then learn to write from ever more recordings of another corpus: the same recordings, the same
number of updates, the same rate. Weights are chosen on valid; test is heard once. Trained models are kept in a folder,
and the same study started again goes on from there.
"""

from __future__ import annotations

import json
import math
import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from otoscope.core import BadInput, Panel
from otoscope.core.protocols import Progress
from otoscope.corpora import read_corpus
from otoscope.corpora.manifest import Utterance, check_speakers_disjoint
from otoscope.decoding.ctc import log_likelihood
from otoscope.io.writing import make_folder
from otoscope.lexicon.normalization import normalize_words
from otoscope.metrics.error_rate import error_rate
from otoscope.recognizers.checkpoints.folder import read_checkpoint
from otoscope.recognizers.registry import CARD, load
from otoscope.recognizers.wav2vec2.finetuning import train_wav2vec2
from otoscope.recognizers.wav2vec2.pretraining import train_wav2vec2_pretraining
from otoscope.recognizers.wav2vec2.pretraining_shapes import write_untrained
from otoscope.recognizers.wav2vec2.recognizer import Wav2Vec2Recognizer
from otoscope.recognizers.wav2vec2.waves import some_sound
from otoscope.studies.digits import wilson_interval
from otoscope.studies.result import StudyResult

STARTS = ("random", "pretrained")
AMOUNTS = "30,100,300,750"
N_VALID = 100
"""Recordings of valid that weights are chosen by."""
BATCHES = 40
"""An epoch's updates: fewer recordings are heard more often in it."""
MOST_CHOICES = 20
"""Distinct texts of test up to which the likeliest of them is asked for too."""


@dataclass(frozen=True)
class Splits:
    """The recordings with texts."""

    train: tuple[Utterance, ...]
    valid: tuple[Utterance, ...]
    test: tuple[Utterance, ...]


def run(
    corpus: str | os.PathLike[str],
    *,
    sound: str | os.PathLike[str] | None = None,
    pretrained: str | os.PathLike[str] | None = None,
    amounts: str | Sequence[int] = AMOUNTS,
    shape: str = "small",
    epochs: int = 8,
    updates: int = 400,
    batch_s: float = 12.0,
    learning_rate: float = 1e-3,
    frozen: bool = False,
    seed: int = 0,
    out: str | os.PathLike[str] = "labels-needed",
    progress: Progress | None = None,
) -> StudyResult:
    """Pretrain, then learn from different amounts of labelled speech with and without that.

    Parameters
    ----------
    corpus
        Folder with texts and splits train, valid and test; speakers must not stand in two of them.
    sound, epochs, shape
        Folder whose split train is pretrained on, in how many passes, and a network of
        `otoscope.recognizers.wav2vec2.pretraining_shapes.SHAPES`.
    pretrained
        What pretraining has left already, instead of `sound`.
    amounts
        Numbers of labelled recordings, with commas between; each amount contains the smaller ones.
    updates, batch_s, learning_rate
        Of learning to write, the same everywhere: updates, seconds in a batch, peak rate.
    frozen
        Keep the convolutions of the pretrained network as they are and let its head learn alone in the first tenth, as
        is done with large ones; a small one gains when all of it learns, as the random one must.
    seed
        Of everything random.
    out
        Folder for the models.
    progress
        Called with (models done, all models).
    """
    began = time.perf_counter()
    splits = _splits(corpus, seed)
    counts = _counts(amounts, len(splits.train))
    out = make_folder(out)
    start = _pretrained(sound, pretrained, out, {"shape": shape, "epochs": epochs, "seed": seed})
    starts = {"random": _untrained(start, out / "untrained", splits.train, seed), "pretrained": start}
    asked = {"updates": updates, "batch_s": batch_s, "learning_rate": learning_rate, "frozen": frozen}
    rows: list[dict[str, Any]] = []
    for count in counts:
        for name in STARTS:
            learnt = _spread(splits.train, count, seed)
            recognizer = _tuned(starts[name], out / f"{name}-{count}", (learnt, splits.valid), {**asked, "seed": seed})
            rows.append({"start": name, **_amount(learnt), **_heard(recognizer, splits.test)})
            if progress is not None:
                progress(len(rows), len(counts) * len(STARTS))
    provenance = {
        "corpus": os.fspath(corpus),
        "pretrained_sha256": read_checkpoint(start).sha256,
        "pretraining": _card(start),
        "tuning": asked,
        "versions": {"otoscope": version("otoscope")},
        "seed": seed,
    }
    seconds = time.perf_counter() - began
    return StudyResult("labels-needed", _summary(rows), tuple(rows), _panels(rows), provenance, seconds)


def _splits(corpus: str | os.PathLike[str], seed: int) -> Splits:
    everything = read_corpus(corpus)
    check_speakers_disjoint(everything)
    told = [replace(each, text=" ".join(normalize_words(each.text))) for each in everything]
    parts = [tuple(each for each in told if each.split == name and each.text) for name in ("train", "valid", "test")]
    if not all(parts):
        raise BadInput(f"corpus {os.fspath(corpus)} must have texts in splits train, valid and test")
    return Splits(parts[0], _spread(parts[1], min(N_VALID, len(parts[1])), seed), parts[2])


def _counts(amounts: str | Sequence[int], most: int) -> list[int]:
    try:
        found = sorted({int(each) for each in (amounts.split(",") if isinstance(amounts, str) else amounts)})
    except ValueError:
        raise BadInput(f"amounts are numbers with commas between, got {amounts!r}") from None
    if not found or found[0] < 1 or found[-1] > most:
        raise BadInput(f"amounts must lie between 1 and the {most} labelled recordings of train, got {amounts!r}")
    return found


def _spread(utterances: Sequence[Utterance], n: int, seed: int) -> tuple[Utterance, ...]:
    """Return `n` utterances, speakers and texts taken in turn; those for a smaller `n` come first."""
    rng = np.random.default_rng(seed)
    waiting: dict[tuple[str, str], list[Utterance]] = {}
    for i in rng.permutation(len(utterances)):
        each = utterances[i]
        waiting.setdefault((each.text, each.speaker), []).append(each)
    rank = {id(each): place for own in waiting.values() for place, each in enumerate(own)}
    order = {key: place for place, key in enumerate(sorted(waiting, key=lambda key: rng.random()))}
    found = sorted(utterances, key=lambda each: (rank[id(each)], order[each.text, each.speaker]))
    return tuple(found[:n])


def _pretrained(
    sound: str | os.PathLike[str] | None, given: str | os.PathLike[str] | None, out: Path, how: Mapping[str, Any]
) -> Path:
    if (sound is None) == (given is None):
        raise BadInput("give either sound=FOLDER to pretrain on, or pretrained=FOLDER that pretraining has left")
    if given is not None:
        return Path(given)
    assert sound is not None
    folder = out / "pretrained"
    if not (folder / CARD).is_file():
        everything = read_corpus(sound)
        learnt, held_out = ([each for each in everything if each.split == split] for split in ("train", "valid"))
        train_wav2vec2_pretraining(learnt, held_out, folder, **how)
    return folder


def _untrained(pretrained: Path, folder: Path, learnt: Sequence[Utterance], seed: int) -> Path:
    """Write the network of the pretrained one with random weights, calibrated on the sound that is to be learnt."""
    if not (folder / "config.json").is_file():
        config = json.loads((pretrained / "config.json").read_text(encoding="utf-8"))
        sizes = {name: config[name] for name in _SIZES}
        write_untrained(folder, "small", seed=seed, sound=some_sound(learnt), **sizes)
    return folder


_SIZES = (
    "conv_dim",
    "conv_kernel",
    "conv_stride",
    "conv_bias",
    "feat_extract_norm",
    "do_stable_layer_norm",
    "hidden_size",
    "num_hidden_layers",
    "num_attention_heads",
    "intermediate_size",
    "num_conv_pos_embeddings",
    "num_conv_pos_embedding_groups",
    "hidden_dropout",
    "attention_dropout",
    "feat_proj_dropout",
)
"""Fields of the configuration that say how large the network is."""


def _tuned(
    start: Path, folder: Path, corpus: tuple[Sequence[Utterance], Sequence[Utterance]], asked: Mapping[str, Any]
) -> Wav2Vec2Recognizer:
    """Return what learns to write from `start`, from the folder if it is there already."""
    if not (folder / CARD).is_file():
        learnt, valid = corpus
        heard_s = sum(each.duration_s for each in learnt)
        single = sum(len(each.text.split()) for each in learnt) < 2 * len(learnt)
        frozen = asked["frozen"] and start.name != "untrained"
        train_wav2vec2(
            list(learnt) * max(1, math.ceil(BATCHES * asked["batch_s"] / heard_s)),
            valid,
            folder,
            seed=asked["seed"],
            start=start,
            epochs=max(1, round(asked["updates"] / BATCHES)),
            batch_s=asked["batch_s"],
            learning_rate=asked["learning_rate"],
            joined=(1, 3) if single else (1, 1),
            frozen_front_end=frozen,
            head_alone=0.1 if frozen else 0.0,
            mask_share=0.02,
        )
    recognizer = load(folder)
    assert isinstance(recognizer, Wav2Vec2Recognizer)
    return recognizer


def _amount(learnt: Sequence[Utterance]) -> dict[str, Any]:
    return {"recordings": len(learnt), "minutes": round(sum(each.duration_s for each in learnt) / 60, 2)}


def _heard(recognizer: Wav2Vec2Recognizer, test: Sequence[Utterance]) -> dict[str, Any]:
    """Return error rates of the test recordings, and how often the likeliest of all their texts is right."""
    choices = sorted({each.text for each in test})
    words, letters, n_right = [], [], 0
    for each in test:
        trace = recognizer.trace(each.recording(), record=["emissions"])
        words.append(error_rate(each.text, trace.text))
        letters.append(error_rate(" ".join(each.text), " ".join(trace.text)))
        if len(choices) <= MOST_CHOICES:
            n_right += _likeliest(recognizer, trace.emissions.scores, choices) == each.text
    closed: dict[str, Any] = {"right_of_choices": None, "low": None, "high": None}
    if len(choices) <= MOST_CHOICES:
        low, high = wilson_interval(n_right, len(test))
        closed = {"right_of_choices": n_right / len(test), "low": low, "high": high}
    rates = {
        name: sum(each.errors for each in found) / sum(each.n_reference for each in found)
        for name, found in (("wer", words), ("cer", letters))
    }
    return {"n_test": len(test), "n_choices": len(choices), **rates, **closed}


def _likeliest(recognizer: Wav2Vec2Recognizer, log_probs: Any, choices: Sequence[str]) -> str:
    """Return the text with the highest log P(text | sound)."""
    symbols = recognizer.symbols
    scores = np.asarray(log_probs, dtype=np.float64)
    known = [text for text in choices if set(text.replace(" ", "")) <= set(symbols.names)]
    found = [log_likelihood(scores, symbols.encode(text.split()), blank=symbols.blank) for text in known]
    return known[int(np.argmax(found))] if known else ""


def _card(folder: Path) -> Any:
    path = folder / CARD
    return json.loads(path.read_text(encoding="utf-8"))["training"] if path.is_file() else None


def _summary(rows: Sequence[Mapping[str, Any]]) -> str:
    parts = []
    for count in dict.fromkeys(row["recordings"] for row in rows):
        own = {row["start"]: row for row in rows if row["recordings"] == count}
        wers = " and ".join(f"{100 * own[name]['wer']:.0f} %" for name in STARTS)
        parts.append(f"{wers} from {count} recordings ({own['random']['minutes']:g} min)")
    return f"Word errors without and with pretraining: {'; '.join(parts)}."


def _panels(rows: Sequence[Mapping[str, Any]]) -> tuple[Panel, ...]:
    panels = [_lines(rows, "wer", "word error rate", "Words got wrong, by labels")]
    if rows[0]["right_of_choices"] is not None:
        chance = f"Chance is 1 in {rows[0]['n_choices']}; bands are 95 % Wilson intervals."
        panels.append(
            _lines(rows, "right_of_choices", "share right", "Right among all texts of test, by labels", chance)
        )
    return tuple(panels)


def _lines(rows: Sequence[Mapping[str, Any]], what: str, y_label: str, title: str, caption: str = "") -> Panel:
    series = []
    for name in STARTS:
        own = [row for row in rows if row["start"] == name]
        band = {edge: [row[edge] for row in own] for edge in ("low", "high")} if what == "right_of_choices" else {}
        series.append({"label": name, "y": [row[what] for row in own], **band})
    x = list(dict.fromkeys(row["recordings"] for row in rows))
    data = {"x": x, "series": series, "x_label": "labelled recordings", "y_label": y_label}
    return Panel("lines", title, data, caption or "The same recordings and updates for both; test is heard once.")
