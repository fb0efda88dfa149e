"""How the text of a CTC checkpoint is searched: the settings, and the search itself."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from otoscope.core import BadInput
from otoscope.decoding.ctc import greedy, log_likelihood, prefix_beam
from otoscope.recognizers.endtoend.fusion import NextScores
from otoscope.recognizers.endtoend.spelling import SpelledDecoder
from otoscope.recognizers.wav2vec2.symbols import Symbols


@dataclass(frozen=True)
class Decoding:
    """How hypotheses are searched and scored.

    Parameters
    ----------
    search
        `"greedy"`: the best symbol at each frame, as transformers' pipeline; `"beam"`: the best texts, all alignments
        of each summed. With a language model the beam is always searched.
    beam, n_best
        Width of the beam, and hypotheses kept; greedy search has one.
    margin_s
        How far a word's tokens may lie outside its interval when it is scored, seconds.
    most_nats
        By how many nats for each word that differs what is heard may be likelier than a text that is to be aligned.
    """

    search: Literal["greedy", "beam"] = "greedy"
    beam: int = 50
    n_best: int = 5
    margin_s: float = 0.06
    most_nats: float = 10.0

    def __post_init__(self) -> None:
        if self.search not in ("greedy", "beam"):
            raise BadInput(f"search must be 'greedy' or 'beam', got {self.search!r}")
        if self.beam < 1 or not 1 <= self.n_best <= self.beam:
            raise BadInput(f"beam and n_best must satisfy 1 <= n_best <= beam, got {self.beam} and {self.n_best}")

    def changed(self, **changes: Any) -> Decoding:
        """Return other settings; raises `BadInput` where there is no such setting."""
        try:
            return dataclasses.replace(self, **changes)
        except TypeError as error:
            raise BadInput(f"no such setting of the search: {error}") from None


@dataclass(frozen=True)
class Text:
    """A text that was found: its labels without blanks and repeats, and its score in nats."""

    labels: tuple[int, ...]
    log_score: float


def texts(
    log_probs: NDArray[np.float64],
    symbols: Symbols,
    decoding: Decoding,
    language: NextScores | SpelledDecoder | None = None,
) -> tuple[Text, ...]:
    """Return the best texts, best first, no two with the same words.

    Parameters
    ----------
    log_probs
        `(n_frames, n_symbols)` natural-log symbol probabilities.
    symbols, decoding
        What the columns write, and how to search.
    language
        Scores of the next token by a language model or vocabulary over `symbols.tokens`, or a search of its own.

    Returns
    -------
    tuple of Text
        The score is log P(text | sound), all alignments summed, plus the language model's where there is one; a search
        of its own gives its own.
    """
    if log_probs.shape[0] == 0:
        return (Text((), 0.0),)
    if decoding.search == "greedy" and language is None:
        labels = tuple(greedy(log_probs, blank=symbols.blank).labels.tolist())
        return (Text(labels, log_likelihood(log_probs, labels, blank=symbols.blank)),)
    order = np.array(symbols.order)
    if isinstance(language, SpelledDecoder):
        spoken = language.hypotheses(log_probs[:, order], decoding.n_best)
        spelled = [tuple(order[list(symbols.tokens.encode(each.words))].tolist()) for each in spoken]
        return tuple(Text(own, each.log_score or 0.0) for own, each in zip(spelled, spoken, strict=True))
    found: dict[tuple[str, ...], Text] = {}
    for prefix in prefix_beam(log_probs[:, order], blank=0, beam=decoding.beam, n_best=decoding.beam, lm=language):
        labels = tuple(order[list(prefix.labels)].tolist())
        if len(found) < decoding.n_best:
            found.setdefault(symbols.words(labels), Text(labels, prefix.log_score))
    return tuple(found.values())
