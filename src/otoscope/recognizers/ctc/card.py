"""The model card of a CTC recogniser: all that fixes it apart from its weights, as plain data."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from otoscope.core import BadInput
from otoscope.core.arrays import set_frozen
from otoscope.nets.acoustic import AcousticShape
from otoscope.nets.front_end import FrontEndShape

BLANK = "<blank>"
LETTERS = (BLANK, " ", "'", *"abcdefghijklmnopqrstuvwxyz")
"""Symbols of English text: the CTC blank, the space between words, the apostrophe, a to z."""


@dataclass(frozen=True)
class CtcCard:
    """What fixes a CTC recogniser apart from its weights.

    Parameters
    ----------
    name
        Name in Traces.
    front_end, network
        Shapes of the two parts; `network.n_features` must be `front_end.n_mels`.
    symbols
        Columns of the emissions; the first is the blank.
    separator
        The symbol between two words.
    vocabulary
        Words it may hear; `None` lets it hear any string of letters.
    beam, n_best
        Width of the beam, and hypotheses kept.
    margin_s
        How far a word's letters may lie outside its interval when it is scored (see `score`), seconds.
    licence, attribution
        Of the weights, from what they were trained on.
    training
        How the weights were made, JSON values only.
    """

    name: str
    front_end: FrontEndShape
    network: AcousticShape
    symbols: tuple[str, ...] = LETTERS
    separator: str = " "
    vocabulary: tuple[str, ...] | None = None
    beam: int = 32
    n_best: int = 5
    margin_s: float = 0.06
    licence: str = ""
    attribution: str = ""
    training: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        set_frozen(self, symbols=tuple(self.symbols), training=MappingProxyType(dict(self.training)))
        if self.vocabulary is not None:
            set_frozen(self, vocabulary=tuple(self.vocabulary))
        if self.network.n_features != self.front_end.n_mels or self.network.n_symbols != len(self.symbols):
            raise BadInput(
                f"the network takes {self.network.n_features} features and gives {self.network.n_symbols} symbols; "
                f"the front end has {self.front_end.n_mels}, the card {len(self.symbols)}"
            )
        if not self.symbols or self.symbols[0] != BLANK or self.separator not in self.symbols:
            raise BadInput(f"symbols must start with {BLANK!r} and hold the separator {self.separator!r}")

    def as_json(self) -> dict[str, Any]:
        """Return the card as JSON values."""
        values = {f.name: getattr(self, f.name) for f in dataclasses.fields(self)}
        values["front_end"] = dataclasses.asdict(self.front_end)
        values["network"] = dataclasses.asdict(self.network)
        return {**values, "training": dict(self.training)}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> CtcCard:
        """Return the card that `as_json` wrote.

        Raises
        ------
        BadInput
            A field is missing, unknown or of the wrong kind.
        """
        try:
            front_end, network = FrontEndShape(**values["front_end"]), AcousticShape(**values["network"])
            return cls(**{**values, "front_end": front_end, "network": network})
        except (KeyError, TypeError) as error:
            raise BadInput(f"not the card of a CTC recogniser: {error}") from error
