"""Features of lessons, kept in files of a few minutes of sound each: a run that was stopped goes on where it was."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from otoscope.corpora.augmentation import SoundAugmentation
from otoscope.listener.ears.lessons import Lesson, heard_lesson

if TYPE_CHECKING:
    from otoscope.nets.causal_frames import Rows

PER_FILE = 200
"""Lessons in one file of features."""


def kept_features(
    folder: Path, lessons: Iterator[Lesson], changes: SoundAugmentation | None, *, n_copies: int, seed: tuple[int, ...]
) -> Rows:
    """Return the features of lessons, made and kept in files where they are not there yet.

    Parameters
    ----------
    folder
        Where the files are.
    lessons
        In the same order each time; those whose features are there are passed over.
    changes
        Of the sound, in all copies but the first.
    n_copies
        How often each lesson is heard.
    seed
        Of the changes.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / "complete").exists():
        n_files = len(list(folder.glob("*.npz")))
        rest = islice(lessons, n_files * PER_FILE, None)
        while group := list(islice(rest, PER_FILE)):
            _write(folder / f"{n_files:05d}.npz", group, changes, n_copies=n_copies, seed=(*seed, n_files))
            n_files += 1
        (folder / "complete").touch()
    return read_features(sorted(folder.glob("*.npz")))


def _write(
    path: Path, group: Iterable[Lesson], changes: SoundAugmentation | None, *, n_copies: int, seed: tuple[int, ...]
) -> None:
    rng = np.random.default_rng(seed)
    heard = [heard_lesson(own, rng, changes=changes if k else None) for own in group for k in range(n_copies)]
    ends = np.cumsum([len(labels) for _, labels in heard])
    partial = path.with_suffix(".partial")
    with partial.open("wb") as file:
        features, labels = (np.concatenate(part) for part in zip(*heard, strict=True))
        np.savez(file, features=features, labels=labels, ends=ends)
    partial.rename(path)


def read_features(paths: Sequence[Path]) -> Rows:
    """Return the features and labels of files."""
    from otoscope.nets.causal_frames import Rows

    features: list[NDArray[Any]] = []
    labels: list[NDArray[Any]] = []
    for path in paths:
        with np.load(path) as stored:
            cuts = stored["ends"][:-1]
            features += np.split(stored["features"], cuts)
            labels += np.split(stored["labels"], cuts)
    kept = [k for k, own in enumerate(labels) if len(own)]
    return Rows([features[k] for k in kept], [labels[k] for k in kept])
