"""Running speech: words compete while they are said, one after the other, and a sequence of winners remains.

Wherever a word may have ended, all words may begin: the best end of a frame, its prior in it, feeds the root of the
tree in the next one (Viterbi over sequences of words, exact, no word left out; Ney 1984). What competes at a frame is
every word on the best way to it, given the best that was said before.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from otoscope.core import BadInput
from otoscope.listener import ranking, running_steps
from otoscope.listener.competing import Competition, final_units, relative_to_best
from otoscope.listener.evidence import Evidence
from otoscope.listener.word_tree import WordTree

LARGE = 1000.0
"""Nats below zero from which scores are brought back to zero."""


@dataclass(frozen=True)
class SpokenForm:
    """A form of the best sequence: frames `first` to before `behind`, and its share of the score in nats."""

    form: int
    first: int
    behind: int
    score: float


def compete_running(
    evidence: Evidence,
    tree: WordTree,
    *,
    frequency_weight: float = 1.0,
    acoustic_scale: float = 1.0,
    word_penalty: float = 0.0,
    n_kept: int = 200,
    track: Sequence[int] = (),
) -> tuple[Competition, tuple[SpokenForm, ...]]:
    """Return the competition at each frame, and the best sequence of words.

    Parameters
    ----------
    evidence, tree, frequency_weight, acoustic_scale, n_kept, track
        As for `otoscope.listener.competing.compete`.
    word_penalty
        Nats taken off for each word, beside its prior.

    Raises
    ------
    BadInput
        The evidence is empty, or its columns are not those of the tree, or a form to be tracked is none of it.
    """
    rows = relative_to_best(evidence.scores)
    least = int(max(tree.units.column.max(), tree.silence.max())) + 1
    if not len(rows) or rows.shape[1] < least:
        raise BadInput(f"one frame or more of {least} columns or more is needed, got {rows.shape}")
    if any(not 0 <= form < tree.n_forms for form in track):
        raise BadInput(f"forms to be tracked are 0 to {tree.n_forms - 1}, got {tuple(track)}")
    tracked, tracked_at = np.empty((len(rows), len(track)), np.float32), tree.position[np.asarray(track, np.int64)]
    n, n_kept = len(rows), min(n_kept, tree.n_forms)
    prior = np.asarray(frequency_weight * tree.log_prior - word_penalty, np.float32)
    state = _State(tree, prior)
    forms, values = np.empty((n, n_kept), np.int32), np.empty((n, n_kept), np.float32)
    totals, bits, found = np.empty(n), np.empty(n), np.empty(tree.n_forms, np.int32)
    for t, row in enumerate(rows):
        state.advance(t, row)
        ranking.best_of_all(state.activations, state.tops, n_kept, found, forms[t], values[t])
        tracked[t] = state.activations[tracked_at]
        totals[t], bits[t] = ranking.total_and_entropy(state.activations, state.tops, acoustic_scale)
    np.take(tree.form, forms, out=forms)
    leads = np.empty(n)
    ranking.leads_of(forms, values, *tree.words, leads)
    final = np.empty(tree.n_forms, np.float32)
    final[tree.form] = state.activations
    competition = Competition(
        forms, values, totals, bits, leads, tracked, final, evidence.grid, tree,
        frequency_weight, acoustic_scale, "viterbi", tuple(track),
    )  # fmt: skip
    return competition, state.sequence()


class _State:
    """Everything that a frame changes."""

    def __init__(self, tree: WordTree, prior: NDArray[np.float32]) -> None:
        self.tree, self.prior = tree, prior
        shape = (tree.units.column.shape[1], tree.n_nodes)
        self.v = np.full(shape, -np.inf, np.float32)
        self.since = np.zeros(shape, np.int32)
        self.way_out = np.full(tree.n_nodes, -np.inf, np.float32)
        self.out_since = np.zeros(tree.n_nodes, np.int32)
        self.best = np.full(tree.n_nodes, -np.inf, np.float32)
        self.unit_of_end = final_units(tree)
        self.activations = np.full(tree.n_forms, -np.inf, np.float32)
        self.tops = np.full(-(-tree.n_forms // ranking.STRETCH), -np.inf, np.float32)
        # Of the frame before: the silence in front of a word, and the word before that silence; the best end.
        self.quiet, self.quiet_after = np.float32(0.0), -1
        self.ended = np.float32(-np.inf)
        self.offset = 0.0  # taken off all scores so far, so that float32 stays exact in long recordings
        self.frames: list[tuple[int, int, float, int]] = []

    def advance(self, t: int, row: NDArray[np.float32]) -> None:
        tree, units = self.tree, self.tree.units
        from_end = self.ended > self.quiet
        into_root = self.ended if from_end else self.quiet
        came_from = t - 1 if from_end else self.quiet_after
        silent = np.float32(row[tree.silence].max())
        self.quiet, self.quiet_after = np.float32(into_root + silent), came_from
        running_steps.step_running(
            row, t, into_root, self.quiet, tree.parent, tree.segments, units.n_states, units.column, units.loop,
            units.leave, units.skip, self.v, self.since, self.way_out, self.out_since, self.best,
        )  # fmt: skip
        running_steps.word_activations(tree.end, self.prior, self.best, self.activations, self.tops, ranking.STRETCH)
        score, which, began = running_steps.best_end(
            tree.end,
            self.prior,
            self.unit_of_end,
            self.tops,
            ranking.STRETCH,
            units.n_states,
            units.leave,
            units.skip,
            self.v,
            self.since,
        )
        self.ended = np.float32(score)
        form = int(tree.form[which]) if which >= 0 else -1
        self.frames.append((form, int(began), float(score) + self.offset, came_from))
        self._keep_in_range()

    def _keep_in_range(self) -> None:
        """Take the best score off all, when it has become large: only differences count."""
        top = max(float(self.quiet), float(self.ended))
        if top > -LARGE:
            return
        for values in (self.v, self.way_out, self.best):
            values -= np.float32(top)
        self.quiet, self.ended = np.float32(self.quiet - np.float32(top)), np.float32(self.ended - np.float32(top))
        self.offset += float(np.float32(top))

    def sequence(self) -> tuple[SpokenForm, ...]:
        """Return the best sequence of whole words, silence between them allowed."""
        at = len(self.frames) - 1 if self.ended > self.quiet else self.quiet_after
        found = []
        while at >= 0:
            form, began, score, _ = self.frames[at]
            before = self.frames[began][3]
            earlier = self.frames[before][2] if before >= 0 else 0.0
            found.append(SpokenForm(form, began, at + 1, score - earlier))
            at = before
        return tuple(reversed(found))
