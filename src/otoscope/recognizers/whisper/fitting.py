"""How much likelier than a text may be what Whisper hears itself, for `align` to take the text: learnt from speech.

Without it the limit is a convention (`Options.most_nats`). Learn it where transcripts are at hand, for the kind of
speech that is to be aligned: `recognizer.with_options(most_nats=learnt_limit(recognizer, utterances))`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch

from otoscope.core import BadInput
from otoscope.corpora.manifest import Utterance
from otoscope.corpora.transcripts import said_in
from otoscope.recognizers.endtoend.fitting import MOST_UTTERANCES, limit
from otoscope.recognizers.whisper.aligning import Doubts
from otoscope.recognizers.wrong_texts import changed_texts

if TYPE_CHECKING:
    from otoscope.recognizers.whisper.recognizer import WhisperRecognizer


def learnt_limit(recognizer: WhisperRecognizer, utterances: Sequence[Utterance], *, seed: int = 0) -> float:
    """Return the `most_nats` that parts true texts from wrong ones; see `endtoend.fitting.limit`.

    Parameters
    ----------
    utterances
        Held-out speech, up to a window each; of those with a transcript up to 100, evenly chosen, are heard.
    seed
        Of the wrong texts, which `changed_texts` makes of the true ones.

    Raises
    ------
    BadInput
        No utterance has a transcript.
    """
    told = [(u, words) for u in utterances if (words := said_in(u))]
    if not told:
        raise BadInput(f"none of {len(utterances)} utterances has a transcript: nothing to learn a limit from")
    kept = np.unique(np.linspace(0, len(told) - 1, MOST_UTTERANCES).astype(int))
    pool = sorted({word for _, words in told for word in words})
    every = sorted({tuple(words) for _, words in told})
    rng = np.random.default_rng(seed)
    true: list[float] = []
    wrong: list[float] = []
    for i in kept:
        utterance, own = told[i]
        with torch.no_grad():
            doubts = Doubts.about(recognizer.parts, recognizer.options, utterance.recording())
            for text in changed_texts(own, pool, every, rng):
                (true if text.change == "none" else wrong).append(doubts.nats(text.words))
    return limit(np.array(true), np.array(wrong))
