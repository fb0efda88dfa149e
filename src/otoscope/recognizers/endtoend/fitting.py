"""Whether a text is what a recording says: how much likelier is what the recogniser itself hears, and how much may be.

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
from otoscope.decoding.edit_distance import edit_distance
from otoscope.recognizers.endtoend.card import EndToEndCard
from otoscope.recognizers.endtoend.hearing import Encoded, Reader
from otoscope.recognizers.wrong_texts import changed_texts

if TYPE_CHECKING:
    from otoscope.recognizers.endtoend.recognizer import EndToEndRecognizer

REFUSED = 0.03
"""Share of true texts that may be refused where true and wrong ones overlap."""
MOST_UTTERANCES = 100


def doubt(reader: Reader, heard: Encoded, words: Sequence[str], found: Sequence[str]) -> float:
    """Return by how many nats, for each word that differs, `found` is likelier than `words`; 0 where none differs."""
    n_edits = edit_distance(words, found)
    if not n_edits:
        return 0.0
    known, other = (reader.text_log_prob(heard, tuple(text)) for text in (words, found))
    return (other - known) / n_edits


def check_said(reader: Reader, card: EndToEndCard, heard: Encoded, words: tuple[str, ...]) -> None:
    """Raise unless `words` can be what the sound says.

    Raises
    ------
    DoesNotFit
        Words are not in the vocabulary, or what is heard is likelier by more than `card.decoding.most_nats` for each
        word that differs.
    """
    if card.vocabulary is not None and (unknown := sorted(set(words) - set(card.vocabulary))):
        raise DoesNotFit(
            f"{card.name} does not know {', '.join(unknown)}; it knows {len(card.vocabulary)} words, such as "
            f"{', '.join(card.vocabulary[:5])}"
        )
    found = reader.hypotheses(heard)[0].words
    nats, most = doubt(reader, heard, words, found), card.decoding.most_nats
    if nats > most:
        said = repr(" ".join(found)) if found else "nothing"
        raise DoesNotFit(
            f"the text does not fit the sound: {card.name} hears {said}, likelier by {nats:.1f} nats for each word "
            f"that differs, where {most:.1f} are allowed; check that text and recording belong together"
        )


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
                (true if text.change == "none" else wrong).append(doubt(recognizer.reader, heard, text.words, found))
    if not np.isfinite(true).any():
        return recognizer.card.decoding.most_nats
    return limit(np.array(true), np.array(wrong))


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
