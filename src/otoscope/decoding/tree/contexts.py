"""State sequences of phones in context, numbered: equal sequences have one number, wherever they occur."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from otoscope.core import BadInput, UnknownName
from otoscope.decoding.tree.units import HmmState, PhoneModels

Phones = tuple[str, ...]


class StateSequences:
    """What `PhoneModels` answer, as arrays.

    Neighbours are numbered like the phones; `silence` and `edge` follow them. A side that does not matter to the
    models is asked for as an edge, so that all its neighbours share one answer.

    Attributes
    ----------
    start
        `(n_sequences + 1,)` int64: sequence q owns rows `start[q]:start[q + 1]` of the other arrays.
    prefix
        `(n_rows,)` int64 number of the sequence's beginning up to and with this state: equal beginnings share it.
    column, loop, leave, skip
        Of each state, as in `HmmState`.
    skip_here
        Log weight of entering here: all states before are skipped.
    skip_rest
        Log weight of skipping all states after this one.
    """

    def __init__(self, models: PhoneModels) -> None:
        self.models = models
        self.phones = tuple(phone for phone in models.phones if phone != models.silence)
        self.index = {phone: i for i, phone in enumerate(self.phones)}
        n = len(self.phones)
        self.silence, self.edge, self.n_neighbours = n, n + 1, n + 2
        self._neighbours: tuple[str | None, ...] = (*self.phones, models.silence, None)
        self._sequences: dict[tuple[HmmState, ...], int] = {}
        self._prefixes: dict[tuple[HmmState, ...], int] = {}
        self._table = np.full((n + 2, n + 1, n + 2), -1, dtype=np.int32)

    def numbered(self, phones: Sequence[str], word: str) -> list[int]:
        """Return the numbers of a pronunciation's phones.

        Raises
        ------
        UnknownName
            A phone that the models do not have.
        """
        try:
            return [self.index[phone] for phone in phones]
        except KeyError as error:
            raise UnknownName(f"phone in {word!r}", str(error.args[0]), self.phones) from None

    def of(self, left: NDArray[np.int64], phone: NDArray[np.int64], right: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the sequence number of each phone between its neighbours, arrays of one shape."""
        if not self.models.context[0]:
            left = np.full_like(left, self.edge)
        if not self.models.context[1]:
            right = np.full_like(right, self.edge)
        answer = self._table[left, phone, right]
        if answer.size and answer.min() < 0:
            missing = np.flatnonzero(answer < 0)
            keys = np.stack([left.ravel()[missing], phone.ravel()[missing], right.ravel()[missing]], axis=1)
            for a, b, c in np.unique(keys, axis=0).tolist():
                self._table[a, b, c] = self._number(a, b, c)
            answer = self._table[left, phone, right]
        return answer.astype(np.int64)

    def _number(self, left: int, phone: int, right: int) -> int:
        name = self._neighbours[phone]
        assert name is not None
        states = tuple(self.models.states(self._neighbours[left], name, self._neighbours[right]))
        if states not in self._sequences:
            check_states(states, name)
            self._sequences[states] = len(self._sequences)
        return self._sequences[states]

    def freeze(self) -> None:
        """Lay out all sequences asked for so far as arrays."""
        sequences = list(self._sequences)
        self.start = np.concatenate([[0], np.cumsum([len(s) for s in sequences])]).astype(np.int64)
        states = [state for sequence in sequences for state in sequence]
        self.column = np.array([s.column for s in states], dtype=np.int32)
        self.loop = np.array([s.log_loop for s in states], dtype=np.float64)
        self.leave = np.array([s.log_leave for s in states], dtype=np.float64)
        self.skip = np.array([s.log_skip for s in states], dtype=np.float64)
        self.prefix = np.array([self._prefix(s[: j + 1]) for s in sequences for j in range(len(s))], dtype=np.int64)
        pairs = [entry_and_rest(sequence) for sequence in sequences]
        self.skip_here = np.array([w for entry, _ in pairs for w in entry], dtype=np.float64)
        self.skip_rest = np.array([w for _, rest in pairs for w in rest], dtype=np.float64)

    @property
    def n_prefixes(self) -> int:
        """How many different beginnings there are."""
        return len(self._prefixes)

    def _prefix(self, states: tuple[HmmState, ...]) -> int:
        return self._prefixes.setdefault(states, len(self._prefixes))


def entry_and_rest(states: Sequence[HmmState]) -> tuple[list[float], list[float]]:
    """Return for each state the log weight of skipping all states before it, and all states after it."""
    entry, rest = [0.0], [0.0]
    for state in states[:-1]:
        entry.append(entry[-1] + state.log_skip)
    for state in reversed(states[1:]):
        rest.append(rest[-1] + state.log_skip)
    return entry, rest[::-1]


def check_states(states: Sequence[HmmState], phone: str) -> None:
    """Refuse a phone that could take no frame, or whose numbers are no log probabilities."""
    if not any(state.log_skip == -math.inf for state in states):
        raise BadInput(f"phone {phone!r} needs at least one state that cannot be skipped, got {len(states)} states")
    for state in states:
        logs = (state.log_loop, state.log_leave, state.log_skip)
        if state.column < 0 or not all(log < math.inf for log in logs):
            raise BadInput(f"phone {phone!r}: a state needs a column >= 0 and logs below inf, got {state}")


def pronunciations_of(
    lexicon: Mapping[str, Sequence[Phones]],
    words: Iterable[str],
    log_probs: Mapping[str, Sequence[float]] | None,
) -> list[tuple[str, Phones, float]]:
    """Return (word, phones, log probability) of every pronunciation of `words`.

    Raises
    ------
    UnknownName
        A word that the lexicon does not have.
    BadInput
        A word without pronunciation, a pronunciation without phones, or not as many log probabilities as these.
    """
    found: list[tuple[str, Phones, float]] = []
    for word in words:
        if word not in lexicon:
            raise BadInput(f"the lexicon has no pronunciation of {word!r}; add one, or make it by otoscope.lexicon.g2p")
        variants = lexicon[word]
        logs = log_probs.get(word, (0.0,) * len(variants)) if log_probs else (0.0,) * len(variants)
        if not variants or not all(variants) or len(logs) != len(variants):
            raise BadInput(
                f"{word!r} needs pronunciations of one phone at least, each with at most one log probability; "
                f"got {len(variants)} pronunciations and {len(logs)} log probabilities"
            )
        found.extend((word, tuple(phones), float(log)) for phones, log in zip(variants, logs, strict=True))
    return found
