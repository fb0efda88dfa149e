"""The template recognisers by name: which learner, which words, and one call from a corpus to a saved folder."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from otoscope.core import BadInput
from otoscope.core.protocols import Progress
from otoscope.recognizers.template.calculator import SHOEBOX_WORDS
from otoscope.recognizers.template.calibration import Calibration
from otoscope.recognizers.template.card import TemplateCard
from otoscope.recognizers.template.endpoints import Endpoints
from otoscope.recognizers.template.examples import examples_of, made_of
from otoscope.recognizers.template.formants import OccupancyLearner
from otoscope.recognizers.template.front_end import CepstralFrontEnd
from otoscope.recognizers.template.matching import Learner
from otoscope.recognizers.template.recognizer import TemplateRecognizer
from otoscope.recognizers.template.warping import WarpingLearner

DIGITS = SHOEBOX_WORDS[:10]
_UNKNOWN = Calibration(1.0, 1.0)

AUDREY = WarpingLearner(CepstralFrontEnd(floor=11.0), n_nearest=3, own_mean=0.5, scaled=True)
AUDREY_ENDPOINTS = Endpoints(margin_s=0.03)
AUDREY_FORMANTS = OccupancyLearner()
SHOEBOX = WarpingLearner(CepstralFrontEnd(rate_hz=16000, floor_reach_s=0.5), n_nearest=1)


def learnt(
    learner: Learner, corpus: Iterable[Any], card: TemplateCard, *, progress: Progress | None = None
) -> TemplateRecognizer:
    """Return a recogniser of a card's words with the templates and the calibration that come of a corpus."""
    return from_examples(learner, examples_of(corpus, learner, card, progress=progress), card)


def from_examples(
    learner: Learner, examples: Sequence[Sequence[NDArray[Any]]], card: TemplateCard
) -> TemplateRecognizer:
    """Return the recogniser made of the frames of some examples of each word of a card."""
    return TemplateRecognizer(*made_of(learner, examples, card))


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
