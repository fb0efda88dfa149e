"""Words as chains of onsets, nuclei and codas, and how often each follows the other (Keuleers and Brysbaert 2010)."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from otoscope.lexicon.mental_lexicon import MentalLexicon
from otoscope.lexicon.pronunciations import Phones
from otoscope.lexicon.syllables import legal_onsets, syllabified

Parts = tuple[Phones, ...]
"""Onset, nucleus, coda, onset, nucleus, coda, … of a word; onsets and codas may be empty."""

START: Phones = ("",)
WIDTH = 400
"""Chains kept at each step of the search."""


@dataclass(frozen=True, eq=False)
class SyllableChains:
    """The chains of a lexicon's forms. Clusters between vowels are cut so that legal onsets are longest."""

    lexicon: MentalLexicon

    def parts(self, phones: Phones) -> Parts:
        """Return the onsets, nuclei and codas of a phone string; empty where it has no vowel."""
        syllables = syllabified(phones, self._onsets)
        return tuple(part for s in syllables for part in (s.onset, (s.nucleus,), s.coda))

    def near(self, parts: Parts, *, n_changed: int, rng: np.random.Generator) -> list[tuple[Phones, float]]:
        """Return chains with `n_changed` other parts of the same lengths, and their mismatch, the least first.

        Every transition occurs in words of as many parts. The mismatch is the mean absolute difference of log10
        transition counts. A beam of `WIDTH` chains is followed for each number of changes made so far.
        """
        slots = self._counts[len(parts)]
        own = [slots[i][parts[i - 1] if i else START][parts[i]] for i in range(len(parts))]
        beams: dict[int, list[tuple[float, float, Parts]]] = {0: [(0.0, 0.0, ())]}
        for slot, part in enumerate(parts):
            grown: dict[int, list[tuple[float, float, Parts]]] = defaultdict(list)
            for n_so_far, beam in beams.items():
                for cost, _, chain in beam:
                    for other, count in slots[slot][chain[-1] if chain else START].items():
                        n_now = n_so_far + (other != part)
                        n_open = len(parts) - slot - 1
                        if len(other) == len(part) and n_now <= n_changed <= n_now + n_open:
                            step = abs(math.log10(count) - math.log10(max(own[slot], 1)))
                            grown[n_now].append((cost + step, float(rng.random()), (*chain, other)))
            beams = {n_now: sorted(beam)[:WIDTH] for n_now, beam in grown.items()}
        found = sorted(beams.get(n_changed, []))
        return [(tuple(phone for part in chain for phone in part), cost / len(parts)) for cost, _, chain in found]

    @cached_property
    def _onsets(self) -> frozenset[Phones]:
        return legal_onsets(self.lexicon.forms.phones)

    @cached_property
    def _counts(self) -> dict[int, list[defaultdict[Phones, Counter[Phones]]]]:
        """For each number of parts and each slot: how often a part follows the one before."""
        found: dict[int, list[defaultdict[Phones, Counter[Phones]]]] = {}
        for phones in self.lexicon.forms.phones:
            parts = self.parts(phones)
            slots = found.setdefault(len(parts), [defaultdict(Counter) for _ in parts])
            for slot, part in enumerate(parts):
                slots[slot][parts[slot - 1] if slot else START][part] += 1
        return found
