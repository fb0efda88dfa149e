"""What fixes a hybrid recogniser apart from its weights, lexicon and language model: plain data."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Literal, get_args

from otoscope.core import BadInput
from otoscope.core.arrays import set_frozen
from otoscope.nets.front_end import FrontEndShape

FeatureKind = Literal["log-mel", "mfcc", "spectrogram"]
"""Log power of mel filters, their cepstra, or log power of the bins of a spectrogram."""

SAID_WEIGHTS: Mapping[str, float] = MappingProxyType(
    {"bias": 0.9, "said": 0.6, "around": 0.4, "frames": -0.6, "contrary": -2.6}
)
TOLD_WEIGHTS: Mapping[str, float] = MappingProxyType({"bias": 5.3, "told": 0.25, "frames": -1.2, "extra": -4.8})
"""Where none were learnt: what they are for `otoscope-en`, rounded."""


@dataclass(frozen=True)
class HybridCard:
    """How a hybrid recogniser hears, decodes and judges.

    Parameters
    ----------
    name
        Name in Traces.
    front_end
        Shape of the front end.
    network
        Kind of the network, a key of `otoscope.recognizers.hybrid.networks.NETWORKS`.
    shape
        What fixes that network: the fields of its shape, JSON values only.
    criterion
        What the network was trained for. "mmi": its outputs are acoustic scores as they are (Povey et al. 2016).
        "cross-entropy": its outputs are posteriors of columns, which are divided by the columns' priors to be scores
        (Bourlard & Morgan 1994, equation 7.1).
    features
        What the front end gives; see `otoscope.nets.speech_inputs`.
    acoustic_scale, lm_scale, word_penalty
        Weights of sound and language model, and nats added for each word.
    beam, max_active, lattice_beam, n_best
        Of the search, in scaled nats and tokens; how much of the lattice is kept, and hypotheses listed.
    silence_log_prob
        Natural-log probability of a silence between two words.
    margin_s
        How far the ends of a word may lie from those of its interval when it is scored, seconds.
    said_weights, told_weights
        Of the logistic models of whether a word was said, and whether a place between words leaves nothing out, by
        feature (`otoscope.recognizers.hybrid.fitting.Evidence`), and their `bias`.
    least_said, least_told
        Probability that each word, and each place, must have for a text to be aligned.
    least_fit
        Nats a frame that the words of such a text must have together.
    licence, attribution
        Of the weights, from what they were trained on.
    training
        How the weights were made, JSON values only.
    """

    name: str
    front_end: FrontEndShape
    network: str
    shape: Mapping[str, Any]
    criterion: Literal["mmi", "cross-entropy"]
    features: FeatureKind = "log-mel"
    acoustic_scale: float = 1.0
    lm_scale: float = 1.0
    word_penalty: float = 0.0
    beam: float = 12.0
    max_active: int = 3000
    lattice_beam: float = 6.0
    n_best: int = 5
    silence_log_prob: float = -0.6931471805599453
    margin_s: float = 0.06
    said_weights: Mapping[str, float] = field(default_factory=lambda: SAID_WEIGHTS)
    told_weights: Mapping[str, float] = field(default_factory=lambda: TOLD_WEIGHTS)
    least_said: float = 0.1
    least_told: float = 0.1
    least_fit: float = -2.0
    licence: str = ""
    attribution: str = ""
    training: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        shape = {name: list(value) if isinstance(value, tuple) else value for name, value in self.shape.items()}
        set_frozen(self, shape=MappingProxyType(shape), training=MappingProxyType(dict(self.training)))
        for name, known in (("said_weights", SAID_WEIGHTS), ("told_weights", TOLD_WEIGHTS)):
            given = dict(getattr(self, name))
            if given.keys() != known.keys():
                raise BadInput(f"{name} are given for {', '.join(sorted(given))}; needed are {', '.join(known)}")
            set_frozen(self, **{name: MappingProxyType(given)})
        if self.criterion not in ("mmi", "cross-entropy"):
            raise BadInput(f"the criterion is mmi or cross-entropy, got {self.criterion!r}")
        if self.features not in get_args(FeatureKind):
            raise BadInput(f"unknown features {self.features!r}; one of {', '.join(get_args(FeatureKind))}")

    def as_json(self) -> dict[str, Any]:
        """Return the card as JSON values."""
        values = {f.name: getattr(self, f.name) for f in dataclasses.fields(self)}
        values["front_end"] = dataclasses.asdict(self.front_end)
        mappings = {name: dict(values[name]) for name in ("shape", "said_weights", "told_weights", "training")}
        return {**values, **mappings}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> HybridCard:
        """Return the card that `as_json` wrote.

        Raises
        ------
        BadInput
            A field is missing, unknown or of the wrong kind.
        """
        try:
            return cls(**{**values, "front_end": FrontEndShape(**values["front_end"])})
        except (KeyError, TypeError) as error:
            raise BadInput(f"not the card of a hybrid recogniser: {error}") from error
