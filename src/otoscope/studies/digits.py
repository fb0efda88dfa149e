"""Digits: a small CTC network learns spoken digits from three speakers, and is tested on one it never heard.

The corpus is a folder like that of the Free Spoken Digit Dataset: a manifest whose texts are single digits, with splits
train, valid and test that share no speaker. The recogniser that ships as "ctc-digits" is what `train` returns:

    from otoscope.studies.digits import train
    train("CORPUS").save("src/otoscope/recognizers/weights/ctc-digits")

The same seed gives the same weights, to the bit, on one machine with one version of torch.
"""

from __future__ import annotations

import dataclasses
import os
import platform
import time
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

import numpy as np
import torch

from otoscope.core import BadInput, Panel, Recording
from otoscope.core.protocols import Progress
from otoscope.corpora.manifest import Utterance, check_speakers_disjoint, read_manifest
from otoscope.metrics.error_rate import ErrorRate, error_rate
from otoscope.nets.acoustic import AcousticShape
from otoscope.nets.augment import Augmentation
from otoscope.nets.examples import Joining
from otoscope.nets.front_end import FrontEndShape
from otoscope.nets.training import TrainingPlan
from otoscope.recognizers.ctc import CTCRecognizer
from otoscope.recognizers.ctc.card import LETTERS, CtcCard
from otoscope.recognizers.ctc.training import Recipe
from otoscope.studies.result import StudyResult

DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
_SPELLED = {**dict(zip("0123456789", DIGITS, strict=True)), **dict(zip(DIGITS, DIGITS, strict=True))}
EPOCHS = 24
N_STRINGS = 50
STRING_LENGTH = 10
GAP_S = (0.1, 0.3)

CARD = CtcCard(
    name="ctc-digits",
    front_end=FrontEndShape(rate_hz=8000, n_mels=40, low_hz=50.0),
    network=AcousticShape(40, len(LETTERS), (24, 48), (2, 1), n_units=96, n_layers=1, dropout=0.1),
    vocabulary=DIGITS,
    licence="CC BY-SA 4.0",
    attribution=(
        "Trained on the Free Spoken Digit Dataset by Zohar Jackson and contributors (doi 10.5281/zenodo.1342401), "
        "CC BY-SA 4.0, https://creativecommons.org/licenses/by-sa/4.0/; speakers george, jackson, nicolas (training) "
        "and yweweler (choice of the epoch)."
    ),
    training={"made_by": "otoscope.studies.digits:train"},
)
RECIPE = Recipe(Joining(n_words=(1, 3)), Augmentation(snr_db=(10.0, 40.0), warp=1.0, channel=0.0), batch_s=6.0)


def train(
    corpus: str | os.PathLike[str],
    *,
    seed: int = 0,
    epochs: int = EPOCHS,
    checkpoint: str | os.PathLike[str] | None = None,
    progress: Progress | None = None,
) -> CTCRecognizer:
    """Train the digit recogniser on a corpus's train split, keeping the epoch that is best on valid; test is not read.

    Raises
    ------
    BadInput
        The corpus has no such splits, a text that is not a digit, or a speaker in two splits.
    """
    check_speakers_disjoint(read_manifest(corpus))
    plan = TrainingPlan(epochs=epochs, learning_rate=5e-3, seed=seed)
    recognizer = CTCRecognizer(CARD, seed=seed)
    learnt, held_out = spoken_digits(corpus, "train"), spoken_digits(corpus, "valid")
    recognizer.fit(learnt, valid=held_out, plan=plan, recipe=RECIPE, checkpoint=checkpoint, progress=progress)
    return recognizer


def spoken_digits(corpus: str | os.PathLike[str], split: str) -> tuple[Utterance, ...]:
    """Return the utterances of a split with their digits as words."""
    found = []
    for utterance in read_manifest(corpus, split=split):
        word = _SPELLED.get(utterance.text)
        if word is None:
            raise BadInput(f"utterance {utterance.id!r} says {utterance.text!r}; each must say one digit, 0 to 9")
        found.append(dataclasses.replace(utterance, text=word))
    return tuple(found)


@dataclass(frozen=True)
class _Heard:
    """What was said and heard in each of some recordings of one speaker group."""

    name: str
    speakers: tuple[str, ...]
    said: tuple[str, ...]
    heard: tuple[str, ...]

    @property
    def rates(self) -> list[ErrorRate]:
        return [error_rate(said, heard) for said, heard in zip(self.said, self.heard, strict=True)]

    def row(self) -> dict[str, Any]:
        rates = self.rates
        n_words = sum(rate.n_reference for rate in rates)
        n_errors = sum(rate.errors for rate in rates)
        n_right = sum(said == heard for said, heard in zip(self.said, self.heard, strict=True))
        low, high = wilson_interval(n_right, len(self.said))
        return {
            "what": self.name,
            "speakers": " ".join(self.speakers),
            "utterances": len(self.said),
            "right": n_right / len(self.said),
            "right_low": low,
            "right_high": high,
            "word_error_rate": n_errors / n_words,
        }


def wilson_interval(n_right: int, n: int, *, z: float = 1.959964) -> tuple[float, float]:
    """Return the 95 % interval of a proportion (Wilson 1927), which stays in [0, 1].

    Examples
    --------
    >>> [round(x, 3) for x in wilson_interval(9, 10)]
    [0.596, 0.982]
    """
    share, spread = n_right / n, z * z / n
    centre = (share + spread / 2) / (1 + spread)
    half = np.sqrt(share * (1 - share) * spread + spread * spread / 4) / (1 + spread)
    return float(max(0.0, centre - half)), float(min(1.0, centre + half))


def run(
    corpus: str | os.PathLike[str], *, seed: int = 0, epochs: int = EPOCHS, progress: Progress | None = None
) -> StudyResult:
    """Train on three speakers, choose the epoch on a fourth, test once on a fifth.

    Parameters
    ----------
    corpus
        Folder with `manifest.tsv`.
    seed
        Of weights, augmentation, and the strings of ten digits that are tested.
    epochs
        Passes over the training digits.
    progress
        Called with (epochs done, all epochs).
    """
    began = time.perf_counter()
    spoken_digits(corpus, "test")
    recognizer = train(corpus, seed=seed, epochs=epochs, progress=progress)
    train_s = time.perf_counter() - began
    heard = [_single(recognizer, corpus, split) for split in ("valid", "test")]
    heard.append(_strings(recognizer, spoken_digits(corpus, "test"), seed))
    rows = tuple(one.row() for one in heard)
    n_weights = sum(parameter.numel() for parameter in recognizer.network.parameters())
    test = rows[1]
    summary = (
        f"{100 * test['right']:.1f} % of the digits of an unseen speaker were right "
        f"(95 % interval {100 * test['right_low']:.1f} to {100 * test['right_high']:.1f} %, n = {test['utterances']}), "
        f"with {100 * rows[2]['word_error_rate']:.1f} % word errors in strings of {STRING_LENGTH}; "
        f"{n_weights:,} weights, trained in {train_s:.0f} s."
    )
    provenance = {
        "weights_sha256": recognizer.provenance.weights_sha256,
        "n_weights": n_weights,
        "training_s": train_s,
        "training": dict(recognizer.card.training),
        "network": dataclasses.asdict(recognizer.card.network),
        "versions": {"otoscope": version("otoscope"), "torch": torch.__version__, "python": platform.python_version()},
        "seed": seed,
        "attribution": recognizer.card.attribution,
    }
    panels = (_accuracy_panel(rows), _confusion_panel(heard[1]))
    return StudyResult("digits", summary, rows, panels, provenance, time.perf_counter() - began)


def _single(recognizer: CTCRecognizer, corpus: str | os.PathLike[str], split: str) -> _Heard:
    utterances = spoken_digits(corpus, split)
    heard = tuple(recognizer.trace(u.recording(rate_hz=None)).text for u in utterances)
    return _Heard(f"{split} digits", _speakers(utterances), tuple(u.text for u in utterances), heard)


def _strings(recognizer: CTCRecognizer, utterances: Sequence[Utterance], seed: int) -> _Heard:
    """Join digits of the speaker, drawn with replacement, with pauses between them."""
    rng = np.random.default_rng(seed)
    said, heard = [], []
    for _ in range(N_STRINGS):
        chosen = [utterances[i] for i in rng.integers(0, len(utterances), STRING_LENGTH)]
        said.append(" ".join(u.text for u in chosen))
        heard.append(recognizer.trace(joined_digits([u.recording(rate_hz=8000) for u in chosen], rng)).text)
    return _Heard(f"test strings of {STRING_LENGTH}", _speakers(utterances), tuple(said), tuple(heard))


def joined_digits(recordings: Sequence[Recording], rng: np.random.Generator) -> Recording:
    """Join recordings of one rate, with digital silence of `GAP_S` between and around them."""
    pieces: list[np.ndarray[Any, Any]] = []
    for recording in recordings:
        pieces += [np.zeros(round(rng.uniform(*GAP_S) * recording.rate_hz), np.float32), recording.samples]
    pieces.append(np.zeros(round(GAP_S[1] * recordings[0].rate_hz), np.float32))
    return Recording(np.concatenate(pieces), recordings[0].rate_hz, source="joined digits")


def _speakers(utterances: Sequence[Utterance]) -> tuple[str, ...]:
    return tuple(sorted({u.speaker for u in utterances}))


def _accuracy_panel(rows: Sequence[dict[str, Any]]) -> Panel:
    data = {
        "labels": [row["what"] for row in rows],
        "values": [row["right"] for row in rows],
        "low": [row["right_low"] for row in rows],
        "high": [row["right_high"] for row in rows],
        "y_label": "share of utterances all right",
        "chance": 1 / len(DIGITS),
    }
    caption = "Whole utterances without any error; bars are 95 % Wilson intervals, the line is chance for one digit."
    return Panel("bars", "Digits of unseen speakers", data, caption)


def _confusion_panel(heard: _Heard) -> Panel:
    columns = [*DIGITS, "other"]
    counts = {word: dict.fromkeys(columns, 0) for word in DIGITS}
    for said, found in zip(heard.said, heard.heard, strict=True):
        counts[said][found if found in DIGITS else "other"] += 1
    data = {"columns": ["said", *columns], "rows": [[word, *counts[word].values()] for word in DIGITS]}
    caption = f"Rows: what {' and '.join(heard.speakers)} said; columns: what was heard (other: no digit, or several)."
    return Panel("table", "Confusions of single digits", data, caption)
