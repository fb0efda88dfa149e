"""Otoscope: look inside a speech recogniser.

    import otoscope as oto

    recording = oto.Recording.read("talk.wav")
    recognizer = oto.load("otoscope-en")
    trace = recognizer.trace(recording)
    oto.explain(recognizer, recording, target=trace.words[3]).plot()

Names are looked up when they are first used, so that importing the package costs nothing. What can be loaded is
listed by `otoscope.recognizers.recognizers()`: a function cannot share its name with the room it lives in.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from otoscope.core.late import resolve

if TYPE_CHECKING:
    from otoscope.core import Hypothesis, Interval, Recording, Target, Tier, Trace
    from otoscope.explainers import explain
    from otoscope.recognizers import align, load, transcribe
    from otoscope.recognizers.evaluation import compare, evaluate
    from otoscope.recognizers.training import train
    from otoscope.studies import selftest, study

__version__ = "0.1.0"

_PUBLIC = {
    "Hypothesis": "otoscope.core:Hypothesis",
    "Interval": "otoscope.core:Interval",
    "Recording": "otoscope.core:Recording",
    "Target": "otoscope.core:Target",
    "Tier": "otoscope.core:Tier",
    "Trace": "otoscope.core:Trace",
    "align": "otoscope.recognizers:align",
    "compare": "otoscope.recognizers.evaluation:compare",
    "evaluate": "otoscope.recognizers.evaluation:evaluate",
    "explain": "otoscope.explainers:explain",
    "load": "otoscope.recognizers:load",
    "selftest": "otoscope.studies:selftest",
    "study": "otoscope.studies:study",
    "train": "otoscope.recognizers.training:train",
    "transcribe": "otoscope.recognizers:transcribe",
}

__all__ = [
    "Hypothesis",
    "Interval",
    "Recording",
    "Target",
    "Tier",
    "Trace",
    "align",
    "compare",
    "evaluate",
    "explain",
    "load",
    "selftest",
    "study",
    "train",
    "transcribe",
]


def __getattr__(name: str) -> Any:
    if name in _PUBLIC:
        return resolve(_PUBLIC[name])
    raise AttributeError(f"module 'otoscope' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
