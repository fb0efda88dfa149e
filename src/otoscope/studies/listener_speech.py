"""What studies of the listener share: words drawn from a lexicon, spoken by voices in turn, and how words rank."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from otoscope.core import BadInput
from otoscope.lexicon.mental_lexicon import MentalLexicon
from otoscope.listener.listening import Heard, WordListener
from otoscope.listener.stimuli.items import Item
from otoscope.listener.stimuli.speaking import Speaker

Floats = NDArray[np.float64]
Drawing = Literal["known", "any", "frequency"]
LEAST_ZIPF = 2.0
"""Of words that people may be taken to know: once in ten million."""


def drawn_words(lexicon: MentalLexicon, n_words: int, drawing: Drawing, rng: np.random.Generator) -> tuple[str, ...]:
    """Return different words of a lexicon.

    Parameters
    ----------
    lexicon
        Where they are from.
    n_words
        How many; fewer where there are fewer.
    drawing
        `known`: evenly from words of `LEAST_ZIPF` or more; `any`: evenly from all, names and abbreviations that hardly
        anybody has met among them; `frequency`: in proportion to frequency.
    rng
        Draws.
    """
    if drawing not in ("known", "any", "frequency"):
        raise BadInput(f"drawing must be known, any or frequency, got {drawing!r}")
    places = np.flatnonzero(lexicon.zipfs >= LEAST_ZIPF) if drawing == "known" else np.arange(len(lexicon))
    if not places.size:
        raise BadInput(f"no word of the lexicon has a Zipf frequency of {LEAST_ZIPF:g} or more")
    weights = lexicon.per_million[places] / lexicon.per_million[places].sum() if drawing == "frequency" else None
    chosen = rng.choice(places, min(n_words, places.size), replace=False, p=weights)
    return tuple(lexicon.words[place] for place in chosen)


def spoken_in_turn(
    items: Sequence[Item], voices: Sequence[str], lexicon: MentalLexicon
) -> tuple[tuple[Item, ...], tuple[str, ...]]:
    """Return items spoken, each by the next of the voices, and the labels of those that could not be said."""
    if not voices:
        raise BadInput("voices are needed to speak the items")
    speakers = [Speaker(voice) for voice in voices]
    found: list[Item] = []
    unsaid: list[str] = []
    for nth, item in enumerate(items):
        speaker = speakers[nth % len(speakers)]
        try:
            said = speaker.word(item.word, lexicon) if item.word is not None else speaker.phones(item.phones or ())
        except BadInput:
            unsaid.append(item.label)
            continue
        found.append(replace(said, label=item.label, condition=item.condition, details=item.details))
    return tuple(found), tuple(unsaid)


def acoustic_scores(listener: WordListener, heard: Heard) -> Floats:
    """Return log P(signal | form) `(n_forms,)` up to a constant: final-state activations less λ log P(form)."""
    competition = listener.compete(heard, n_kept=1)
    weighted = listener.settings.frequency_weight * listener.forms.log_prior
    return np.asarray(competition.final.astype(np.float64) - weighted)


@dataclass(frozen=True, eq=False)
class Vocabulary:
    """Words that compete in a ranking: a part of the lexicon that was searched, under its own priors.

    The search is exact, so that scores of fewer words are those of all of them, the others left out.

    Parameters
    ----------
    whole
        The lexicon whose forms have scores.
    part
        The words that compete.
    """

    whole: MentalLexicon
    part: MentalLexicon

    @classmethod
    def most_frequent(cls, whole: MentalLexicon, n_words: int, words: Iterable[str]) -> Vocabulary:
        """Return the most frequent words of a lexicon and those that are spoken."""
        if n_words >= len(whole):
            return cls(whole, whole)
        return cls(whole, whole.only((*whole.subset(n_words).words, *words)))

    @cached_property
    def _places(self) -> NDArray[np.int64]:
        index = self.whole.forms.index
        return np.array([index[phones] for phones in self.part.forms.phones], dtype=np.int64)

    @cached_property
    def _pairs(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Form and word of each pair of them that belong together."""
        pairs = [(form, word) for form, words in enumerate(self.part.forms.words) for word in words]
        forms, words = np.array(pairs, dtype=np.int64).T
        return forms, words

    @cached_property
    def _log_p(self) -> Floats:
        """Log P(word) / number of ways to say it, `(n_words,)`."""
        return self.part.log_priors - np.log([len(ways) for ways in self.part.pronunciations])

    def pooled_rank(self, acoustic: Floats, word: str, frequency_weight: float) -> int:
        """Return the rank, from 1, of the best form of a word among all forms: words that sound alike are one."""
        scores = acoustic[self._places] + frequency_weight * self.part.forms.log_prior
        own = list(self.part.forms_of(word))
        return _rank(scores, own)

    def word_rank(self, acoustic: Floats, word: str, frequency_weight: float) -> int:
        """Return the rank, from 1, among spellings: of words that sound alike the most frequent is the one heard."""
        forms, words = self._pairs
        scores = np.full(len(self.part), -np.inf)
        np.maximum.at(scores, words, acoustic[self._places][forms] + frequency_weight * self._log_p[words])
        return _rank(scores + 1e-6 * self._log_p, [self.part.position(word)])


def _rank(scores: Floats, own: Sequence[int]) -> int:
    best = float(scores[list(own)].max())
    if not np.isfinite(best):
        return int(scores.size)
    ahead = scores > best
    ahead[list(own)] = False
    return 1 + int(ahead.sum())
