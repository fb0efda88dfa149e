"""Do checkpoints of the hub say here what they say in transformers? Every architecture, in small, on the same sounds.

Tiny checkpoints in the layout of the hub are written into a folder and heard twice: by `otoscope.load` and by
transformers itself. Their weights are random, so their texts mean nothing; but they differ from sound to sound, and one
bit that went another way shows.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import otoscope
from otoscope.core import BadInput, Panel, Recording
from otoscope.core.protocols import Progress
from otoscope.corpora import read_corpus
from otoscope.recognizers import load
from otoscope.recognizers.checkpoints.opening import offline, quiet_transformers
from otoscope.studies.result import StudyResult
from otoscope.testing.checkpoints import tiny_wav2vec2, tiny_whisper

N_TOKENS = 48
"""Most tokens that a Whisper writes here; random weights seldom end."""
RATE_HZ = 16000

COLUMNS = ("checkpoint", "way", "n", "same_texts", "distinct_texts", "largest_difference")


@dataclass(frozen=True)
class Case:
    """A checkpoint to write, and how it is heard."""

    name: str
    family: str
    made: Mapping[str, Any]
    ways: Mapping[str, Mapping[str, Any]]


WAYS: Mapping[str, Mapping[str, Any]] = {
    "greedy": {"timestamps": False},
    "times": {"timestamps": True},
    "beam of 5": {"timestamps": False, "beam_size": 5},
    "prompt": {"timestamps": True, "prompt": "one two, three"},
}
ABROAD: Mapping[str, Mapping[str, Any]] = {"German into English": {"language": "de", "task": "translate"}}
FAST: Mapping[str, Mapping[str, Any]] = {"CTranslate2": {"timestamps": True, "engine": "ctranslate2"}}

CASES = (
    *(
        Case(
            f"{kind}{' (stable)' if stable else ''}", "wav2vec2", {"kind": kind, "stable_layer_norm": stable}, {"": {}}
        )
        for kind, stable in (
            *(("wav2vec2", False), ("wav2vec2", True), ("hubert", False), ("hubert", True), ("wavlm", False)),
            *(("wavlm", True), ("unispeech", False), ("unispeech-sat", True), ("data2vec-audio", False)),
            *(("wav2vec2-conformer", False), ("sew", False), ("sew-d", False)),
        )
    ),
    Case("wav2vec2, phones", "wav2vec2", {"head": "phones"}, {"": {}}),
    Case("Whisper", "whisper", {"published_size": True}, {**WAYS, **ABROAD, **FAST}),
    Case("Whisper, English only", "whisper", {"multilingual": False}, {**WAYS, **FAST}),
    Case("Whisper, distilled", "whisper", {"kind": "distil", "published_size": True}, {**WAYS, **ABROAD, **FAST}),
    Case("Whisper, large-v3", "whisper", {"kind": "v3", "published_size": True}, {**WAYS, **ABROAD, **FAST}),
)


def run(
    *,
    corpus: str | os.PathLike[str] | None = None,
    split: str = "valid",
    n: int = 50,
    seed: int = 0,
    out: str | os.PathLike[str] | None = None,
    progress: Progress | None = None,
) -> StudyResult:
    """Compare texts and scores with those of transformers.

    Parameters
    ----------
    corpus, split
        Speech to hear: the first `n` utterances of a split; `None` for made sounds of 0.3 to 6 s.
    n
        Recordings.
    seed
        Of the weights and of made sounds.
    out
        Where the checkpoints are written; a folder that goes away by default.
    progress
        Told (cases done, all cases).

    Returns
    -------
    StudyResult
        Columns: `same_texts` of `n`, `distinct_texts` among those of transformers (how much the test can see), and
        `largest_difference`, of logits (CTC) or of the mean log probability of a token (Whisper), nats.
    """
    began = time.monotonic()
    sounds = made_sounds(n, seed) if corpus is None else _utterances(corpus, split, n)
    rows: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as scratch, offline(), quiet_transformers():
        for done, case in enumerate(CASES):
            if progress is not None:
                progress(done, len(CASES))
            folder = Path(out or scratch) / case.name.replace(", ", "-").replace(" ", "-")
            maker: Callable[..., Path] = tiny_whisper if case.family == "whisper" else tiny_wav2vec2
            maker(folder, seed=seed, **case.made)
            compare: Any = _whisper_row if case.family == "whisper" else _ctc_row
            for way, how in case.ways.items():
                same, distinct, largest = compare(folder, sounds, how)
                rows.append(dict(zip(COLUMNS, (case.name, way, len(sounds), same, distinct, largest), strict=True)))
        if progress is not None:
            progress(len(CASES), len(CASES))
    return StudyResult(
        "checkpoint-agreement",
        _summary(rows),
        tuple(rows),
        (_panel(rows),),
        _provenance(corpus, split, len(sounds), seed),
        time.monotonic() - began,
    )


def made_sounds(n: int, seed: int) -> list[Recording]:
    """Return bursts of voiced and noisy sound of 0.3 to 6 s: no speech, but no two alike."""
    rng = np.random.default_rng(seed)
    sounds = []
    for _ in range(n):
        pieces: list[NDArray[np.float64]] = []
        while sum(piece.size for piece in pieces) < RATE_HZ * 0.3 or rng.random() > 0.15:
            times_s = np.arange(int(RATE_HZ * rng.uniform(0.1, 0.5))) / RATE_HZ
            pitch_hz, formant_hz = rng.uniform(80, 300), rng.uniform(300, 3500)
            voice = np.sign(np.sin(2 * np.pi * pitch_hz * times_s)) * np.sin(2 * np.pi * formant_hz * times_s)
            sound = voice if rng.random() < 0.6 else rng.standard_normal(times_s.size)
            pieces.append(sound * np.hanning(times_s.size) * rng.uniform(0.02, 0.4))
        sounds.append(Recording(np.concatenate(pieces)[: 6 * RATE_HZ].astype(np.float32), RATE_HZ))
    return sounds


def _utterances(corpus: str | os.PathLike[str], split: str, n: int) -> list[Recording]:
    found = read_corpus(corpus, split=split)[:n]
    if not found:
        raise BadInput(f"{os.fspath(corpus)} has no utterances in split {split!r}")
    return [utterance.recording(rate_hz=RATE_HZ) for utterance in found]


def _ctc_row(folder: Path, sounds: Sequence[Recording], how: Mapping[str, Any]) -> tuple[int, int, float]:
    """Return (same texts, different texts of transformers, largest difference of logits)."""
    import torch
    from transformers import AutoFeatureExtractor, AutoModelForCTC, AutoTokenizer, pipeline

    theirs: Any = pipeline(
        "automatic-speech-recognition",
        model=AutoModelForCTC.from_pretrained(folder, attn_implementation="eager"),
        tokenizer=AutoTokenizer.from_pretrained(folder),
        feature_extractor=AutoFeatureExtractor.from_pretrained(folder),
    )
    ours: Any = load(folder, **how)
    texts, largest = [], 0.0
    for sound in sounds:
        trace = ours.trace(sound, record=["logits"])
        said = theirs({"raw": sound.samples.copy(), "sampling_rate": RATE_HZ})["text"]
        texts.append((trace.text, " ".join(said.split())))
        heard = theirs.feature_extractor(
            sound.samples.copy(), sampling_rate=RATE_HZ, return_tensors="pt", return_attention_mask=True
        )
        with torch.no_grad():
            logits = theirs.model(**heard).logits[0].numpy()
        largest = max(largest, float(np.abs(trace.activations["logits"].values - logits).max()))
    return *_counted(texts), largest


def _whisper_row(folder: Path, sounds: Sequence[Recording], how: Mapping[str, Any]) -> tuple[int, int, float | None]:
    """Return (same texts, different texts of transformers, largest difference of a mean log probability)."""
    import torch
    from transformers import WhisperForConditionalGeneration, WhisperProcessor

    model = WhisperForConditionalGeneration.from_pretrained(folder, attn_implementation="eager").eval()
    processor = WhisperProcessor.from_pretrained(folder)
    plain = {"most_tokens": N_TOKENS, "least_log_prob": None, "most_compression": None, "most_no_speech": None}
    ours: Any = load(folder, **plain, **how)
    asked = _asked_of_transformers(how, processor, multilingual=model.generation_config.is_multilingual)
    texts, largest = [], 0.0
    for sound in sounds:
        trace = ours.trace(sound, record="text")
        inputs = processor(sound.samples, sampling_rate=RATE_HZ, return_tensors="pt").input_features
        with torch.no_grad():
            out = model.generate(inputs, **asked)
        said = processor.tokenizer.decode(out.sequences[0], skip_special_tokens=True)
        told = trace.provenance.parameters["heard"][0]
        texts.append((told["text"], said))
        if "engine" not in how and asked["num_beams"] == 1:
            scores = model.compute_transition_scores(out.sequences, out.scores, normalize_logits=True)[0]
            largest = max(largest, abs(float(scores.mean()) - told["avg_logprob"]))
        elif "engine" not in how:
            largest = max(largest, abs(float(out.sequences_scores[0]) - trace.hypothesis.log_score))
    return *_counted(texts), None if "engine" in how else largest


def _asked_of_transformers(how: Mapping[str, Any], processor: Any, *, multilingual: bool) -> dict[str, Any]:
    import torch

    asked: dict[str, Any] = {
        "max_new_tokens": N_TOKENS,
        "num_beams": how.get("beam_size", 1),
        "return_timestamps": how.get("timestamps", True),
        "return_dict_in_generate": True,
        "output_scores": True,
        "force_unique_generate_call": True,
    }
    if multilingual:
        asked |= {"task": how.get("task", "transcribe"), "language": how.get("language")}
    if "prompt" in how:
        asked["prompt_ids"] = torch.tensor(processor.tokenizer.get_prompt_ids(how["prompt"]))
    return asked


def _counted(texts: Sequence[tuple[str, str]]) -> tuple[int, int]:
    return sum(own == other for own, other in texts), len({other for _, other in texts})


def _summary(rows: Sequence[Mapping[str, Any]]) -> str:
    n, same = sum(row["n"] for row in rows), sum(row["same_texts"] for row in rows)
    apart = [f"{row['checkpoint']} {row['way']}".strip() for row in rows if row["same_texts"] < row["n"]]
    rest = f"; not all the same: {', '.join(apart)}" if apart else ""
    return f"{same:,} of {n:,} texts are those of transformers, in {len(rows)} ways to hear{rest}."


def _panel(rows: Sequence[Mapping[str, Any]]) -> Panel:
    table = [[row["checkpoint"], row["way"], f"{row['same_texts']} of {row['n']}"] for row in rows]
    caption = "Texts equal to transformers' own on the same folder and the same sound."
    return Panel(
        "table", "Checkpoints of the hub", {"columns": ["checkpoint", "way", "same texts"], "rows": table}, caption
    )


def _provenance(corpus: Any, split: str, n: int, seed: int) -> dict[str, Any]:
    import torch
    import transformers

    return {
        "otoscope": otoscope.__version__,
        "transformers": transformers.__version__,
        "torch": torch.__version__,
        "corpus": None if corpus is None else os.fspath(corpus),
        "split": split,
        "n": n,
        "seed": seed,
    }
