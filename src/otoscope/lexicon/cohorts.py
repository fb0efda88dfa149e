"""Words that begin alike: how many are left after each phone of an item, and where it stands alone.

The cohort of an item after k phones are the forms with the same first k phones (Marslen-Wilson and Welsh 1978). The
item itself, its homophones and other ways to say the same word are left out, so that an empty cohort means the item
is recognised. For an item that is no word, the point where the cohort is empty is where it can be told from all words.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from otoscope.core import BadInput
from otoscope.lexicon.form_index import FormIndex, index_of, items_as_phones, own_forms
from otoscope.lexicon.mental_lexicon import MentalLexicon
from otoscope.lexicon.prefix_tree import Ints
from otoscope.lexicon.pronunciations import Phones

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Cohorts:
    """What is left of a lexicon after each phone of items.

    Parameters
    ----------
    items
        Phone strings.
    sizes
        `(n_items, longest)` forms that begin with the first k + 1 phones, the item left out; NaN beyond its end.
    per_million
        `(n_items, longest)` how often those forms are met in a million words; NaN beyond the end.
    uniqueness_point
        `(n_items,)` the number of phones, from 1, after which the cohort is empty; the number of phones plus one for
        an item that begins longer words (`cat`, `cattle`), which is unique only when nothing follows.
    """

    items: tuple[Phones, ...]
    sizes: Floats
    per_million: Floats
    uniqueness_point: Ints

    @property
    def onset_density(self) -> Ints:
        """`(n_items,)` forms with the same first two phones (Vitevitch 2002); the first, where there is only one."""
        lengths = np.array([len(item) for item in self.items])
        return self.sizes[np.arange(lengths.size), np.minimum(lengths, 2) - 1].astype(np.int64)

    def uniqueness_times_s(self, phone_ends_s: Sequence[Sequence[float]]) -> tuple[float | None, ...]:
        """Return when each item is unique: the end of the phone that makes it so; `None` where no phone does.

        Parameters
        ----------
        phone_ends_s
            For each item the end of each of its phones, seconds.

        Raises
        ------
        BadInput
            An item has another number of phones than times.
        """
        if len(phone_ends_s) != len(self.items):
            raise BadInput(f"{len(self.items)} items need as many lists of phone times, got {len(phone_ends_s)}")
        times: list[float | None] = []
        for item, ends, point in zip(self.items, phone_ends_s, self.uniqueness_point, strict=True):
            if len(ends) != len(item):
                raise BadInput(f"{' '.join(item)} has {len(item)} phones, but {len(ends)} times")
            times.append(float(ends[point - 1]) if point <= len(item) else None)
        return tuple(times)


def cohorts(items: Iterable[str | Phones], lexicon: MentalLexicon) -> Cohorts:
    """Return the cohorts of words or phone strings after each of their phones.

    Examples
    --------
    >>> said = [(("K", "AE", "T"),), (("K", "AE", "T", "S"),), (("K", "AH", "T"),)]
    >>> small = MentalLexicon(("cat", "cats", "cut"), tuple(said), np.ones(3))
    >>> found = cohorts(["cat", "cut", ("K", "AE", "P")], small)
    >>> found.sizes.tolist(), found.uniqueness_point.tolist()
    ([[2.0, 1.0, 1.0], [2.0, 0.0, 0.0], [3.0, 2.0, 0.0]], [4, 2, 3])
    """
    phones = items_as_phones(items, lexicon)
    index = index_of(lexicon)
    coded = index.coded(phones)
    nodes = index.forward.walked(coded)[:, 1:]
    there = nodes >= 0
    sizes = np.where(there, index.n_below[nodes], 0.0)
    frequencies = np.where(there, index.per_million_below[nodes], 0.0)
    kin_sizes, kin_frequencies = _of_kin(phones, nodes, index)
    sizes -= kin_sizes
    frequencies = np.where(sizes > 0, frequencies - kin_frequencies, 0.0)
    places = np.arange(nodes.shape[1])
    within = places < coded.lengths[:, None]
    alone = within & (sizes == 0)
    point = np.where(alone.any(axis=1), alone.argmax(axis=1) + 1, coded.lengths + 1)
    beyond = np.where(within, 0.0, np.nan)
    return Cohorts(phones, sizes + beyond, frequencies + beyond, point)


def _of_kin(phones: Sequence[Phones], nodes: Ints, index: FormIndex) -> tuple[Floats, Floats]:
    """Return number and frequency of the forms that share a word with the item, at each of its nodes."""
    own = own_forms(phones, index)
    first, last = np.searchsorted(index.kin[:, 0], own, "left"), np.searchsorted(index.kin[:, 0], own, "right")
    sizes, frequencies = np.zeros(nodes.shape), np.zeros(nodes.shape)
    width = min(nodes.shape[1], index.forward.nodes.shape[1] - 1)
    for nth in range(int((last - first).max(initial=0))):
        items = np.flatnonzero(last - first > nth)
        kin = index.kin[first[items] + nth, 1]
        shared = (nodes[items, :width] == index.forward.nodes[kin, 1 : width + 1]) & (nodes[items, :width] >= 0)
        sizes[items, :width] += shared
        frequencies[items, :width] += shared * index.per_million[kin, None]
    return sizes, frequencies
