"""How well a true word fits: the limit below which a text is not what the recording says."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from otoscope.core import DoesNotFit
from otoscope.corpora.manifest import Utterance
from otoscope.decoding.tree import forced
from otoscope.recognizers.hybrid.fitting import mean_fit, word_scores
from otoscope.recognizers.hybrid.recognizer import HybridRecognizer

REFUSED = 0.03
"""Share of true texts that each of the two limits may refuse."""


def least_fits(recognizer: HybridRecognizer, told: Sequence[tuple[Utterance, tuple[str, ...]]]) -> dict[str, float]:
    """Return `least_fit` and `least_word` of the card: what all but `REFUSED` of true texts reach.

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
        worst.append(min(found))
        means.append(mean_fit(found, path))
    if not worst:
        return {"least_fit": recognizer.card.least_fit, "least_word": recognizer.card.least_word}
    return {"least_fit": float(np.quantile(means, REFUSED)), "least_word": float(np.quantile(worst, REFUSED))}
