"""The hybrid recognisers that are trained on alignments, and what may be chosen about each."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from otoscope.core import BadInput, UnknownName
from otoscope.lexicon.ngram import NGramModel
from otoscope.nets.front_end import FrontEndShape
from otoscope.nets.training import TrainingPlan
from otoscope.recognizers.hmm.language import Lexicon
from otoscope.recognizers.hmm.recognizer import HmmRecognizer
from otoscope.recognizers.hybrid.card import FeatureKind, HybridCard
from otoscope.recognizers.hybrid.cross_entropy import Changing, Recipe


@dataclass(frozen=True)
class Preset:
    """A kind of network and how it is trained.

    Parameters
    ----------
    name
        Of the preset.
    network
        Key of `otoscope.recognizers.hybrid.networks.NETWORKS`.
    frame_step
        Which frames are scored in training; see `otoscope.recognizers.hybrid.cross_entropy.Recipe`.
    learning_rate
        Peak.
    """

    name: str
    network: str
    frame_step: int = 1
    learning_rate: float = 1e-3


PRESETS: Mapping[str, Preset] = {
    preset.name: preset
    for preset in (
        Preset("mlp-hmm", "mlp", frame_step=3),
        Preset("tdnn-hmm", "tdnn", frame_step=3),
        Preset("lstm-hmm", "lstm"),
    )
}
"""Preset by name."""

N_FEATURES: Mapping[str, int] = {"log-mel": 80, "mfcc": 40, "spectrogram": 80}
"""Mel filters of each kind of features; a spectrogram has no use for them."""


@dataclass(frozen=True)
class Options:
    """What may be chosen besides corpus and preset.

    Parameters
    ----------
    hmm
        The recogniser whose alignments are learnt: itself, its folder, or the preset (`hmm-tri`, …) that is trained
        first; by default `hmm-tri`, or `hmm-word` where the vocabulary is small.
    lm
        What may be said: a model, or a file that `otoscope lm` wrote; by default any word after any other for small
        vocabularies, else a trigram model of the texts.
    lexicon
        Word → pronunciations that go before the CMU dictionary's; those of other words are guessed.
    features
        `log-mel` (80 filters), `mfcc` (40 cepstra) or `spectrogram` (256 bins).
    front_end
        Its shape, where not the usual one.
    shape
        Fields of the network's shape that are not to be the usual ones.
    epochs, learning_rate
        Passes over the data, by default `usual_epochs`, and peak rate.
    plan
        Further fields of `otoscope.nets.training.TrainingPlan`.
    recipe
        How the training sound is changed and batched.
    sound
        Short for `recipe` with this `sound`.
    realign
        How often the network aligns the corpus itself and is trained on.
    card
        Fields of the card that are not to be the usual ones (`acoustic_scale`, `lm_scale`, …).
    """

    hmm: HmmRecognizer | str | os.PathLike[str] | None = None
    lm: NGramModel | str | os.PathLike[str] | None = None
    lexicon: Lexicon | None = None
    features: FeatureKind = "log-mel"
    front_end: FrontEndShape | None = None
    shape: Mapping[str, Any] = field(default_factory=dict)
    epochs: int | None = None
    learning_rate: float | None = None
    plan: Mapping[str, Any] = field(default_factory=dict)
    recipe: Recipe | None = None
    sound: Changing | None = None
    realign: int = 0
    card: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> Options:
        """Return options by name.

        Raises
        ------
        UnknownName
            There is no such option.
        BadInput
            One is out of range.
        """
        known = [f.name for f in dataclasses.fields(cls)]
        for name in values:
            if name not in known:
                raise UnknownName("option", name, known)
        found = cls(**values)
        if found.realign < 0 or found.features not in N_FEATURES:
            raise BadInput(
                f"realign must be 0 or more and features one of {', '.join(N_FEATURES)}, "
                f"got {found.realign} and {found.features!r}"
            )
        return found

    def recipe_of(self, preset: Preset) -> Recipe:
        """Return how sound is changed and batched."""
        recipe = self.recipe or Recipe(frame_step=preset.frame_step)
        return recipe if self.sound is None else dataclasses.replace(recipe, sound=self.sound)

    def plan_of(self, preset: Preset, seed: int, *, duration_s: float) -> TrainingPlan:
        """Return how the network is trained on so much sound."""
        rate = preset.learning_rate if self.learning_rate is None else self.learning_rate
        epochs = usual_epochs(duration_s) if self.epochs is None else self.epochs
        return TrainingPlan(**{"epochs": epochs, "learning_rate": rate, "seed": seed, **self.plan})

    def card_of(self, preset: Preset, n_columns: int) -> HybridCard:
        """Return the card of a network that is still to be trained."""
        front_end = self.front_end or FrontEndShape(n_mels=N_FEATURES[self.features])
        n_features = front_end.n_mels
        if self.features == "spectrogram":
            n_features = max(512, 1 << (front_end.window - 1).bit_length()) // 2
        shape = {"n_features": n_features, "n_symbols": n_columns, **self.shape}
        usual = {"acoustic_scale": 0.1, "beam": 13.0, "max_active": 5000, **self.card}
        return HybridCard(
            preset.name, front_end, preset.network, shape, "cross-entropy", features=self.features, **usual
        )


def usual_epochs(duration_s: float) -> int:
    """Return how many passes over so much sound are made: those that add up to six hours, 12 to 40.

    Examples
    --------
    >>> usual_epochs(300.0), usual_epochs(900.0), usual_epochs(36000.0)
    (40, 24, 12)
    """
    return min(max(round(6 * 3600 / duration_s), 12), 40)


def language_file(path: str | os.PathLike[str]) -> NGramModel:
    """Return the language model in a file, of the compact format or ARPA (`.arpa`, `.arpa.gz`)."""
    from otoscope.lexicon.ngram import load, read_arpa

    return read_arpa(path) if ".arpa" in Path(path).name else load(path)
