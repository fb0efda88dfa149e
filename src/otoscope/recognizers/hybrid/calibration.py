"""How well a true word fits: the limit below which a text is not what the recording says."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from otoscope.corpora.manifest import Utterance
from otoscope.decoding.tree import forced
from otoscope.recognizers.hybrid.fitting import word_scores
from otoscope.recognizers.hybrid.recognizer import HybridRecognizer

REFUSED = 0.02
"""Share of true texts that may be refused."""


def least_fit(recognizer: HybridRecognizer, told: Sequence[tuple[Utterance, tuple[str, ...]]]) -> float:
    """Return the score of the worst word below which only `REFUSED` of true texts lie; minus infinity without any."""
    worst = []
    for utterance, words in told:
        acoustic = recognizer.acoustic
        scores = acoustic.scores([acoustic.samples(utterance.recording())])[0]
        lexicon = recognizer.pronounced(words)
        path = forced(scores, words, lexicon, acoustic.table)
        worst.append(min(word_scores(scores, path, lexicon, acoustic)))
    return float(np.quantile(worst, REFUSED)) if worst else -np.inf
