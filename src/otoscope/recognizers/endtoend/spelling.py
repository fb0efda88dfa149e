"""CTC letters heard as strings of given words, through the lexical tree with an n-gram model of words.

A word is its spelling: each letter a state that may last, each followed by a blank that may be passed by. What stands
between two words is the space. The best path through this is that of CTC itself, given the words (Graves 2012b,
section 7.5; Miao, Gowayyed & Metze 2015 build the same as a transducer).
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from otoscope.core import BadInput, Hypothesis
from otoscope.decoding.tree import HmmState, TreeDecoder, build_graph
from otoscope.lexicon.ngram.automaton import BackoffAutomaton
from otoscope.recognizers.endtoend.tokens import Tokens

FORBIDDEN = -1e4
"""Score of a symbol that cannot stand in a frame, nats."""


def checked_vocabulary(words: Iterable[str] | None, tokens: Tokens) -> tuple[str, ...] | None:
    """Return the words; raises `BadInput` where there is none, or one cannot be written."""
    vocabulary = None if words is None else tuple(words)
    if vocabulary is not None and not vocabulary:
        raise BadInput("a vocabulary needs a word or more")
    for word in vocabulary or ():
        tokens.encode_word(word)
    return vocabulary


class SpelledLetters:
    """Letters as `otoscope.decoding.tree.PhoneModels`; the space takes the place of silence.

    Between two equal letters stands at least one blank, as CTC demands (Graves et al. 2006, section 3.1).
    """

    context = (True, False)

    def __init__(self, tokens: Tokens) -> None:
        self.phones = tokens.units
        self.silence = " "
        self._column = {unit: i for i, unit in enumerate(tokens.units, start=1)}

    def states(self, left: str | None, phone: str, right: str | None) -> tuple[HmmState, ...]:
        """Return the letter and a blank behind it, with one before it where the same letter stands there."""
        before = (HmmState(0, 0.0, 0.0),) if left == phone and phone != self.silence else ()
        return (*before, HmmState(self._column[phone], 0.0, 0.0), HmmState(0, 0.0, 0.0, 0.0))


class SpelledDecoder:
    """Beam search over strings of words, the score ln P(best path | sound) + lm_scale ln P(words) + word_penalty n.

    Parameters
    ----------
    vocabulary, tokens
        The words, and the letters that spell them.
    lm
        An n-gram model of words.
    lm_scale, word_penalty, beam, max_active
        As in `otoscope.decoding.tree.TreeDecoder`.

    Raises
    ------
    BadInput
        The tokens are subwords, which have no space between words.
    """

    def __init__(
        self,
        vocabulary: tuple[str, ...],
        tokens: Tokens,
        lm: BackoffAutomaton,
        *,
        lm_scale: float = 0.5,
        word_penalty: float = 0.0,
        beam: float = 14.0,
        max_active: int = 4000,
    ) -> None:
        if not tokens.gap:
            raise BadInput("words are spelled by letters with a space between them; this recogniser writes subwords")
        lexicon = {word: (tuple(word),) for word in sorted(set(vocabulary))}
        graph = build_graph(lexicon, SpelledLetters(tokens), silence_log_prob=0.0)
        self.tokens, self.space = tokens, tokens.gap[0]
        self.decoder = TreeDecoder(
            graph, lm, beam=beam, max_active=max_active, lm_scale=lm_scale, word_penalty=word_penalty
        )

    def hypotheses(self, log_probs: NDArray[np.float64], n_best: int) -> tuple[Hypothesis, ...]:
        """Return the best texts of `(n_frames, n_symbols)` log-probabilities, best first.

        Raises
        ------
        BadInput
            No string of the words fits into the frames.
        """
        lattice = self.decoder.lattice(between_spaces(log_probs, self.space))
        found: dict[tuple[str, ...], Hypothesis] = {}
        for each in lattice.n_best(n_best):
            words = tuple(word.word for word in each.words)
            units = tuple(self.tokens.units[i - 1] for i in self.tokens.encode(words))
            found.setdefault(words, Hypothesis(words, units, each.log_score))
        return tuple(found.values())


def between_spaces(log_probs: NDArray[np.float64], space: int) -> NDArray[np.float64]:
    """Return the frames with one more at either end, where a space stands at no cost, as between two words.

    At the end a blank may stand too, behind a space that was written before.
    """
    edges = np.full((2, log_probs.shape[1]), FORBIDDEN)
    edges[:, space] = 0.0
    edges[1, 0] = 0.0
    return np.concatenate([edges[:1], log_probs, edges[1:]])
