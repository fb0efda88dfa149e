"""Another language model for a lattice: its nodes split by the states of that model."""

from __future__ import annotations

import dataclasses
from typing import TypeVar

import numpy as np

from otoscope.decoding.lattice.arcs import LatticeArcs
from otoscope.decoding.lattice.ngram_steps import ngram_arrays, step, word_ids
from otoscope.lexicon.ngram.automaton import BackoffAutomaton

_Lattice = TypeVar("_Lattice", bound=LatticeArcs)


def with_other_lm(lattice: _Lattice, lm: BackoffAutomaton, *, lm_scale: float, word_penalty: float) -> _Lattice:
    """Return the lattice with exact scores of `lm`: paths share a node where the model's state is the same."""
    ngram = ngram_arrays(lm)
    used = np.unique(lattice.word[lattice.word >= 0])
    ids = np.full(len(lattice.vocabulary), -1, dtype=np.int32)
    ids[used] = word_ids(tuple(lattice.vocabulary[w] for w in used.tolist()), lm)
    leaving: list[list[int]] = [[] for _ in range(lattice.n_nodes)]
    for arc, node in enumerate(lattice.source.tolist()):
        leaving[node].append(arc)
    # Copies of a node stand by language-model state; nodes come in order, so all copies are there when it is left.
    copies: list[dict[int, int]] = [{} for _ in range(lattice.n_nodes)]
    copies[0][lm.start] = 0
    origin, state_of, rows = [0], [lm.start], []
    for node in range(lattice.n_nodes):
        for state, copy in copies[node].items():
            for arc in leaving[node]:
                log, following = 0.0, state
                if lattice.word[arc] >= 0:
                    log, following = step(ngram, np.int32(state), ids[lattice.word[arc]])
                if log == -np.inf:
                    continue
                target, following = int(lattice.target[arc]), int(following)
                if following not in copies[target]:
                    copies[target][following] = len(origin)
                    origin.append(target)
                    state_of.append(following)
                rows.append((copy, copies[target][following], arc, log))
    return _laid_out(lattice, np.array(origin), rows, lm_scale, word_penalty, _end_logs(lattice, lm, origin, state_of))


def _end_logs(
    lattice: _Lattice, lm: BackoffAutomaton, origin: list[int], state_of: list[int]
) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """log P(end) after each copy; 0 where the lattice's paths are cut off rather than ended."""
    if not lattice.complete:
        return np.zeros(len(origin))
    ngram, ends = ngram_arrays(lm), np.isfinite(lattice.final_acoustic)
    return np.array(
        [step(ngram, np.int32(s), lm.end_word)[0] if ends[v] else 0.0 for v, s in zip(origin, state_of, strict=True)]
    )


def _laid_out(  # type: ignore[no-untyped-def]
    lattice: _Lattice, origin, rows, lm_scale, word_penalty, end_logs
) -> _Lattice:
    """Number the copies in order of their nodes, and sort the arcs by where they lead."""
    order = np.argsort(origin, kind="stable")
    number = np.empty(order.size, dtype=np.int32)
    number[order] = np.arange(order.size, dtype=np.int32)
    source, target, arc, log = (
        (np.array(column) for column in zip(*rows, strict=True)) if rows else (np.zeros(0, int),) * 4
    )
    source, target = number[source], number[target]
    by_target = np.argsort(target, kind="stable")
    arc = arc[by_target]
    final = np.where(np.isfinite(end_logs), lattice.final_acoustic[origin], -np.inf)
    return dataclasses.replace(
        lattice,
        node_frame=lattice.node_frame[origin[order]],
        source=source[by_target],
        target=target[by_target],
        word=lattice.word[arc],
        acoustic=lattice.acoustic[arc],
        lm=log[by_target].astype(np.float64),
        final_acoustic=final[order],
        final_lm=np.where(np.isfinite(end_logs), end_logs, 0.0)[order],
        lm_scale=lm_scale,
        word_penalty=word_penalty,
    )
