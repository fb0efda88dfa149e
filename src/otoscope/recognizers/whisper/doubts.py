"""Too robust? Doubts about words that Whisper wrote though nobody said them, each with its reason and what it rests on.

A doubt is one kind of evidence beyond its threshold. A verdict puts all evidence about a word together into the
probability that it was made up. Thresholds and weights were chosen on training and validation material only; see
`otoscope study too-robust`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from otoscope.core import BadInput, Interval, Panel
from otoscope.core.arrays import set_frozen
from otoscope.recognizers.whisper.doubt_evidence import Evidence

Kind = Literal[
    "no voice",
    "said without its sound",
    "said without any sound",
    "not on sound",
    "attention spread",
    "same place",
    "unlikely",
    "repeated",
    "no time",
    "too fast",
    "no speech",
    "repetitive text",
]


@dataclass(frozen=True)
class Limit:
    """One kind of evidence: which value, from where on it is a doubt, and what that means."""

    field: str
    above: bool
    threshold: float
    reason: str

    def fails(self, evidence: Evidence) -> bool:
        """Whether the evidence is a doubt."""
        value = getattr(evidence, self.field)
        return bool(value > self.threshold if self.above else value < self.threshold)


TESTS: Mapping[Kind, Limit] = MappingProxyType(
    {
        "no voice": Limit("voice", False, 0.3, "probability of speech there is {value:.2f}, below {threshold:g}"),
        "said without its sound": Limit(
            "drop",
            False,
            0.3,
            "with its sound silenced it loses only {value:.2f} nats a token, less than {threshold:g}",
        ),
        "said without any sound": Limit(
            "drop_all",
            False,
            0.3,
            "with all sound silenced it loses only {value:.2f} nats a token, less than {threshold:g}",
        ),
        "not on sound": Limit(
            "on_sound", False, 0.3, "{value:.0%} of its attention lies on sound, below {threshold:.0%}"
        ),
        "attention spread": Limit(
            "spread_s", True, 1.0, "its attention is spread over {value:.2f} s, above {threshold:g} s"
        ),
        "same place": Limit(
            "same_place", True, 0.9, "attention looks where it looks for the word beside it: overlap {value:.2f}"
        ),
        "unlikely": Limit("log_prob", False, -1.0, "its tokens have {value:.2f} nats each, below {threshold:g}"),
        "repeated": Limit("repeats", True, 3, "the same words stand {value:d} times in a row, more than {threshold:g}"),
        "no time": Limit("duration_s", False, 0.04, "it would last {value:.2f} s, less than {threshold:g} s"),
        "too fast": Limit("letters_per_s", True, 40.0, "{value:.0f} letters a second, more than {threshold:g}"),
        "no speech": Limit("no_speech", True, 0.6, "the model's own probability of no speech is {value:.2f}"),
        "repetitive text": Limit(
            "compression", True, 2.4, "the window's text shrinks {value:.1f} times, more than {threshold:g}"
        ),
    }
)
"""Kinds of doubt; those of the window stand against each of its words. 0.6, -1 and 2.4 are openai/whisper's own."""


@dataclass(frozen=True)
class Doubt:
    """A reason to doubt one word.

    Parameters
    ----------
    word_index
        Which word, counted from 0.
    kind
        What kind of evidence.
    evidence, threshold
        What was measured, and beyond what it is a doubt.
    """

    word_index: int
    kind: Kind
    evidence: float
    threshold: float

    def __post_init__(self) -> None:
        if self.kind not in get_args(Kind):
            raise BadInput(f"unknown kind of doubt {self.kind!r}; one of {', '.join(get_args(Kind))}")

    @property
    def reason(self) -> str:
        """The doubt in words."""
        value = int(self.evidence) if self.kind == "repeated" else self.evidence
        return TESTS[self.kind].reason.format(value=value, threshold=self.threshold)

    def as_json(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {"kind": self.kind, "evidence": self.evidence, "threshold": self.threshold, "reason": self.reason}


@dataclass(frozen=True)
class Rule:
    """How all evidence about a word becomes one probability that it was made up: a logistic model.

    Parameters
    ----------
    weights
        For each measure of `measures`, nats for one unit of it towards being made up; none is negative.
    bias
        Nats.
    threshold
        Probability from which on a word counts as made up.
    """

    weights: Mapping[str, float]
    bias: float
    threshold: float = 0.5

    def __post_init__(self) -> None:
        set_frozen(self, weights=MappingProxyType(dict(self.weights)))
        if unknown := [name for name in self.weights if name not in MEASURES]:
            raise BadInput(f"unknown measure {unknown[0]!r}; one of {', '.join(MEASURES)}")

    def probability(self, evidence: Evidence) -> float:
        """Return the probability that the word was made up."""
        told = dict(zip(MEASURES, measures(evidence), strict=True))
        nats = self.bias + sum(weight * told[name] for name, weight in self.weights.items())
        return float(1 / (1 + np.exp(-nats)))


MEASURES = (
    "silent",
    "unmoved",
    "unmoved_by_all",
    "off_sound",
    "spread",
    "overlap",
    "unlikely",
    "no_speech",
    "repeats",
    "hurried",
)
"""What `Rule` weighs; each grows with doubt and is bounded, so that no single measure decides alone without end."""


def measures(evidence: Evidence) -> NDArray[np.float64]:
    """Return the evidence about a word on the scales of `MEASURES`, `(10,)`.

    `silent`: 1 - probability of speech. `unmoved`, `unmoved_by_all`: exp of minus the nats lost, from 1 (none) to 0.
    `off_sound`: 1 - share of attention on sound. `spread`: seconds, at most 3. `overlap`: as it is. `unlikely`: minus
    the mean log probability, at most 4. `no_speech`: as it is. `repeats`: log2, at most 3. `hurried`:
    doublings of the rate beyond 20 letters a second, at most 3.
    """
    return np.array(
        [
            1 - evidence.voice,
            np.exp(-max(0.0, evidence.drop)),
            np.exp(-max(0.0, evidence.drop_all)),
            1 - evidence.on_sound,
            min(3.0, evidence.spread_s),
            evidence.same_place,
            min(4.0, -evidence.log_prob),
            evidence.no_speech,
            min(3.0, np.log2(evidence.repeats)),
            np.clip(np.log2(max(evidence.letters_per_s, 1.0) / USUAL_LETTERS_PER_S), 0.0, 3.0),
        ]
    )


USUAL_LETTERS_PER_S = 20.0

RULE = Rule(
    {
        "silent": 4.2,
        "off_sound": 0.8,
        "spread": 1.5,
        "overlap": 0.3,
        "unlikely": 1.2,
        "repeats": 1.1,
        "hurried": 0.8,
    },
    bias=-5.0,
    threshold=0.35,
)
"""Learnt by `doubt_fitting` from what two tiny Whispers of digits wrote for strings of single digits (fsdd train and
valid), recorded noise (esc10 train), made noise, silence and repeats. Those models were
never sure that nobody spoke, and words lost less by silencing than by other evidence told: so neither counts here, both
are shown as doubts. `otoscope study too-robust --set fit_on=train,valid` learns another for a checkpoint."""


@dataclass(frozen=True)
class Verdict:
    """Whether a word was made up, and why.

    Parameters
    ----------
    word_index, at
        Which word, and where it is said to be.
    probability
        That it was made up.
    made_up
        Whether that is above the rule's threshold.
    doubts
        Each kind of evidence that speaks against it.
    """

    word_index: int
    at: Interval
    probability: float
    made_up: bool
    doubts: tuple[Doubt, ...]

    @property
    def word(self) -> str:
        """The word."""
        return self.at.label

    def as_json(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {
            "word": self.word,
            "word_index": self.word_index,
            "start_s": self.at.start_s,
            "end_s": self.at.end_s,
            "probability_made_up": self.probability,
            "made_up": self.made_up,
            "doubts": [doubt.as_json() for doubt in self.doubts],
        }


def verdicts(evidence: Sequence[Evidence], *, first: int = 0, rule: Rule = RULE) -> tuple[Verdict, ...]:
    """Return a verdict for each word; `first` is the index of the first one."""
    found = []
    for index, own in enumerate(evidence, start=first):
        doubts = tuple(
            Doubt(index, kind, float(getattr(own, test.field)), float(test.threshold))
            for kind, test in TESTS.items()
            if test.fails(own)
        )
        probability = rule.probability(own)
        found.append(Verdict(index, own.word, probability, probability >= rule.threshold, doubts))
    return tuple(found)


def doubts_panel(found: Sequence[Verdict]) -> Panel:
    """Return a table of the words in doubt, for the report and the page."""
    rows = [
        [
            v.word_index,
            v.word,
            round(v.probability, 3),
            "made up" if v.made_up else "",
            "; ".join(d.reason for d in v.doubts),
        ]
        for v in found
        if v.made_up or v.doubts
    ]
    return Panel(
        "table",
        "Words in doubt",
        {"columns": ["word", "text", "probability made up", "verdict", "why"], "rows": rows},
        "Probability that nobody said the word, from all evidence together; reasons one by one.",
    )
