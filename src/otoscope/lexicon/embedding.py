"""Words inside words: what begins, ends or lies within an item, what contains it, what it is backwards."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from otoscope.lexicon.form_index import index_of, items_as_phones, own_forms
from otoscope.lexicon.mental_lexicon import MentalLexicon
from otoscope.lexicon.prefix_tree import PAD, CodedStrings, Ints, PrefixTree
from otoscope.lexicon.pronunciations import Phones


@dataclass(frozen=True, eq=False)
class Embeddings:
    """Which forms lie inside which items, or which items inside which forms.

    Parameters
    ----------
    items
        Phone strings.
    lexicon
        Where the forms are from.
    item, form, start
        `(n_pairs,)` each: which item and form, and the phone of the longer one at which the shorter begins (from 0).
        A form that is there twice makes two pairs.
    at_end
        `(n_pairs,)` whether the shorter one ends where the longer ends.
    """

    items: tuple[Phones, ...]
    lexicon: MentalLexicon
    item: Ints
    form: Ints
    start: Ints
    at_end: NDArray[np.bool_]

    @property
    def counts(self) -> Ints:
        """`(n_items,)` how many different forms, anywhere."""
        return self._different(np.ones(self.item.size, dtype=bool))

    @property
    def at_onset(self) -> Ints:
        """`(n_items,)` how many forms with the same first phone (`cat` in `catalogue`)."""
        return self._different(self.start == 0)

    @property
    def at_offset(self) -> Ints:
        """`(n_items,)` how many forms with the same last phone (`log` in `catalogue`)."""
        return self._different(self.at_end)

    def of(self, item: int) -> tuple[str, ...]:
        """Return the words of the forms of one item, the most frequent first."""
        frequencies = index_of(self.lexicon).per_million
        forms = sorted(set(self.form[self.item == item].tolist()), key=lambda form: -frequencies[form])
        return tuple(self.lexicon.label(form) for form in forms)

    def _different(self, chosen: NDArray[np.bool_]) -> Ints:
        n_forms = len(self.lexicon.forms)
        pairs = np.unique(self.item[chosen] * n_forms + self.form[chosen])
        return np.bincount(pairs // n_forms, minlength=len(self.items))


def embedded(items: Iterable[str | Phones], lexicon: MentalLexicon, *, shortest: int = 2) -> Embeddings:
    """Return the forms inside items; the item itself and other ways to say it are left out.

    Parameters
    ----------
    items
        Words or phone strings.
    lexicon
        Where the forms are from.
    shortest
        Phones a form must have to count.

    Examples
    --------
    >>> said = [(("K", "AE", "T"),), (("AE", "T"),), (("K", "AE", "T", "S"),)]
    >>> small = MentalLexicon(("cat", "at", "cats"), tuple(said), np.ones(3))
    >>> embedded(["cats"], small).of(0), carriers(["at"], small).of(0)
    (('cat', 'at'), ('cat', 'cats'))
    """
    phones = items_as_phones(items, lexicon)
    index = index_of(lexicon)
    coded = index.coded(phones)
    item, form, start, length = _inside(coded, index.forward)
    own = own_forms(phones, index)[item]
    kept = (length >= shortest) & ~index.are_kin(own, form)  # the item itself is of its own kin
    at_end = start + length == coded.lengths[item]
    return Embeddings(phones, lexicon, item[kept], form[kept], start[kept], at_end[kept])


def carriers(items: Iterable[str | Phones], lexicon: MentalLexicon) -> Embeddings:
    """Return the forms that items lie inside; other ways to say the item are left out."""
    phones = items_as_phones(items, lexicon)
    index = index_of(lexicon)
    different = tuple(dict.fromkeys(phones))
    tree = PrefixTree.build(index.coded(different), len(index.code_of))
    form, which, start, length = _inside(index.strings, tree)
    # The same phone string may be given twice: each item gets its own pairs.
    of_string = {string: number for number, string in enumerate(different)}
    order = np.argsort(which, kind="stable")
    form, which, start, length = (values[order] for values in (form, which, start, length))
    numbers = np.array([of_string[string] for string in phones])
    first, last = np.searchsorted(which, numbers, "left"), np.searchsorted(which, numbers, "right")
    item = np.repeat(np.arange(numbers.size), last - first)
    pairs = np.concatenate([np.arange(a, b) for a, b in zip(first, last, strict=True)]).astype(np.int64)
    form, start, length = form[pairs], start[pairs], length[pairs]
    own = own_forms(phones, index)[item]
    kept = ~index.are_kin(own, form)
    at_end = start + length == index.strings.lengths[form]
    return Embeddings(phones, lexicon, item[kept], form[kept], start[kept], at_end[kept])


def anadromes(items: Iterable[str | Phones], lexicon: MentalLexicon) -> tuple[int | None, ...]:
    """Return for each item the form it is backwards (`bus`, `sub`; Toscano et al. 2013), or `None`.

    An item that reads the same both ways has none.
    """
    phones = items_as_phones(items, lexicon)
    index = index_of(lexicon)
    found = index.forward.found(index.coded(tuple(item[::-1] for item in phones)))
    kin = index.are_kin(own_forms(phones, index), found)
    return tuple(None if form == PAD or related else int(form) for form, related in zip(found, kin, strict=True))


def endings(items: Sequence[str | Phones], lexicon: MentalLexicon, *, n_dropped: int = 1) -> Ints:
    """Return `(n_items,)` how many other forms end in what is left of an item without its first phones.

    As TRACE's and TISK's studies count rhymes. An item of no more than `n_dropped` phones is kept whole.
    """
    phones = items_as_phones(items, lexicon)
    index = index_of(lexicon)
    tails = tuple(item[n_dropped:] or item for item in phones)
    nodes = index.backward.walked(index.coded(tails).backward)
    ends = nodes[np.arange(len(tails)), [len(tail) for tail in tails]]
    counts = np.where(ends >= 0, index.n_ending[ends], 0.0)
    own = own_forms(phones, index)
    first, last = np.searchsorted(index.kin[:, 0], own, "left"), np.searchsorted(index.kin[:, 0], own, "right")
    for item in np.flatnonzero(last > first):
        tail = tails[item]
        kin = index.kin[first[item] : last[item], 1]
        counts[item] -= sum(lexicon.forms.phones[form][-len(tail) :] == tail for form in kin)
    return counts.astype(np.int64)


def _inside(strings: CodedStrings, tree: PrefixTree) -> tuple[Ints, Ints, Ints, Ints]:
    """Return all places where a string of the tree lies in other strings: which, what, start, number of phones."""
    found: list[tuple[Ints, Ints, Ints, Ints]] = []
    for start in range(strings.codes.shape[1]):
        which = np.flatnonzero(strings.lengths > start)
        nodes = np.zeros(which.size, dtype=np.int64)
        for place in range(start, strings.codes.shape[1]):
            nodes = tree.children(nodes, strings.codes[which, place])
            which, nodes = which[nodes >= 0], nodes[nodes >= 0]
            if not which.size:
                break
            ends = tree.string_at[nodes]
            here = which[ends >= 0]
            size = np.ones(here.size, dtype=np.int64)
            found.append((here, ends[ends >= 0], start * size, (place - start + 1) * size))
    which, what, starts, lengths = (np.concatenate(part) for part in zip(*found, strict=True)) if found else _NONE
    order = np.argsort(which, kind="stable")
    return which[order], what[order], starts[order], lengths[order]


_NONE: tuple[Ints, Ints, Ints, Ints] = (np.zeros(0, np.int64),) * 4
