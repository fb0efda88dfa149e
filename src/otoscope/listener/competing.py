"""Sixty thousand words compete: evidence goes in frame by frame, the activation of every word comes out.

A(w, t) = log P(signal up to t | w) + λ log P(w), by Viterbi's recursion or the sum over all paths, exact: no word is
pruned. Scores of a frame are taken relative to its best column, so an activation says how far the word's path is below
one that hears the best phone at every frame.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from otoscope.core import BadInput, FrameGrid
from otoscope.core.arrays import ByValue
from otoscope.listener import ranking, stepping
from otoscope.listener.evidence import Evidence
from otoscope.listener.word_tree import WordTree

Search = Literal["viterbi", "forward"]


@dataclass(frozen=True, eq=False, repr=False)
class Competition(ByValue):
    """Who was ahead at each frame.

    Parameters
    ----------
    forms
        `(n_frames, n_kept)` the forms of highest activation, best first.
    activations
        `(n_frames, n_kept)` A(w, t) of these, natural logarithms.
    log_total
        `(n_frames,)` log Σ exp(κ A) over all forms (A3).
    entropy_bits
        `(n_frames,)` of the posteriors of all forms.
    lead
        `(n_frames,)` the leader's activation over that of the best form that shares no word with it; if none such is
        among the kept, over the last of them, which it is at least.
    tracked
        `(n_frames, n_tracked)` activations of the forms asked for, in the order of `track`.
    final
        `(n_forms,)` activations at the end by the final-state rule: the whole word and silence behind it, if any.
    grid
        Where the frames lie.
    tree, frequency_weight, acoustic_scale, search, track
        What competed and how: λ and κ among it.
    """

    forms: NDArray[np.int32]
    activations: NDArray[np.float32]
    log_total: NDArray[np.float64]
    entropy_bits: NDArray[np.float64]
    lead: NDArray[np.float64]
    tracked: NDArray[np.float32]
    final: NDArray[np.float32]
    grid: FrameGrid
    tree: WordTree
    frequency_weight: float
    acoustic_scale: float
    search: Search = "viterbi"
    track: tuple[int, ...] = ()

    def __repr__(self) -> str:
        return f"Competition({self.tree.n_forms} forms over {self.grid.n_frames} frames)"

    def kept(self, form: int) -> NDArray[np.float32]:
        """Return the activation of a form over time, `(n_frames,)`; NaN where it was not among the kept."""
        if form in self.track:
            return self.tracked[:, self.track.index(form)]
        here = self.forms == form
        return np.where(here.any(axis=1), self.activations[np.arange(len(here)), here.argmax(axis=1)], np.nan)

    def posterior(self, forms: Sequence[int]) -> NDArray[np.float64]:
        """Return P(form | signal so far) `(n_frames, len(forms))` (A3); NaN where a form was not among the kept."""
        values = np.stack([self.kept(form) for form in forms], axis=1).astype(np.float64)
        with np.errstate(invalid="ignore"):
            return np.minimum(np.exp(self.acoustic_scale * values - self.log_total[:, None]), 1.0)

    def final_posterior(self) -> NDArray[np.float64]:
        """Return P(form | the whole signal) of all forms `(n_forms,)`, by the final-state rule."""
        scaled = self.acoustic_scale * self.final.astype(np.float64)
        if np.isneginf(scaled).all():
            return np.full(scaled.size, 1.0 / scaled.size)
        weights = np.exp(scaled - scaled.max())
        return weights / weights.sum()


def compete(
    evidence: Evidence,
    tree: WordTree,
    *,
    frequency_weight: float = 1.0,
    acoustic_scale: float = 1.0,
    search: Search = "viterbi",
    n_kept: int = 200,
    track: Sequence[int] = (),
    offset_s: float | None = None,
) -> Competition:
    """Return the competition of all forms of a tree for one word said alone, silence around it.

    Parameters
    ----------
    evidence
        Scores of phone states every 10 ms; the tree must have been built from its models.
    tree
        The forms.
    frequency_weight
        λ.
    acoustic_scale
        κ of the posteriors; it moves no ranking.
    search
        `viterbi`: the best path; `forward`: the sum of all.
    n_kept
        Forms kept at each frame, all of them where there are fewer.
    track
        Forms whose activation is kept at every frame.
    offset_s
        Where the speech ends: from there on a word counts as a whole only (the final-state rule). Before, and without
        it, the best state on the word's path counts (the partial rule), silence behind the word being one.

    Raises
    ------
    BadInput
        The evidence is empty, its columns are not those of the tree, or a parameter cannot be.
    """
    listening = Listening(
        tree, frequency_weight=frequency_weight, acoustic_scale=acoustic_scale, search=search, n_kept=n_kept,
        track=track, offset_frame=None if offset_s is None else int(np.searchsorted(evidence.grid.times_s(), offset_s)),
    )  # fmt: skip
    listening.feed(evidence.scores)
    return listening.competition(evidence.grid)


@dataclass(eq=False)
class Listening:
    """One word heard while it is said: feed evidence in chunks of any length, ask who is ahead now.

    Parameters are those of `compete`; `offset_frame` may be set at any time before that frame comes.
    """

    tree: WordTree
    frequency_weight: float = 1.0
    acoustic_scale: float = 1.0
    search: Search = "viterbi"
    n_kept: int = 200
    track: Sequence[int] = ()
    offset_frame: int | None = None
    n_frames: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        tree = self.tree
        if self.search not in ("viterbi", "forward"):
            raise BadInput(f"search must be viterbi or forward, got {self.search!r}")
        if self.n_kept < 1 or not self.acoustic_scale > 0 or not np.isfinite(self.frequency_weight):
            raise BadInput(
                f"n_kept must be 1 or more, κ above 0 and λ finite, got {self.n_kept}, {self.acoustic_scale}, "
                f"{self.frequency_weight}"
            )
        wrong = [form for form in self.track if not 0 <= form < tree.n_forms]
        if wrong:
            raise BadInput(f"form {wrong[0]} is to be tracked; there are {tree.n_forms}")
        self.n_kept = min(self.n_kept, tree.n_forms)
        self._v = np.full((tree.units.column.shape[1], tree.n_nodes), -np.inf, np.float32)
        self._ways = np.full((tree.n_nodes, 2 * stepping.AT_ONCE), -np.inf, np.float32)
        self._behind = np.full(tree.n_forms, -np.inf, np.float32)
        self._activations = np.full((stepping.AT_ONCE, tree.n_forms), -np.inf, np.float32)
        self._room = np.zeros(1, np.float32), np.empty(tree.n_forms, np.int32)
        # A weight of 0 leaves words of prior 0 in the race; 0 times minus infinity would be NaN.
        weighted = self.frequency_weight * tree.log_prior if self.frequency_weight else np.zeros(tree.n_forms)
        self._prior = np.asarray(weighted, np.float32)
        self._tracked_at = tree.position[np.asarray(self.track, np.int64)]
        self._ends = (tree.end, final_units(tree), tree.n_lone)
        self._tops = np.full(-(-tree.n_forms // ranking.STRETCH), -np.inf, np.float32)
        self._parts: list[tuple[NDArray[Any], ...]] = []

    @property
    def _state(self) -> tuple[NDArray[np.float32], ...]:
        return self._v, self._ways

    @property
    def _forms(self) -> tuple[NDArray[np.float32], ...]:
        return self._prior, self._behind, self._activations

    def feed(self, scores: ArrayLike) -> None:
        """Hear further frames, `(n_frames, n_columns)` natural-log likelihoods up to a constant of each frame."""
        rows = np.asarray(scores, np.float32)
        least = int(max(self.tree.units.column.max(), self.tree.silence.max())) + 1
        if rows.ndim != 2 or rows.shape[1] < least or np.isnan(rows).any():
            raise BadInput(f"scores (n_frames, {least} columns or more) without NaN are needed, got {rows.shape}")
        rows = relative_to_best(rows)
        n = len(rows)
        out = (
            np.empty((n, self.n_kept), np.int32),
            np.empty((n, self.n_kept), np.float32),
            np.empty(n),
            np.empty(n),
            np.empty((n, len(self._tracked_at)), np.float32),
        )
        tree = self.tree
        stepping.hear(
            rows, rows[:, tree.silence].max(axis=1, initial=-np.inf),
            (self.n_frames, -1 if self.offset_frame is None else self.offset_frame),
            (tree.parent, tree.segments, tree.lone, tree.earliest), self._ends, costs_of(tree),
            self._state, self._forms, self._room,
            (float(self.acoustic_scale), self.search == "forward"), (self._tracked_at, self._tops), out,
        )  # fmt: skip
        self.n_frames += n
        np.take(tree.form, out[0], out=out[0])
        self._parts.append(out)

    def top(self, n: int) -> tuple[tuple[int, float], ...]:
        """Return the forms that are ahead now, with their activations, best first; none before the first frame."""
        if not self._parts or not self.n_frames:
            return ()
        forms, values = self._parts[-1][0][-1], self._parts[-1][1][-1]
        return tuple((int(f), float(a)) for f, a in zip(forms[:n], values[:n], strict=True))

    def competition(self, grid: FrameGrid) -> Competition:
        """Return everything so far; `grid` says where the frames lie.

        Raises
        ------
        BadInput
            Nothing was fed, or the grid has another number of frames.
        """
        if not self.n_frames or grid.n_frames != self.n_frames:
            raise BadInput(f"{self.n_frames} frames were heard, the grid has {grid.n_frames}; one or more are needed")
        forms, values, totals, bits, tracked = (np.concatenate(part) for part in zip(*self._parts, strict=True))
        leads = np.empty(self.n_frames)
        ranking.leads_of(forms, values, *self.tree.words, leads)
        final = np.empty(self.tree.n_forms, np.float32)
        whole = np.empty(self.tree.n_forms, np.float32)
        stepping.whole_words(*self._ends[:2], costs_of(self.tree), self._state, self._forms, whole)
        final[self.tree.form] = whole
        return Competition(
            forms, values, totals, bits, leads, tracked, final, grid, self.tree, self.frequency_weight,
            self.acoustic_scale, self.search, tuple(self.track),
        )  # fmt: skip


def relative_to_best(scores: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return scores less the highest of each frame; a frame of minus infinities says nothing and becomes 0."""
    tops = scores.max(axis=1, keepdims=True)
    with np.errstate(invalid="ignore"):
        return np.where(np.isneginf(tops), np.float32(0), scores - tops)


def final_units(tree: WordTree) -> NDArray[np.int32]:
    """Return the unit of each form's last node."""
    unit = np.zeros(tree.n_nodes, np.int32)
    for which, first, behind in tree.segments:
        unit[first:behind] = which
    return unit[tree.end]


def costs_of(tree: WordTree) -> tuple[NDArray[Any], ...]:
    """Return what the recursion needs of the tree's units."""
    units = tree.units
    return units.n_states, units.column, units.loop, units.leave, units.skip
