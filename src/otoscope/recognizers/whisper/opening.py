"""Opening a Whisper checkpoint as a recogniser."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from otoscope.recognizers.whisper.calibration import heads_of
from otoscope.recognizers.whisper.heads import HeadChoice, last_half, named_heads
from otoscope.recognizers.whisper.options import Options
from otoscope.recognizers.whisper.parts import Parts, read_parts
from otoscope.recognizers.whisper.recognizer import WhisperRecognizer, checked

if TYPE_CHECKING:
    from otoscope.recognizers.checkpoints.folder import Checkpoint


def open_checkpoint(
    checkpoint: Checkpoint,
    *,
    attention: str = "eager",
    heads: HeadChoice | None = None,
    language: str | None = None,
    task: str | None = None,
    prompt: str | None = None,
    **options: Any,
) -> WhisperRecognizer:
    """Open a Whisper: multilingual or English-only, distilled, large-v3, or a fine-tune of one.

    Parameters
    ----------
    checkpoint
        A checked folder.
    attention
        `eager`, or `sdpa`: faster, but its attention weights can be neither recorded nor edited.
    heads
        Of cross-attention that place words. By default those that the checkpoint names; else those that a calibration
        finds, which is kept beside the models (under `sdpa`, the later half of the layers).
    language, task
        By default those that the checkpoint's configuration asks for; else the likeliest language, and to transcribe.
    prompt
        Text that stands before what is heard.
    options
        See `options.Options`.

    Raises
    ------
    CorruptWeights
        A file is missing, damaged, or does not fit the others.
    UnknownName
        There is no such option or language.
    BadInput
        A value that cannot be used.
    """
    parts = read_parts(checkpoint, attention)
    asked = {
        "language": language if language is not None else parts.own_language,
        "task": task if task is not None else parts.generation.get("task") or "transcribe",
        "prompt": prompt,
    }
    chosen = checked(parts, Options().changed(**asked, **options))
    return WhisperRecognizer(parts, chosen, heads or _heads(parts))


def _heads(parts: Parts) -> HeadChoice:
    if parts.attention == "eager":
        return heads_of(parts)
    config = parts.network.config
    return named_heads(parts.generation) or last_half(config.decoder_layers, config.decoder_attention_heads)
