"""End-to-end recognisers: CTC, attention, joint ones and transducers, under the names of published systems."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from otoscope.core.late import resolve

if TYPE_CHECKING:
    from otoscope.recognizers.endtoend.presets import PRESETS
    from otoscope.recognizers.endtoend.recognizer import EndToEndRecognizer, StreamingRecognizer
    from otoscope.recognizers.endtoend.streaming import StreamingLatency, measure_latency
    from otoscope.recognizers.endtoend.training import (
        train_conformer,
        train_deepspeech,
        train_deepspeech2,
        train_joint,
        train_las,
        train_rnnt,
        train_speech_transformer,
        train_wav2letter,
    )

__all__ = [
    "EndToEndRecognizer",
    "PRESETS",
    "StreamingLatency",
    "StreamingRecognizer",
    "measure_latency",
    "train_conformer",
    "train_deepspeech",
    "train_deepspeech2",
    "train_joint",
    "train_las",
    "train_rnnt",
    "train_speech_transformer",
    "train_wav2letter",
]

_HOMES = {
    "EndToEndRecognizer": "recognizer",
    "PRESETS": "presets",
    "StreamingLatency": "streaming",
    "StreamingRecognizer": "recognizer",
    "measure_latency": "streaming",
}


def __getattr__(name: str) -> Any:
    if name in __all__:
        return resolve(f"otoscope.recognizers.endtoend.{_HOMES.get(name, 'training')}:{name}")
    raise AttributeError(f"module 'otoscope.recognizers.endtoend' has no attribute {name!r}")
