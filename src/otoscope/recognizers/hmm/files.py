"""A recogniser on disk: `recognizer.json`, `weights.safetensors`, `language.safetensors` and `lexicon.txt`."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load, save

from otoscope.core import CorruptWeights
from otoscope.lexicon.ngram.automaton import BackoffAutomaton
from otoscope.lexicon.pronunciations import Phones
from otoscope.recognizers.hmm.card import HmmCard
from otoscope.recognizers.hmm.language import Lexicon, lexicon_of_text, lexicon_text
from otoscope.recognizers.hmm.model import HmmModel
from otoscope.recognizers.hmm.model_files import Arrays, model_arrays, model_json, model_of
from otoscope.recognizers.saved import SavedFormat, sha256_of

WEIGHTS, LANGUAGE, LEXICON = "weights.safetensors", "language.safetensors", "lexicon.txt"
FORMAT = SavedFormat("otoscope.recognizers.hmm:HmmRecognizer", ("card", "model", "adapted", "language"), indent=None)
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
    return sha256_of(serialized(parts))


def save_hmm(parts: Parts, folder: str | os.PathLike[str]) -> None:
    """Write a recogniser to a folder, which is made if need be; raises `CannotWrite`."""
    files = {
        WEIGHTS: serialized(parts),
        LANGUAGE: save(automaton_arrays(parts.lm)),
        LEXICON: lexicon_text(parts.lexicon).encode(),
    }
    fields = {
        "card": parts.card.as_json(),
        "model": model_json(parts.model),
        "adapted": None if parts.adapted is None else model_json(parts.adapted),
        "language": {"start": parts.lm.start, "end_word": parts.lm.end_word, "unknown_word": parts.lm.unknown_word},
    }
    FORMAT.write(folder, files, fields)


def load_hmm(folder: str | os.PathLike[str]) -> Parts:
    """Read what `save_hmm` wrote.

    Raises
    ------
    CorruptWeights
        A file is missing, damaged, or not the one the description names.
    BadInput
        The folder was written by a newer version, or holds another kind of recogniser.
    """
    description, files = FORMAT.read(folder)
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
        raise CorruptWeights(f"{os.fspath(folder)} is no complete recogniser: {error}; save it again") from error


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
