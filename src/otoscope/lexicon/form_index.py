"""The forms of a lexicon, ordered so that what sounds alike is found at once; and items looked up in it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from otoscope.core import BadInput
from otoscope.lexicon.mental_lexicon import MentalLexicon
from otoscope.lexicon.prefix_tree import PAD, CodedStrings, Ints, PrefixTree
from otoscope.lexicon.pronunciations import Phones
from otoscope.lexicon.sides import Sides


@dataclass(frozen=True, eq=False)
class FormIndex:
    """Forms of a lexicon by their beginnings and ends. Made once a lexicon: `index_of(lexicon)`."""

    lexicon: MentalLexicon

    @cached_property
    def code_of(self) -> MappingProxyType[str, int]:
        """Number of each phone."""
        return MappingProxyType({phone: code for code, phone in enumerate(self.lexicon.phones)})

    @cached_property
    def strings(self) -> CodedStrings:
        """The forms as numbers."""
        return CodedStrings.of(self.lexicon.forms.phones, self.code_of)

    @cached_property
    def forward(self) -> PrefixTree:
        """Tree of the beginnings of forms."""
        return PrefixTree.build(self.strings, len(self.code_of))

    @cached_property
    def backward(self) -> PrefixTree:
        """Tree of the ends of forms, from the last phone on."""
        return PrefixTree.build(self.strings.backward, len(self.code_of))

    @cached_property
    def per_million(self) -> NDArray[np.float64]:
        """`(n_forms,)` how often each form is met in a million words."""
        return np.asarray(np.exp(self.lexicon.forms.log_prior) * self.lexicon.per_million.sum())

    @cached_property
    def kin(self) -> Ints:
        """`(n_pairs, 2)` forms that share a word, both ways round and each with itself, sorted."""
        by_word: dict[int, list[int]] = {}
        for form, words in enumerate(self.lexicon.forms.words):
            for word in words:
                by_word.setdefault(word, []).append(form)
        pairs = {(a, b) for forms in by_word.values() for a in forms for b in forms}
        return np.array(sorted(pairs), dtype=np.int64)

    @cached_property
    def gaps(self) -> Sides:
        """What lies around every phone of every form, in order of keys."""
        return Sides.of(self.strings, self.forward, self.backward, width=1).by_key()

    @cached_property
    def cuts(self) -> Sides:
        """What lies before and after every place between phones, and both ends, in order of keys."""
        return Sides.of(self.strings, self.forward, self.backward, width=0).by_key()

    @cached_property
    def n_below(self) -> NDArray[np.float64]:
        """`(n_nodes,)` how many forms begin as each node of `forward`."""
        return self.forward.summed()

    @cached_property
    def per_million_below(self) -> NDArray[np.float64]:
        """`(n_nodes,)` how often words that begin as each node of `forward` are met in a million."""
        return self.forward.summed(self.per_million)

    @cached_property
    def n_ending(self) -> NDArray[np.float64]:
        """`(n_nodes,)` how many forms end as each node of `backward`."""
        return self.backward.summed()

    @cached_property
    def _kin_keys(self) -> Ints:
        return np.asarray(self.kin @ np.array([len(self.lexicon.forms), 1]))

    def coded(self, items: Sequence[Phones]) -> CodedStrings:
        """Return items as numbers."""
        return CodedStrings.of(items, self.code_of)

    def are_kin(self, forms: Ints, others: Ints) -> NDArray[np.bool_]:
        """Return for each pair whether the two forms share a word; `PAD` has no kin."""
        wanted = forms * len(self.lexicon.forms) + others
        places = np.minimum(np.searchsorted(self._kin_keys, wanted), self._kin_keys.size - 1)
        return np.asarray((self._kin_keys[places] == wanted) & (forms >= 0) & (others >= 0))


def index_of(lexicon: MentalLexicon) -> FormIndex:
    """Return the index of a lexicon's forms, made when it is first asked for and kept with the lexicon."""
    kept = vars(lexicon)
    if "_form_index" not in kept:
        kept["_form_index"] = FormIndex(lexicon)
    return kept["_form_index"]


def items_as_phones(items: Iterable[str | Phones], lexicon: MentalLexicon) -> tuple[Phones, ...]:
    """Return phone strings as they are, and words of the lexicon as they are usually said.

    Raises
    ------
    UnknownName
        A word the lexicon lacks; add it by `lexicon.with_words`, or give its phones.
    BadInput
        There is no item, or one has no phones.
    """
    if isinstance(items, str):
        raise BadInput(f"items must be a list of words or phone tuples, got the string {items!r}")
    found = tuple(
        lexicon.pronunciations[lexicon.position(item)][0] if isinstance(item, str) else tuple(item) for item in items
    )
    if not found or () in found:
        raise BadInput("there is no item" if not found else f"item {found.index(()) + 1} has no phones")
    return found


def own_forms(items: Sequence[Phones], index: FormIndex) -> Ints:
    """Return `(n_items,)` which form each item is, or `PAD` where it is no word."""
    known = index.lexicon.forms.index
    return np.array([known.get(item, PAD) for item in items], dtype=np.int64)
