"""What a search knows of language besides the sound: an n-gram model, a vocabulary, or both."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from otoscope.core import BadInput
from otoscope.lexicon.ngram.automaton import BackoffAutomaton
from otoscope.recognizers.endtoend.fusion import Fusion, Lexicon, NextScores
from otoscope.recognizers.endtoend.spelling import SpelledDecoder, checked_vocabulary
from otoscope.recognizers.wav2vec2.symbols import Symbols


@dataclass(frozen=True)
class Language:
    """What a search is told of language, over `Symbols.tokens`.

    Parameters
    ----------
    fusion
        An n-gram model whose scores are added in the beam search.
    vocabulary
        The only words there are, as a prefix tree in the beam search.
    tree
        The only words there are with an n-gram model of them, as a lexical tree that is searched in its own way.
    said
        What a provenance says of all that, JSON values.
    """

    fusion: Fusion | None = None
    vocabulary: tuple[str, ...] | None = None
    tree: SpelledDecoder | None = None
    said: Mapping[str, Any] = field(default_factory=dict)

    def search(self, symbols: Symbols) -> NextScores | SpelledDecoder | None:
        """Return what the search asks; `None` where nothing is known of language."""
        if self.tree is not None or self.vocabulary is None:
            return self.tree or self.fusion
        return Lexicon(self.vocabulary, symbols.tokens, self.fusion)


def fused(
    language: Language,
    symbols: Symbols,
    model: BackoffAutomaton,
    *,
    unit: Literal["word", "token"],
    weight: float,
    bonus: float,
) -> Language:
    """Return a language with an n-gram model in the beam search; see `Fusion`.

    Raises
    ------
    BadInput
        There is no such unit, or the words are to be those of a checkpoint that writes phones.
    """
    if symbols.phones and unit == "word":
        raise BadInput("this checkpoint writes phones, so its language model is one of phones: unit='token'")
    fusion = Fusion(model, symbols.tokens, unit=unit, weight=weight, bonus=bonus)
    said = {"unit": unit, "weight": weight, "bonus": bonus, "n_words": len(model.words)}
    return dataclasses.replace(language, fusion=fusion, tree=None, said={**_vocabulary_of(language), **said})


def restricted(
    language: Language, symbols: Symbols, words: Iterable[str] | None, lm: BackoffAutomaton | None, **search: Any
) -> Language:
    """Return a language of these words only; `None` lets every word be heard again.

    Raises
    ------
    BadInput
        There is no word, one cannot be written, or the checkpoint does not write letters with a mark between words.
    """
    if words is None:
        said = {name: value for name, value in language.said.items() if name != "n_vocabulary"}
        return Language(language.fusion, said={} if language.tree is not None else said)
    if not symbols.gaps:
        raise BadInput("a vocabulary needs a checkpoint that writes letters, with a mark between words")
    vocabulary = checked_vocabulary((symbols.folded(word) for word in words), symbols.tokens)
    assert vocabulary is not None
    said = {"n_vocabulary": len(vocabulary)}
    if lm is None:
        fusion = {name: value for name, value in language.said.items() if language.fusion is not None}
        return Language(language.fusion, vocabulary, said={**fusion, **said})
    tree = SpelledDecoder(vocabulary, symbols.tokens, lm, **search)
    return Language(None, vocabulary, tree, {"unit": "word", "n_words": len(lm.words), **search, **said})


def _vocabulary_of(language: Language) -> dict[str, Any]:
    return {} if language.vocabulary is None else {"n_vocabulary": len(language.vocabulary)}
