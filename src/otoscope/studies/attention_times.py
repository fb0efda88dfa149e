"""How well cross-attention places words: whose heads, and by which way from attention to times.

Words of known texts are placed in synthetic speech whose true times are known: with the heads that the checkpoint
names, those of a calibration on other voices, the default of openai/whisper (all heads of the later half of the
layers), and all heads; by plain dynamic time warping and by the states that know pauses and hear sound.
"""

from __future__ import annotations

import dataclasses
import os
import time
from collections.abc import Sequence
from importlib.metadata import version
from typing import Any, get_args

import numpy as np
from numpy.typing import NDArray

from otoscope.core import BadInput, Panel
from otoscope.core.protocols import Progress
from otoscope.corpora import Utterance, read_corpus
from otoscope.recognizers.whisper.calibration import Spoken, calibration_speech, known_of
from otoscope.recognizers.whisper.head_search import choose_heads
from otoscope.recognizers.whisper.heads import HeadChoice, Known, all_heads, last_half, named_heads
from otoscope.recognizers.whisper.recognizer import WhisperRecognizer
from otoscope.recognizers.whisper.times import StatesPlan, TimesBy, word_times
from otoscope.studies.result import StudyResult

N_CALIBRATION, N_JUDGED = 24, 60
WITHIN_S = (0.02, 0.04, 0.1)


def run(
    recognizer: str | os.PathLike[str] | WhisperRecognizer,
    corpus: str | os.PathLike[str] | None = None,
    *,
    split: str = "valid",
    calibrate_on: str = "train",
    language: str = "en",
    limit: int = N_JUDGED,
    seed: int = 0,
    progress: Progress | None = None,
) -> StudyResult:
    """Place words by every choice of heads, both ways, and compare with the truth.

    Parameters
    ----------
    recognizer
        A folder or name of a Whisper.
    corpus
        A corpus whose utterances have a tier `words` of true times, as `otoscope corpus synthesize` makes them; by
        default the sentences of `calibration_speech`, every other one for the calibration.
    split, calibrate_on
        Which split is judged, and from which the calibration takes other utterances.
    language
        Of the speech.
    limit
        Most utterances to judge.
    seed
        Of the choice of utterances.
    progress
        Called with (utterances heard, all).

    Raises
    ------
    BadInput
        The recogniser is no Whisper, or utterances have no true times.
    """
    began = time.perf_counter()
    whisper = opened(recognizer)
    learnt, judged, material = _speech(corpus, (calibrate_on, split), limit, seed)
    known: list[Known] = []
    for spoken in (*learnt, *judged):
        known.append(known_of(whisper.parts, spoken, language=language))
        if progress is not None:
            progress(len(known), len(learnt) + len(judged))
    choices = _choices(whisper, known[: len(learnt)], material)
    rows, errors = [], {}
    for label, choice in choices.items():
        for by in get_args(TimesBy):
            own = errors_of(choice, known[len(learnt) :], by)
            errors[f"{label}, {by}"] = own
            rows.append(_row(label, choice, by, own))
    provenance = {
        "recognizer": {"name": whisper.name, "weights_sha256": whisper.provenance.weights_sha256},
        "heads": {label: choice.as_json() for label, choice in choices.items()},
        "corpus": None if corpus is None else os.fspath(corpus),
        "material": material,
        "split": split,
        "calibrate_on": calibrate_on,
        "plan": dataclasses.asdict(StatesPlan()),
        "limit": limit,
        "seed": seed,
        "versions": {"otoscope": version("otoscope")},
    }
    return StudyResult(
        "attention-times", _summary(rows), tuple(rows), _panels(rows, errors), provenance, time.perf_counter() - began
    )


def opened(recognizer: str | os.PathLike[str] | WhisperRecognizer) -> WhisperRecognizer:
    """Return the Whisper of a folder or name; raises `BadInput` where it is none."""
    if isinstance(recognizer, WhisperRecognizer):
        return recognizer
    from otoscope.recognizers import load

    found: Any = load(os.fspath(recognizer))
    if not isinstance(found, WhisperRecognizer):
        raise BadInput(f"{os.fspath(recognizer)} is no Whisper; this study is about times from cross-attention")
    return found


def _speech(
    corpus: str | os.PathLike[str] | None, splits: tuple[str, str], limit: int, seed: int
) -> tuple[Sequence[Spoken], Sequence[Spoken], str]:
    """Return speech to calibrate on, speech to judge, and what the first is."""
    if corpus is None:
        spoken, material = calibration_speech()
        return spoken[::2], spoken[1::2][:limit], f"every other of {material}"
    rng = np.random.default_rng(seed)
    found = []
    for split, most in zip(splits, (N_CALIBRATION, limit), strict=True):
        own = read_corpus(corpus, split=split)
        chosen = sorted(rng.permutation(len(own))[:most].tolist())
        found.append([_spoken(own[i]) for i in chosen])
    return found[0], found[1], f"{len(found[0])} utterances of {os.path.basename(os.fspath(corpus))}, {splits[0]}"


def _spoken(utterance: Utterance) -> Spoken:
    words = next((tier for tier in utterance.tiers() if tier.name == "words"), None)
    if words is None:
        raise BadInput(
            f"{utterance.id} has no tier of words with true times; make a corpus with: otoscope corpus synth"
        )
    return utterance.recording(rate_hz=16000), " ".join(words.labels), words


def _choices(whisper: WhisperRecognizer, known: Sequence[Known], material: str) -> dict[str, HeadChoice]:
    config = whisper.parts.network.config
    size = int(config.decoder_layers), int(config.decoder_attention_heads)
    named = named_heads(whisper.parts.generation)
    without = [dataclasses.replace(each, truth=None) for each in known]
    return {
        **({"checkpoint's": named} if named is not None else {}),
        "calibrated": choose_heads(known, material=material),
        "calibrated without truth": choose_heads(without, material=material),
        "last half": last_half(*size),
        "all": all_heads(*size),
    }


def errors_of(choice: HeadChoice, known: Sequence[Known], by: TimesBy) -> NDArray[np.float64]:
    """Return the errors `(n_words, 2)` of starts and ends in seconds, positive where they come late."""
    found = []
    for each in known:
        placed = word_times(
            choice.weights(each.attention),
            each.words,
            duration_s=each.duration_s,
            by=by,
            sound=each.sound,
            plan=StatesPlan(lead_s=choice.lead_s),
        ).words
        found += [(w.start_s - t.start_s, w.end_s - t.end_s) for w, t in zip(placed, each.truth or (), strict=True)]
    return np.array(found)


def _row(label: str, choice: HeadChoice, by: TimesBy, errors: NDArray[np.float64]) -> dict[str, Any]:
    far = np.abs(errors)
    return {
        "heads": label,
        "by": by,
        "n_heads": len(choice.heads),
        "median_s": float(np.median(far)),
        "median_start_s": float(np.median(far[:, 0])),
        "median_end_s": float(np.median(far[:, 1])),
        "mean_s": float(far.mean()),
        **{f"within_{round(1000 * s)}_ms": float((far <= s).mean()) for s in WITHIN_S},
        "bias_s": float(np.median(errors)),
        "n_words": len(errors),
    }


def _panels(rows: Sequence[dict[str, Any]], errors: dict[str, NDArray[np.float64]]) -> tuple[Panel, ...]:
    medians = {
        "labels": [f"{row['heads']}, {row['by']}" for row in rows],
        "values": [row["median_s"] for row in rows],
        "y_label": "median error of word edges, s",
    }
    x = np.linspace(0, 0.3, 61)
    series = [{"label": label, "y": [float((np.abs(own) <= s).mean()) for s in x]} for label, own in errors.items()]
    shares = {"x": x.tolist(), "series": series, "x_label": "error, s", "y_label": "share of word edges within"}
    return (
        Panel("bars", "Word edges from cross-attention", medians, "Median absolute error of starts and ends."),
        Panel("lines", "How many word edges lie how near", shares, "Starts and ends together."),
    )


def _summary(rows: Sequence[dict[str, Any]]) -> str:
    best = min(rows, key=lambda row: row["median_s"])
    default = next(row for row in rows if row["heads"] == "last half" and row["by"] == "dtw")
    return (
        f"Median error of the edges of {best['n_words']} words: {1000 * best['median_s']:.0f} ms with {best['heads']} "
        f"heads by {best['by']}; {1000 * default['median_s']:.0f} ms with those of the later half by dtw."
    )
