"""How well a true text must fit a recording: learnt from utterances with their own texts and with wrong ones."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from otoscope.corpora.manifest import Utterance
from otoscope.lexicon.normalization import normalize_words
from otoscope.recognizers.hmm.language import Lexicon

if TYPE_CHECKING:
    from otoscope.recognizers.hmm.recognizer import HmmRecognizer

MOST_UTTERANCES = 150
TRUE_REFUSED = 0.02
"""Share of true texts that may be refused where true and wrong ones overlap."""


def least_fit(recognizer: HmmRecognizer, utterances: Sequence[Utterance]) -> float:
    """Return the fit (nats a frame) that every word and silence of a text must have for the text to be aligned.

    Half-way between the fit that all but 2 % of true texts reach and the one that all but 2 % of wrong texts stay
    below; where these overlap, the former. Wrong texts are true ones whose middle word is replaced by another of about
    as many units. Up to `MOST_UTTERANCES`, evenly chosen, are looked at.
    """
    chosen = [utterances[i] for i in np.unique(np.linspace(0, len(utterances) - 1, MOST_UTTERANCES).astype(int))]
    texts = [normalize_words(utterance.text) for utterance in chosen]
    lexicon = recognizer.pronounced({word for text in texts for word in text})
    true, wrong = [], []
    for utterance, text in zip(chosen, texts, strict=True):
        if text:
            fits = recognizer.fits(utterance.recording(), [text, replaced(text, lexicon)])
            true.append(fits[0])
            wrong.append(fits[1])
    return threshold(np.array(true), np.array(wrong))


def threshold(true: NDArray[np.float64], wrong: NDArray[np.float64]) -> float:
    """Return the fit that parts true from wrong texts.

    Examples
    --------
    >>> round(threshold(np.array([-0.2, -0.4]), np.array([-4.0, -np.inf])), 2)
    -2.2
    """
    true = true[np.isfinite(true)]
    if not true.size:
        return -np.inf
    low = float(np.quantile(true, TRUE_REFUSED))
    wrong = wrong[np.isfinite(wrong)]
    high = float(np.quantile(wrong, 1 - TRUE_REFUSED)) if wrong.size else low - 2.0
    return (low + high) / 2 if high < low else low


def replaced(text: Sequence[str], lexicon: Lexicon) -> tuple[str, ...]:
    """Return the text with another word in its middle, of nearly as many units but least alike in them."""
    middle = len(text) // 2
    units = lexicon[text[middle]][0]

    def unlike(word: str) -> tuple[int, int, str]:
        own = lexicon[word][0]
        return abs(len(own) - len(units)), len(set(own) & set(units)), word

    others = [word for word in lexicon if not set(lexicon[word]) & set(lexicon[text[middle]])]
    return (*text[:middle], *([min(others, key=unlike)] if others else []), *text[middle + 1 :])
