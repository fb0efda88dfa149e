"""Beam search for transducers, frame by frame: what it says at a frame never depends on later ones.

The networks stay outside: a `Predictor` says what it makes of a frame after given labels.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from otoscope.core import BadInput

LanguageModel = Callable[[tuple[int, ...]], ArrayLike]
"""From the labels so far to `(n_symbols,)` natural-log scores of the next; the blank's column is that of ending."""


class Predictor(Protocol):
    """What a search asks of the networks. A state is whatever the prediction network keeps of the labels so far."""

    def start(self) -> Any:
        """Return the state before any label."""
        ...

    def advance(self, states: Sequence[Any], labels: Sequence[int]) -> list[Any]:
        """Return the state after one more label each."""
        ...

    def log_probs(self, frame: NDArray[Any], states: Sequence[Any]) -> NDArray[np.float64]:
        """Return `(n_states, n_symbols)` natural-log probabilities at a frame of the encoder, `(n_units,)`."""
        ...


@dataclass(frozen=True)
class TransducerHypothesis:
    """Labels that the beam kept.

    `log_prob` sums the alignments kept, `log_score` adds the weighted language model; `frames` says at which frame each
    label was written in the likeliest of the alignments kept.
    """

    labels: tuple[int, ...]
    log_prob: float
    log_score: float
    frames: tuple[int, ...]


@dataclass
class _Path:
    labels: tuple[int, ...]
    log_prob: float
    lm: float
    state: Any
    frames: tuple[int, ...]
    best: float  # log probability of the likeliest alignment, whose frames are kept

    @property
    def rank(self) -> float:
        return self.log_prob + self.lm


_Closed = dict[tuple[int, ...], _Path]


class Search:
    """Time-synchronous beam search (Graves 2012, section 2.5; Saon, Tüske & Audhkhasi 2020, algorithm 1).

    At each frame every hypothesis writes up to `most_labels` labels and then the blank; what spells the same is summed.
    With a beam and `most_labels` wide enough the result is exact.

    Parameters
    ----------
    predictor
        The networks.
    beam
        Hypotheses kept.
    most_labels
        Labels that may be written at one frame.
    blank
        Index of the blank.
    lm, lm_weight
        Language model, and the factor on its scores (shallow fusion).

    Raises
    ------
    BadInput
        `beam` or `most_labels` is below 1.
    """

    def __init__(
        self,
        predictor: Predictor,
        *,
        beam: int = 8,
        most_labels: int = 3,
        blank: int = 0,
        lm: LanguageModel | None = None,
        lm_weight: float = 1.0,
    ) -> None:
        if beam < 1 or most_labels < 1:
            raise BadInput(f"a transducer search needs beam and most_labels of 1 or more, got {beam} and {most_labels}")
        self.predictor, self.beam, self.most_labels, self.blank = predictor, beam, most_labels, blank
        self._lm, self._lm_weight = lm, lm_weight
        self._rows: dict[tuple[int, ...], NDArray[np.float64]] = {}
        self._paths = [_Path((), 0.0, 0.0, predictor.start(), (), 0.0)]
        self.n_frames = 0

    def advance(self, frames: NDArray[Any]) -> None:
        """Hear more frames of the encoder, `(n_frames, n_units)`."""
        for frame in frames:
            self._frame(frame)
            self.n_frames += 1

    def best(self, n_best: int = 1, *, final: bool = True) -> tuple[TransducerHypothesis, ...]:
        """Return the best hypotheses so far, best first; `final` counts the language model's score of ending in."""
        ends = [self._row(path.labels)[self.blank] if final else 0.0 for path in self._paths]
        found = [
            TransducerHypothesis(path.labels, path.log_prob, path.rank + float(end), path.frames)
            for path, end in zip(self._paths, ends, strict=True)
        ]
        return tuple(sorted(found, key=lambda each: (-each.log_score, each.labels))[:n_best])

    def _frame(self, frame: NDArray[Any]) -> None:
        done: _Closed = {}
        open_paths = self._paths
        for round_ in range(self.most_labels + 1):
            rows = self.predictor.log_probs(frame, [path.state for path in open_paths])
            for path, row in zip(open_paths, rows, strict=True):
                _add(done, path, float(row[self.blank]))
            if round_ == self.most_labels:
                break
            open_paths = self._written(open_paths, rows, done)
            if not open_paths:
                break
        self._paths = sorted(done.values(), key=lambda path: (-path.rank, path.labels))[: self.beam]

    def _written(self, paths: list[_Path], rows: NDArray[np.float64], done: _Closed) -> list[_Path]:
        """Return the best paths with one label more, as long as they could still enter the beam."""
        scores = rows + np.array([path.log_prob for path in paths])[:, None]
        ranks = scores + np.array([path.lm for path in paths])[:, None]
        if self._lm is not None:
            ranks = ranks + np.array([self._row(path.labels) for path in paths])
        ranks[:, self.blank] = -np.inf
        least = sorted((path.rank for path in done.values()), reverse=True)[: self.beam][-1]
        full = len(done) >= self.beam
        order = np.argsort(-ranks, axis=None, kind="stable")[: self.beam]
        places = [divmod(int(i), rows.shape[1]) for i in order]
        kept = [(i, k) for i, k in places if ranks[i, k] > -np.inf and not (full and ranks[i, k] < least)]
        if not kept:
            return []
        states = self.predictor.advance([paths[i].state for i, _ in kept], [k for _, k in kept])
        return [
            _Path(
                (*paths[i].labels, k),
                float(scores[i, k]),
                float(ranks[i, k] - scores[i, k]),
                state,
                (*paths[i].frames, self.n_frames),
                paths[i].best + float(rows[i, k]),
            )
            for (i, k), state in zip(kept, states, strict=True)
        ]

    def _row(self, labels: tuple[int, ...]) -> NDArray[np.float64] | Any:
        if self._lm is None:
            return {self.blank: 0.0}
        if labels not in self._rows:
            self._rows[labels] = self._lm_weight * np.asarray(self._lm(labels), dtype=np.float64)
        return self._rows[labels]


def _add(done: _Closed, path: _Path, blank: float) -> None:
    """Close a path with the blank; alignments of the same labels are summed, the likeliest gives the frames."""
    log_prob, best = path.log_prob + blank, path.best + blank
    known = done.get(path.labels)
    if known is None:
        done[path.labels] = _Path(path.labels, log_prob, path.lm, path.state, path.frames, best)
        return
    known.log_prob = float(np.logaddexp(known.log_prob, log_prob))
    if best > known.best:
        known.best, known.frames = best, path.frames
