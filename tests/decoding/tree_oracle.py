"""Slow and plain: what the decoder must find, by trying every word sequence, pronunciation and silence."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from otoscope.decoding.tree import HmmState
from otoscope.lexicon.ngram.automaton import BackoffAutomaton

SIL = "sil"
States = tuple[HmmState, ...]


@dataclass(frozen=True)
class TableModels:
    """Phone models drawn at random for each context, from a small pool so that some are equal."""

    phones: tuple[str, ...]
    context: tuple[bool, bool]
    table: Mapping[tuple[str | None, str, str | None], States]
    silence: str = SIL

    def states(self, left: str | None, phone: str, right: str | None) -> States:
        key = (left if self.context[0] else None, phone, right if self.context[1] else None)
        return self.table[(None, phone, None) if phone == self.silence else key]


def random_models(
    rng: np.random.Generator, phones: Sequence[str], *, context: tuple[bool, bool], topology: str, n_columns: int
) -> TableModels:
    """Models of a topology: `hmm` (three states), `one`, `skip` (second state may be skipped), `ctc` (blank first)."""
    neighbours: list[str | None] = [*phones, SIL, None]
    lefts = neighbours if context[0] else [None]
    rights = neighbours if context[1] else [None]
    table: dict[tuple[str | None, str, str | None], States] = {(None, SIL, None): (_state(rng, 0),)}
    for phone in phones:
        pool = [_sequence(rng, topology, n_columns) for _ in range(3)]
        for left, right in itertools.product(lefts, rights):
            states = pool[rng.integers(3)]
            if topology == "ctc" and left != phone:
                states = (HmmState(0, 0.0, 0.0, 0.0), *states[1:])
            table[left, phone, right] = states
    return TableModels(tuple(phones), context, table)


def _state(rng: np.random.Generator, column: int, *, skip: bool = False) -> HmmState:
    stay = rng.uniform(0.2, 0.8)
    return HmmState(column, math.log(stay), math.log(1 - stay), math.log(0.3) if skip else -math.inf)


def _sequence(rng: np.random.Generator, topology: str, n_columns: int) -> States:
    columns = rng.integers(1, n_columns, size=3).tolist()
    if topology == "one":
        return (_state(rng, columns[0]),)
    if topology == "skip":
        return (_state(rng, columns[0]), _state(rng, columns[1], skip=True))
    if topology == "ctc":
        return (HmmState(0, 0.0, 0.0), HmmState(columns[0], 0.0, 0.0))
    return tuple(_state(rng, column) for column in columns)


def readings(
    words: Sequence[str],
    lexicon: Mapping[str, Sequence[tuple[str, ...]]],
    models: TableModels,
    log_silence: float,
    pronunciation_log_probs: Mapping[str, Sequence[float]] | None = None,
) -> Iterator[tuple[list[tuple[int, str, HmmState]], float]]:
    """Every way to say `words`: its states as (word index or -1, phone, state), and its log weight."""
    log_none = math.log1p(-math.exp(log_silence)) if log_silence < 0 else -math.inf
    variants = [range(len(lexicon[w])) for w in words]
    for choice in itertools.product(*variants):
        for silences in itertools.product((False, True), repeat=len(words) + 1):
            if not words and silences[0] is False:
                yield [], log_none
                continue
            phones: list[tuple[int, str]] = [(-1, SIL)] if silences[0] else []
            for k, word in enumerate(words):
                phones += [(k, p) for p in lexicon[word][choice[k]]]
                if silences[k + 1]:
                    phones.append((-1, SIL))
            weight = sum(log_silence if s else log_none for s in silences)
            if pronunciation_log_probs:
                weight += sum(pronunciation_log_probs[w][choice[k]] for k, w in enumerate(words))
            names = [None, *(p for _, p in phones), None]
            states = [(k, p, s) for i, (k, p) in enumerate(phones) for s in models.states(names[i], p, names[i + 2])]
            yield states, weight


def chain_score(
    scores: np.ndarray, states: Sequence[HmmState], *, join: Callable[[float, float], float] = max
) -> float:
    """Score of all frames along a chain of states: the best path's, or with `join=np.logaddexp` that of all."""
    n, inf = len(states), math.inf
    if not states:
        return 0.0 if len(scores) == 0 else -inf
    if len(scores) == 0:
        return -inf

    def entering(base: Sequence[float]) -> list[float]:
        """Score of entering each state, given the score of having left the one before (index 0: the start)."""
        before, out = list(base), []
        for j in range(n):
            out.append(before[j])
            before[j + 1] = join(before[j + 1], before[j] + states[j].log_skip)
        out.append(before[n])
        return out

    row = [v + scores[0, s.column] for v, s in zip(entering([0.0] + [-inf] * n), states, strict=False)]
    for frame in scores[1:]:
        left = entering([-inf, *(row[j] + states[j].log_leave for j in range(n))])
        row = [join(left[j], row[j] + s.log_loop) + frame[s.column] for j, s in enumerate(states)]
    return entering([-inf, *(row[j] + states[j].log_leave for j in range(n))])[n]


def lm_score(lm: BackoffAutomaton, words: Sequence[str]) -> float:
    """log P(words and the end), walking the automaton by hand."""
    ids = {w: i for i, w in enumerate(lm.words)}
    total, state = 0.0, lm.start
    for word in [*(ids.get(w, lm.unknown_word) for w in words), lm.end_word]:
        while True:
            arcs = range(lm.arc_start[state], lm.arc_start[state + 1])
            found = [a for a in arcs if lm.arc_word[a] == word]
            if found:
                total, state = total + float(lm.arc_log_prob[found[0]]), int(lm.arc_next[found[0]])
                break
            if state == 0:
                return -math.inf
            total, state = total + float(lm.backoff_log[state]), int(lm.backoff_state[state])
    return total


def random_lm(rng: np.random.Generator, words: Sequence[str], *, order: int) -> BackoffAutomaton:
    """A backoff model with random n-grams and weights (no distribution: decoders do not care)."""
    vocabulary = [*words, "</s>"]
    histories: list[tuple[int, ...]] = [()]
    start = (len(vocabulary),)
    for n in range(1, order):
        histories += [
            h for h in itertools.product(range(len(words)), repeat=n) if rng.uniform() < 0.6 and h[1:] in histories
        ]
        if n == 1:
            histories.append(start)
    number = {h: i for i, h in enumerate(histories)}
    arc_start, word, log, following, backoff = [0], [], [], [], []
    for history in histories:
        for w in range(len(vocabulary)):
            if history and rng.uniform() < 0.5:
                continue
            longest = (*history, w)
            while longest not in number or w == len(words):
                if not longest:
                    break
                longest = longest[1:]
            word.append(w)
            log.append(rng.uniform(-4, -0.1))
            following.append(number[longest])
        arc_start.append(len(word))
        shorter = history[1:]
        while shorter not in number:
            shorter = shorter[1:]
        backoff.append(number[shorter] if history else -1)
    return BackoffAutomaton(
        words=tuple(vocabulary),
        arc_start=np.array(arc_start, dtype=np.int64),
        arc_word=np.array(word, dtype=np.int32),
        arc_log_prob=np.array(log, dtype=np.float32),
        arc_next=np.array(following, dtype=np.int32),
        backoff_state=np.array(backoff, dtype=np.int32),
        backoff_log=rng.uniform(-1, 0, size=len(histories)).astype(np.float32),
        start=number[start] if order > 1 else 0,
        end_word=len(words),
    )
