"""The Trace: everything a recogniser did with one recording."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from numbers import Integral
from types import MappingProxyType
from typing import Any

from otoscope.core.arrays import ByValue, reduced, set_frozen
from otoscope.core.errors import BadInput, NotRecorded
from otoscope.core.hypothesis import Hypothesis, Target
from otoscope.core.late import helper
from otoscope.core.measurements import Activation, Attention, Emissions, Features, StepScores
from otoscope.core.recording import Recording
from otoscope.core.timeline import Alignment, Interval


@dataclass(frozen=True)
class Provenance:
    """Who made a result and how: enough to make it again.

    `parameters` are the recogniser's own, JSON values only; `weights_sha256` is `None` where there are no weights.
    """

    recognizer: str
    version: str
    weights_sha256: str | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)
    seed: int | None = None

    __reduce__ = reduced

    def __post_init__(self) -> None:
        set_frozen(self, parameters=MappingProxyType(dict(self.parameters)))


@dataclass(frozen=True, eq=False)
class Trace(ByValue):
    """Everything a recogniser did with one recording.

    `hypotheses` is the n-best list, best first, never empty (its words may be). The other parts are optional: reading
    one that is not there raises `NotRecorded` with the reason from `missing`, or the general remedy.

    Parameters
    ----------
    recording, hypotheses, provenance
        What was heard, by whom, in what.
    parts
        Optional parts by name: `alignment`, `features`, `emissions`, `steps`, `activations` (site name → Activation),
        `attentions` (site name → Attention).
    missing
        Why a part is not there and how to get it, by name.
    """

    recording: Recording
    hypotheses: tuple[Hypothesis, ...]
    provenance: Provenance
    parts: Mapping[str, Any] = field(default_factory=dict)
    missing: Mapping[str, str] = field(default_factory=dict)

    PART_TYPES = MappingProxyType(
        {
            "alignment": Alignment,
            "features": Features,
            "emissions": Emissions,
            "steps": StepScores,
            "activations": Mapping,
            "attentions": Mapping,
        }
    )

    def __post_init__(self) -> None:
        set_frozen(
            self,
            hypotheses=tuple(self.hypotheses),
            parts=MappingProxyType(dict(self.parts)),
            missing=MappingProxyType(dict(self.missing)),
        )
        if not self.hypotheses:
            raise BadInput("a Trace needs at least one hypothesis; for silence, one of no words")
        for name, part in self.parts.items():
            if name not in self.PART_TYPES:
                raise BadInput(f"unknown part {name!r} of a Trace; one of {', '.join(self.PART_TYPES)}")
            if not isinstance(part, self.PART_TYPES[name]):
                raise BadInput(f"part {name!r} of a Trace must be {self.PART_TYPES[name].__name__}, got {type(part)}")

    def has(self, part: str) -> bool:
        """Whether a part was recorded."""
        return part in self.parts

    def _part(self, name: str) -> Any:
        if name in self.parts:
            return self.parts[name]
        why = self.missing.get(name, f"ask for it when tracing: recognizer.trace(recording, record=[{name!r}])")
        raise NotRecorded(f"{self.provenance.recognizer} did not record {name}: {why}")

    @property
    def hypothesis(self) -> Hypothesis:
        """The best hypothesis."""
        return self.hypotheses[0]

    @property
    def text(self) -> str:
        """What was heard, as text."""
        return self.hypothesis.text

    @property
    def alignment(self) -> Alignment:
        """Words, phones and states in time."""
        return self._part("alignment")

    @property
    def features(self) -> Features:
        """What the front end made of the sound."""
        return self._part("features")

    @property
    def emissions(self) -> Emissions:
        """Scores of all symbols at all frames."""
        return self._part("emissions")

    @property
    def steps(self) -> StepScores:
        """Token scores of an autoregressive decoder."""
        return self._part("steps")

    @property
    def activations(self) -> Mapping[str, Activation]:
        """What was at each recorded site."""
        return self._part("activations")

    @property
    def attentions(self) -> Mapping[str, Attention]:
        """Attention weights at each recorded site."""
        return self._part("attentions")

    @property
    def words(self) -> tuple[Interval, ...]:
        """The words heard, each with its place; the same order as `hypothesis.words`."""
        return self.alignment.words.intervals

    def targets(self) -> tuple[Target, ...]:
        """Return one target for each word heard."""
        return tuple(self.target(word) for word in self.words)

    def target(self, word: Interval | Target | int | str) -> Target:
        """Return the target for a word given as interval, index or label (the first of that label).

        Raises
        ------
        BadInput
            No such word was heard, or a word is not given so.
        """
        if isinstance(word, Target):
            return word
        index = self._index_of(word)
        interval = self.words[index]
        return Target("word", interval.label, interval, index, self.alignment.words.labels)

    @property
    def tokens(self) -> tuple[str, ...]:
        """The tokens written: of the best hypothesis, or those of the recorded steps where these go on to the end."""
        written = self.hypothesis.tokens
        steps = self.parts["steps"].tokens if self.has("steps") else ()
        return steps if steps[: len(written)] == written else written

    def token_target(self, position: int) -> Target:
        """Return the target for one of `tokens`: the token given those before it.

        Raises
        ------
        BadInput
            There is no such token.
        """
        tokens = self.tokens
        if not -len(tokens) <= position < len(tokens):
            raise BadInput(f"token {position} was asked for, {len(tokens)} were written")
        at = position % len(tokens)
        return Target("token", tokens[at], self._interval_of_token(at), at, tokens)

    def _interval_of_token(self, position: int) -> Interval | None:
        """Return where a token lies, if the alignment tells of just these tokens (spaces have no place)."""
        states = self.parts["alignment"].states if self.has("alignment") else None
        placed = [i for i, token in enumerate(self.tokens) if token.strip()]
        if states is None or list(states.labels) != [self.tokens[i] for i in placed] or position not in placed:
            return None
        return states[placed.index(position)]

    def _index_of(self, word: Interval | int | str) -> int:
        if isinstance(word, Integral) and not isinstance(word, bool):
            word = int(word)
            if not -len(self.words) <= word < len(self.words):
                raise BadInput(f"word {word} was asked for, {len(self.words)} were heard")
            return word % len(self.words)
        if not isinstance(word, Interval | str):
            raise BadInput(f"a word is given as interval, index or label, not as {word!r}")
        candidates = self.alignment.words.labels if isinstance(word, str) else self.words
        if word not in candidates:
            label = word if isinstance(word, str) else word.label
            raise BadInput(f"{label!r} is not among the words heard: {self.text!r}")
        return list(candidates).index(word)

    def with_parts(self, **parts: Any) -> Trace:
        """Return a Trace that also holds these parts."""
        return dataclasses.replace(self, parts={**self.parts, **parts})

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write to a folder, or to one file if `path` ends in `.safetensors`; see `otoscope.io.traces`."""
        helper("save_trace")(self, path)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Trace:
        """Read what `save` wrote."""
        return helper("load_trace")(path)

    def _repr_html_(self) -> str:
        return helper("html")(self)
