"""What fixes a recogniser of this family apart from its numbers, lexicon and language model."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from otoscope.core import BadInput
from otoscope.core.arrays import set_frozen


@dataclass(frozen=True)
class HmmCard:
    """How an HMM recogniser decodes and judges.

    Parameters
    ----------
    name
        Name in Traces.
    acoustic_scale
        Log-likelihoods are multiplied by it before they meet the language model: neighbouring frames are not
        independent.
    lm_scale, word_penalty
        Weight of the language model, and nats added for each word.
    beam, max_active
        Of the search, in scaled nats and tokens.
    lattice_beam, n_best
        How much of the lattice is kept, and hypotheses listed.
    least_fit
        Nats a frame that each word and silence of a text must have for it to be aligned (`judging.stretch_fits`).
    licence, attribution
        Of the weights, from what they were trained on.
    training
        How the weights were made, JSON values only.
    """

    name: str
    acoustic_scale: float = 1.0 / 12.0
    lm_scale: float = 1.2
    word_penalty: float = 0.5
    beam: float = 13.0
    max_active: int = 3000
    lattice_beam: float = 6.0
    n_best: int = 5
    least_fit: float = -8.0
    licence: str = ""
    attribution: str = ""
    training: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        set_frozen(self, training=MappingProxyType(dict(self.training)))

    def as_json(self) -> dict[str, Any]:
        """Return the card as JSON values."""
        return {
            **{f.name: getattr(self, f.name) for f in dataclasses.fields(self)},
            "training": dict(self.training),
        }

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> HmmCard:
        """Return the card that `as_json` wrote; raises `BadInput` for what is none."""
        try:
            return cls(**values)
        except TypeError as error:
            raise BadInput(f"not the card of a hidden Markov model: {error}") from error
