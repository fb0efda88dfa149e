"""Lexica small enough for brute force, and slex."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np

from otoscope.lexicon.mental_lexicon import MentalLexicon

Phones = tuple[str, ...]


def random_lexicon(seed: int, *, n_words: int = 120, n_phones: int = 4, longest: int = 6) -> MentalLexicon:
    """Words of few phones, so that homophones, variants and neighbours abound."""
    rng = np.random.default_rng(seed)

    def said() -> Phones:
        return tuple("abcdefgh"[i] for i in rng.integers(0, n_phones, rng.integers(1, longest + 1)))

    ways = tuple(tuple(dict.fromkeys(said() for _ in range(rng.integers(1, 4)))) for _ in range(n_words))
    return MentalLexicon(tuple(f"w{i}" for i in range(n_words)), ways, rng.uniform(0.1, 50, n_words))


def random_items(seed: int, *, n_items: int = 40) -> list[Phones]:
    """Phone strings, with one phone (`z`) that no lexicon has."""
    rng = np.random.default_rng(1000 + seed)
    return [tuple("abcdz"[i] for i in rng.integers(0, 5, rng.integers(1, 9))) for _ in range(n_items)]


def slex(shared_data: Path) -> tuple[MentalLexicon, dict[str, dict[str, int]]]:
    """The 212 words of TRACE's lexicon, a letter a phone, and their published lexical dimensions."""
    with (shared_data / "trace-tisk" / "lex_dims.txt").open(encoding="utf-8") as lines:
        rows = {row.pop("wrd"): {k: int(v) for k, v in row.items()} for row in csv.DictReader(lines, delimiter="\t")}
    lexicon = MentalLexicon(tuple(rows), tuple((tuple(word),) for word in rows), np.ones(len(rows)))
    return lexicon, rows
