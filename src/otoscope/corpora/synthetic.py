"""Synthetic corpora by espeak-ng (extra `synth`): texts in, a folder of speech with its true words and phones out.

The folder is an ordinary corpus: `manifest.tsv`, `SPLIT/SPEAKER/ID.flac` (16 bits), `ID.json` beside it with the tiers
`words` and `phones`, `voices.tsv` with who speaks how, and `recipe.json` with what it was made from.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from otoscope.core import BadInput, Interval, Recording, Tier
from otoscope.core.protocols import Progress
from otoscope.corpora.augmentation import Samples, SoundAugmentation, hiss, mix
from otoscope.corpora.manifest import Utterance, manifest_text, read_manifest
from otoscope.corpora.synthetic_voices import SyntheticPlan, SyntheticVoice, synthetic_voices, texts_of_voices
from otoscope.io.annotation import Annotation
from otoscope.io.audio import write_recording
from otoscope.io.formats import write_annotation
from otoscope.io.writing import make_folder, write_text
from otoscope.signal.synthesis import synthesize as speak

FORMAT = 1
"""Grows when the same plan would give other bytes."""
GAIN = 0.5


def synthesize(
    texts: Sequence[str],
    output: str | os.PathLike[str],
    *,
    plan: SyntheticPlan | None = None,
    effects: SoundAugmentation | None = None,
    n_workers: int | None = None,
    progress: Progress | None = None,
) -> tuple[Utterance, ...]:
    """Let synthetic voices say texts; write the corpus to a folder and return its utterances.

    Made again from the same texts, plan and effects, nothing is computed twice: what is finished is kept, also of work
    that was interrupted. The bytes do not depend on the number of workers; each utterance is spoken by a process of
    its own.

    Parameters
    ----------
    texts
        What is said, each a string with at least one word.
    output
        The folder of the corpus.
    plan
        Who speaks; by default `SyntheticPlan()`.
    effects
        Noise, rooms and telephones over the speech; `speeds` must be `(1.0,)`, else the times would be wrong.
    n_workers
        Utterances made at once; as many as there are processors by default.
    progress
        Called with (utterances done, all).

    Raises
    ------
    MissingExtra
        espeakng-loader is not installed.
    BadInput
        A text cannot be spoken with times (see `SyntheticPlan.skip_unspeakable`), or the folder holds something else.
    """
    plan = plan or SyntheticPlan()
    recipe = _recipe(texts, plan, effects)
    folder = make_folder(output)
    if _finished(folder, recipe):
        return read_manifest(folder)
    write_text(folder / "recipe.json", json.dumps(recipe, indent=1, ensure_ascii=False) + "\n")
    voices = synthetic_voices(plan)
    jobs = [
        _Job(voice, texts[i], f"{voice.speaker}-{i:05d}", (plan.seed, v, i), plan, effects, folder)
        for v, (voice, own) in enumerate(zip(voices, texts_of_voices(len(texts), plan), strict=True))
        for i in own
    ]
    made = _run(jobs, n_workers or os.cpu_count() or 1, progress)
    _write_tables(folder, voices, made)
    return read_manifest(folder)


def cached_synthesis(
    texts: Sequence[str],
    cache: str | os.PathLike[str],
    *,
    plan: SyntheticPlan | None = None,
    effects: SoundAugmentation | None = None,
    n_workers: int | None = None,
    progress: Progress | None = None,
) -> tuple[Utterance, ...]:
    """Return the synthetic corpus of these texts, plan and effects from a folder of corpora; make it if need be.

    As `synthesize`, in a folder below `cache` named by the key of what it is made from.
    """
    key = _recipe(texts, plan or SyntheticPlan(), effects)["key"]
    output = Path(cache) / f"synthetic-{key[:16]}"
    return synthesize(texts, output, plan=plan, effects=effects, n_workers=n_workers, progress=progress)


@dataclass(frozen=True)
class _Job:
    """One utterance to make."""

    voice: SyntheticVoice
    text: str
    id: str
    seed: tuple[int, ...]
    plan: SyntheticPlan
    effects: SoundAugmentation | None
    folder: Path

    @property
    def path(self) -> Path:
        return self.folder / self.voice.split / self.voice.speaker / f"{self.id}.flac"


def _recipe(texts: Sequence[str], plan: SyntheticPlan, effects: SoundAugmentation | None) -> dict[str, Any]:
    """Return what a corpus is made from, and the key of all that."""
    if isinstance(texts, str) or not texts:
        raise BadInput(f"a list of texts to speak is needed, got {texts!r}")
    if effects is not None and effects.speeds != (1.0,):
        raise BadInput(f"effects with speeds {effects.speeds} would make the times wrong; use speeds=(1.0,)")
    recipe = {
        "format": FORMAT,
        "espeakng_loader": version("espeakng_loader"),
        "plan": dataclasses.asdict(plan),
        "effects": None if effects is None else effects.describe(),
        "n_texts": len(texts),
        "texts_sha256": hashlib.sha256(json.dumps(list(texts)).encode()).hexdigest(),
    }
    return {"key": hashlib.sha256(json.dumps(recipe, sort_keys=True).encode()).hexdigest(), **recipe}


def _finished(folder: Path, recipe: dict[str, Any]) -> bool:
    """Whether the folder holds this very corpus, complete; refuse it where it holds something else."""
    path = folder / "recipe.json"
    if not path.is_file():
        if any(folder.iterdir()):
            raise BadInput(f"{folder} holds something else already; name a new or empty folder")
        return False
    try:
        key = json.loads(path.read_text(encoding="utf-8"))["key"]
    except (ValueError, KeyError, TypeError) as error:
        raise BadInput(f"{path} is no recipe of a synthetic corpus; name a new or empty folder") from error
    if key != recipe["key"]:
        raise BadInput(f"{folder} holds a corpus made from other texts or settings; name a new or empty folder")
    return (folder / "manifest.tsv").is_file()


def _run(jobs: Sequence[_Job], n_workers: int, progress: Progress | None) -> list[tuple[_Job, float | BadInput]]:
    """Make all utterances; return each with its length in seconds, or why it cannot be spoken."""
    for folder in dict.fromkeys(job.path.parent for job in jobs):
        make_folder(folder)
    made: list[tuple[_Job, float | BadInput]] = []
    with ThreadPoolExecutor(n_workers) as pool:
        try:
            for job, length in zip(jobs, pool.map(_made, jobs), strict=True):
                made.append((job, length))
                if progress is not None:
                    progress(len(made), len(jobs))
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    if all(isinstance(length, BadInput) for _, length in made):
        raise BadInput(f"none of the texts can be spoken; the first: {made[0][1]}")
    return made


def _made(job: _Job) -> float | BadInput:
    """Make one utterance where it is not there yet; its tiers are written last."""
    beside = job.path.with_suffix(".json")
    if beside.is_file() and job.path.is_file():
        return float(json.loads(beside.read_text(encoding="utf-8"))["duration_s"])
    try:
        spoken = speak(job.text, **job.voice.settings, rate_hz=job.plan.rate_hz)
    except BadInput as error:
        if job.plan.skip_unspeakable:
            return error
        raise BadInput(f"{error} (in {job.text!r}); or leave such texts out: skip_unspeakable") from error
    rng = np.random.default_rng(job.seed)
    before, after = (round(rng.uniform(*job.plan.pad_s) * job.plan.rate_hz) for _ in range(2))
    heard = _heard(np.pad(np.float32(GAIN) * spoken.recording.samples, (before, after)), job, rng)
    whole = np.clip(np.rint(heard * 32768), -32768, 32767)
    recording = Recording((whole / 32768).astype(np.float32), job.plan.rate_hz)
    tiers = tuple(_later(tier, before / job.plan.rate_hz) for tier in (spoken.words, spoken.phones))
    write_recording(recording, job.path)
    write_annotation(Annotation(job.id, recording.duration_s, tiers, speaker=job.voice.speaker), beside)
    return recording.duration_s


def _heard(samples: Samples, job: _Job, rng: np.random.Generator) -> Samples:
    if job.effects is not None:
        samples = job.effects(samples, job.plan.rate_hz, rng)
    if job.plan.floor_snr_db is None:
        return samples
    return mix(samples, hiss(samples.size, rng), job.plan.rate_hz, snr_db=rng.uniform(*job.plan.floor_snr_db))


def _later(tier: Tier, by_s: float) -> Tier:
    moved = (Interval(i.start_s + by_s, i.end_s + by_s, i.label, origin="synthetic") for i in tier)
    return Tier(tier.name, tuple(moved))


def _write_tables(
    folder: Path, voices: Sequence[SyntheticVoice], made: Sequence[tuple[_Job, float | BadInput]]
) -> None:
    columns = [field.name for field in dataclasses.fields(SyntheticVoice)]
    rows = [columns, *([str(getattr(voice, name)) for name in columns] for voice in voices)]
    write_text(folder / "voices.tsv", "".join("\t".join(row) + "\n" for row in rows))
    skipped = [(job, length) for job, length in made if isinstance(length, BadInput)]
    if skipped:
        rows = [["id", "text", "reason"], *([job.id, " ".join(job.text.split()), str(why)] for job, why in skipped)]
        write_text(folder / "skipped.tsv", "".join("\t".join(row) + "\n" for row in rows))
    utterances = [
        Utterance(
            job.id,
            job.path,
            " ".join(job.text.split()),
            job.voice.speaker,
            job.voice.split,
            length,
            annotation=job.path.with_suffix(".json"),
        )
        for job, length in made
        if not isinstance(length, BadInput)
    ]
    write_text(folder / "manifest.tsv", manifest_text(utterances, folder))
