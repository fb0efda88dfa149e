"""Whisper, opened up: text, tokens, times and what is inside."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from otoscope.core.late import resolve

if TYPE_CHECKING:
    from otoscope.recognizers.whisper.opening import open_checkpoint
    from otoscope.recognizers.whisper.options import LADDER, Options
    from otoscope.recognizers.whisper.recognizer import WhisperRecognizer
    from otoscope.recognizers.whisper.windows import WindowResult

__all__ = ["LADDER", "Options", "WhisperRecognizer", "WindowResult", "open_checkpoint"]

_HOMES = {
    "LADDER": "options",
    "Options": "options",
    "WhisperRecognizer": "recognizer",
    "WindowResult": "windows",
    "open_checkpoint": "opening",
}


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return resolve(f"otoscope.recognizers.whisper.{_HOMES[name]}:{name}")
    raise AttributeError(f"module 'otoscope.recognizers.whisper' has no attribute {name!r}")
