"""Opening a Whisper checkpoint as a recogniser."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, get_args

from otoscope.core import UnknownName
from otoscope.recognizers.whisper.calibration import heads_of
from otoscope.recognizers.whisper.fast import FastWhisper
from otoscope.recognizers.whisper.fast_model import FastModel, open_model
from otoscope.recognizers.whisper.heads import HeadChoice, last_half, named_heads
from otoscope.recognizers.whisper.options import Options
from otoscope.recognizers.whisper.parts import Parts, read_parts
from otoscope.recognizers.whisper.recognizer import WhisperRecognizer, checked

if TYPE_CHECKING:
    from otoscope.recognizers.checkpoints.folder import Checkpoint


Engine = Literal["transformers", "ctranslate2"]


def open_checkpoint(
    checkpoint: Checkpoint,
    *,
    engine: Engine = "transformers",
    compute_type: str = "float32",
    n_threads: int = 0,
    attention: str = "eager",
    heads: HeadChoice | None = None,
    language: str | None = None,
    task: str | None = None,
    prompt: str | None = None,
    **options: Any,
) -> WhisperRecognizer | FastWhisper:
    """Open a Whisper: multilingual or English-only, distilled, large-v3, or a fine-tune of one.

    Parameters
    ----------
    checkpoint
        A checked folder.
    engine
        `transformers`: everything inside is open; `ctranslate2`: text and times only, faster, the extra `fast`.
    compute_type, n_threads
        Of CTranslate2: `float32`, or `int8` and others, whose text may differ; 0 threads lets it choose.
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
        See `options.Options`; beams and most tokens too are by default those of the checkpoint's configuration.

    Raises
    ------
    CorruptWeights
        A file is missing, damaged, or does not fit the others.
    UnknownName
        There is no such option or language.
    BadInput
        A value that cannot be used.
    """
    if engine not in get_args(Engine):
        raise UnknownName("engine", str(engine), get_args(Engine))
    named = {"language": language, "task": task, "prompt": prompt}
    asked = {**{name: value for name, value in named.items() if value is not None}, **options}
    if engine == "ctranslate2":
        model = open_model(checkpoint, compute_type=compute_type, n_threads=n_threads)
        return FastWhisper(checkpoint, model, _chosen(model, checkpoint, asked), compute_type=compute_type)
    parts = read_parts(checkpoint, attention)
    return WhisperRecognizer(parts, _chosen(parts, checkpoint, asked), heads or _heads(parts))


def _chosen(opened: Parts | FastModel, checkpoint: Checkpoint, asked: dict[str, Any]) -> Options:
    """Return the options asked for; what is left open is as the checkpoint's configuration says."""
    return checked(opened, Options().changed(**{**opened.own_options, **asked}), checkpoint.name)


def _heads(parts: Parts) -> HeadChoice:
    if parts.attention == "eager":
        return heads_of(parts)
    config = parts.network.config
    return named_heads(parts.generation) or last_half(config.decoder_layers, config.decoder_attention_heads)
