"""The card of a template recogniser: all that fixes it apart from its templates, as plain data."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from otoscope.core import BadInput
from otoscope.core.arrays import set_frozen
from otoscope.recognizers.template.calibration import Calibration
from otoscope.recognizers.template.endpoints import Endpoints


@dataclass(frozen=True)
class TemplateCard:
    """What fixes a template recogniser apart from its templates.

    Parameters
    ----------
    name
        Name in Traces.
    vocabulary
        The words, in the order of the matcher.
    calibration
        Temperature and rejection threshold.
    endpoints
        How stretches of speech are found.
    connected
        Whether a stretch of speech may hold several words; if not, each is one word.
    n_best
        Hypotheses kept.
    licence, attribution
        Of the templates, from whose speech they were made.
    training
        How the templates were made, JSON values only.
    """

    name: str
    vocabulary: tuple[str, ...]
    calibration: Calibration
    endpoints: Endpoints = field(default_factory=Endpoints)
    connected: bool = False
    n_best: int = 5
    licence: str = ""
    attribution: str = ""
    training: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        set_frozen(self, vocabulary=tuple(self.vocabulary), training=MappingProxyType(dict(self.training)))
        if not self.vocabulary or len(set(self.vocabulary)) != len(self.vocabulary):
            raise BadInput(f"the vocabulary needs a word at least, each once, got {self.vocabulary}")
        if self.n_best < 1:
            raise BadInput(f"n_best must be 1 or more, got {self.n_best}")

    def as_json(self) -> dict[str, Any]:
        """Return the card as JSON values."""
        values = {f.name: getattr(self, f.name) for f in dataclasses.fields(self)}
        values["calibration"] = dataclasses.asdict(self.calibration)
        values["endpoints"] = dataclasses.asdict(self.endpoints)
        return {**values, "vocabulary": list(self.vocabulary), "training": dict(self.training)}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> TemplateCard:
        """Return the card that `as_json` wrote.

        Raises
        ------
        BadInput
            A field is missing, unknown or of the wrong kind.
        """
        try:
            parts = {
                "calibration": Calibration(**values["calibration"]),
                "endpoints": Endpoints(**values["endpoints"]),
            }
            return cls(**{**values, **parts})
        except (TypeError, KeyError, AttributeError) as error:
            raise BadInput(f"this is no card of a template recogniser: {error}") from None
