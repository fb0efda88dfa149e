"""N-gram models by the name of their file: ARPA text where it says so, else the compact format."""

from __future__ import annotations

import os
from pathlib import Path

from otoscope.lexicon.ngram.arpa import read_arpa, write_arpa
from otoscope.lexicon.ngram.compact import load, save
from otoscope.lexicon.ngram.model import NGramModel


def is_arpa(path: str | os.PathLike[str]) -> bool:
    """Whether a file name says ARPA: `.arpa` or `.lm`, packed as `.gz` or `.xz` or not.

    Examples
    --------
    >>> is_arpa("books.arpa.gz"), is_arpa("books.lm"), is_arpa("books.otoscope")
    (True, True, False)
    """
    suffixes = [suffix.lower() for suffix in Path(path).suffixes if suffix.lower() not in (".gz", ".xz")]
    return bool(suffixes) and suffixes[-1] in (".arpa", ".lm")


def read_model(path: str | os.PathLike[str]) -> NGramModel:
    """Read a model; raises as `read_arpa` and `load` do."""
    return read_arpa(path) if is_arpa(path) else load(path)


def write_model(model: NGramModel, path: str | os.PathLike[str]) -> None:
    """Write a model; raises as `write_arpa` and `save` do."""
    if is_arpa(path):
        write_arpa(model, path)
    else:
        save(model, path)
