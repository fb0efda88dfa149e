"""Weights of the search chosen on held-out speech: how much the language model counts, and what a word costs."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from otoscope.corpora.utterance import Utterance
from otoscope.decoding.edit_distance import edit_distance
from otoscope.decoding.tree import TreeDecoder
from otoscope.recognizers.hybrid.card import HybridCard
from otoscope.recognizers.hybrid.recognizer import HybridRecognizer

LM_SCALES = (0.6, 0.7, 0.8, 0.9, 1.0, 1.15)
WORD_PENALTIES = (-0.6, -0.3, 0.0, 0.3, 0.6)
MOST_UTTERANCES = 240


def chosen_weights(recognizer: HybridRecognizer, told: Sequence[tuple[Utterance, tuple[str, ...]]]) -> dict[str, float]:
    """Return `lm_scale` and `word_penalty` of the card with the fewest word errors on some utterances.

    First the scale is chosen at the card's own penalty, then the penalty, then the scale once more. Where two do
    equally well, the one nearer to the card's own stays. Up to `MOST_UTTERANCES`, evenly chosen, are heard; without
    any, the card's own weights stay.
    """
    card = recognizer.card
    chosen = {"lm_scale": card.lm_scale, "word_penalty": card.word_penalty}
    acoustic = recognizer.acoustic
    kept = sorted({round(i) for i in np.linspace(0, len(told) - 1, MOST_UTTERANCES)}) if told else []
    heard = [(acoustic.scores([acoustic.samples(told[i][0].recording())])[0], told[i][1]) for i in kept]
    if not heard:
        return chosen
    known: dict[tuple[float, float], int] = {}
    for name, values in (("lm_scale", LM_SCALES), ("word_penalty", WORD_PENALTIES), ("lm_scale", LM_SCALES)):
        tried = sorted({*values, chosen[name]}, key=lambda value, own=chosen[name]: abs(value - own))  # type: ignore[misc]
        errors = []
        for value in tried:
            weights = {**chosen, name: value}
            key = weights["lm_scale"], weights["word_penalty"]
            if key not in known:
                known[key] = _errors(recognizer.decoder, card, heard, *key)
            errors.append(known[key])
        chosen[name] = tried[int(np.argmin(errors))]
    return chosen


def _errors(
    decoder: TreeDecoder,
    card: HybridCard,
    heard: Sequence[tuple[NDArray[np.float32], tuple[str, ...]]],
    lm_scale: float,
    word_penalty: float,
) -> int:
    """Return the word errors of a search with these weights."""
    search = TreeDecoder(
        decoder.graph,
        decoder.space.lm,
        beam=card.beam,
        max_active=card.max_active,
        lm_scale=lm_scale,
        word_penalty=word_penalty,
        acoustic_scale=card.acoustic_scale,
    )
    return sum(edit_distance(said, [word.word for word in search.decode(scores).words]) for scores, said in heard)
