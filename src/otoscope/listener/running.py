"""Running speech: words compete while they are said, one after the other, and a sequence of winners remains.

Wherever a word may have ended, all words may begin: the best end of a frame, its prior in it, feeds the root of the
tree in the next one (Viterbi over sequences of words, exact, no word left out; Ney 1984). What competes at a frame is
every word on the best way to it, given the best that was said before.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from otoscope.core import BadInput
from otoscope.listener import ranking, running_steps
from otoscope.listener.competing import Competition, costs_of, final_units, relative_to_best
from otoscope.listener.evidence import Evidence
from otoscope.listener.word_graph import N_ENDS, Edge
from otoscope.listener.word_tree import WordTree


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
    n, n_kept, track_at = len(rows), min(n_kept, tree.n_forms), tree.position[np.asarray(track, np.int64)]
    forms, values = np.empty((n, n_kept), np.int32), np.empty((n, n_kept), np.float32)
    totals, bits, tracked = np.empty(n), np.empty(n), np.empty((n, len(track)), np.float32)
    prior = np.asarray(frequency_weight * tree.log_prior - word_penalty, np.float32)
    ways = _Ways.of(n)
    activations, last = _hear(
        rows, tree, prior, ways, (acoustic_scale, track_at), (forms, values, totals, bits, tracked, *_ends(n, 0))
    )
    np.take(tree.form, forms, out=forms)
    leads = np.empty(n)
    ranking.leads_of(forms, values, *tree.words, leads)
    final = np.empty(tree.n_forms, np.float32)
    final[tree.form] = activations
    competition = Competition(
        forms, values, totals, bits, leads, tracked, final, evidence.grid, tree,
        frequency_weight, acoustic_scale, "viterbi", tuple(track),
    )  # fmt: skip
    return competition, _sequence(rows, tree, prior, ways, last)


@dataclass(frozen=True)
class _Ways:
    """How words followed one another, by frame; see `running_steps.hear_running`."""

    entering: NDArray[np.float32]
    dropped: NDArray[np.float32]
    ended: NDArray[np.float32]
    which: NDArray[np.int64]
    after: NDArray[np.int64]
    taken: NDArray[np.float64]

    @classmethod
    def of(cls, n_frames: int) -> _Ways:
        one, two, three = np.empty((3, n_frames), np.float32)
        which, after = np.empty((2, n_frames), np.int64)
        return cls(one, two, three, which, after, np.empty(n_frames))


def _hear(
    rows: NDArray[np.float32],
    tree: WordTree,
    prior: NDArray[np.float32],
    ways: _Ways,
    options: tuple[float, NDArray[np.int32]],
    out: tuple[NDArray[Any], ...],
) -> tuple[NDArray[np.float32], int]:
    """Fill `ways` and `out`; return the last activations and where the best sequence ends (-1: without a word)."""
    state = (
        np.full((tree.units.column.shape[1], tree.n_nodes), -np.inf, np.float32),
        np.full((tree.n_nodes, 2), -np.inf, np.float32),
    )
    activations = np.full((1, tree.n_forms), -np.inf, np.float32)
    forms = prior, np.full(tree.n_forms, -np.inf, np.float32), activations
    tops = np.full(-(-tree.n_forms // ranking.STRETCH), -np.inf, np.float32)
    spoken, after = running_steps.hear_running(
        rows, rows[:, tree.silence].max(axis=1), (tree.parent, tree.segments, tree.lone, tree.earliest),
        (tree.end, final_units(tree), tree.n_lone), costs_of(tree), state, forms,
        (options[1], tops, np.empty(tree.n_forms, np.int32)), float(options[0]),
        (ways.entering, ways.dropped, ways.ended, ways.which, ways.after, ways.taken), out,
    )  # fmt: skip
    return activations[0], len(rows) - 1 if spoken else int(after)


def word_edges(
    evidence: Evidence, tree: WordTree, *, frequency_weight: float, word_penalty: float = 0.0, n_ends: int = N_ENDS
) -> tuple[tuple[Edge, ...], NDArray[np.float32]]:
    """Return the words that end best at each frame, each where it best began, and `(n_frames,)` scores of silence.

    Parameters
    ----------
    evidence, tree, frequency_weight, word_penalty
        As for `compete_running`, which finds the best of these without context.
    n_ends
        How many words to keep at each frame.
    """
    rows = relative_to_best(evidence.scores)
    n, n_ends = len(rows), min(n_ends, tree.n_forms)
    prior, ways = np.asarray(frequency_weight * tree.log_prior - word_penalty, np.float32), _Ways.of(n)
    nobody = np.empty((n, 1), np.int32), np.empty((n, 1), np.float32), np.empty(n), np.empty(n)
    places, scores = _ends(n, n_ends)
    out = (*nobody, np.empty((n, 0), np.float32), places, scores)
    _hear(rows, tree, prior, ways, (1.0, np.empty(0, np.int32)), out)
    edges = []
    chains = {int(place): _chain(tree, int(tree.end[place])) for place in np.unique(places)}
    for at in range(n):
        for place, score in zip(places[at].tolist(), scores[at], strict=True):
            if not np.isfinite(score):
                continue
            first = _first_frame(rows, (prior[place], chains[place]), ways, at, score)
            sound = float(score) + ways.taken[at] - float(ways.entering[first]) - ways.taken[first]
            edges.append(Edge(int(tree.form[place]), first, at + 1, sound - float(prior[place])))
    return tuple(edges), rows[:, tree.silence].max(axis=1)


def _ends(n_frames: int, n_ends: int) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    return np.empty((n_frames, n_ends), np.int32), np.empty((n_frames, n_ends), np.float32)


def _sequence(
    rows: NDArray[np.float32], tree: WordTree, prior: NDArray[np.float32], ways: _Ways, last: int
) -> tuple[SpokenForm, ...]:
    """Return the best sequence of whole words, silence between them allowed."""
    found, at = [], last
    while at >= 0:
        place = int(ways.which[at])
        first = _first_frame(rows, (prior[place], _chain(tree, int(tree.end[place]))), ways, at, ways.ended[at])
        before = int(ways.after[first])
        earlier = float(ways.ended[before]) + ways.taken[before] if before >= 0 else 0.0
        score = float(ways.ended[at]) + ways.taken[at] - earlier
        found.append(SpokenForm(int(tree.form[place]), first, at + 1, score))
        at = before
    return tuple(reversed(found))


def _first_frame(
    rows: NDArray[np.float32],
    word: tuple[np.float32, tuple[NDArray[Any], ...]],
    ways: _Ways,
    at: int,
    ended: np.float32,
) -> int:
    """Return where a word (prior, chain) began that ends so well in frame `at`: heard again, alone, further back."""
    length = 128
    while True:
        first = max(0, at + 1 - length)
        part = slice(first, at + 1)
        score, began = running_steps.began(rows[part], ways.entering[part], ways.dropped[part], word[1], word[0])
        if score == ended or first == 0:
            return first + int(began)
        length *= 2


def _chain(tree: WordTree, node: int) -> tuple[NDArray[Any], ...]:
    """Return what the recursion needs of the units on the way from the root to a node."""
    nodes = []
    while node:
        nodes.append(node)
        node = int(tree.parent[node])
    units = tree.segments[np.searchsorted(tree.segments[:, 1], nodes[::-1], side="right") - 1, 0]
    return tuple(each[units] for each in costs_of(tree))
