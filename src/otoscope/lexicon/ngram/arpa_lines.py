"""Lines of an ARPA file: one at a time as text, or as many plain ones at once as there are, compiled."""

from __future__ import annotations

import gzip
import lzma
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from otoscope.core import BadFormat, BadInput

BLOCK = 1 << 24
"""Bytes that are read at once."""
_OPENERS: Mapping[str, Callable[..., IO[bytes]]] = {".gz": gzip.open, ".xz": lzma.open}  # type: ignore[dict-item]
_DAMAGED = (OSError, EOFError, lzma.LZMAError)


class Vocabulary(NamedTuple):
    """Words by their bytes: `table` of ids + 1 by hash, 0 where free; word i is `text[begin[i]:begin[i + 1]]`."""

    table: NDArray[np.int32]
    begin: NDArray[np.int64]
    text: NDArray[np.uint8]

    @classmethod
    def of(cls, words: Sequence[str]) -> Vocabulary:
        """Return the vocabulary of words, each there once."""
        parts = [word.encode() for word in words]
        begin = np.concatenate(([0], np.cumsum([len(part) for part in parts]))).astype(np.int64)
        text = np.frombuffer(b"".join(parts), np.uint8)
        table = np.zeros(1 << max(2, 1 + (2 * len(words)).bit_length()), np.int32)
        _fill(table, begin, text)
        return cls(table, begin, text)


class Lines:
    """Lines of a file that are not blank; `number` is that of the one read last, for error messages.

    Raises
    ------
    BadInput
        There is no such file, or it may not be read.
    BadFormat
        While reading: the file is no UTF-8 text, or its compression is damaged; the message names the line before.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path, self.number = os.fspath(path), 0
        self._blocks = self._read()
        self._block, self._at = b"", 0

    def next(self) -> str:
        """Return the next line, without its end."""
        while self._more():
            end = self._block.find(b"\n", self._at)
            end = len(self._block) if end < 0 else end
            raw, self._at = self._block[self._at : end], end + 1
            try:
                line = raw.decode()
            except UnicodeDecodeError as error:
                raise self._unreadable(error) from error
            self.number += 1
            if line and not line.isspace():
                return line
        raise self.error(r"the file ends before \end\; it was cut off or is no ARPA file")

    def n_grams(
        self,
        vocabulary: Vocabulary,
        grams: NDArray[np.int32],
        values: NDArray[np.float64],
        numbers: NDArray[np.int64],
        *,
        top: bool,
    ) -> int:
        """Read plain lines of n-grams and return how many, at most as many as there is room and the block has.

        Parameters
        ----------
        vocabulary
            The words.
        grams
            `(n, order)` to be filled with ids.
        values
            `(n, 2)` with log10 probabilities and backoffs.
        numbers
            `(n,)` with numbers of lines.
        top
            Whether the order is the highest, which has no backoffs.
        """
        if not self._more():
            return 0
        data = np.frombuffer(self._block, np.uint8)
        n, self._at, self.number = _n_grams(data, self._at, self.number, vocabulary, grams, values, numbers, top)
        return int(n)

    def error(self, what: str) -> BadFormat:
        """Return an error that names the line."""
        return BadFormat(f"{self.path}:{self.number}: {what}")

    def _more(self) -> bool:
        while self._at >= len(self._block):
            block = next(self._blocks, None)
            if block is None:
                return False
            self._block, self._at = block, 0
        return True

    def _read(self) -> Iterator[bytes]:
        """Yield the file in blocks of whole lines, each ended by a newline alone."""
        try:
            file = _OPENERS.get(Path(self.path).suffix, open)(self.path, "rb")
        except OSError as error:
            raise BadInput(f"cannot read {self.path}: {error.strerror or error}") from error
        with file:
            while block := self._block_of(file):
                yield block.replace(b"\r\n", b"\n").replace(b"\r", b"\n") if b"\r" in block else block

    def _block_of(self, file: IO[bytes]) -> bytes:
        try:
            return file.read(BLOCK) + file.readline()
        except _DAMAGED as error:
            raise self._unreadable(error) from error

    def _unreadable(self, error: Exception) -> BadFormat:
        return BadFormat(f"{self.path}: unreadable after line {self.number}: {error}")


@njit(cache=True)
def _hash(data, lo, hi):  # type: ignore[no-untyped-def]
    """Return the hash of bytes by Fowler, Noll and Vo (FNV-1a, 64 bits)."""
    found = np.uint64(14695981039346656037)
    for i in range(lo, hi):
        found = (found ^ np.uint64(data[i])) * np.uint64(1099511628211)
    return found ^ (found >> np.uint64(32))


@njit(cache=True)
def _fill(table, begin, text):  # type: ignore[no-untyped-def]
    for i in range(begin.size - 1):
        at = _hash(text, begin[i], begin[i + 1]) & np.uint64(table.size - 1)
        while table[at]:
            at = (at + np.uint64(1)) & np.uint64(table.size - 1)
        table[at] = i + 1


@njit(cache=True)
def _find(data, lo, hi, table, begin, text):  # type: ignore[no-untyped-def]
    """Return the id of a word, -1 where it is none."""
    at = _hash(data, lo, hi) & np.uint64(table.size - 1)
    while table[at]:
        word = table[at] - 1
        if begin[word + 1] - begin[word] == hi - lo:
            same = True
            for i in range(hi - lo):
                if data[lo + i] != text[begin[word] + i]:
                    same = False
                    break
            if same:
                return word
        at = (at + np.uint64(1)) & np.uint64(table.size - 1)
    return -1


@njit(cache=True)
def _number(data, lo, hi):  # type: ignore[no-untyped-def]
    """Return a decimal number as `float` reads it, NaN where it is not plain.

    Up to 15 digits and powers of ten up to 22 are exact in binary, so their quotient is rounded once (Clinger 1990).
    """
    i, sign, whole, digits, behind, power = lo, 1.0, 0, 0, 0, 0
    if i < hi and (data[i] == 45 or data[i] == 43):
        sign = -1.0 if data[i] == 45 else 1.0
        i += 1
    point = False
    while i < hi and (48 <= data[i] <= 57 or (data[i] == 46 and not point)):
        if data[i] == 46:
            point = True
        else:
            whole, digits, behind = 10 * whole + data[i] - 48, digits + 1, behind + point
        i += 1
        if digits > 15:
            return np.nan
    if i + 1 < hi and (data[i] == 101 or data[i] == 69):
        i += 1
        down = data[i] == 45
        i += data[i] == 45 or data[i] == 43
        if i == hi or hi - i > 3:
            return np.nan
        while i < hi and 48 <= data[i] <= 57:
            power = 10 * power + data[i] - 48
            i += 1
        power = -power if down else power
    power -= behind
    if i < hi or not digits or abs(power) > 22:
        return np.nan
    return sign * (whole / 10.0**-power if power < 0 else whole * 10.0**power)


@njit(cache=True)
def _n_grams(data, at, number, vocabulary, grams, values, numbers, top):  # type: ignore[no-untyped-def]
    """Fill rows from the lines of `data` from `at` on; return how many, where the next line begins, its number less 1.

    It stops in front of a line that is not plain: another number of fields, a word that is not known, a number out of
    the ordinary, any white space but blanks and tabs. Those are read by themselves, or refused, one at a time.
    """
    table, begin, text = vocabulary
    n_rows, order = grams.shape
    n = 0
    while n < n_rows and at < data.size:
        field, i, plain, log_prob, backoff = 0, at, True, 0.0, 0.0
        while i < data.size and data[i] != 10:
            if data[i] == 32 or data[i] == 9:
                i += 1
                continue
            lo = i
            while i < data.size and data[i] > 32:
                i += 1
            if i == lo:  # another control character
                plain = False
                break
            if field == 0:
                log_prob = _number(data, lo, i)
            elif field <= order:
                grams[n, field - 1] = _find(data, lo, i, table, begin, text)
                plain = plain and grams[n, field - 1] >= 0
            else:
                backoff = _number(data, lo, i)
            field += 1
        if field == 0 and plain:
            at, number = i + 1, number + 1
            continue
        n_right = field == order + 1 or field == order + 2
        if not (plain and n_right and log_prob <= 1e-4 and abs(backoff) < 1e6) or (top and backoff != 0):
            break
        at, number = i + 1, number + 1
        values[n, 0], values[n, 1], numbers[n] = min(log_prob, 0.0), backoff, number
        n += 1
    return n, at, number
