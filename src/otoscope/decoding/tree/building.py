"""From pronunciations and phone models to a decoding graph, by whole arrays."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from otoscope.core import BadInput
from otoscope.decoding.tree.arcs import Floats, Ints, distinct, possible, spread, starts
from otoscope.decoding.tree.contexts import Phones, StateSequences, pronunciations_of
from otoscope.decoding.tree.graph import SILENCE_WORDS, DecodingGraph
from otoscope.decoding.tree.prefixes import PhoneTree, phone_tree
from otoscope.decoding.tree.units import PhoneModels


def build_graph(
    lexicon: Mapping[str, Sequence[Phones]],
    models: PhoneModels,
    *,
    silence_log_prob: float = math.log(0.5),
    pronunciation_log_probs: Mapping[str, Sequence[float]] | None = None,
) -> DecodingGraph:
    """Return the graph of all word sequences over a lexicon.

    Parameters
    ----------
    lexicon
        Word → its pronunciations.
    models
        The states of each phone in context.
    silence_log_prob
        Log probability that a silence stands at the beginning, at the end, and between two words; minus infinity for
        never, 0 for always.
    pronunciation_log_probs
        Word → log probability of each of its pronunciations; 0 where not given.

    Raises
    ------
    BadInput
        No words, a word without phones, a phone that could take no frame, a log probability above 0.
    UnknownName
        A phone that the models do not have.

    Notes
    -----
    The tree is one over states: within a phone, contexts share the states they have in common (Ortmanns et al. 1997,
    Kanthak et al. 2000 for cross-word context). The first phone of a word has a copy for each class of last phones that
    the models tell apart, the last phone a fan-out for the first phones of the next word; where the models do not look
    to that side there are no copies.
    """
    if not lexicon:
        raise BadInput("a decoding graph needs a lexicon of one word at least")
    if not silence_log_prob <= 0.0:
        raise BadInput(f"silence_log_prob must be a log probability, at most 0, got {silence_log_prob}")
    sequences = StateSequences(models)
    words = tuple(lexicon)
    tree = phone_tree(pronunciations_of(lexicon, words, pronunciation_log_probs), words, sequences)
    return _Layout(tree, sequences, silence_log_prob).graph(words)


@dataclass(frozen=True)
class _Chains:
    """Rows (place, sequence), each leading either to a place or to an exit."""

    place: Ints
    sequence: Ints
    target: Ints


class _Layout:
    """Numbers nodes and roots, and joins them."""

    def __init__(self, tree: PhoneTree, sequences: StateSequences, silence_log_prob: float) -> None:
        self.tree, self.seq = tree, sequences
        self.log_silence = silence_log_prob
        self.log_no_silence = math.log(-math.expm1(silence_log_prob)) if silence_log_prob < 0 else -math.inf
        self._places()
        self._phone_chains()
        self._exit_chains()
        edge = np.array([sequences.edge])
        self.silence_sequence = int(sequences.of(edge, np.array([sequences.silence]), edge)[0])
        sequences.freeze()
        self._nodes()

    def _places(self) -> None:
        """Number the places: nodes of the phone tree below the first level, and first phones for each left neighbour.

        A place knows its phone and its left neighbour. First phones whose sequences are equal for two left neighbours,
        whatever follows, share their place.
        """
        tree, seq = self.tree, self.seq
        first = np.flatnonzero(tree.depth == 0)
        deep = np.flatnonzero(tree.depth > 0)
        self.place_of_node = np.full(tree.phone.size, -1, dtype=np.int64)
        self.place_of_node[deep] = np.arange(deep.size)
        nodes, lefts = [deep], [tree.phone[tree.parent[deep]]]
        self.first_place = np.full((seq.n_neighbours, len(seq.phones)), -1, dtype=np.int64)
        n_places = deep.size
        everyone = np.arange(seq.n_neighbours)
        for v in first.tolist():
            followers = np.union1d(
                tree.phone[tree.children_of(v)], everyone if tree.word_set[v] >= 0 else np.array([], dtype=np.int64)
            )
            phone = tree.phone[v]
            grid = np.broadcast_arrays(everyone[:, None], phone, followers[None, :])
            _, which, inverse = np.unique(seq.of(*grid), axis=0, return_index=True, return_inverse=True)
            self.first_place[:, phone] = n_places + inverse.ravel()
            nodes.append(np.full(which.size, v))
            lefts.append(which)
            n_places += which.size
        self.place_node, self.place_left = np.concatenate(nodes), np.concatenate(lefts)
        self.place_phone = tree.phone[self.place_node]
        self.place_depth = tree.depth[self.place_node]

    def _phone_chains(self) -> None:
        """A chain from each place to the place of each child of its node."""
        n_children = np.diff(self.tree.child_start)[self.place_node]
        rows, k = spread(n_children)
        child = self.tree.children[self.tree.child_start[self.place_node[rows]] + k]
        of = self.seq.of(self.place_left[rows], self.place_phone[rows], self.tree.phone[child])
        self.onward = _Chains(rows, of, self.place_of_node[child])

    def _exit_chains(self) -> None:
        """A chain from each place where words end to the root of each class of right neighbours."""
        seq = self.seq
        ends = np.flatnonzero(self.tree.word_set[self.place_node] >= 0)
        pair = self.place_left[ends] * seq.n_neighbours + self.place_phone[ends]
        pairs, inverse = np.unique(pair, return_inverse=True)
        self.roots: dict[tuple[int, bytes], int] = {}
        everyone = np.arange(seq.n_neighbours)
        start, of, root = [0], [], []
        for key in pairs.tolist():
            left, phone = divmod(key, seq.n_neighbours)
            grid = np.broadcast_arrays(np.array(left), np.array(phone), everyone)
            answer = seq.of(*grid)
            for sequence in np.unique(answer).tolist():
                of.append(sequence)
                root.append(self._root(phone, answer == sequence))
            start.append(len(of))
        begin = np.array(start, dtype=np.int64)
        rows, k = spread(np.diff(begin)[inverse])
        at = begin[inverse[rows]] + k
        self.ending = _Chains(ends[rows], np.array(of)[at], np.array(root)[at])
        self.start_root = self._root(seq.edge, np.ones(seq.n_neighbours, dtype=bool))
        after = np.ones(seq.n_neighbours, dtype=bool)
        after[seq.silence] = False
        self.after_silence = self._root(seq.silence, after)

    def _root(self, left: int, rights: NDArray[np.bool_]) -> int:
        """Number the root after phone `left` before any of `rights`, by what it leads to."""
        places = np.unique(self.first_place[left, np.flatnonzero(rights[: len(self.seq.phones)])])
        places = places[places >= 0]
        key = (int(left == self.seq.silence), places.tobytes() + rights[len(self.seq.phones) :].tobytes())
        return self.roots.setdefault(key, len(self.roots))

    def _nodes(self) -> None:
        """Number the nodes: a place and a beginning of a sequence. Sorted so that arcs lead to higher numbers."""
        seq = self.seq
        place = np.concatenate([self.onward.place, self.ending.place, [self.place_node.size]])
        of = np.concatenate([self.onward.sequence, self.ending.sequence, [self.silence_sequence]])
        rows, k = spread(np.diff(seq.start)[of])
        at = seq.start[of[rows]] + k
        rank = self._ranks()
        key = rank[place[rows]] * seq.n_prefixes + seq.prefix[at]
        # Beginnings are numbered in the order met, so a longer one never has a lower number than its own beginning.
        keys, first, node = np.unique(key, return_index=True, return_inverse=True)
        self.node = node.ravel()
        self.chain_start = np.concatenate([[0], np.cumsum(np.diff(seq.start)[of])])
        self.chain_sequence = of
        self.state = at
        self.n_nodes = keys.size
        self.node_state = at[first]

    def _ranks(self) -> Ints:
        """Order of the places: by depth of their node; the silence comes last."""
        order = np.argsort(self.place_depth, kind="stable")
        rank = np.empty(order.size + 1, dtype=np.int64)
        rank[order] = np.arange(order.size)
        rank[-1] = order.size
        return rank

    def graph(self, words: tuple[str, ...]) -> DecodingGraph:
        """Join everything."""
        arcs = [self._inner_arcs(), self._cross_arcs(), self._root_arcs()]
        source, target, log = (np.concatenate(parts) for parts in zip(*arcs, strict=True))
        source, target, log = distinct(source, target, log)
        exit_node, exit_root, exit_words, exit_log = self._exits()
        tree, seq = self.tree, self.seq
        return DecodingGraph(
            words=words,
            column=seq.column[self.node_state].astype(np.int32),
            log_loop=seq.loop[self.node_state].astype(np.float32),
            arc_start=starts(source, self.n_nodes + len(self.roots)),
            arc_next=target.astype(np.int32),
            arc_log=log.astype(np.float32),
            exit_start=starts(exit_node, self.n_nodes),
            exit_root=exit_root.astype(np.int32),
            exit_words=exit_words.astype(np.int32),
            exit_log=exit_log.astype(np.float32),
            set_start=tree.set_start.astype(np.int32),
            set_word=tree.set_word.astype(np.int32),
            set_log=tree.set_log.astype(np.float32),
            root_final=self._root_final(),
            start=self.start_root,
        )

    def _inner_arcs(self) -> tuple[Ints, Ints, Floats]:
        """From each state of a chain to the next, and past those that may be skipped."""
        seq, parts = self.seq, []
        length = np.diff(self.chain_start)
        for step in range(1, int(length.max(initial=1))):
            rows, k = spread(np.maximum(length - step, 0))
            at = self.chain_start[rows] + k
            log: Floats = seq.leave[self.state[at]].copy()
            for i in range(1, step):
                log += seq.skip[self.state[at + i]]
            parts.append((self.node[at], self.node[at + step], log))
        if not parts:
            return np.array([], dtype=np.int64), np.array([], dtype=np.int64), np.array([])
        return possible(*(np.concatenate(p) for p in zip(*parts, strict=True)))

    def _chain_rows(self, chains: slice) -> tuple[Ints, Ints]:
        """Return (chain, position in the node list) of every state of some chains."""
        length = np.diff(self.chain_start)[chains]
        rows, k = spread(length)
        return rows, self.chain_start[:-1][chains][rows] + k

    def _tails(self, chains: slice) -> tuple[Ints, Ints, Floats]:
        """Return (chain, node, weight) of all ways to leave some chains."""
        rows, at = self._chain_rows(chains)
        log = self.seq.leave[self.state[at]] + self.seq.skip_rest[self.state[at]]
        keep = log > -np.inf
        return rows[keep], self.node[at][keep], log[keep]

    def _entries(self) -> tuple[Ints, Ints, Floats]:
        """Return (start of each place, node, weight) of all ways into each place; the last place is the silence."""
        rows, at = self._chain_rows(slice(None))
        place = np.concatenate([self.onward.place, self.ending.place, [self.place_node.size]])[rows]
        log = self.seq.skip_here[self.state[at]]
        place, node, log = distinct(*possible(place, self.node[at], log))
        return np.searchsorted(place, np.arange(self.place_node.size + 2)), node, log

    def _cross_arcs(self) -> tuple[Ints, Ints, Floats]:
        """From the end of each chain into the place it leads to."""
        self.entry_start, self.entry_node, self.entry_log = self._entries()
        chain, node, log = self._tails(slice(0, self.onward.place.size))
        place = self.onward.target[chain]
        rows, k = spread((self.entry_start[1:] - self.entry_start[:-1])[place])
        at = self.entry_start[place[rows]] + k
        return node[rows], self.entry_node[at], log[rows] + self.entry_log[at]

    def _root_arcs(self) -> tuple[Ints, Ints, Floats]:
        """From each root into the first phones that may follow, and into silence."""
        parts, n_phones = [], len(self.seq.phones)
        for (silent, key), root in self.roots.items():
            places, rights = np.frombuffer(key[:-2], dtype=np.int64), np.frombuffer(key[-2:], dtype=bool)
            ways = [(place, 0.0 if silent else self.log_no_silence) for place in places.tolist()]
            if rights[self.seq.silence - n_phones]:
                ways.append((self.place_node.size, self.log_silence))
            for place, before in ways:
                at = np.arange(self.entry_start[place], self.entry_start[place + 1])
                parts.append((np.full(at.size, self.n_nodes + root), self.entry_node[at], before + self.entry_log[at]))
        return possible(*(np.concatenate(p) for p in zip(*parts, strict=True)))

    def _exits(self) -> tuple[Ints, Ints, Ints, Floats]:
        """Ways out of the last phones of words, and out of silence."""
        n_onward, n_ending = self.onward.place.size, self.ending.place.size
        chain, node, log = self._tails(slice(n_onward, n_onward + n_ending))
        root = self.ending.target[chain]
        words = self.tree.word_set[self.place_node[self.ending.place[chain]]]
        still, silent_node, silent_log = self._tails(slice(n_onward + n_ending, None))
        node = np.concatenate([node, silent_node])
        order = np.argsort(node, kind="stable")
        root = np.concatenate([root, np.full(still.size, self.after_silence)])
        words = np.concatenate([words, np.full(still.size, SILENCE_WORDS)])
        return node[order], root[order], words[order], np.concatenate([log, silent_log])[order]

    def _root_final(self) -> NDArray[np.float32]:
        """An utterance may end where an edge may follow."""
        final = np.full(len(self.roots), -np.inf, dtype=np.float32)
        for (silent, key), root in self.roots.items():
            if np.frombuffer(key[-2:], dtype=bool)[-1]:
                final[root] = 0.0 if silent else self.log_no_silence
        return final
