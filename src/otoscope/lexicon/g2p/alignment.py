"""Letters aligned with phones by expectation maximisation: spellings and pronunciations in, graphones out.

A graphone is a letter with the none, one or two phones that it stands for (Bisani and Ney 2008, section 2, with one
letter to a graphone, so that a decoder can go letter by letter).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from otoscope.lexicon.pronunciations import Phones

MOST_PHONES = 2
"""Phones that a letter can stand for, as x does for K S."""
Graphone = tuple[str, Phones]


@dataclass(frozen=True)
class _Pairs:
    """Words as ids, one after the other; word i has letters `letter_start[i]:letter_start[i + 1]`, phones likewise."""

    letters: NDArray[np.int64]
    letter_start: NDArray[np.int64]
    phones: NDArray[np.int64]
    phone_start: NDArray[np.int64]


def align(pairs: Sequence[tuple[str, Phones]], *, n_steps: int = 12) -> list[tuple[Graphone, ...]]:
    """Split each spelling and pronunciation into graphones, under the graphone probabilities that make all likeliest.

    Parameters
    ----------
    pairs
        Spelling and phones of each word; there must be at most two phones a letter (see `fits`).
    n_steps
        Rounds of expectation maximisation (Bisani and Ney 2008, equations 10 to 13, of single graphones).
    """
    letters = sorted({letter for word, _ in pairs for letter in word})
    phones = sorted({phone for _, spoken in pairs for phone in spoken})
    letter_id = {letter: i for i, letter in enumerate(letters)}
    phone_id = {phone: i for i, phone in enumerate(phones)}
    encoded = _Pairs(
        *_flat([[letter_id[letter] for letter in word] for word, _ in pairs]),
        *_flat([[phone_id[phone] for phone in spoken] for _, spoken in pairs]),
    )
    n_chunks = 1 + len(phones) + len(phones) ** 2
    table = np.full((len(letters), n_chunks), 1.0 / n_chunks)
    for _ in range(n_steps):
        table = _expected(encoded, len(phones), table)
        table /= table.sum()
    taken = _best(encoded, len(phones), table)
    return [
        _graphones(word, spoken, taken, start)
        for (word, spoken), start in zip(pairs, encoded.letter_start, strict=False)
    ]


def fits(word: str, phones: Phones) -> bool:
    """Whether a word can be split into graphones at all."""
    return bool(word) and len(phones) <= MOST_PHONES * len(word)


def _flat(rows: Sequence[Sequence[int]]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    starts = np.concatenate(([0], np.cumsum([len(row) for row in rows]))).astype(np.int64)
    return np.array([item for row in rows for item in row], np.int64), starts


def _graphones(word: str, phones: Phones, taken: NDArray[np.int64], start: int) -> tuple[Graphone, ...]:
    graphones, place = [], 0
    for i, letter in enumerate(word):
        n_phones = int(taken[start + i])
        graphones.append((letter, phones[place : place + n_phones]))
        place += n_phones
    return tuple(graphones)


def _expected(pairs: _Pairs, n_phones: int, table: NDArray[np.float64]) -> NDArray[np.float64]:
    return _expected_counts(pairs.letters, pairs.letter_start, pairs.phones, pairs.phone_start, n_phones, table)


def _best(pairs: _Pairs, n_phones: int, table: NDArray[np.float64]) -> NDArray[np.int64]:
    with np.errstate(divide="ignore"):
        logs = np.log(table)
    return _best_splits(pairs.letters, pairs.letter_start, pairs.phones, pairs.phone_start, n_phones, logs)


@njit(cache=True)
def _chunk(phones: NDArray, place: int, taken: int, n_phones: int) -> int:
    """Return the number of the chunk of `taken` phones that starts at `place`."""
    if taken == 0:
        return 0
    if taken == 1:
        return 1 + phones[place]
    return 1 + n_phones + phones[place] * n_phones + phones[place + 1]


@njit(cache=True)
def _expected_counts(
    letters: NDArray, letter_start: NDArray, phones: NDArray, phone_start: NDArray, n_phones: int, table: NDArray
) -> NDArray:
    """Return the expected count of each letter with each chunk, by the forward and backward sums of every word."""
    counts = np.zeros_like(table)
    for word in range(letter_start.size - 1):
        spelled = letters[letter_start[word] : letter_start[word + 1]]
        spoken = phones[phone_start[word] : phone_start[word + 1]]
        n, m = spelled.size, spoken.size
        forward, backward = np.zeros((n + 1, m + 1)), np.zeros((n + 1, m + 1))
        forward[0, 0] = backward[n, m] = 1.0
        for i in range(n):
            for j in range(m + 1):
                for taken in range(min(2, m - j) + 1):
                    forward[i + 1, j + taken] += forward[i, j] * table[spelled[i], _chunk(spoken, j, taken, n_phones)]
        for i in range(n - 1, -1, -1):
            for j in range(m + 1):
                for taken in range(min(2, m - j) + 1):
                    weight = table[spelled[i], _chunk(spoken, j, taken, n_phones)] * backward[i + 1, j + taken]
                    backward[i, j] += weight
        total = forward[n, m]
        if total <= 0.0:
            continue
        for i in range(n):
            for j in range(m + 1):
                for taken in range(min(2, m - j) + 1):
                    chunk = _chunk(spoken, j, taken, n_phones)
                    counts[spelled[i], chunk] += (
                        forward[i, j] * table[spelled[i], chunk] * backward[i + 1, j + taken] / total
                    )
    return counts


@njit(cache=True)
def _best_splits(
    letters: NDArray, letter_start: NDArray, phones: NDArray, phone_start: NDArray, n_phones: int, logs: NDArray
) -> NDArray:
    """Return how many phones each letter takes on the likeliest way through its word."""
    result = np.zeros(letters.size, np.int64)
    for word in range(letter_start.size - 1):
        spelled = letters[letter_start[word] : letter_start[word + 1]]
        spoken = phones[phone_start[word] : phone_start[word + 1]]
        n, m = spelled.size, spoken.size
        best = np.full((n + 1, m + 1), -np.inf)
        came = np.zeros((n + 1, m + 1), np.int64)
        best[0, 0] = 0.0
        for i in range(n):
            for j in range(m + 1):
                for taken in range(min(2, m - j) + 1):
                    score = best[i, j] + logs[spelled[i], _chunk(spoken, j, taken, n_phones)]
                    if score > best[i + 1, j + taken]:
                        best[i + 1, j + taken] = score
                        came[i + 1, j + taken] = taken
        j = m
        for i in range(n, 0, -1):
            result[letter_start[word] + i - 1] = came[i, j]
            j -= came[i, j]
    return result
