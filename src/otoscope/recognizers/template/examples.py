"""How template recognisers learn: words one by one, cut at their endpoints, kept or clustered, then calibrated."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from otoscope.core import BadInput, Recording
from otoscope.core.protocols import Progress
from otoscope.lexicon.normalization import normalize_words
from otoscope.recognizers.template.calibration import calibrated
from otoscope.recognizers.template.card import TemplateCard
from otoscope.recognizers.template.matching import Learner, Matcher
from otoscope.recognizers.template.recognition import frames_of_speech


def examples_of(
    corpus: Iterable[Any], learner: Learner, card: TemplateCard, *, progress: Progress | None = None
) -> list[list[NDArray[Any]]]:
    """Return, for each word of the card, the frames of its utterances, from the first sound to the last.

    Parameters
    ----------
    corpus
        Utterances with `text`, `id` and `recording()`; each must say one word of the card's vocabulary.

    Raises
    ------
    BadInput
        A text that is not one known word, or a word that nobody says.
    """
    found: dict[str, list[NDArray[Any]]] = {word: [] for word in card.vocabulary}
    utterances = list(corpus)
    for n_done, utterance in enumerate(utterances, start=1):
        words = normalize_words(utterance.text)
        if len(words) != 1 or words[0] not in found:
            raise BadInput(
                f"utterance {utterance.id!r} says {utterance.text!r}; templates are made of single words: "
                f"{', '.join(card.vocabulary)}"
            )
        found[words[0]].append(word_frames(utterance.recording(rate_hz=None), learner, card))
        if progress is not None:
            progress(n_done, len(utterances))
    silent = [word for word, own in found.items() if not own]
    if silent:
        raise BadInput(f"the corpus has no utterance of {', '.join(silent)}; every word needs two or more")
    return list(found.values())


def word_frames(recording: Recording, learner: Learner, card: TemplateCard) -> NDArray[Any]:
    """Return the frames of a recording of one word, from the first stretch of speech to the last.

    Raises
    ------
    BadInput
        Nobody speaks in it.
    """
    features = learner.features(recording)
    speech = frames_of_speech(recording, features.grid, card)
    if not speech:
        raise BadInput(f"nobody speaks in {recording.source or 'a training recording'}; take it out of the corpus")
    return np.asarray(features.values[speech[0][0] : speech[-1][-1] + 1])


def made_of(
    learner: Learner, examples: Sequence[Sequence[NDArray[Any]]], card: TemplateCard
) -> tuple[TemplateCard, Matcher]:
    """Return a card with its calibration and number of examples, and the matcher, made of examples of each word."""
    counts = {word: len(own) for word, own in zip(card.vocabulary, examples, strict=True)}
    training = {**card.training, "examples": counts}
    card = dataclasses.replace(card, calibration=calibrated(learner, examples), training=training)
    return card, learner.matcher(examples)
