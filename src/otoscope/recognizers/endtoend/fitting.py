"""How much likelier than a text may be what a recogniser hears itself, for the text to be what is said.

End-to-end families share no unit in which a text could be judged place by place, but all tell the log probability of a
text. What is allowed is learnt from held-out speech with its true texts and with wrong ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray

from otoscope.core import BadInput, DoesNotFit
from otoscope.corpora.manifest import Utterance
from otoscope.corpora.transcripts import said_in
from otoscope.recognizers.endtoend.card import EndToEndCard
from otoscope.recognizers.endtoend.hearing import Encoded, Reader, doubt
from otoscope.recognizers.wrong_texts import changed_texts

if TYPE_CHECKING:
    from otoscope.recognizers.endtoend.recognizer import EndToEndRecognizer

REFUSED = 0.03
"""Share of true texts that may be refused where true and wrong ones overlap."""
MOST_UTTERANCES = 100


def learnt_limit(recognizer: EndToEndRecognizer, utterances: Sequence[Utterance], *, seed: int = 0) -> float:
    """Return the `most_nats` that parts true texts from wrong ones, or the card's own if no utterance has a transcript
    that the recogniser can write.

    Half-way between the doubt that all but 3 % of true texts stay below and the one that all but 3 % of wrong texts
    reach; where these overlap, the former. Up to `MOST_UTTERANCES`, evenly chosen, are heard; the wrong texts come from
    `changed_texts` and `seed`.
    """
    told = [(u, words) for u in utterances if (words := said_in(u)) and _can_write(recognizer.card, words)]
    kept = np.unique(np.linspace(0, len(told) - 1, MOST_UTTERANCES).astype(int)) if told else ()
    pool = sorted({word for _, words in told for word in words})
    every = sorted({tuple(words) for _, words in told})
    rng = np.random.default_rng(seed)
    true: list[float] = []
    wrong: list[float] = []
    for i in kept:
        utterance, own = told[i]
        with torch.no_grad():
            heard = recognizer.encoded(utterance.recording())
            found = recognizer.reader.hypotheses(heard)[0].words
            for text in changed_texts(own, pool, every, rng):
                (true if text.change == "none" else wrong).append(_doubt(recognizer.reader, heard, text.words, found))
    if not np.isfinite(true).any():
        return recognizer.card.decoding.most_nats
    return limit(np.array(true), np.array(wrong))


def _doubt(reader: Reader, heard: Encoded, words: Sequence[str], found: Sequence[str]) -> float:
    """Return the doubt, infinite where the text is too long for the sound."""
    try:
        return doubt(reader, heard, words, found)
    except DoesNotFit:
        return np.inf


def _can_write(card: EndToEndCard, words: Sequence[str]) -> bool:
    if card.vocabulary is not None and not set(words) <= set(card.vocabulary):
        return False
    try:
        card.tokens.encode(words)
    except BadInput:
        return False
    return True


def limit(true: NDArray[np.float64], wrong: NDArray[np.float64]) -> float:
    """Return the doubt that parts true from wrong texts; texts too long for their sound have no say.

    Examples
    --------
    >>> found = limit(np.array([0.0, 1.0]), np.array([5.0, 9.0, np.inf])), limit(np.array([0.0, 7.0]), np.array([5.0]))
    >>> [round(nats, 2) for nats in found]
    [3.04, 6.79]
    """
    low = float(np.quantile(true[np.isfinite(true)], 1 - REFUSED))
    finite = wrong[np.isfinite(wrong)]
    high = float(np.quantile(finite, REFUSED)) if finite.size else low + 2.0
    return (low + high) / 2 if high > low else low
