"""Words one phone away from an item: its neighbourhood, exactly and for many items at once.

A neighbour is a form that an item becomes when one phone is substituted, added or deleted (Landauer and Streeter 1973;
Luce and Pisoni 1998); it shares no word with the item. Two strings differ by one substitution where the phones before
and after one place are alike: both trees of the index name what lies before and after, so one sorted table of such
pairs answers all.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from otoscope.lexicon.form_index import index_of, items_as_phones, own_forms
from otoscope.lexicon.mental_lexicon import MentalLexicon
from otoscope.lexicon.prefix_tree import Ints
from otoscope.lexicon.pronunciations import Phones
from otoscope.lexicon.sides import Sides

Change = Literal["substitution", "addition", "deletion"]
CHANGES: tuple[Change, ...] = ("substitution", "addition", "deletion")


@dataclass(frozen=True)
class Neighbour:
    """A form one phone away: which, its words, what was done to the item, at which phone (from 0), how frequent."""

    form: int
    label: str
    change: Change
    position: int
    per_million: float


@dataclass(frozen=True, eq=False)
class Neighbourhoods:
    """The neighbours of items.

    Parameters
    ----------
    items
        Phone strings.
    lexicon
        Where the neighbours are from.
    item, form, change, position
        `(n_pairs,)` each, sorted by item: which item and form, index into `CHANGES`, and the place of the change.
    """

    items: tuple[Phones, ...]
    lexicon: MentalLexicon
    item: Ints
    form: Ints
    change: Ints
    position: Ints

    @property
    def density(self) -> Ints:
        """`(n_items,)` how many forms are one phone away; homophones count once."""
        return np.bincount(self.item, minlength=len(self.items))

    @property
    def weighted_density(self) -> NDArray[np.float64]:
        """`(n_items,)` sum of the neighbours' Zipf frequencies: the density weighted as by Luce and Pisoni."""
        return np.asarray(np.bincount(self.item, weights=self._zipfs, minlength=len(self.items)), np.float64)

    @property
    def per_million(self) -> NDArray[np.float64]:
        """`(n_items,)` sum of the neighbours' frequencies per million words."""
        return np.asarray(np.bincount(self.item, weights=self._frequencies, minlength=len(self.items)), np.float64)

    def counts(self, change: Change) -> Ints:
        """Return `(n_items,)` how many neighbours come by one sort of change."""
        chosen = self.item[self.change == CHANGES.index(change)]
        return np.bincount(chosen, minlength=len(self.items))

    def of(self, item: int) -> tuple[Neighbour, ...]:
        """Return the neighbours of one item, most frequent first."""
        pairs = np.flatnonzero(self.item == item)
        found = (
            Neighbour(
                int(self.form[pair]),
                self.lexicon.label(int(self.form[pair])),
                CHANGES[self.change[pair]],
                int(self.position[pair]),
                float(self._frequencies[pair]),
            )
            for pair in pairs
        )
        return tuple(sorted(found, key=lambda neighbour: (-neighbour.per_million, neighbour.label)))

    @cached_property
    def _frequencies(self) -> NDArray[np.float64]:
        return index_of(self.lexicon).per_million[self.form]

    @property
    def _zipfs(self) -> NDArray[np.float64]:
        return np.asarray(np.log10(self._frequencies) + 3)


def neighbours(items: Iterable[str | Phones], lexicon: MentalLexicon) -> Neighbourhoods:
    """Return the neighbours of words or phone strings.

    The item itself, its homophones and other ways to say the same word are no neighbours of it.

    Parameters
    ----------
    items
        Words of the lexicon (as usually said), or phone strings, words or not.
    lexicon
        Where neighbours are looked for; see also `MentalLexicon.as_usually_said`.

    Examples
    --------
    >>> said = [(("K", "AE", "T"),), (("AE", "T"),), (("K", "AE", "T", "S"),), (("K", "AH", "T"),), (("D", "AO", "G"),)]
    >>> small = MentalLexicon(("cat", "at", "cats", "cut", "dog"), tuple(said), np.ones(5))
    >>> [(found.label, found.change, found.position) for found in neighbours(["cat"], small).of(0)]
    [('at', 'deletion', 0), ('cats', 'addition', 3), ('cut', 'substitution', 1)]
    """
    phones = items_as_phones(items, lexicon)
    index = index_of(lexicon)
    own = index.coded(phones)
    gaps, cuts = (Sides.of(own, index.forward, index.backward, width=width) for width in (1, 0))
    pairs = [gaps.joined(index.gaps), cuts.joined(index.gaps), gaps.joined(index.cuts)]
    item, form, position = (np.concatenate(part) for part in zip(*pairs, strict=True))
    change = np.repeat(np.arange(len(pairs)), [found[0].size for found in pairs])
    itself = own_forms(phones, index)[item]
    strange = ~index.are_kin(itself, form)
    item, form, position, change = (values[strange] for values in (item, form, position, change))
    # A phone beside its like can be added or deleted at two places: the first counts.
    order = np.lexsort((position, form, item))
    first = np.ones(order.size, dtype=bool)
    first[1:] = (np.diff(item[order]) != 0) | (np.diff(form[order]) != 0)
    kept = order[first]
    return Neighbourhoods(phones, lexicon, item[kept], form[kept], change[kept], position[kept])


def neighbourhood_probability(items: Sequence[str | Phones], lexicon: MentalLexicon) -> NDArray[np.float64]:
    """Return `(n_items,)` how likely each item is heard right by the neighbourhood activation model, all sounds alike.

    Frequency-weighted neighbourhood probability (Luce and Pisoni 1998, equation 5, with equal confusions): the item's
    log frequency over its own and its neighbours', in Zipf. Items that are no words have frequency 0.
    """
    found = neighbours(items, lexicon)
    own = own_forms(found.items, index_of(lexicon))
    zipf = np.where(own >= 0, np.log10(index_of(lexicon).per_million[own]) + 3, 0.0)
    total = zipf + found.weighted_density
    return np.divide(zipf, total, out=np.zeros_like(total), where=total > 0)
