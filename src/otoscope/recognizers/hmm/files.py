"""A recogniser on disk: `recognizer.json`, `weights.safetensors`, `language.safetensors` and `lexicon.txt`."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load, save

from otoscope.core import BadInput, CorruptWeights
from otoscope.io.writing import make_folder, write_bytes, write_text
from otoscope.lexicon.ngram.automaton import BackoffAutomaton
from otoscope.lexicon.pronunciations import Phones
from otoscope.recognizers.hmm.card import HmmCard
from otoscope.recognizers.hmm.language import Lexicon, lexicon_of_text, lexicon_text
from otoscope.recognizers.hmm.model import HmmModel
from otoscope.recognizers.hmm.model_files import Arrays, model_arrays, model_json, model_of

SCHEMA = 1
"""Number of the folder's layout; a reader refuses a higher one."""
CLASS = "otoscope.recognizers.hmm:HmmRecognizer"
DESCRIPTION, WEIGHTS, LANGUAGE, LEXICON = (
    "recognizer.json",
    "weights.safetensors",
    "language.safetensors",
    "lexicon.txt",
)
_ADAPTED = "adapted."


@dataclass(frozen=True)
class Parts:
    """All of a recogniser; `adapted` is the model of frames mapped to the speaker, where there is one."""

    card: HmmCard
    model: HmmModel
    adapted: HmmModel | None
    lexicon: Lexicon
    lm: BackoffAutomaton


def serialized(parts: Parts) -> bytes:
    """Return the numbers of the models as safetensors: the same models give the same bytes."""
    arrays = model_arrays(parts.model)
    if parts.adapted is not None:
        arrays |= model_arrays(parts.adapted, _ADAPTED)
    return save({name: np.ascontiguousarray(values) for name, values in sorted(arrays.items())})


def weights_sha256(parts: Parts) -> str:
    """Return the hash that names these weights."""
    return hashlib.sha256(serialized(parts)).hexdigest()


def save_hmm(parts: Parts, folder: str | os.PathLike[str]) -> None:
    """Write a recogniser to a folder, which is made if need be; raises `CannotWrite`."""
    files = {
        WEIGHTS: serialized(parts),
        LANGUAGE: save(automaton_arrays(parts.lm)),
        LEXICON: lexicon_text(parts.lexicon).encode(),
    }
    description = {
        "schema": SCHEMA,
        "class": CLASS,
        "sha256": {name: hashlib.sha256(data).hexdigest() for name, data in files.items()},
        "card": parts.card.as_json(),
        "model": model_json(parts.model),
        "adapted": None if parts.adapted is None else model_json(parts.adapted),
        "language": {"start": parts.lm.start, "end_word": parts.lm.end_word, "unknown_word": parts.lm.unknown_word},
    }
    make_folder(folder)
    for name, data in files.items():
        write_bytes(Path(folder) / name, data)
    write_text(Path(folder) / DESCRIPTION, json.dumps(description, ensure_ascii=False) + "\n")


def load_hmm(folder: str | os.PathLike[str]) -> Parts:
    """Read what `save_hmm` wrote.

    Raises
    ------
    CorruptWeights
        A file is missing, damaged, or not the one the description names.
    BadInput
        The folder was written by a newer version, or holds another kind of recogniser.
    """
    path = Path(folder)
    description = _description(path / DESCRIPTION)
    files = {name: _checked(path / name, digest) for name, digest in description["sha256"].items()}
    try:
        arrays, language = load(files[WEIGHTS]), load(files[LANGUAGE])
        lexicon: dict[str, tuple[Phones, ...]] = lexicon_of_text(files[LEXICON].decode())
        adapted = description["adapted"]
        return Parts(
            HmmCard.from_json(description["card"]),
            model_of(description["model"], arrays),
            None if adapted is None else model_of(adapted, arrays, _ADAPTED),
            lexicon,
            automaton_of(language, description["language"]),
        )
    except (KeyError, SafetensorError, UnicodeDecodeError) as error:
        raise CorruptWeights(f"{path} is no complete recogniser: {error}; save it again") from error


def automaton_arrays(lm: BackoffAutomaton) -> Arrays:
    """Return a language model as arrays; words are UTF-8, one a line."""
    return {
        "words": np.frombuffer("\n".join(lm.words).encode(), np.uint8),
        **{name: np.ascontiguousarray(getattr(lm, name)) for name in _AUTOMATON},
    }


_AUTOMATON = ("arc_start", "arc_word", "arc_log_prob", "arc_next", "backoff_state", "backoff_log")


def automaton_of(arrays: Arrays, numbers: Mapping[str, int]) -> BackoffAutomaton:
    """Return the language model of `automaton_arrays` and its three numbers."""
    words = tuple(arrays["words"].tobytes().decode().split("\n"))
    values: dict[str, Any] = {**{name: arrays[name] for name in _AUTOMATON}, **numbers}
    return BackoffAutomaton(words, **values)


def _checked(path: Path, digest: str) -> bytes:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise CorruptWeights(f"{path.parent} has no readable {path.name}: {error.strerror}") from error
    if (found := hashlib.sha256(data).hexdigest()) != digest:
        raise CorruptWeights(
            f"{path} is not the file its card names (SHA-256 {found[:12]}…, expected {str(digest)[:12]}…); get it anew"
        )
    return data


def _description(path: Path) -> dict[str, Any]:
    try:
        description = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise CorruptWeights(f"{path.parent} holds no readable {DESCRIPTION}: {error.strerror}") from error
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise CorruptWeights(f"{path} is damaged: {error}") from error
    wanted = ("schema", "class", "sha256", "card", "model", "adapted", "language")
    if missing := [key for key in wanted if key not in description]:
        raise CorruptWeights(f"{path} lacks {', '.join(missing)}")
    if description["schema"] > SCHEMA:
        raise BadInput(f"{path} has schema {description['schema']}; this version reads up to {SCHEMA}: update otoscope")
    if description["class"] != CLASS:
        raise BadInput(f"{path} describes {description['class']}, not {CLASS}")
    return description
