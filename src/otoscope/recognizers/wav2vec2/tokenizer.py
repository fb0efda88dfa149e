"""The tokenizer of a CTC checkpoint, whichever way its files name it: transformers' own, and set to one language."""

from __future__ import annotations

from typing import Any

from otoscope.core import BadInput, CorruptWeights
from otoscope.recognizers.checkpoints.folder import Checkpoint, read_json

OLD_NAMES = (None, "", "Wav2Vec2Tokenizer")
"""What `tokenizer_class` is in checkpoints of 2021: transformers 5 knows no such class, or none for their network."""


def open_tokenizer(checkpoint: Checkpoint, language: str | None) -> Any:
    """Return transformers' tokenizer of a checkpoint, set to a language where one is asked for.

    Raises
    ------
    CorruptWeights
        The folder has no tokenizer that can be read.
    BadInput
        It has letters of several languages and does not say which are meant.
    """
    from transformers import AutoTokenizer, Wav2Vec2CTCTokenizer

    said = _said(checkpoint, "tokenizer_config.json")
    vocabulary = _said(checkpoint, "vocab.json")
    own = said.get("tokenizer_class") in OLD_NAMES and bool(vocabulary)
    maker: Any = Wav2Vec2CTCTokenizer if own else AutoTokenizer
    settings: dict[str, Any] = {} if language is None else {"target_lang": language}
    if language is None and said.get("target_lang") is None and _has_languages(vocabulary):
        known = ", ".join(sorted(vocabulary)[:8])
        more = " …" if len(vocabulary) > 8 else ""
        raise BadInput(f"{checkpoint.name} writes several languages; give language=, one of {known}{more}")
    try:
        return maker.from_pretrained(str(checkpoint.folder), local_files_only=True, **settings)
    except (OSError, ValueError, KeyError, TypeError) as error:
        reason = " ".join(str(error).split())
        raise CorruptWeights(
            f"{checkpoint.folder} has no readable tokenizer ({said.get('tokenizer_class')}): {reason}"
        ) from error


def _said(checkpoint: Checkpoint, name: str) -> dict[str, Any]:
    path = checkpoint.folder / name
    return read_json(path) if path.is_file() else {}


def _has_languages(vocabulary: dict[str, Any]) -> bool:
    return any(isinstance(ids, dict) for ids in vocabulary.values())
