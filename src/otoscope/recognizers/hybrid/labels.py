"""Which column each frame of the training data belongs to: alignments, on disk once they are made."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load, save

from otoscope.core import BadInput, DoesNotFit, FrameGrid
from otoscope.core.arrays import ByValue
from otoscope.core.protocols import Progress
from otoscope.corpora.utterance import Utterance
from otoscope.lexicon.normalization import normalize_words
from otoscope.recognizers.hmm.recognizer import HmmRecognizer
from otoscope.recognizers.run_files import KeptFiles

UNPLACED = -1
"""First label of an utterance that has none."""

Placing = Callable[[Utterance], NDArray[np.int32]]
"""Returns the column of each frame of an utterance; raises `DoesNotFit`."""


@dataclass(frozen=True, eq=False)
class Labels(ByValue):
    """Columns of the frames of some utterances.

    Parameters
    ----------
    columns
        `(n_frames,)` int32, utterance after utterance.
    first
        `(n_utterances + 1,)` int64: where each begins. An utterance that could not be aligned has no frames.
    """

    columns: NDArray[np.int32]
    first: NDArray[np.int64]

    def __len__(self) -> int:
        return self.first.size - 1

    def __getitem__(self, index: int) -> NDArray[np.int32]:
        if not 0 <= index < len(self):
            raise IndexError(index)
        return self.columns[self.first[index] : self.first[index + 1]]

    @property
    def placed(self) -> NDArray[np.int64]:
        """Utterances that could be aligned."""
        return np.flatnonzero(np.diff(self.first))


def labelled(corpus: Sequence[Utterance], place: Placing, *, progress: Progress | None = None) -> Labels:
    """Align a corpus; utterances without words, and those whose text does not fit, get no labels.

    Raises
    ------
    BadInput
        No utterance could be aligned.
    """
    rows: list[NDArray[np.int32]] = []
    for n_done, utterance in enumerate(corpus, start=1):
        try:
            rows.append(place(utterance) if normalize_words(utterance.text) else np.zeros(0, np.int32))
        except DoesNotFit:
            rows.append(np.zeros(0, np.int32))
        if progress is not None:
            progress(n_done, len(corpus))
    found = Labels(np.concatenate(rows), np.concatenate([[0], np.cumsum([row.size for row in rows])]))
    if not found.placed.size:
        raise BadInput(f"none of {len(corpus)} utterances could be aligned; check that the texts belong to the sound")
    return found


def placed_by(hmm: HmmRecognizer, grid_of: Callable[[Utterance], FrameGrid]) -> Placing:
    """Return what labels the frames of a grid by the path of a hidden Markov model, each as the nearest of its frames.

    Raises
    ------
    DoesNotFit
        The text does not fit the recording (when an utterance is placed).
    """
    model = hmm.parts.adapted or hmm.model

    def place(utterance: Utterance) -> NDArray[np.int32]:
        recording, words = utterance.recording(), normalize_words(utterance.text)
        frames, grid = model.frames(recording)
        if not len(frames):
            raise DoesNotFit(f"{len(words)} words do not fit a recording of {recording.duration_s:g} s")
        return nearest(hmm.path(recording, words).columns, grid, grid_of(utterance))

    return place


def nearest(columns: NDArray[np.int32], grid: FrameGrid, wanted: FrameGrid) -> NDArray[np.int32]:
    """Return, for each frame of `wanted`, the column of the frame of `grid` whose centre is nearest.

    Examples
    --------
    >>> frames = np.arange(3, dtype=np.int32)
    >>> nearest(frames, FrameGrid(16000, 0, 160, 400, 3), FrameGrid(16000, -120, 160, 400, 5)).tolist()
    [0, 0, 1, 2, 2]
    """
    hop_s = grid.hop / grid.rate_hz
    at = np.rint((wanted.times_s() - grid.times_s()[0]) / hop_s).astype(np.int64)
    return columns[np.clip(at, 0, grid.n_frames - 1)].astype(np.int32)


def kept_labels(kept: KeptFiles, name: str, made_from: Mapping[str, Any], make: Callable[[], Labels]) -> Labels:
    """Return the labels in a file of a run, made and written down first if they are not there.

    Parameters
    ----------
    made_from
        JSON values that name all that the labels depend on.

    Raises
    ------
    BadInput
        The labels there were made from something else.
    CorruptWeights
        The file is damaged.
    """

    def data() -> bytes:
        made = make()
        return save({"columns": made.columns, "first": made.first})

    arrays = load(kept.kept(name, made_from, data))
    return Labels(arrays["columns"], arrays["first"])


def share_alike(before: Labels, after: Labels) -> float:
    """Return the share of frames that two alignments of the same utterances label alike; NaN where there are none."""
    same = n = 0
    for one, other in ((before[i], after[i]) for i in range(len(before))):
        if one.size == other.size:
            same, n = same + int((one == other).sum()), n + one.size
    return same / n if n else math.nan
