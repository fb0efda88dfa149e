"""What probes are asked: from utterances to items with a label, a group and a type each."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from otoscope.core import BadInput, MissingExtra, Recognizer, Recording
from otoscope.core.protocols import Progress
from otoscope.explainers.layers.tokens import Material, Token, Unit, gathered
from otoscope.lexicon.phone_features import feature_of
from otoscope.signal.noise import add_noise

CONSONANTS_ONLY = ("place", "voicing")
"""Tasks that vowels have no part in: all of them are voiced, and none has a place."""

TASKS = ("phone", "manner", "place", "voicing", "height", "word", "speaker", "sex", "pitch", "noise")
"""Names of the tasks."""


class TaskPlan(Protocol):
    """What a task needs to know; see `probing.ProbePlan`."""

    @property
    def aligner(self) -> Recognizer | None: ...  # noqa: D102
    @property
    def labels(self) -> Mapping[str, str] | None: ...  # noqa: D102
    @property
    def snrs_db(self) -> tuple[float, ...]: ...  # noqa: D102


@dataclass(frozen=True, eq=False)
class Items:
    """What probes are taught and tested on.

    Parameters
    ----------
    vectors
        For each layer `(n_items, n_units)`.
    labels
        `(n_items,)` numbers of classes, or values.
    classes
        Names of the classes; `None` where labels are values.
    groups, kinds
        For each item whom it must not share with what a probe was taught, and its type for control labels.
    grouped_by
        `speaker` or `utterance`.
    one_speaker
        Whether there is only one.
    n_dropped
        Items of classes that only one group has.
    skipped, digests
        See `tokens.Material`.
    """

    vectors: Mapping[str, NDArray[np.float64]]
    labels: NDArray[Any]
    classes: tuple[str, ...] | None
    groups: tuple[Hashable, ...]
    kinds: tuple[Hashable, ...]
    grouped_by: str
    one_speaker: bool
    n_dropped: int
    skipped: Mapping[str, str]
    digests: tuple[str, ...]

    def counts(self) -> dict[str, int]:
        """Return how many items each class has; nothing where labels are values."""
        if self.classes is None:
            return {}
        return {name: int((self.labels == i).sum()) for i, name in enumerate(self.classes)}


def items_of(
    recognizer: Recognizer,
    utterances: Sequence[Any],
    *,
    task: str,
    sites: Sequence[str],
    plan: TaskPlan,
    seed: int,
    progress: Progress,
) -> Items:
    """Return the items of a task; parameters and errors as in `probing.probe`."""
    if task not in TASKS and plan.labels is None:
        raise BadInput(f"unknown task {task!r}; one of {', '.join(TASKS)}, or any with labels of your own")
    if task == "sex" and plan.labels is None:
        raise BadInput("the task sex needs labels by utterance id or speaker; a column of the corpus's table will do")
    parts: list[tuple[Material, str]] = []
    conditions = [None, *plan.snrs_db] if task == "noise" else [None]
    for number, snr_db in enumerate(conditions):
        options: dict[str, Any] = {"unit": _unit(task), "sites": sites, "aligner": plan.aligner}
        options["progress"] = _after(number * len(utterances), progress)
        found = gathered(recognizer, utterances, change=_noisy(snr_db, seed), **options)
        parts.append((found, "as it is" if snr_db is None else f"{snr_db:g} dB"))
    label = _labelling(task, plan, utterances)
    tokens = [token for material, _ in parts for token in material.tokens]
    labels = [label(token, condition) for material, condition in parts for token in material.tokens]
    vectors = {site: np.concatenate([material.means(site) for material, _ in parts]) for site in sites}
    skipped = {name: why for material, _ in parts for name, why in material.skipped.items()}
    digests = tuple(digest for material, _ in parts for digest in material.digests)
    return _chosen(task, tokens, labels, vectors, skipped, digests)


def _after(n_before: int, progress: Progress) -> Progress:
    return lambda done, total: progress(n_before + done, total)


def _unit(task: str) -> Unit:
    if task in ("phone", "manner", "place", "voicing", "height", "pitch"):
        return "phone"
    return "word" if task == "word" else "utterance"


def _noisy(snr_db: float | None, seed: int) -> Callable[[Recording], Recording] | None:
    return None if snr_db is None else lambda recording: add_noise(recording, "speech", snr_db=snr_db, seed=seed)


def _labelling(task: str, plan: TaskPlan, utterances: Sequence[Any]) -> Callable[[Token, str], str | float | None]:
    """Return what gives a token its label; `None` for tokens that the task leaves out."""
    if plan.labels is not None and task not in ("phone", "word", "speaker", "pitch", "noise"):
        given = plan.labels
        return lambda token, _: given.get(token.utterance, given.get(token.speaker))
    if task in ("phone", "word"):
        return lambda token, _: token.label
    if task == "speaker":
        return lambda token, _: token.speaker
    if task == "noise":
        return lambda token, condition: condition
    if task == "pitch":
        tracks = {str(u.id): u for u in utterances}
        return _pitch_of(tracks)
    return lambda token, _: _feature(token.label, task)


def _feature(phone: str, task: str) -> str | None:
    if task in CONSONANTS_ONLY and feature_of(phone, "height") is not None:
        return None
    return feature_of(phone, task)


def _pitch_of(utterances: Mapping[str, Any]) -> Callable[[Token, str], float | None]:
    """Return what gives a vowel the natural log of its f0 in Hz, in the middle; `None` where there is no voice."""
    try:
        import parselmouth
    except ImportError:
        raise MissingExtra("praat-parselmouth", "praat", "probing for pitch") from None
    tracks: dict[str, Any] = {}

    def pitch(token: Token, condition: str) -> float | None:
        if feature_of(token.label, "height") is None:
            return None
        if token.utterance not in tracks:
            recording = utterances[token.utterance].recording(rate_hz=16000)
            sound = parselmouth.Sound(recording.samples.astype(np.float64), recording.rate_hz)
            tracks[token.utterance] = sound.to_pitch()
        hz = float(tracks[token.utterance].get_value_at_time((token.start_s + token.end_s) / 2))
        return float(np.log(hz)) if np.isfinite(hz) and hz > 0 else None

    return pitch


def _chosen(
    task: str,
    tokens: Sequence[Token],
    labels: Sequence[str | float | None],
    vectors: Mapping[str, NDArray[np.float64]],
    skipped: Mapping[str, str],
    digests: tuple[str, ...],
) -> Items:
    """Drop what has no label, and classes that only one group has; number the classes."""
    n_speakers = len({token.speaker for token in tokens})
    by = "utterance" if task == "speaker" or n_speakers < 2 else "speaker"
    groups = [getattr(token, by) for token in tokens]
    values = task == "pitch"
    whose: dict[Any, set[str]] = {}
    for label, group in zip(labels, groups, strict=True):
        if label is not None:
            whose.setdefault(label, set()).add(group)
    usable = [label is not None and (values or len(whose[label]) > 1) for label in labels]
    kept = [i for i, use in enumerate(usable) if use]
    classes = sorted({str(labels[i]) for i in kept}) if not values else []
    kept_groups = tuple(groups[i] for i in kept)
    if len(kept) < 10 or len(set(kept_groups)) < 2 or (not values and len(classes) < 2):
        raise BadInput(
            f"a probe needs 10 items, 2 groups and 2 classes that more than one {by} has; of {len(tokens)} items of "
            f"the task {task} there are {len(kept)}, of {len(set(kept_groups))} groups and {len(classes)} classes"
        )
    chosen = [labels[i] for i in kept]
    numbers = np.array(chosen, dtype=np.float64) if values else np.array([classes.index(str(v)) for v in chosen])
    return Items(
        {site: rows[kept] for site, rows in vectors.items()},
        numbers,
        None if values else tuple(classes),
        kept_groups,
        tuple(_kind(task, tokens[i], i) for i in kept),
        by,
        n_speakers < 2,
        sum(label is not None for label in labels) - len(kept),
        dict(skipped),
        digests,
    )


def _kind(task: str, token: Token, index: int) -> Hashable:
    """Return what an item is an example of: control labels are drawn for each such type."""
    if task in ("word", "speaker", "noise"):
        return index
    return token.speaker if _unit(task) == "utterance" else token.kind
