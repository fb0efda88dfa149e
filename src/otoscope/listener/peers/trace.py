"""TRACE (McClelland & Elman 1986): features, phones and words that excite their likes and inhibit their rivals.

Written from the equations and defaults of the paper and of jTRACE (Strauss, Harris & Magnuson 2007), vectorised over
inputs, words and places: the only loop is over processing cycles. In come strings of phones, out comes how active
every word is after every cycle.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from otoscope.core import BadInput
from otoscope.listener.peers.features import SILENCE, feature_table, phone_rows
from otoscope.listener.peers.simulated import Simulated, check_memory
from otoscope.listener.peers.trace_parameters import TraceParameters, checked_counts
from otoscope.listener.peers.wiring import SLICES_PER_PHONE_SLOT, SLOTS_PER_PHONE, Wiring, input_pattern

Matrix = NDArray[np.float64]

CHUNK = 16
"""Inputs simulated side by side; more does not make it faster."""
REACH = (0.75 / 2.625, 1.0 / 2.625, 0.75 / 2.625)
"""What a phone one place early, in place, and one place late tells a word: 1 - d/4 over the sum of all five squares."""


class TraceModel:
    """TRACE with a lexicon.

    Parameters
    ----------
    words
        Strings of jTRACE phones, each once.
    parameters
        How strongly units act on one another.
    counts
        How often each word is met; needed where `frequency_rest` or `frequency_weight` is not 0.
    silence
        Whether silence is a word too, as in jTRACE.
    rationalised
        Whether phones have the later features, one value of each (`features.feature_table`).

    Raises
    ------
    BadInput
        A word has a sound that TRACE lacks, or stands there twice; counts are missing, negative, or not one a word.

    Notes
    -----
    Features, input, nets, order of update and bounds were read against jTRACE (`TraceNet` and `TracePhones`, Strauss,
    Harris & Magnuson 2007) and agree with it. The published times of the slex words still do not come out; what is
    known of them and what was tried stands in `studies.trace_tisk`.
    """

    def __init__(
        self,
        words: Sequence[str],
        *,
        parameters: TraceParameters | None = None,
        counts: Sequence[float] | None = None,
        silence: bool = True,
        rationalised: bool = False,
    ) -> None:
        if not words or len(set(words)) < len(words):
            raise BadInput(f"a lexicon needs words, each once; got {len(words)}, {len(set(words))} of them different")
        self.parameters = parameters or TraceParameters()
        self.words = tuple(words) if SILENCE in words or not silence else (*words, SILENCE)
        self._wiring = Wiring.build(
            self.words, self.parameters.n_slices, spread=self.parameters.spread, early=self.parameters.early
        )
        self._table = feature_table(rationalised=rationalised)
        self._counts = np.zeros(len(self.words))
        self._counts[: len(words)] = checked_counts(counts, len(words), self.parameters)

    def hear(
        self, inputs: Sequence[str], *, n_cycles: int = 100, slot: int | None = None, silences: tuple[int, int] = (1, 1)
    ) -> Simulated:
        """Simulate what happens when each input is heard between silences.

        Parameters
        ----------
        inputs
            Strings of phones.
        n_cycles
            How long; the first cycle of the result is the rest before anything was heard.
        slot
            The place where words are read; by default where the first phone behind the silence lies. Place -1 reads
            each word wherever it is most active just then.
        silences
            How many silences, each as long as a phone, come before and behind.

        Raises
        ------
        BadInput
            An input has a sound that TRACE lacks, or goes on behind the last slice; or there is no such place.
        NotAble
            The activations would not fit into memory.
        """
        size = len(self.words) * self._wiring.n_slots * CHUNK
        check_memory(8.0 * (len(inputs) * n_cycles * len(self.words) + 6 * size), f"{len(inputs)} inputs in TRACE")
        p = self.parameters
        place = (1 + silences[0]) * p.step // SLICES_PER_PHONE_SLOT if slot is None else slot
        self._check_places(inputs, place, silences[0])
        made = np.empty((len(inputs), n_cycles, len(self.words)))
        said = [phone_rows(SILENCE * silences[0] + heard + SILENCE * silences[1]) for heard in inputs]
        patterns = [input_pattern(rows, p.n_slices, self._table, step=p.step, spread=p.spread) for rows in said]
        for start in range(0, len(inputs), CHUNK):
            state = _State(
                p,
                self._wiring,
                table=self._table,
                counts=self._counts,
                patterns=np.stack(patterns[start : start + CHUNK]),
            )
            for cycle in range(n_cycles):
                made[start : start + CHUNK, cycle] = state.words.max(axis=2) if place < 0 else state.words[:, :, place]
                state.step()
        return Simulated(tuple(inputs), self.words, made)

    def _check_places(self, inputs: Sequence[str], place: int, n_before: int) -> None:
        p, n_slots = self.parameters, self._wiring.n_slots
        if not -1 <= place < n_slots:
            raise BadInput(
                f"there is no place {place} to read words at: they go from 0 to {n_slots - 1}, or -1 for all"
            )
        longest = max(inputs, key=len, default="")
        if p.step * (n_before + len(longest)) >= p.n_slices:
            raise BadInput(f"{longest!r} goes on behind the last of {p.n_slices} slices; raise n_slices")

    def hear_phones(self, patterns: Matrix, *, n_cycles: int = 100) -> Matrix:
        """Return `(n_inputs, n_cycles, n_phones, n_slots)`: how active every phone is at every place.

        Parameters
        ----------
        patterns
            `(n_inputs, n_features * n_values, n_slices)` as `wiring.input_pattern` makes them, of any sound: also of
            sounds between two phones, or with one left out.
        n_cycles
            How long; the first cycle of the result is the rest before anything was heard.

        Raises
        ------
        BadInput
            The patterns have another shape.
        NotAble
            The activations would not fit into memory.
        """
        p, n_phones = self.parameters, len(self._table)
        expected = (self._table[0].size, p.n_slices)
        if patterns.ndim != 3 or patterns.shape[1:] != expected:
            raise BadInput(f"patterns must be (n_inputs, {expected[0]}, {expected[1]}), got {patterns.shape}")
        slots = self._wiring.n_slots
        check_memory(8.0 * len(patterns) * slots * (n_cycles * n_phones + 6 * len(self.words)), "phones of TRACE")
        made = np.empty((len(patterns), n_cycles, n_phones, slots))
        state = _State(p, self._wiring, table=self._table, counts=self._counts, patterns=patterns)
        for cycle in range(n_cycles):
            made[:, cycle] = state.phones
            state.step()
        return made


class _State:
    """Activations of all units for some inputs: `features (n, 63, n_slices)`, `phones (n, 15, n_slots)`, `words`."""

    def __init__(
        self, parameters: TraceParameters, wiring: Wiring, *, table: Matrix, counts: Matrix, patterns: Matrix
    ) -> None:
        p = parameters
        self.p, self.wiring, self.patterns = p, wiring, p.input_feature * patterns
        self.definitions = table.reshape(len(table), -1)
        n, slots = len(patterns), wiring.n_slots
        self.features = np.full((n, self.definitions.shape[1], p.n_slices), p.feature_rest)
        self.phones = np.full((n, len(table), slots), p.phone_rest)
        self.word_rest = (p.word_rest + p.frequency_rest * np.log10(1.0 + counts))[:, None]
        self.heeds = 1.0 + p.frequency_weight * np.log10(np.maximum(counts, 1.0))
        self.words = np.full((n, len(wiring.lengths), slots), 0.0) + self.word_rest
        self.heard = 0
        first = np.zeros_like(self.features)
        first[:, :, 0] = patterns[:, :, 0]
        self.features = self._moved(self.features, first, p.feature_decay, p.feature_rest)

    def step(self) -> None:
        """One cycle: all nets from the activations before, then all layers at once."""
        p = self.p
        features = np.maximum(self.features, 0.0)
        phones = np.maximum(self.phones, 0.0)
        into_features = self._rivals_of_features(features)
        if self.heard < p.n_slices - 1:
            into_features[:, :, self.heard + 1] += self.patterns[:, :, self.heard + 1]
            self.heard += 1
        into_phones = self._from_features(features) - self._rivals_of_phones(phones)
        into_words = self._from_phones(phones)
        self._words_speak(into_phones, into_words)
        self.features = self._moved(self.features, into_features, p.feature_decay, p.feature_rest)
        self.phones = self._moved(self.phones, into_phones, p.phone_decay, p.phone_rest)
        self.words = self._moved(self.words, into_words, p.word_decay, self.word_rest)

    def _moved(self, now: Matrix, net: Matrix, decay: float, rest: float | Matrix) -> Matrix:
        """Return activations after a cycle: towards a bound by the net input, towards rest by decay."""
        room = np.where(net > 0, self.p.highest - now, now - self.p.lowest)
        moved: Matrix = now + room * net - decay * (now - rest)
        return np.clip(moved, self.p.lowest, self.p.highest, out=moved)

    def _rivals_of_features(self, active: Matrix) -> Matrix:
        n, _, n_slices = active.shape
        by_feature = active.reshape(n, 7, 9, n_slices)
        others = by_feature.sum(axis=2, keepdims=True) - by_feature
        return -self.p.feature_rivals * np.maximum(others, 0.0).reshape(active.shape)

    def _from_features(self, active: Matrix) -> Matrix:
        told: Matrix = np.matmul(self.definitions, np.matmul(active, self.wiring.triangle.T))
        return self.p.feature_phone * told

    def _rivals_of_phones(self, active: Matrix) -> Matrix:
        near = self.wiring.near
        at_place = active.sum(axis=1) @ near
        own = near.sum(axis=1) * active * (at_place[:, None] > 0)
        return self.p.phone_rivals * ((at_place @ near.T)[:, None] - own)

    def _from_phones(self, active: Matrix) -> Matrix:
        """Return what words are told: each phone about the words that have it at that place, or next to it."""
        n, n_phones, slots = active.shape
        longest = self.wiring.phones.shape[1]
        told = np.zeros((n, n_phones + 1, slots + SLOTS_PER_PHONE * longest))
        padded = np.pad(active, ((0, 0), (0, 0), (1, 2)))
        for late, share in enumerate(REACH):
            told[:, :-1, : slots + 1] += share * padded[:, :, late : late + slots + 1]
        net = np.zeros((n, len(self.wiring.lengths), slots))
        for place in range(longest):
            start = SLOTS_PER_PHONE * place
            net += told[:, self.wiring.phones[:, place], start : start + slots]
        net[:, :, -1] = 0.0
        return 2 * self.p.phone_word * self.heeds[:, None] * net

    def _words_speak(self, into_phones: Matrix, into_words: Matrix) -> None:
        """Add what active words tell their phones, and take away what they take from other words."""
        who, word, place = np.nonzero(self.words > 0)
        amount = self.words[who, word, place]
        if self.p.word_phone:
            into_phones[:, :, :-1] += self.p.word_phone * self._feedback(who, word, place, amount)[:, :, :-1]
        n, _, slots = self.words.shape
        wiring, scale = self.wiring, self.p.word_rivals
        n_lengths = len(wiring.covers)
        at = (who * n_lengths + wiring.lengths[word]) * slots + place
        squares = np.bincount(at, amount**2, minlength=n * n_lengths * slots).reshape(n, n_lengths, slots)
        rivalry = np.minimum(np.einsum("nls,lst->nt", squares, wiring.covers), self.p.most_rivalry) * scale
        into_words -= np.einsum("nt,lst->nls", rivalry, wiring.covers)[:, wiring.lengths]
        covered = wiring.covers.sum(axis=2)[wiring.lengths[word], place]
        into_words[who, word, place] += covered * amount**2 * scale

    def _feedback(
        self, who: NDArray[np.intp], word: NDArray[np.intp], place: NDArray[np.intp], amount: Matrix
    ) -> Matrix:
        """Return `(n, n_phones, n_slots)`: what the active words say of their phones, at their place and next to it."""
        n, n_phones, slots = self.phones.shape
        spelt = self.wiring.phones
        wide = slots + SLOTS_PER_PHONE * spelt.shape[1]
        heeded = amount * self.heeds[word]
        said = np.zeros(n * n_phones * wide)
        for position in range(spelt.shape[1]):
            there = spelt[word, position] >= 0
            at = (who * n_phones + spelt[word, position]) * wide + place + SLOTS_PER_PHONE * position
            said += np.bincount(at[there], heeded[there], minlength=said.size)
        told = np.pad(said.reshape(n, n_phones, wide), ((0, 0), (0, 0), (1, 1)))
        spoken: Matrix = np.zeros((n, n_phones, slots))
        for late, share in enumerate(REACH):
            spoken += share * told[:, :, late : late + slots]
        return spoken
