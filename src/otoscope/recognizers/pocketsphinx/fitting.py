"""Whether a known transcript can be what a recording says at all.

In: a network of the transcript's words and the senone scores of the recording. Out: one number, and the least that
a true transcript has.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from otoscope.recognizers.pocketsphinx.network import Network
from otoscope.recognizers.pocketsphinx.passage import phone_loop, through

LEAST_FIT = -2.3
"""Nats a frame. On 35 read utterances by unseen speakers, true transcripts had -0.7 or more (median 0.2), 140
transcripts of other utterances of like length -3.8 or less (median -5.4); this is the middle between the two."""


def fit(network: Network, scores: NDArray[np.float32]) -> float:
    """Return ln p(sound | words) - ln p(sound | any succession of phones), Viterbi both, divided by the frames.

    The language model has no part in it; silences between words are free. Words are made of triphones and the free
    loop of phones without context, so that a good fit may be above 0. A recording too short for the words has -inf.
    """
    relative = scores - phone_loop(scores, network.loop, 0.0)[:, None]
    word = np.full(len(scores) + 1, -np.inf)
    word[0] = 0.0
    word = np.maximum(word, through(relative, network.silence, word))
    for slot in network.slots:
        ends = [through(relative, spoken.columns, word) for spoken in slot.of(slot.word)]
        word = np.maximum.reduce(ends)
        word = np.maximum(word, through(relative, network.silence, word))
    return float(word[-1]) / max(1, len(scores))
