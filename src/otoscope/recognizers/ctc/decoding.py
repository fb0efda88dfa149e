"""From CTC emissions to words and back to time: n-best texts, and the letters and words of a known text in time."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from otoscope.core import Alignment, DoesNotFit, FrameGrid, Hypothesis, Interval, Tier
from otoscope.decoding.ctc import SymbolAutomaton, forced_path, log_likelihood, prefix_beam
from otoscope.decoding.edit_distance import edit_distance
from otoscope.nets.lattice import spelled
from otoscope.recognizers.ctc.card import CtcCard

UNFINISHED = -1e4
"""Score of a text that ends within a word: below every text of whole words, and the piece of a word is dropped."""

MOST_NATS = 10.0
"""Nats for each word that differs: by how much what is heard may be likelier than a text that is to be aligned.

Calibrated with ctc-digits on fsdd, single digits and strings of 2, 4 and 8. Speakers it was taught (88 to 100 % of
strings heard without error): 100 % of true strings accepted, 0 to 2 % of random others, 4 % or fewer with one digit
replaced, 2 % or fewer with one left out or put in. The valid speaker, whom it hears less well (18 to 81 %): 99 % of
true single digits and 95 % of true strings accepted; 12 % and 3 % of random others, and 31 % of strings with one
digit replaced, 23 % with one left out. 15 would accept 29 % of other single digits, 6 refuse 21 % of true strings. The
test speaker, who had no part in the choice (3 to 69 % heard): 95 % of true single digits and 88 % of true strings
accepted, 19 % and 6 % of random others."""


def word_automaton(words: Sequence[str], symbols: Sequence[str], separator: str) -> SymbolAutomaton:
    """Return the automaton that lets through strings of `words` only, with `separator` between two of them.

    A prefix tree of the letters: node 0 stands before a word, and the separator leads back there from a word's end.
    """
    separator_index = list(symbols).index(separator)
    successors = [[-1] * len(symbols)]
    ends = {0}
    for word in words:
        node = 0
        for symbol in spelled([word], symbols, separator):
            if successors[node][symbol] < 0:
                successors.append([-1] * len(symbols))
                successors[node][symbol] = len(successors) - 1
            node = successors[node][symbol]
        ends.add(node)
    for node in ends - {0}:
        successors[node][separator_index] = 0
    table = np.array(successors, dtype=np.int64)
    scores = np.where(table < 0, -np.inf, 0.0)
    scores[:, 0] = [0.0 if node in ends else UNFINISHED for node in range(len(successors))]
    return SymbolAutomaton(scores, np.maximum(table, 0))


def hypotheses(
    log_probs: NDArray[np.float64], card: CtcCard, automaton: SymbolAutomaton | None
) -> tuple[Hypothesis, ...]:
    """Return the n-best texts, best first, each with log P(text | sound) summed over its alignments."""
    if log_probs.shape[0] == 0:
        return (Hypothesis((), (), 0.0),)
    found = prefix_beam(log_probs, blank=0, beam=card.beam, n_best=card.beam, lm=automaton)
    texts: dict[tuple[str, ...], Hypothesis] = {}
    for prefix in found:
        letters = "".join(card.symbols[label] for label in prefix.labels)
        words = tuple(word for word in letters.split(card.separator) if word)
        if card.vocabulary is not None:
            words = tuple(word for word in words if word in card.vocabulary)
        if words not in texts and len(texts) < card.n_best:
            labels = spelled(words, card.symbols, card.separator)
            score = prefix.log_prob if labels == prefix.labels else log_likelihood(log_probs, labels, blank=0)
            texts[words] = Hypothesis(words, tuple(card.symbols[label] for label in labels), float(score))
    return tuple(sorted(texts.values(), key=lambda h: -(h.log_score or 0.0)))


def check_said(log_probs: NDArray[np.float64], words: tuple[str, ...], heard: tuple[str, ...], card: CtcCard) -> None:
    """Raise unless `words` can be what the sound says, given what was `heard` in it.

    The measure is (ln P(heard | sound) - ln P(words | sound)) / (edits from one to the other, in words), each
    likelihood summed over all alignments; a text that was heard word by word has 0.

    Raises
    ------
    DoesNotFit
        Words are not in the card's vocabulary, the letters need more frames than there are, or what was heard is
        likelier by more than `MOST_NATS` for each word that differs.
    BadInput
        A letter has no symbol.
    """
    if card.vocabulary is not None and (unknown := sorted(set(words) - set(card.vocabulary))):
        raise DoesNotFit(f"{card.name} does not know {', '.join(unknown)}; it knows {', '.join(card.vocabulary)}")
    known, other = (
        log_likelihood(log_probs, spelled(text, card.symbols, card.separator), blank=0) for text in (words, heard)
    )
    n_edits = edit_distance(words, heard)
    if n_edits and (nats := (other - known) / n_edits) > MOST_NATS:
        said = repr(" ".join(heard)) if heard else "nothing"
        raise DoesNotFit(
            f"the text does not fit the sound: {card.name} hears {said}, likelier by "
            f"{nats:.1f} nats for each word that differs, where {MOST_NATS:g} are allowed; check that text and "
            "recording belong together"
        )


def aligned(
    log_probs: NDArray[np.float64], grid: FrameGrid, words: Sequence[str], card: CtcCard, *, duration_s: float
) -> Alignment:
    """Return where each word and letter lies on the best path that spells `words`: raw CTC times.

    A letter lasts from the first to the last frame in which the path emits it, a word from its first letter to its
    last; blanks belong to no letter, so intervals are often shorter than what a phonetician would mark. Scores of
    letters are geometric means of their probabilities. `path` holds the symbol of each frame, `states` the letters.

    Raises
    ------
    DoesNotFit
        The letters need more frames than there are.
    """
    labels = spelled(words, card.symbols, card.separator)
    if grid.n_frames == 0 and not words:
        return Alignment(Tier("words"), states=Tier("states"))
    path = forced_path(log_probs, labels, blank=0)
    edges = np.clip(grid.edges_s(), 0.0, duration_s)
    spans = [(float(edges[a]), float(edges[b])) for a, b in zip(path.starts, path.stops, strict=True)]
    letters = tuple(
        Interval(start, end, card.symbols[label], float(score))
        for (start, end), label, score in zip(spans, labels, path.confidences, strict=True)
        if card.symbols[label] != card.separator
    )
    found, first = [], 0
    for word in words:
        found.append(Interval(letters[first].start_s, letters[first + len(word) - 1].end_s, word))
        first += len(word)
    return Alignment(
        Tier("words", tuple(found)),
        states=Tier("states", letters),
        path=path.symbols,
        grid=grid,
        log_score=path.log_score,
    )
