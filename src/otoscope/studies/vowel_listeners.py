"""Hillenbrand's vowels as a table: measurements of each token, and what its listeners answered."""

from __future__ import annotations

import csv
import hashlib
import io
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from otoscope.core import BadInput

VOWELS = ("ae", "ah", "aw", "eh", "ei", "er", "ih", "iy", "oa", "oo", "uh", "uw")
"""The answers listeners could give, as the table's columns are called."""

IPA = ("æ", "ɑ", "ɔ", "ɛ", "e", "ɝ", "ɪ", "i", "o", "ʊ", "ʌ", "u")
"""The same in phonetic letters."""

FILE = "h95_listeners.tsv"
_NOT_MEASURED = ("", "NA", "0", "0.0")


@dataclass(frozen=True, eq=False)
class Listened:
    """Vowel tokens with measurements and answers.

    Parameters
    ----------
    rows
        The table as it stands, a dict a token.
    vowels
        `(n_tokens,)` index of the vowel meant, in `VOWELS`.
    answers
        `(n_tokens, n_vowels)` how many listeners gave each answer.
    talkers
        Who spoke, `(n_tokens,)`.
    sha256
        Of the file.
    """

    rows: tuple[dict[str, str], ...]
    vowels: NDArray[np.int64]
    answers: NDArray[np.float64]
    talkers: tuple[str, ...]
    sha256: str

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def shares(self) -> NDArray[np.float64]:
        """`(n_tokens, n_vowels)` shares of the answers; rows sum to one."""
        return self.answers / self.answers.sum(axis=1, keepdims=True)

    @property
    def correct(self) -> NDArray[np.float64]:
        """`(n_tokens,)` share of the listeners who heard the vowel that was meant."""
        return self.shares[np.arange(len(self)), self.vowels]

    def logs(self, columns: Sequence[str]) -> NDArray[np.float64]:
        """Return natural logs of measurements, `(n_tokens, n_columns)`; NaN where nothing was measured."""
        cells = [[row[c] for c in columns] for row in self.rows]
        return np.log([[np.nan if cell in _NOT_MEASURED else float(cell) for cell in row] for row in cells])

    def summary(self) -> dict[str, Any]:
        """Return what listeners did over all tokens, in percent of tokens or answers.

        `majority`: more than half of the listeners heard the vowel meant; `plurality`: the vote that the table holds
        is the vowel meant; `unanimous`: all of them heard it.
        """
        ranked = sorted(self.by_vowel(), key=lambda row: row["correct_percent"])
        votes = [row["vote"] == row["vowel"] for row in self.rows]
        return {
            "mean_correct_percent": 100 * float(self.correct.mean()),
            "majority_correct_percent": 100 * float((self.correct > 0.5).mean()),
            "plurality_correct_percent": 100 * float(np.mean(votes)),
            "unanimous_percent": 100 * float((self.correct == 1.0).mean()),
            "worst": [row["ipa"] for row in ranked[:3]],
            "best": [row["ipa"] for row in ranked[:-3:-1]],
        }

    def by_vowel(self) -> list[dict[str, Any]]:
        """Return for each vowel how often it was heard as meant, and the commonest mistake, in percent."""
        found = []
        for index, row in enumerate(100 * confusions(self.shares, self.vowels)):
            other = int(np.argmax(np.where(np.arange(len(row)) == index, -1.0, row)))
            found.append(
                {
                    "vowel": VOWELS[index],
                    "ipa": IPA[index],
                    "correct_percent": float(row[index]),
                    "mostly_mistaken_for": IPA[other],
                    "mistaken_percent": float(row[other]),
                }
            )
        return found


def confusions(shares: NDArray[np.float64], truth: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the mean of `shares` `(n_tokens, n_vowels)` for each true vowel, `(n_vowels, n_vowels)`."""
    return np.stack([shares[truth == vowel].mean(axis=0) for vowel in range(shares.shape[1])])


def read_listened(corpus: str | os.PathLike[str]) -> Listened:
    """Read the table from its folder, or the file itself.

    Raises
    ------
    BadInput
        There is no such table, it lacks columns, or a row breaks its form.
    """
    path = Path(corpus)
    path = path / FILE if path.is_dir() else path
    try:
        raw = path.read_bytes()
    except OSError:
        raise BadInput(f"no table of vowels at {path}; give the folder that holds {FILE}") from None
    rows = tuple(csv.DictReader(io.StringIO(raw.decode("utf-8")), delimiter="\t"))
    needed = ("speaker", "vowel", "vote", "dur", "f0", "f1", "f2", "f3", *VOWELS)
    if absent := [c for c in needed if not rows or c not in rows[0]]:
        raise BadInput(f"{path} lacks the columns {', '.join(absent)}; it must be laid out as {FILE} is")
    try:
        vowels = np.array([VOWELS.index(row["vowel"]) for row in rows])
        answers = np.array([[float(row[v]) for v in VOWELS] for row in rows])
    except (ValueError, TypeError) as error:
        raise BadInput(f"{path} cannot be read as answers of listeners: {error}") from None
    if (answers.sum(axis=1) <= 0).any() or len(np.unique(vowels)) < len(VOWELS):
        raise BadInput(f"{path} must have answers to every token and tokens of all {len(VOWELS)} vowels")
    return Listened(rows, vowels, answers, tuple(row["speaker"] for row in rows), hashlib.sha256(raw).hexdigest())
