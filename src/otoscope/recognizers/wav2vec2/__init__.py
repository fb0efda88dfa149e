"""Checkpoints of the wav2vec 2.0 family: wav2vec 2.0, HuBERT, WavLM, data2vec, SEW, UniSpeech, Conformers, MMS, XLS-R.

`open_checkpoint` gives a `Wav2Vec2Recognizer`, or a `Wav2Vec2Encoder` where there is no head. The networks are those of
transformers; what they hear, where their frames lie, what passes inside, the search, times and scores are seen here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from otoscope.core.late import resolve

if TYPE_CHECKING:
    from otoscope.recognizers.wav2vec2.encoder import Wav2Vec2Encoder
    from otoscope.recognizers.wav2vec2.opening import open_checkpoint
    from otoscope.recognizers.wav2vec2.recognizer import Wav2Vec2Recognizer

__all__ = ["Wav2Vec2Encoder", "Wav2Vec2Recognizer", "open_checkpoint"]

_HOMES = {"Wav2Vec2Encoder": "encoder", "Wav2Vec2Recognizer": "recognizer", "open_checkpoint": "opening"}


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return resolve(f"otoscope.recognizers.wav2vec2.{_HOMES[name]}:{name}")
    raise AttributeError(f"module 'otoscope.recognizers.wav2vec2' has no attribute {name!r}")
