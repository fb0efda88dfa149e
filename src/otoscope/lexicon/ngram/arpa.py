r"""ARPA files of n-gram models (Doug Paul's format, as SRILM and kenlm write it): text in, model out, and back.

A file starts with `\data\` and the number of n-grams of each order; then `\1-grams:` and so on, a line each of log10
probability, words, log10 backoff; then `\end\`.
"""

from __future__ import annotations

import gzip
import lzma
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from otoscope.core import BadFormat
from otoscope.io.writing import write_bytes
from otoscope.lexicon.ngram.arpa_lines import Lines, Vocabulary
from otoscope.lexicon.ngram.model import NGramModel
from otoscope.lexicon.ngram.sentences import BOS, EOS

LN10 = float(np.log(10.0))
_COUNT = re.compile(r"ngram\s+(\d+)\s*=\s*(\d+)\s*$")
_NEVER = -99.0
_PIECE = 1_000_000


def read_arpa(path: str | os.PathLike[str]) -> NGramModel:
    r"""Read an ARPA file; `.gz` and `.xz` are unpacked on the way.

    Anything before `\data\` is passed over. A file that lists no `<s>` gets one that no word follows in particular.

    Raises
    ------
    BadInput
        There is no such file.
    BadFormat
        A line breaks the format, the numbers of n-grams do not agree, an n-gram stands twice, or the words before the
        last one of an n-gram are no n-gram themselves; the message names the line.
    """
    lines = Lines(path)
    counts = _read_counts(lines)
    words, unigram_log, unigram_backoff = _read_unigrams(lines, counts[0])
    builder = _Builder(words, unigram_log, unigram_backoff)
    index, vocabulary = {word: id for id, word in enumerate(words)}, Vocabulary.of(words)
    for order in range(2, len(counts) + 1):
        _expect(lines, rf"\{order}-grams:")
        level = _read_level(lines, (counts[order - 1], order), index, vocabulary, top=order == len(counts))
        builder.add(level, lines.path)
    _expect(lines, r"\end" + "\\")
    return builder.model()


def _expect(lines: Lines, heading: str) -> None:
    line = lines.next().strip()
    if line != heading:
        raise lines.error(f"expected {heading}, got {line[:60]!r}; are there more n-grams than the head says?")


def _read_counts(lines: Lines) -> list[int]:
    while lines.next().strip() != "\\data\\":
        pass
    counts: list[int] = []
    while (line := lines.next()).startswith("ngram"):
        match = _COUNT.match(line)
        if match is None or int(match[1]) != len(counts) + 1:
            raise lines.error(f"expected 'ngram {len(counts) + 1}=' and a number, got {line.strip()[:60]!r}")
        counts.append(int(match[2]))
    if not counts or line.strip() != r"\1-grams:":
        raise lines.error(rf"expected 'ngram 1=' lines and then \1-grams:, got {line.strip()[:60]!r}")
    return counts


def _fields(lines: Lines, order: int, top: bool) -> tuple[float, list[str], float]:
    """Read log10 probability, words and log10 backoff of one line."""
    line = lines.next()
    if line.startswith("\\"):
        raise lines.error(f"{line.strip()[:60]} comes too early: there are fewer {order}-grams than the head says")
    parts = line.split()
    try:
        log_prob = float(parts[0])
        backoff = float(parts[order + 1]) if len(parts) == order + 2 else 0.0
    except ValueError:
        raise lines.error(f"expected numbers at both ends of {line.strip()[:60]!r}") from None
    if len(parts) not in (order + 1, order + 2) or (top and backoff):
        raise lines.error(f"expected a log-probability, {order} words and a backoff weight, got {line.strip()[:60]!r}")
    if not (log_prob <= 1e-4 and abs(backoff) < 1e6):  # also false for NaN
        raise lines.error(f"a log10 probability must be 0 or less and finite, got {line.strip()[:60]!r}")
    return min(log_prob, 0.0), parts[1 : order + 1], backoff


def _read_unigrams(lines: Lines, count: int) -> tuple[list[str], NDArray[np.float64], NDArray[np.float64]]:
    table: dict[str, tuple[float, float]] = {}
    for _ in range(count):
        log_prob, (word,), backoff = _fields(lines, 1, False)
        if word in table:
            raise lines.error(f"the unigram {word!r} stands twice")
        table[word] = log_prob, backoff
    if EOS not in table:
        raise lines.error(f"the model does not list {EOS}, so that no sentence could end")
    table[BOS] = table.pop(BOS, (_NEVER, 0.0))  # <s> goes last
    values = np.array(list(table.values()))
    return list(table), values[:, 0], values[:, 1]


@dataclass(frozen=True)
class _Level:
    """The n-grams of one order as the file lists them: `(count, order)` word ids, log10 values and line numbers."""

    grams: NDArray[np.int32]
    log_probs: NDArray[np.float64]
    backoffs: NDArray[np.float64]
    numbers: NDArray[np.int64]


def _read_level(
    lines: Lines, shape: tuple[int, int], index: dict[str, int], vocabulary: Vocabulary, *, top: bool
) -> _Level:
    count, order = shape
    grams, values, numbers = np.empty(shape, np.int32), np.empty((count, 2)), np.empty(count, np.int64)
    i = 0
    while i < count:
        i += lines.n_grams(vocabulary, grams[i:], values[i:], numbers[i:], top=top)
        if i == count:
            break
        # The next line is not plain, or stands in the next block: it is read by itself, or refused.
        values[i, 0], words, values[i, 1] = _fields(lines, order, top)
        numbers[i] = lines.number
        try:
            grams[i] = [index[word] for word in words]
        except KeyError as error:
            raise lines.error(f"{error.args[0]!r} is not among the unigrams") from None
        i += 1
    return _Level(grams, values[:, 0], values[:, 1], numbers)


class _Builder:
    """Joins the orders of a model, each sorted by (parent, word), into one trie."""

    def __init__(self, words: list[str], log_prob: NDArray[np.float64], backoff: NDArray[np.float64]) -> None:
        n_words = len(words)
        self.words = words
        self.starts = [0, 1, n_words + 1]
        self.parents = [np.array([-1]), np.zeros(n_words, np.int64)]
        self.ids = [np.array([-1]), np.arange(n_words)]
        self.log_probs = [np.zeros(1), log_prob]
        self.backoffs = [np.zeros(1), backoff]

    def add(self, level: _Level, path: str) -> None:
        """Add the n-grams of the next order."""
        n_words, order = len(self.words), level.grams.shape[1]
        parent = 1 + level.grams[:, 0].astype(np.int64)
        for shorter in range(2, order):
            keys = self.parents[shorter] * n_words + self.ids[shorter]
            wanted = parent * n_words + level.grams[:, shorter - 1]
            place = np.searchsorted(keys, wanted)
            found = np.append(keys, -1)[place] == wanted
            if not found.all():
                raise self._orphan(level, int(np.argmin(found)), path)
            parent = self.starts[shorter] + place
        keys = parent * n_words + level.grams[:, -1]
        by_key = np.argsort(keys, kind="stable")
        twice = np.flatnonzero(np.diff(keys[by_key]) == 0)
        if twice.size:
            row = int(by_key[twice[0] + 1])
            raise BadFormat(f"{path}:{level.numbers[row]}: the {order}-gram {self._text(level, row)!r} stands twice")
        self.starts.append(self.starts[-1] + keys.size)
        self.parents.append(parent[by_key])
        self.ids.append(level.grams[by_key, -1].astype(np.int64))
        self.log_probs.append(level.log_probs[by_key])
        self.backoffs.append(level.backoffs[by_key])

    def _text(self, level: _Level, row: int) -> str:
        return " ".join(self.words[id] for id in level.grams[row])

    def _orphan(self, level: _Level, row: int, path: str) -> BadFormat:
        n, gram = level.grams.shape[1], self._text(level, row)
        history = gram.rpartition(" ")[0]
        where = f"{path}:{level.numbers[row]}"
        return BadFormat(f"{where}: the {n}-gram {gram!r} needs {history!r} among the {n - 1}-grams")

    def model(self) -> NGramModel:
        log_prob, backoff = np.concatenate(self.log_probs) * LN10, np.concatenate(self.backoffs) * LN10
        return NGramModel(
            tuple(self.words),
            np.array(self.starts, np.int64),
            np.concatenate(self.parents).astype(np.int32),
            np.concatenate(self.ids).astype(np.int32),
            log_prob.astype(np.float32),
            backoff.astype(np.float32),
        )


def write_arpa(model: NGramModel, path: str | os.PathLike[str]) -> None:
    """Write a model as an ARPA file, packed where the name ends in `.gz` or `.xz`.

    Raises
    ------
    CannotWrite
        The file cannot be written; nothing of it is left behind.
    """
    head = ["\\data\\", *(f"ngram {order}={count}" for order, count in enumerate(model.counts, start=1))]
    data = b"".join(["\n".join(head).encode(), *_level_texts(model), b"\n\n\\end\\\n"])
    suffix = Path(path).suffix
    write_bytes(path, gzip.compress(data, 6) if suffix == ".gz" else lzma.compress(data) if suffix == ".xz" else data)


def _level_texts(model: NGramModel) -> Iterator[bytes]:
    """Yield the n-grams of the file in pieces."""
    grams = [""]
    has_children = np.diff(model.first_child) > 0
    for order in range(1, model.order + 1):
        start, stop = int(model.level_start[order]), int(model.level_start[order + 1])
        parents = model.parent[start:stop] - int(model.level_start[order - 1])
        words = [model.words[id] for id in model.word[start:stop]]
        blank = " " if order > 1 else ""
        grams = [f"{grams[parent]}{blank}{word}" for parent, word in zip(parents, words, strict=True)]
        yield f"\n\n\\{order}-grams:".encode()
        for first in range(0, len(grams), _PIECE):
            piece = slice(start + first, min(start + first + _PIECE, stop))
            with_backoff = has_children[piece] | (model.backoffs[piece] != 0)
            rows = zip(
                (model.log_probs[piece] / LN10).tolist(),
                grams[first : first + _PIECE],
                np.where(with_backoff, model.backoffs[piece] / LN10, np.nan).tolist(),
                strict=True,
            )
            lines = (f"\n{p:.7g}\t{gram}" + ("" if b != b else f"\t{b:.7g}") for p, gram, b in rows)
            yield "".join(lines).encode()
