"""What lies before and after a place in phone strings, as one number: equal numbers, equal surroundings."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from otoscope.lexicon.prefix_tree import CodedStrings, Ints, PrefixTree


@dataclass(frozen=True, eq=False)
class Sides:
    """Places of many strings: `owner`, `place` and `key`, `(n,)` each; only where a tree knows both sides."""

    owner: Ints
    place: Ints
    key: Ints

    @classmethod
    def of(cls, strings: CodedStrings, forward: PrefixTree, backward: PrefixTree, *, width: int) -> Sides:
        """Return the surroundings of every place where `width` phones are taken out: 0 between phones, 1 of a phone."""
        before, after = forward.walked(strings), backward.walked(strings.backward)
        n_places = strings.codes.shape[1] + 1
        owner, place = np.nonzero(np.arange(n_places)[None, :] + width <= strings.lengths[:, None])
        left = before[owner, place]
        right = after[owner, strings.lengths[owner] - place - width]
        there = (left >= 0) & (right >= 0)
        key = left * backward.n_nodes + right
        return cls(owner[there], place[there], key[there])

    def by_key(self) -> Sides:
        """Return the same places in order of their keys, as `joined` needs them."""
        order = np.argsort(self.key, kind="stable")
        return Sides(self.owner[order], self.place[order], self.key[order])

    def joined(self, others: Sides) -> tuple[Ints, Ints, Ints]:
        """Return all pairs of equal keys: own owner, other owner, own place; `others` are in order of their keys."""
        first, last = (np.searchsorted(others.key, self.key, side) for side in ("left", "right"))
        n_found = last - first
        which = np.repeat(np.arange(n_found.size), n_found)
        offsets = np.arange(which.size) - np.repeat(np.cumsum(n_found) - n_found, n_found)
        return self.owner[which], others.owner[first[which] + offsets], self.place[which]
