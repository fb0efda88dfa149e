"""The card of an end-to-end recogniser: all that fixes it apart from its weights, as plain data."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Literal

from otoscope.core import BadInput
from otoscope.core.arrays import set_frozen
from otoscope.nets.encoders import EncoderShape
from otoscope.nets.front_end import FrontEndShape
from otoscope.nets.speech_network import DecoderShape, SpeechShape
from otoscope.recognizers.endtoend.tokens import Tokens

Family = Literal["ctc", "attention", "transducer"]


@dataclass(frozen=True)
class Decoding:
    """How hypotheses are searched and scored.

    Parameters
    ----------
    beam, n_best
        Width of the beam, and hypotheses kept.
    ctc_weight
        Share of CTC in one-pass joint decoding (Watanabe et al. 2017, equation 44); 0 leaves attention alone.
    length_power
        Finished hypotheses of an attention decoder are compared by score / ((5 + n) / 6)^power (Wu et al. 2016,
        equation 14); 0 compares the scores themselves.
    coverage
        Weight of the coverage penalty Σ_frames ln min(Σ_tokens weight, 1) (Wu et al. 2016); recurrent decoders only.
    most_labels
        Labels that a transducer may write at one frame.
    margin_s
        How far a word's tokens may lie outside its interval when CTC scores it, seconds.
    most_nats
        By how many nats for each word that differs what is heard may be likelier than a text that is to be aligned;
        presets learn it from held-out speech (`endtoend.fitting`).
    """

    beam: int = 8
    n_best: int = 5
    ctc_weight: float = 0.0
    length_power: float = 0.0
    coverage: float = 0.0
    most_labels: int = 4
    margin_s: float = 0.06
    most_nats: float = 10.0

    def __post_init__(self) -> None:
        if self.beam < 1 or not self.n_best >= 1 or self.most_labels < 1:
            raise BadInput(f"beam, n_best and most_labels must be 1 or more, got {self}")
        if not 0 <= self.ctc_weight <= 1:
            raise BadInput(f"ctc_weight must lie in 0 … 1, got {self.ctc_weight}")

    def changed(self, **changes: Any) -> Decoding:
        """Return other settings; raises `BadInput` where there is no such setting."""
        try:
            return dataclasses.replace(self, **changes)
        except TypeError as error:
            raise BadInput(f"no such setting of the search: {error}") from None


@dataclass(frozen=True)
class EndToEndCard:
    """What fixes an end-to-end recogniser apart from its weights.

    Parameters
    ----------
    name
        Name in Traces.
    family
        `ctc`, `attention` (with `ctc` in the shape: joint) or `transducer`.
    shape, tokens
        The network and what it writes; `shape.n_symbols` must be `len(tokens)`.
    decoding
        How it searches.
    vocabulary
        Words it may hear; `None` lets it hear any string of its tokens.
    follows
        The published system it follows.
    licence, attribution
        Of the weights, from what they were trained on.
    training
        How the weights were made, JSON values only.
    """

    name: str
    family: Family
    shape: SpeechShape
    tokens: Tokens = field(default_factory=Tokens)
    decoding: Decoding = field(default_factory=Decoding)
    vocabulary: tuple[str, ...] | None = None
    follows: str = ""
    licence: str = ""
    attribution: str = ""
    training: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        set_frozen(self, training=MappingProxyType(dict(self.training)))
        if self.vocabulary is not None:
            set_frozen(self, vocabulary=tuple(sorted(set(self.vocabulary))))
        decoder, wanted = self.shape.decoder.kind, {"ctc": ("none",), "transducer": ("transducer",)}
        if self.family not in ("ctc", "attention", "transducer"):
            raise BadInput(f"unknown family {self.family!r}; one of ctc, attention, transducer")
        if decoder not in wanted.get(self.family, ("recurrent", "transformer")):
            raise BadInput(f"a recogniser of the family {self.family} cannot have the decoder {decoder!r}")
        if self.shape.n_symbols != len(self.tokens):
            raise BadInput(f"the network writes {self.shape.n_symbols} symbols, the tokens are {len(self.tokens)}")
        if self.decoding.ctc_weight > 0 and not self.shape.ctc:
            raise BadInput("ctc_weight above 0 needs a network with a CTC output")
        if self.decoding.coverage and decoder != "recurrent":
            raise BadInput(f"the coverage penalty needs a recurrent decoder, not {decoder!r}")

    def as_json(self) -> dict[str, Any]:
        """Return the card as JSON values."""
        values = {f.name: getattr(self, f.name) for f in dataclasses.fields(self)}
        changed = {"shape": dataclasses.asdict(self.shape), "decoding": dataclasses.asdict(self.decoding)}
        values["vocabulary"] = None if self.vocabulary is None else list(self.vocabulary)
        return {**values, **changed, "tokens": self.tokens.as_json(), "training": dict(self.training)}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> EndToEndCard:
        """Return the card that `as_json` wrote.

        Raises
        ------
        BadInput
            A field is missing, unknown or of the wrong kind.
        """
        try:
            shape = dict(values["shape"])
            parts = {"front_end": FrontEndShape, "encoder": EncoderShape, "decoder": DecoderShape}
            shape = {**shape, **{name: kind(**shape[name]) for name, kind in parts.items()}}
            made = {
                "shape": SpeechShape(**shape),
                "tokens": Tokens(tuple(values["tokens"]["units"]), tuple(map(tuple, values["tokens"]["merges"]))),
                "decoding": Decoding(**values["decoding"]),
            }
            return cls(**{**values, **made})
        except (KeyError, TypeError) as error:
            raise BadInput(f"not the card of an end-to-end recogniser: {error}") from error
