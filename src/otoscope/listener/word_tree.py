"""The prefix tree of a mental lexicon: words that begin alike share their beginning, level by level in flat arrays.

A node is a phone at its place. Nodes of one depth lie together, sorted by what they are made of and then by parent, so
that a frame of evidence goes through the tree in stretches of equal models (`segments`) from the root down. Leaves of
one form each have segments of their own: their words are finished where they stand, without being looked up.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from otoscope.core import BadInput
from otoscope.core.arrays import ByValue
from otoscope.decoding.tree.units import HmmState, PhoneModels
from otoscope.lexicon.pronunciations import Phones

Ints = NDArray[np.int32]
Floats = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Units(ByValue):
    """What nodes are made of: states of phones in context, as rows of arrays `(n_units, most_states)`.

    `n_states (n_units,)`; `column` of the evidence, `loop`, `leave` and `skip` as in `HmmState`.
    """

    n_states: Ints
    column: Ints
    loop: Floats
    leave: Floats
    skip: Floats


@dataclass(frozen=True, eq=False, repr=False)
class WordTree(ByValue):
    """Forms of words as a tree.

    Parameters
    ----------
    parent
        `(n_nodes,)` each node's parent, which comes before it; node 0 is the root.
    segments
        `(n_segments, 3)`: unit, first node, node behind the last; depth by depth.
    earliest
        `(n_segments,)` frames that must have gone by before this segment or any behind it can be entered; rising.
    lone
        `(n_segments,)` where leaves of one form each stand, the place of the first of these in `form`; elsewhere -1.
    form
        `(n_forms,)` the forms in the order of their last nodes, those of lone leaves before all others.
    end
        `(n_forms,)` the last node of each of `form`.
    log_prior
        `(n_forms,)` log P of each of `form`, without λ.
    units
        What nodes are made of.
    silence
        Columns of the evidence that score silence.
    words
        `(n_forms + 1,)` and `(n_words,)`: where the words of each form begin in the second array, which names them.
    """

    parent: Ints
    segments: Ints
    earliest: Ints
    lone: Ints
    form: Ints
    end: Ints
    log_prior: Floats
    units: Units
    silence: Ints
    words: tuple[Ints, Ints]

    def __repr__(self) -> str:
        return f"WordTree({self.n_forms} forms, {self.n_nodes} nodes)"

    @property
    def n_nodes(self) -> int:
        """How many nodes, with the root."""
        return self.parent.size

    @property
    def n_forms(self) -> int:
        """How many forms."""
        return self.end.size

    @property
    def n_states(self) -> int:
        """How many states of all nodes together."""
        sizes = self.segments[:, 2] - self.segments[:, 1]
        return int(np.sum(sizes * self.units.n_states[self.segments[:, 0]]))

    @property
    def n_lone(self) -> int:
        """How many forms end at leaves of their own; they are the first of `form`."""
        sizes = self.segments[:, 2] - self.segments[:, 1]
        return int(sizes[self.lone >= 0].sum())

    @cached_property
    def position(self) -> Ints:
        """`(n_forms,)` where each form stands in `form`."""
        places = np.empty(self.n_forms, np.int32)
        places[self.form] = np.arange(self.n_forms, dtype=np.int32)
        return places

    @classmethod
    def build(
        cls,
        forms: Sequence[Phones],
        models: PhoneModels,
        log_priors: ArrayLike,
        *,
        words: Sequence[Sequence[int]] | None = None,
    ) -> WordTree:
        """Return the tree of forms, which may be any strings of the models' phones, each once or more.

        The first phone of a word has silence before it, the last behind it, as in words said alone. `words` tells which
        words each form can be, so that forms of one word are no rivals; without, every form is a word of its own.

        Raises
        ------
        BadInput
            There are no forms, an empty form, not as many priors, or phones that the models lack.
        """
        priors = np.asarray(log_priors, dtype=np.float32)
        if not forms or any(not form for form in forms) or priors.shape != (len(forms),):
            raise BadInput(
                f"a tree needs forms of one phone or more and a prior each; got {len(forms)}, {priors.shape}"
            )
        if np.isnan(priors).any() or np.isposinf(priors).any():
            raise BadInput("log priors must be finite or minus infinity")
        unit_of, units = _units(forms, models)
        parent, segments, earliest, lone, end = _nodes(unit_of, units)
        silent = tuple(state.column for state in models.states(None, models.silence, None))
        of_form = [(k,) for k in range(len(forms))] if words is None else words
        if len(of_form) != len(forms):
            raise BadInput(f"{len(forms)} forms need as many tuples of words, got {len(of_form)}")
        starts = np.cumsum([0, *map(len, of_form)]).astype(np.int32)
        named = np.fromiter((word for each in of_form for word in each), np.int32, int(starts[-1]))
        places = np.concatenate([np.zeros(0), *(np.arange(first, behind) for _, first, behind in segments[lone])])
        inner = ~np.isin(end, places)
        form = np.lexsort((end, inner)).astype(np.int32)
        n_lone = int((~inner).sum())
        return cls(
            parent,
            segments,
            earliest,
            np.where(lone, np.searchsorted(end[form[:n_lone]], segments[:, 1]), -1).astype(np.int32),
            form,
            end[form],
            priors[form],
            units,
            np.array(silent, np.int32),
            (starts, named),
        )


def _units(forms: Sequence[Phones], models: PhoneModels) -> tuple[Ints, Units]:
    """Return which unit stands at each place of each form, `(n_forms, longest)`, -1 behind its end, and the units."""
    names = {phone: k for k, phone in enumerate(models.phones)}
    lacking = sorted({phone for form in forms for phone in form} - set(names))
    if lacking:
        raise BadInput(f"the front end has no phones {' '.join(lacking[:8])}; it has {' '.join(models.phones)}")
    n = len(names)
    places = np.full((len(forms), max(map(len, forms)) + 2), n, np.int64)
    lengths = np.fromiter(map(len, forms), np.int64, len(forms))
    inside = np.arange(places.shape[1] - 2) < lengths[:, None]
    places[:, 1:-1][inside] = np.fromiter((names[p] for form in forms for p in form), np.int64, int(lengths.sum()))
    left, right = models.context
    key = places[:, 1:-1]
    key = (places[:, :-2] if left else n) * (n + 1) ** 2 + key * (n + 1) + (places[:, 2:] if right else n)
    found, which = np.unique(key[inside], return_inverse=True)
    unit_of = np.full(inside.shape, -1, np.int32)
    unit_of[inside] = which
    name = (*models.phones, None)
    chains = [
        models.states(name[k // (n + 1) ** 2], str(name[k // (n + 1) % (n + 1)]), name[k % (n + 1)]) for k in found
    ]
    return unit_of, _stacked(chains)


def _stacked(chains: Sequence[Sequence[HmmState]]) -> Units:
    most = max(map(len, chains))
    columns = np.zeros((len(chains), most), np.int32)
    costs = np.full((3, len(chains), most), -np.inf, np.float32)
    for k, chain in enumerate(chains):
        for s, state in enumerate(chain):
            columns[k, s] = state.column
            costs[:, k, s] = state.log_loop, state.log_leave, state.log_skip
    return Units(np.array([len(chain) for chain in chains], np.int32), columns, *costs)


def _nodes(unit_of: Ints, units: Units) -> tuple[Ints, Ints, Ints, NDArray[np.bool_], Ints]:
    """Return parents, segments, when these are reached at the earliest, which hold lone leaves, and each form's end."""
    n_units = units.n_states.size
    must = np.array([np.isneginf(units.skip[u, : units.n_states[u]]).sum() for u in range(n_units)])
    parents, segments, earliest, lone = [np.zeros(1, np.int64)], [], [], []
    at = np.zeros(len(unit_of), np.int64)  # the node that each form has come to
    last_place = (unit_of >= 0).sum(axis=1) - 1
    soonest = np.zeros(1, np.int64)  # by node: frames before it can be left
    n_nodes = 1
    for depth in range(unit_of.shape[1]):
        going = np.flatnonzero(unit_of[:, depth] >= 0)
        key = unit_of[going, depth].astype(np.int64) * n_nodes + at[going]
        found, which, counts = np.unique(key, return_inverse=True, return_counts=True)
        leaf = np.zeros(found.size, bool)
        leaf[which[last_place[going] == depth]] = True
        leaf &= counts == 1
        kind = found // n_nodes * 2 + leaf
        order = np.argsort(kind, kind="stable")
        kind, parent = kind[order], (found % n_nodes)[order]
        rank = np.empty_like(order)
        rank[order] = np.arange(order.size)
        at[going] = n_nodes + rank[which]
        parents.append(parent)
        first = np.flatnonzero(np.r_[True, kind[1:] != kind[:-1]])
        behind = np.r_[first[1:], kind.size]
        segments.append(np.stack([kind[first] // 2, first + n_nodes, behind + n_nodes], axis=1))
        lone.append(kind[first] % 2 == 1)
        earliest.append(np.minimum.reduceat(soonest[parent], first))
        soonest = np.concatenate([soonest, soonest[parent] + must[kind // 2]])
        n_nodes += kind.size
    return (
        np.concatenate(parents).astype(np.int32),
        np.concatenate(segments).astype(np.int32),
        np.minimum.accumulate(np.concatenate(earliest)[::-1])[::-1].astype(np.int32),
        np.concatenate(lone),
        at.astype(np.int32),
    )
