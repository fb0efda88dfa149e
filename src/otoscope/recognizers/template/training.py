"""How template recognisers learn: words one by one, cut at their endpoints, kept or clustered, then calibrated."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from otoscope.core import BadInput, Recording
from otoscope.core.protocols import Progress
from otoscope.lexicon.normalization import normalize_words
from otoscope.recognizers.template.calculator import SHOEBOX_WORDS
from otoscope.recognizers.template.calibration import Calibration, calibrated
from otoscope.recognizers.template.card import TemplateCard
from otoscope.recognizers.template.endpoints import Endpoints
from otoscope.recognizers.template.formants import OccupancyLearner
from otoscope.recognizers.template.front_end import CepstralFrontEnd
from otoscope.recognizers.template.matching import Learner
from otoscope.recognizers.template.recognition import frames_of_speech
from otoscope.recognizers.template.recognizer import TemplateRecognizer
from otoscope.recognizers.template.warping import WarpingLearner

DIGITS = SHOEBOX_WORDS[:10]
_UNKNOWN = Calibration(1.0, 1.0)

AUDREY = WarpingLearner(CepstralFrontEnd(floor=9.0), n_nearest=3, own_mean=0.5, scaled=True)
AUDREY_ENDPOINTS = Endpoints(margin_s=0.02)
AUDREY_FORMANTS = OccupancyLearner()
SHOEBOX = WarpingLearner(CepstralFrontEnd(rate_hz=16000, floor_reach_s=0.5), n_nearest=1)


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


def learnt(
    learner: Learner, corpus: Iterable[Any], card: TemplateCard, *, progress: Progress | None = None
) -> TemplateRecognizer:
    """Return a recogniser of a card's words with the templates and the calibration that come of a corpus."""
    return from_examples(learner, examples_of(corpus, learner, card, progress=progress), card)


def from_examples(
    learner: Learner, examples: Sequence[Sequence[NDArray[Any]]], card: TemplateCard
) -> TemplateRecognizer:
    """Return the recogniser made of the frames of some examples of each word of a card."""
    counts = {word: len(own) for word, own in zip(card.vocabulary, examples, strict=True)}
    card = dataclasses.replace(
        card, calibration=calibrated(learner, examples), training={**card.training, "examples": counts}
    )
    return TemplateRecognizer(card, learner.matcher(examples))


def train_audrey(
    corpus: Sequence[Any],
    valid: Sequence[Any] = (),
    folder: str | os.PathLike[str] = "audrey",
    *,
    seed: int = 0,
    progress: Progress | None = None,
    **options: Any,
) -> TemplateRecognizer:
    """Make `audrey` (digits, dynamic time warping) of single digits and save it; `options` are `WarpingLearner`'s.

    Parameters
    ----------
    corpus
        Utterances of one digit each, several of each digit, at best of one speaker.
    valid
        Not used: calibration holds out the examples themselves in turn.
    folder
        Where it is saved.
    seed
        Kept in the card; nothing is random.
    progress
        Called with (utterances done, all utterances).
    """
    learner = _with_options(AUDREY, options)
    return _saved(learner, corpus, TemplateCard("audrey", DIGITS, _UNKNOWN, AUDREY_ENDPOINTS), folder, (seed, progress))


def train_audrey_formants(
    corpus: Sequence[Any],
    valid: Sequence[Any] = (),
    folder: str | os.PathLike[str] = "audrey-formants",
    *,
    seed: int = 0,
    progress: Progress | None = None,
) -> TemplateRecognizer:
    """Make `audrey-formants` (digits, dwell times in the formant plane) and save it; as `train_audrey`."""
    card = TemplateCard("audrey-formants", DIGITS, _UNKNOWN, AUDREY_ENDPOINTS)
    return _saved(AUDREY_FORMANTS, corpus, card, folder, (seed, progress))


def train_shoebox(
    corpus: Sequence[Any],
    valid: Sequence[Any] = (),
    folder: str | os.PathLike[str] = "shoebox",
    *,
    seed: int = 0,
    progress: Progress | None = None,
    **options: Any,
) -> TemplateRecognizer:
    """Make `shoebox` (ten digits and six commands) of single words and save it; as `train_audrey`."""
    learner = _with_options(SHOEBOX, options)
    return _saved(learner, corpus, TemplateCard("shoebox", SHOEBOX_WORDS, _UNKNOWN), folder, (seed, progress))


def _with_options(learner: WarpingLearner, options: Mapping[str, Any]) -> WarpingLearner:
    known = [f.name for f in dataclasses.fields(learner)]
    unknown = [name for name in options if name not in known]
    if unknown:
        raise BadInput(f"templates know no option {', '.join(unknown)}; they know {', '.join(known)}")
    return dataclasses.replace(learner, **options)


def _saved(
    learner: Learner,
    corpus: Sequence[Any],
    card: TemplateCard,
    folder: str | os.PathLike[str],
    run: tuple[int, Progress | None],
) -> TemplateRecognizer:
    seed, progress = run
    recognizer = learnt(learner, corpus, dataclasses.replace(card, training={"seed": seed}), progress=progress)
    recognizer.save(Path(folder))
    return recognizer
