"""Tiny models in the layout of the Hugging Face hub, made here: no network, the same bytes each time.

`tiny_whisper` and `tiny_wav2vec2` write complete folders with random weights (configuration, safetensors, tokenizer,
feature extractor), which transformers opens as it opens a published model. They say nonsense, but different nonsense
for different recordings.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from otoscope.core.late import resolve

if TYPE_CHECKING:
    from otoscope.testing.checkpoints.wav2vec2 import tiny_wav2vec2
    from otoscope.testing.checkpoints.whisper import tiny_whisper

__all__ = ["tiny_wav2vec2", "tiny_whisper"]

_HOMES = {"tiny_wav2vec2": "wav2vec2", "tiny_whisper": "whisper"}


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return resolve(f"otoscope.testing.checkpoints.{_HOMES[name]}:{name}")
    raise AttributeError(f"module 'otoscope.testing.checkpoints' has no attribute {name!r}")
