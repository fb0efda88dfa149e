"""Recognisers: one file (or folder) a family, the registry, and the verbs that every family shares."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from otoscope.core.late import resolve

if TYPE_CHECKING:
    from otoscope.recognizers.registry import RECOGNIZERS, RecognizerInfo, load, recognizers
    from otoscope.recognizers.trainers import TRAINERS, TrainerInfo, trainers
    from otoscope.recognizers.transcription import align, transcribe, transcribe_stream

__all__ = [
    "RECOGNIZERS",
    "TRAINERS",
    "RecognizerInfo",
    "TrainerInfo",
    "align",
    "load",
    "recognizers",
    "trainers",
    "transcribe",
    "transcribe_stream",
]

_PUBLIC = {
    "RECOGNIZERS": "otoscope.recognizers.registry:RECOGNIZERS",
    "TRAINERS": "otoscope.recognizers.trainers:TRAINERS",
    "TrainerInfo": "otoscope.recognizers.trainers:TrainerInfo",
    "RecognizerInfo": "otoscope.recognizers.registry:RecognizerInfo",
    "align": "otoscope.recognizers.transcription:align",
    "load": "otoscope.recognizers.registry:load",
    "recognizers": "otoscope.recognizers.registry:recognizers",
    "trainers": "otoscope.recognizers.trainers:trainers",
    "transcribe": "otoscope.recognizers.transcription:transcribe",
    "transcribe_stream": "otoscope.recognizers.transcription:transcribe_stream",
}


def __getattr__(name: str) -> Any:
    if name in _PUBLIC:
        return resolve(_PUBLIC[name])
    raise AttributeError(f"module 'otoscope.recognizers' has no attribute {name!r}")
