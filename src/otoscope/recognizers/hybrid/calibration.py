"""How well true words fit: the limits below which a text is not what the recording says."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from otoscope.core import DoesNotFit
from otoscope.corpora.manifest import Utterance
from otoscope.decoding.tree import forced
from otoscope.recognizers.hybrid.fitting import mean_fit, word_fits, word_scores
from otoscope.recognizers.hybrid.recognizer import HybridRecognizer

REFUSED_WORD, REFUSED_TEXT = 0.025, 0.005
"""Share of true texts that may be refused for their worst word, and for all their words together."""


def least_fits(recognizer: HybridRecognizer, told: Sequence[tuple[Utterance, tuple[str, ...]]]) -> dict[str, float]:
    """Return `least_fit` and `least_word` of the card: what nearly all true texts reach.

    Texts too long for their sound are passed over; without any text the card's own limits stay.
    """
    worst, means = [], []
    acoustic = recognizer.acoustic
    for utterance, words in told:
        scores = acoustic.scores([acoustic.samples(utterance.recording())])[0]
        lexicon = recognizer.pronounced(words)
        try:
            path = forced(scores, words, lexicon, acoustic.table)
        except DoesNotFit:
            continue
        found = word_scores(scores, path, lexicon, acoustic)
        worst.append(float(word_fits(found, path).min()))
        means.append(mean_fit(found, path))
    if not worst:
        return {"least_fit": recognizer.card.least_fit, "least_word": recognizer.card.least_word}
    return {
        "least_fit": float(np.quantile(means, REFUSED_TEXT)),
        "least_word": float(np.quantile(worst, REFUSED_WORD)),
    }
