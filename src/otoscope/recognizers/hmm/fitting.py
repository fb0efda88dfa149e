"""How well a true text must fit a recording: learnt from utterances with their own and with others' texts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from otoscope.corpora.manifest import Utterance
from otoscope.lexicon.normalization import normalize_words

if TYPE_CHECKING:
    from otoscope.recognizers.hmm.recognizer import HmmRecognizer

MOST_UTTERANCES = 150
TRUE_REFUSED = 0.02
"""Share of true texts that may be refused where true and wrong ones overlap."""


def least_fit(recognizer: HmmRecognizer, utterances: Sequence[Utterance]) -> float:
    """Return the fit (nats a frame) that a text must have to be aligned.

    Half-way between the fit that all but 2 % of true texts reach and the one that all but 2 % of wrong texts stay
    below; where these overlap, the former. Wrong texts are those of the utterance nearest in number of words that
    shares least with the true one. Up to `MOST_UTTERANCES`, evenly chosen, are looked at.
    """
    chosen = [utterances[i] for i in np.unique(np.linspace(0, len(utterances) - 1, MOST_UTTERANCES).astype(int))]
    texts = [normalize_words(utterance.text) for utterance in chosen]
    true, wrong = [], []
    for index, utterance in enumerate(chosen):
        if not texts[index]:
            continue
        fits = recognizer.fits(utterance.recording(), [texts[index], texts[_other(texts, index)]])
        true.append(fits[0])
        wrong.append(fits[1])
    return threshold(np.array(true), np.array(wrong))


def threshold(true: NDArray[np.float64], wrong: NDArray[np.float64]) -> float:
    """Return the fit that parts true from wrong texts.

    Examples
    --------
    >>> round(threshold(np.array([-0.2, -0.4]), np.array([-4.0, -np.inf])), 2)
    -2.23
    """
    true = true[np.isfinite(true)]
    if not true.size:
        return -np.inf
    low = float(np.quantile(true, TRUE_REFUSED))
    wrong = wrong[np.isfinite(wrong)]
    high = float(np.quantile(wrong, 1 - TRUE_REFUSED)) if wrong.size else low - 2.0
    return (low + high) / 2 if high < low else low


def _other(texts: Sequence[tuple[str, ...]], index: int) -> int:
    """Return the text nearest in length among those that share fewest words with this one."""
    own = set(texts[index])
    return min(
        (k for k in range(len(texts))),
        key=lambda k: (len(own & set(texts[k])) / max(1, len(texts[k])) > 0.3, abs(len(texts[k]) - len(texts[index]))),
    )
