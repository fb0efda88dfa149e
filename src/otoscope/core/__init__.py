"""The nouns and protocols every room shares: numpy only, no files, no torch, no plotting."""

from otoscope.core.attribution import Attribution, Explanation, PerturbationCurve, Segment, Trust
from otoscope.core.errors import (
    BadAudio,
    BadFormat,
    BadInput,
    CannotWrite,
    CorruptWeights,
    DoesNotFit,
    Interrupted,
    MissingExtra,
    NotAble,
    NotRecorded,
    OtoscopeError,
    UnknownName,
)
from otoscope.core.finding import Finding
from otoscope.core.grid import FrameGrid
from otoscope.core.hypothesis import Hypothesis, Target
from otoscope.core.measurements import Activation, Attention, Emissions, Features, Site, SiteScores, StepScores
from otoscope.core.panel import Panel
from otoscope.core.percept import HeardWord, Percept
from otoscope.core.protocols import (
    Aligning,
    Differentiable,
    Explainer,
    Intervenable,
    Listener,
    Randomizable,
    Recognizer,
    Renderer,
    Searching,
    Streaming,
    Substituting,
    Trainable,
)
from otoscope.core.recording import Recording
from otoscope.core.timeline import Alignment, Interval, Tier
from otoscope.core.trace import Provenance, Trace

__all__ = [
    "Activation",
    "Aligning",
    "Alignment",
    "Attention",
    "Attribution",
    "BadAudio",
    "BadFormat",
    "BadInput",
    "CannotWrite",
    "CorruptWeights",
    "Differentiable",
    "DoesNotFit",
    "Emissions",
    "Explainer",
    "Explanation",
    "Features",
    "Finding",
    "FrameGrid",
    "Hypothesis",
    "Intervenable",
    "Interrupted",
    "Interval",
    "Listener",
    "MissingExtra",
    "NotAble",
    "NotRecorded",
    "OtoscopeError",
    "Panel",
    "HeardWord",
    "Percept",
    "PerturbationCurve",
    "Provenance",
    "Randomizable",
    "Recognizer",
    "Recording",
    "Renderer",
    "Searching",
    "Segment",
    "Site",
    "SiteScores",
    "StepScores",
    "Streaming",
    "Substituting",
    "Target",
    "Tier",
    "Trace",
    "Trainable",
    "Trust",
    "UnknownName",
]
