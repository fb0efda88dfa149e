"""An n-gram language model with backoff: n-grams in a trie of flat arrays, log-probabilities of sentences out."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from otoscope.core import BadInput
from otoscope.core.arrays import ByValue, frozen_array, set_frozen
from otoscope.lexicon.ngram import walking
from otoscope.lexicon.ngram.automaton import BackoffAutomaton
from otoscope.lexicon.ngram.sentences import BOS, EOS, UNKNOWN, Sentences, WordIds, as_sentences, token_ids


@dataclass(frozen=True)
class TextScore:
    """How well a model foretells a text; sentence ends count as tokens, sentence starts do not.

    `log_prob` is natural and of the whole text; `log_prob_unknown` is the part of it that unknown words have.
    """

    log_prob: float
    n_sentences: int
    n_words: int
    n_unknown: int
    log_prob_unknown: float

    @property
    def perplexity(self) -> float:
        """Inverse geometric mean probability of a token, unknown words included (as kenlm counts)."""
        return float(np.exp(-self.log_prob / (self.n_words + self.n_sentences)))

    @property
    def perplexity_known(self) -> float:
        """The same over words of the vocabulary and sentence ends only."""
        n_known = self.n_words + self.n_sentences - self.n_unknown
        return float(np.exp(-(self.log_prob - self.log_prob_unknown) / n_known))

    @property
    def unknown_rate(self) -> float:
        """Share of the words that the vocabulary lacks."""
        return self.n_unknown / self.n_words if self.n_words else 0.0


@dataclass(frozen=True, eq=False)
class NGramModel(ByValue):
    """A backoff n-gram model (Katz 1987, equation 1): n-grams are nodes of a trie, order by order; all logs natural.

    Node 0 is the empty history. The nodes of order n are `level_start[n]` to `level_start[n + 1] - 1`, sorted by
    (parent, word); the unigram of word w is node w + 1.

    Parameters
    ----------
    words
        Word of each id; the last is the sentence start `<s>`, the sentence end `</s>` is among the others.
    level_start
        `(order + 2,)` int64, first node of each order; `level_start[0]` is 0.
    parent
        `(n_nodes,)` int32, the n-gram without its last word; -1 for node 0.
    word
        `(n_nodes,)` int32, the last word; -1 for node 0.
    log_probs
        `(n_nodes,)` float32, log P(last word | the words before it).
    backoffs
        `(n_nodes,)` float32, log weight of the shorter history where this one does not list a word.
    """

    words: tuple[str, ...]
    level_start: NDArray[np.int64]
    parent: NDArray[np.int32]
    word: NDArray[np.int32]
    log_probs: NDArray[np.float32]
    backoffs: NDArray[np.float32]

    def __post_init__(self) -> None:
        kinds: dict[str, type] = {"level_start": np.int64, "parent": np.int32, "word": np.int32}
        kinds |= {"log_probs": np.float32, "backoffs": np.float32}
        arrays = {name: frozen_array(getattr(self, name), n_dims=1, name=name, dtype=k) for name, k in kinds.items()}
        set_frozen(self, words=tuple(self.words), **arrays)
        if len(self.index) != len(self.words) or not self.words or self.words[-1] != BOS or EOS not in self.index:
            raise BadInput(f"a model needs each word once, {EOS} among them and {BOS} as the last")
        n_nodes = int(self.level_start[-1])
        if any(values.size != n_nodes for values in (self.parent, self.word, self.log_probs, self.backoffs)):
            raise BadInput(f"a model of {n_nodes} nodes needs as many parents, words, probabilities and backoffs")
        if self.level_start[2] != len(self.words) + 1:
            raise BadInput(f"{len(self.words)} words need as many unigrams, got {self.level_start[2] - 1}")

    @property
    def order(self) -> int:
        """Length of the longest n-grams."""
        return self.level_start.size - 2

    @property
    def counts(self) -> tuple[int, ...]:
        """Number of n-grams of each order, from unigrams on."""
        return tuple(int(n) for n in np.diff(self.level_start)[1:])

    @cached_property
    def index(self) -> Mapping[str, int]:
        """Word → id."""
        return MappingProxyType({word: id for id, word in enumerate(self.words)})

    @cached_property
    def _known(self) -> WordIds:
        """Word → id, an id beyond the last for `<unk>` and words that are not there."""
        known = WordIds(self.words, unknown=len(self.words))
        known.pop(UNKNOWN, None)
        return known

    @property
    def bos(self) -> int:
        """Id of the sentence start."""
        return len(self.words) - 1

    @property
    def eos(self) -> int:
        """Id of the sentence end."""
        return self.index[EOS]

    @property
    def unknown(self) -> int:
        """Id of the unknown word, -1 where the model has none."""
        return self.index.get(UNKNOWN, -1)

    @cached_property
    def first_child(self) -> NDArray[np.int64]:
        """`(n_nodes + 1,)`: node i has the children `first_child[i]` to `first_child[i + 1] - 1`."""
        return np.searchsorted(self.parent, np.arange(self.parent.size + 1, dtype=np.int32))

    @cached_property
    def suffix(self) -> NDArray[np.int32]:
        """`(n_nodes,)` int32: the node of the longest proper suffix that the model lists."""
        return walking.longest_suffixes(self.first_child, self.parent, self.word, len(self.words))

    @cached_property
    def trie(self) -> walking.Trie:
        """The arrays as the compiled kernels take them."""
        return walking.Trie(self.first_child, self.word, self.log_probs, self.backoffs, self.suffix)

    def level(self, order: int) -> slice:
        """Return where the n-grams of one order stand in the arrays."""
        return slice(int(self.level_start[order]), int(self.level_start[order + 1]))

    def advance(self, nodes: NDArray[Any], ids: NDArray[Any]) -> tuple[NDArray[np.float64], NDArray[np.int32]]:
        """Return log P(word | history) for each pair of node and word id, and the longest listed history after it.

        The history after it is the node of the last words, the new one included; an id of -1 is a word that neither
        the vocabulary nor `<unk>` covers.
        """
        return walking.advance(self.trie, np.asarray(nodes, np.int32), np.asarray(ids, np.int32))

    def ids(self, words: Sequence[str]) -> NDArray[np.int32]:
        """Return the id of each word; `unknown` for one that the vocabulary lacks."""
        return np.array([self.index.get(word, self.unknown) for word in words], np.int32)

    def log_prob(self, words: Sequence[str], *, bos: bool = True, eos: bool = True) -> float:
        """Return the natural log-probability of a sentence.

        Parameters
        ----------
        words
            The sentence without its marks.
        bos, eos
            Whether it starts after a sentence start; whether its end counts.
        """
        ids = [*([self.bos] if bos else []), *self.ids(words), *([self.eos] if eos else [])]
        return float(walking.score_tokens(self.trie, np.array(ids, np.int32), self.bos).sum())

    def score(self, text: Sentences | str | os.PathLike[str]) -> TextScore:
        """Measure how well the model foretells sentences, or a file with one a line.

        Raises
        ------
        BadInput
            There is no sentence in it.
        """
        never = self._known.unknown
        tokens = token_ids(as_sentences(text), self._known.__getitem__, bos=self.bos, eos=self.eos)
        if not tokens.size:
            raise BadInput("a text of no sentences has no perplexity")
        absent = tokens == never
        logs = walking.score_tokens(self.trie, np.where(absent, self.unknown, tokens).astype(np.int32), self.bos)
        n_sentences = int((tokens == self.eos).sum())
        n_words = tokens.size - 2 * n_sentences
        return TextScore(float(logs.sum()), n_sentences, n_words, int(absent.sum()), float(logs[absent].sum()))

    def perplexity(self, text: Sentences | str | os.PathLike[str]) -> float:
        """Return the perplexity of sentences, sentence ends counted and unknown words included."""
        return self.score(text).perplexity

    def automaton(self) -> BackoffAutomaton:
        """Return the model as what decoders step through: a state for each history that says anything of its own."""
        has_children = np.diff(self.first_child) > 0
        is_state = has_children | (self.backoffs != 0)
        is_state[0] = True
        state = np.cumsum(is_state, dtype=np.int32) - np.int32(1)
        for order in range(1, self.order + 1):
            level = self.level(order)
            state[level] = np.where(is_state[level], state[level], state[self.suffix[level]])
        nodes = np.flatnonzero(is_state)
        kept = self.word != self.bos
        kept[0] = False
        arcs_before = np.concatenate(([0], np.cumsum(kept)))
        backoff_state = state[self.suffix[nodes]]
        backoff_state[0] = -1
        return BackoffAutomaton(
            words=self.words[:-1],
            arc_start=arcs_before[np.append(self.first_child[nodes], self.parent.size)].astype(np.int64),
            arc_word=self.word[kept],
            arc_log_prob=self.log_probs[kept],
            arc_next=state[kept],
            backoff_state=backoff_state,
            backoff_log=self.backoffs[nodes],
            start=int(state[self.bos + 1]),
            end_word=self.eos,
            unknown_word=self.unknown,
        )
