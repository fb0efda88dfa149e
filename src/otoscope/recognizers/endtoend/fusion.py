"""Shallow fusion: an n-gram model of words or of tokens as scores of the next token, for every beam search here."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from otoscope.core import BadInput
from otoscope.lexicon.ngram.automaton import BackoffAutomaton
from otoscope.recognizers.endtoend.tokens import BEGIN, Tokens

UNKNOWN = -20.0
"""Score of a word (or token) that the model does not know at all, nats."""

NextScores = Callable[[tuple[int, ...]], NDArray[np.float64]]
"""From the tokens so far to `(n_tokens,)` scores of the next; column 0 is the score of ending."""


def log_prob(model: BackoffAutomaton, state: int, word: int) -> tuple[float, int]:
    """Return log P(word | state) in nats and the state after it (Katz 1987, equation 1)."""
    backoff = 0.0
    while True:
        start, stop = int(model.arc_start[state]), int(model.arc_start[state + 1])
        place = start + int(np.searchsorted(model.arc_word[start:stop], word))
        if place < stop and model.arc_word[place] == word:
            return backoff + float(model.arc_log_prob[place]), int(model.arc_next[place])
        if state == 0:
            return UNKNOWN, 0
        backoff += float(model.backoff_log[state])
        state = int(model.backoff_state[state])


UNFINISHED = -1e4
"""Score of a text that ends within a word, where only given words may be heard: below every text of whole words."""


class Lexicon:
    """Lets through strings of given words only: a prefix tree of their tokens, as scores of the next token.

    A token is worth 0 where some word goes on with it, else minus infinity; `also` is added (a language model).
    """

    def __init__(self, words: Sequence[str], tokens: Tokens, also: NextScores | None = None) -> None:
        self.tokens, self.also = tokens, also
        self._next: dict[tuple[int, ...], set[int]] = {}
        for word in words:
            spelled = tokens.encode_word(word)
            for i, token in enumerate(spelled):
                self._next.setdefault(spelled[:i], set()).add(token)
            self._next.setdefault(spelled, set()).add(0)
        self._rows: dict[tuple[int, ...], NDArray[np.float64]] = {}

    def __call__(self, prefix: tuple[int, ...]) -> NDArray[np.float64]:
        """Return `(n_tokens,)` scores of the next token after `prefix`; column 0 is the score of ending."""
        start = self._word_start(prefix)
        if (row := self._rows.get(prefix[start:])) is None:
            row = self._rows[prefix[start:]] = self._row(prefix[start:])
        if start == len(prefix):
            row = row.copy()
            row[0] = 0.0 if not prefix else UNFINISHED
        return row if self.also is None else row + self.also(prefix)

    def _word_start(self, prefix: tuple[int, ...]) -> int:
        for i in range(len(prefix) - 1, -1, -1):
            unit = self.tokens.units[prefix[i] - 1]
            if unit == " ":
                return i + 1
            if unit.startswith(BEGIN):
                return i
        return 0

    def _row(self, piece: tuple[int, ...]) -> NDArray[np.float64]:
        following = self._next.get(piece, set())
        row = np.full(len(self.tokens), -np.inf)
        row[sorted(following - {0})] = 0.0
        row[0] = UNFINISHED
        if 0 in following:
            row[list(self.tokens.closing)] = 0.0
            if not self.tokens.gap:
                firsts = self._next.get((), set())
                row[[k for k in self.tokens.closing if k and k not in firsts]] = -np.inf
        return row


class Fusion:
    """Scores of the next token by an n-gram model, kept for every text asked about.

    Parameters
    ----------
    model
        The n-gram model, over words or over tokens.
    tokens
        The recogniser's units.
    unit
        Whether the model's words are words or tokens (`" "` is written `<space>` where it has no space). A model of
        words speaks when a word is complete: at the space, at the end, or where the next word begins.
    weight, bonus
        Factor on log probabilities, and what is added for each word (or token), nats.

    Notes
    -----
    Hannun et al. (2014), section 2; Chan et al. (2016), equation 11: log P(text | sound) + weight log P(text) +
    bonus n.
    """

    def __init__(
        self,
        model: BackoffAutomaton,
        tokens: Tokens,
        *,
        unit: Literal["word", "token"] = "word",
        weight: float = 0.5,
        bonus: float = 0.0,
    ) -> None:
        if unit not in ("word", "token"):
            raise BadInput(f"a language model is of unit 'word' or 'token', got {unit!r}")
        self.model, self.tokens, self.unit, self.weight, self.bonus = model, tokens, unit, weight, bonus
        self._ids = {word: i for i, word in enumerate(model.words)}
        self._states: dict[tuple[int, ...], int] = {(): model.start}
        self._rows: dict[tuple[int, ...], NDArray[np.float64]] = {}

    def __call__(self, prefix: tuple[int, ...]) -> NDArray[np.float64]:
        """Return `(n_tokens,)` weighted scores of the next token after `prefix`, in nats."""
        if prefix not in self._rows:
            self._rows[prefix] = self._of_tokens(prefix) if self.unit == "token" else self._of_words(prefix)
        return self._rows[prefix]

    def _id(self, name: str) -> int:
        return self._ids.get(name, self.model.unknown_word)

    def _of_tokens(self, prefix: tuple[int, ...]) -> NDArray[np.float64]:
        state = self._token_state(prefix)
        row = np.empty(len(self.tokens))
        row[0] = self.weight * log_prob(self.model, state, self.model.end_word)[0]
        for i, unit in enumerate(self.tokens.units, start=1):
            row[i] = self.weight * log_prob(self.model, state, self._id(self._name(unit)))[0] + self.bonus
        return row

    def _name(self, unit: str) -> str:
        return "<space>" if unit == " " and " " not in self._ids else unit

    def _token_state(self, prefix: tuple[int, ...]) -> int:
        if prefix not in self._states:
            unit = self._name(self.tokens.units[prefix[-1] - 1])
            self._states[prefix] = log_prob(self.model, self._token_state(prefix[:-1]), self._id(unit))[1]
        return self._states[prefix]

    def _of_words(self, prefix: tuple[int, ...]) -> NDArray[np.float64]:
        row = np.zeros(len(self.tokens))
        words = self.tokens.decode(prefix)
        open_word = bool(words) and prefix[-1] not in self.tokens.gap
        state = self._word_state(words[:-1] if open_word else words)
        closed = 0.0
        if open_word:
            score, state = log_prob(self.model, state, self._id(words[-1]))
            closed = self.weight * score + self.bonus
        row[list(self.tokens.closing)] = closed
        row[0] = closed + self.weight * log_prob(self.model, state, self.model.end_word)[0]
        return row

    def _word_state(self, words: tuple[str, ...]) -> int:
        state = self.model.start
        for word in words:
            state = log_prob(self.model, state, self._id(word))[1]
        return state
