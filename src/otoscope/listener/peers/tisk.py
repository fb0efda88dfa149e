"""TISK (Hannagan, Magnuson & Grainger 2013): words told by which phones, and which pairs in which order, were heard.

Written from the papers (also You & Magnuson 2018; Magnuson, You & Hannagan 2024, with feedback from words),
vectorised over inputs and words: the only loop is over processing cycles. Words that inhibit one another by how many
pieces they share do so through their pieces, never through a table of words by words; a lexicon of 60,000 needs no
28.8 GB.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from otoscope.core import BadInput, UnknownName
from otoscope.listener.peers.simulated import Simulated, check_memory

Matrix = NDArray[np.float64]

STEPS = 10
"""Processing cycles for which each phone of the input lasts."""
PULSE = 0.1
"""What a phone or pair that was heard gets in each cycle."""
MOST_PAIRS = 4 << 20
"""Pairs of phones, over all inputs simulated side by side."""


@dataclass(frozen=True)
class TiskParameters:
    """Parameters of TISK; the defaults are those that do best without feedback (2024, table 2).

    Phones of the input excite `phone_piece` single phones and ordered pairs, which are on above `threshold`; pairs
    excite words by `pair_word` over the word's length, single phones by `single_word`; words inhibit one another by
    `word_rivals` for each phone or neighbouring pair they share. Words speak back to their own pieces by
    `feedback_excites`, to all others by `feedback_inhibits` (below zero).
    """

    phone_piece: float = 0.1
    threshold: float = 0.91
    pair_word: float = 0.05
    single_word: float = 0.01
    word_rivals: float = 0.001
    phone_decay: float = 0.001
    piece_decay: float = 0.15
    word_decay: float = 0.05
    feedback_excites: float = 0.0
    feedback_inhibits: float = 0.0
    n_slots: int = 10

    @classmethod
    def original(cls) -> TiskParameters:
        """Return those of Hannagan, Magnuson and Grainger (2013)."""
        return cls(phone_decay=0.01, piece_decay=0.01, word_rivals=0.005)

    @classmethod
    def with_feedback(cls) -> TiskParameters:
        """Return those of the model in which words speak back."""
        return cls(piece_decay=0.1, word_rivals=0.01, feedback_excites=0.09, feedback_inhibits=-0.06)


class TiskModel:
    """TISK with a lexicon.

    Parameters
    ----------
    words
        Names of the words, each once.
    pronunciations
        Phones of each; without, every character of a word is a phone.
    parameters
        How strongly units act on one another. `n_slots` grows to the longest word.

    Raises
    ------
    BadInput
        A word stands there twice or has no phones.
    """

    def __init__(
        self,
        words: Sequence[str],
        *,
        pronunciations: Sequence[Sequence[str]] | None = None,
        parameters: TiskParameters | None = None,
    ) -> None:
        if not words or len(set(words)) < len(words):
            raise BadInput(f"a lexicon needs words, each once; got {len(words)}, {len(set(words))} of them different")
        spoken = [tuple(p) for p in (words if pronunciations is None else pronunciations)]
        if len(spoken) != len(words) or not all(spoken):
            raise BadInput(f"every word needs phones: {len(words)} words, {sum(map(bool, spoken))} pronunciations")
        self.words = tuple(words)
        self.parameters = parameters or TiskParameters()
        self.phones = tuple(dict.fromkeys(phone for word in spoken for phone in word))
        self.n_slots = max(self.parameters.n_slots, *map(len, spoken))
        self._spoken = dict(zip(words, spoken, strict=True))
        self._links = _Links.build(spoken, self.phones, self.parameters)

    def hear(self, inputs: Sequence[str | Sequence[str]]) -> Simulated:
        """Simulate what happens when each input is heard, for `n_slots` times ten cycles.

        Parameters
        ----------
        inputs
            Words of the lexicon, or sequences of phones (a string that is no word: its characters).

        Raises
        ------
        UnknownName
            An input has a phone that no word has.
        BadInput
            An input is longer than there are slots.
        NotAble
            The activations would not fit into memory.
        """
        n_cycles, n_phones = self.n_slots * STEPS, len(self.phones)
        check_memory(8.0 * len(inputs) * (n_cycles + 4) * len(self.words), f"{len(inputs)} inputs in TISK")
        rows = [self._rows(heard) for heard in inputs]
        made = np.empty((len(inputs), n_cycles, len(self.words)))
        chunk = max(1, MOST_PAIRS // n_phones**2)
        for start in range(0, len(inputs), chunk):
            state = _State(self.parameters, self._links, self.n_slots, rows[start : start + chunk])
            for cycle in range(n_cycles):
                state.step(cycle // STEPS)
                made[start : start + chunk, cycle] = state.words
        names = tuple(heard if isinstance(heard, str) else " ".join(heard) for heard in inputs)
        return Simulated(names, self.words, made)

    def _rows(self, heard: str | Sequence[str]) -> NDArray[np.int64]:
        phones = self._spoken.get(heard, tuple(heard)) if isinstance(heard, str) else tuple(heard)
        if not 0 < len(phones) <= self.n_slots:
            raise BadInput(f"{len(phones)} phones were given; this lexicon has {self.n_slots} slots for 1 or more")
        for phone in phones:
            if phone not in self.phones:
                raise UnknownName("phone", phone, self.phones)
        return np.array([self.phones.index(phone) for phone in phones])


@dataclass(frozen=True)
class _Links:
    """Sparse links of words `(n_words, n_pieces)`: pieces are single phones, then all ordered pairs."""

    tells: sparse.csr_array
    has: sparse.csr_array
    shares: sparse.csr_array
    n_shared: Matrix

    @classmethod
    def build(cls, spoken: Sequence[tuple[str, ...]], phones: Sequence[str], parameters: TiskParameters) -> _Links:
        place = {phone: row for row, phone in enumerate(phones)}
        n, size = len(phones), (len(spoken), len(phones) * (len(phones) + 1))
        near, open_pairs, weights = [], [], []
        for word in spoken:
            rows = [place[phone] for phone in word]
            singles = sorted(set(rows))
            near.append(singles + sorted({n + a * n + b for a, b in pairwise(rows)}))
            pairs = sorted({n + a * n + b for i, a in enumerate(rows) for b in rows[i + 1 :]})
            open_pairs.append(singles + pairs)
            weights += [parameters.single_word] * len(singles) + [parameters.pair_word / len(word)] * len(pairs)
        has = _sparse(open_pairs, np.ones(len(weights)), size)
        shares = _sparse(near, np.ones(sum(map(len, near))), size)
        return cls(_sparse(open_pairs, np.array(weights), size), has, shares, np.array([len(p) for p in near], float))


def _sparse(columns: Sequence[Sequence[int]], values: Matrix, size: tuple[int, int]) -> sparse.csr_array:
    ends = np.concatenate([[0], np.cumsum([len(c) for c in columns])])
    return sparse.csr_array((values, np.concatenate([np.asarray(c) for c in columns]), ends), shape=size)


class _State:
    """Activations for some inputs: `phones (n, n_slots, n_phones)`, `pieces (n, n_pieces)`, `words (n, n_words)`."""

    def __init__(
        self, parameters: TiskParameters, links: _Links, n_slots: int, rows: Sequence[NDArray[np.int64]]
    ) -> None:
        n, n_words = len(rows), links.n_shared.size
        n_phones = int((np.sqrt(1 + 4 * links.tells.shape[1]) - 1) / 2 + 0.5)
        self.p, self.links, self.n_slots, self.n_phones = parameters, links, n_slots, n_phones
        self.input = np.zeros((n, n_slots, n_phones))
        for number, phones in enumerate(rows):
            self.input[number, np.arange(len(phones)), phones] = 1.0
        said_before = np.cumsum(self.input, axis=1) - self.input
        self.open = (said_before == 0).astype(float)
        self.phones = np.zeros((n, n_slots, n_phones))
        self.pieces = np.zeros((n, n_phones * (n_phones + 1)))
        self.words = np.zeros((n, n_words))

    def step(self, slot: int) -> None:
        """One cycle, while the phone of this slot is heard: all nets first, then all layers at once."""
        p, links = self.p, self.links
        into_pieces = np.where(self._heard(slot) >= p.threshold, PULSE, 0.0)
        if p.feedback_excites or p.feedback_inhibits:
            own = (links.has.T @ self.words.T).T
            all_words = self.words.sum(axis=1, keepdims=True)
            into_pieces += p.feedback_excites * own + p.feedback_inhibits * (all_words - own)
        shared = (links.shares @ (links.shares.T @ self.words.T)).T - links.n_shared * self.words
        into_words = (links.tells @ self.pieces.T).T - p.word_rivals * shared
        into_phones = np.zeros_like(self.phones)
        into_phones[:, slot] = self.input[:, slot]
        self.phones = _moved(self.phones, into_phones, p.phone_decay)
        self.pieces = _moved(self.pieces, into_pieces, p.piece_decay)
        self.words = _moved(self.words, into_words, p.word_decay)

    def _heard(self, slot: int) -> Matrix:
        """Return what pieces are told by phones: singles always, pairs by how early the first and late the second was.

        A phone that was heard in an earlier slot no longer opens a pair with another phone (the gates of the symmetry
        network).
        """
        last = self.n_slots - 1
        slots = np.arange(self.n_slots)
        total = self.phones.sum(axis=1)
        gate = np.where((slots <= slot)[None, :, None], self.open, self._closed(slot))
        first = np.einsum("nsp,s->np", self.phones * gate, (last - slots).astype(float))
        second = np.einsum("nsp,s->np", self.phones, slots.astype(float))
        pairs = first[:, :, None] + second[:, None, :]
        same = np.arange(self.n_phones)
        pairs[:, same, same] = last * total
        whole = np.concatenate([self.n_slots * total, pairs.reshape(len(pairs), -1)], axis=1)
        return self.p.phone_piece * whole

    def _closed(self, slot: int) -> Matrix:
        """Return gates of slots to come: phones there are silent still."""
        return (self.input[:, :slot].sum(axis=1, keepdims=True) == 0).astype(float)


def _moved(now: Matrix, net: Matrix, decay: float) -> Matrix:
    """Return activations after a cycle, between 0 and 1: towards the net input, down by decay."""
    moved: Matrix = now * (1 - decay) - np.abs(net) * now + np.maximum(net, 0.0)
    return np.clip(moved, 0.0, 1.0, out=moved)
