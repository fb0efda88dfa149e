"""Text for language models: one sentence a line, words parted by blanks; sentences in, word ids out."""

from __future__ import annotations

import gzip
import lzma
import os
from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray

from otoscope.core import BadFormat, BadInput

BOS, EOS, UNKNOWN = "<s>", "</s>", "<unk>"
"""Sentence start, sentence end, and the word that stands for all that the vocabulary lacks."""

Sentences = Iterable[str | Sequence[str]]
"""Each sentence is a string, whose words blanks part, or a sequence of words."""

_OPENERS: Mapping[str, Callable[..., IO[str]]] = {".gz": gzip.open, ".xz": lzma.open}


def open_text(path: str | os.PathLike[str]) -> IO[str]:
    """Open a text file, `.gz` and `.xz` unpacked on the way.

    Raises
    ------
    BadInput
        There is no such file, or it may not be read.
    """
    opener = _OPENERS.get(Path(path).suffix, open)
    try:
        return opener(path, "rt", encoding="utf-8")
    except OSError as error:
        raise BadInput(f"cannot read {os.fspath(path)}: {error.strerror or error}") from error


def checked_lines(path: str | os.PathLike[str]) -> Iterator[tuple[int, str]]:
    """Yield number and text of each line.

    Raises
    ------
    BadFormat
        The file is no UTF-8 text, or its compression is damaged; the message names the line that was read last.
    """
    number = 0
    with open_text(path) as lines:
        try:
            for number, line in enumerate(lines, start=1):
                yield number, line
        except (UnicodeDecodeError, OSError, EOFError, lzma.LZMAError) as error:
            raise BadFormat(f"{os.fspath(path)}: unreadable after line {number}: {error}") from error


def read_sentences(path: str | os.PathLike[str]) -> Iterator[list[str]]:
    """Yield the words of each line that has any; `.gz` and `.xz` are unpacked on the way."""
    for _, line in checked_lines(path):
        words = line.split()
        if words:
            yield words


def as_sentences(text: Sentences | str | os.PathLike[str]) -> Iterator[Sequence[str]]:
    """Yield the words of each sentence; a string or path names a file of sentences."""
    if isinstance(text, str | os.PathLike):
        yield from read_sentences(text)
        return
    for sentence in text:
        yield sentence.split() if isinstance(sentence, str) else sentence


class WordIds(dict[str, int]):
    """Word → id; looking up a word that is not there gives the id `unknown`, and adds nothing."""

    def __init__(self, words: Iterable[str], *, unknown: int) -> None:
        super().__init__((word, id) for id, word in enumerate(words))
        self.unknown = unknown

    def __missing__(self, word: str) -> int:
        return self.unknown


def token_ids(
    sentences: Iterable[Sequence[str]], lookup: Callable[[str], int], *, bos: int, eos: int
) -> NDArray[np.int32]:
    """Return a text as ids, each sentence between `bos` and `eos`.

    Raises
    ------
    BadInput
        A sentence holds `<s>` or `</s>` as a word.
    """
    tokens = array("i")
    for words in sentences:
        if BOS in words or EOS in words:
            raise BadInput(f"{BOS} and {EOS} are set around each sentence; leave them out of {' '.join(words)[:80]!r}")
        tokens.append(bos)
        tokens.extend(map(lookup, words))
        tokens.append(eos)
    return np.frombuffer(tokens, np.int32) if tokens else np.zeros(0, np.int32)
