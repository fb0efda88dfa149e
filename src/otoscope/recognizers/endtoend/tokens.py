"""What an end-to-end recogniser writes: letters with a space between words, or a small vocabulary of subwords.

Index 0 belongs to no text: it is the blank of CTC and transducer, and the start and end of an attention decoder.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from otoscope.core import BadInput
from otoscope.core.arrays import set_frozen

BEGIN = "▁"
"""Stands before the first letter of a word in subwords, as in SentencePiece (Kudo & Richardson 2018)."""

LETTERS = (" ", "'", *"abcdefghijklmnopqrstuvwxyz")


@dataclass(frozen=True)
class Tokens:
    """The units that texts are made of.

    Parameters
    ----------
    units
        Without index 0. A space among them stands between words; where there is none, a word's first unit begins with
        `BEGIN`.
    merges
        Pairs of units that become one, in this order (byte-pair encoding); none for letters.

    Examples
    --------
    >>> letters = Tokens(LETTERS)
    >>> letters.encode(["to", "a"]), letters.decode(letters.encode(["to", "a"]))
    ((22, 17, 1, 3), ('to', 'a'))
    """

    units: tuple[str, ...] = LETTERS
    merges: tuple[tuple[str, str], ...] = ()

    def __post_init__(self) -> None:
        set_frozen(self, units=tuple(self.units), merges=tuple((a, b) for a, b in self.merges))
        if len(set(self.units)) != len(self.units) or not self.units:
            raise BadInput(f"tokens need units that differ from one another, got {len(self.units)}")

    def __len__(self) -> int:
        """Return the number of indices, the one for blank or end counted in."""
        return len(self.units) + 1

    def symbols(self, zero: str) -> tuple[str, ...]:
        """Return all units by index; `zero` names index 0 (`<blank>` or `<end>`)."""
        return (zero, *self.units)

    @property
    def gap(self) -> tuple[int, ...]:
        """What stands between two words: the space, or nothing."""
        return (self.units.index(" ") + 1,) if " " in self.units else ()

    @property
    def closing(self) -> tuple[int, ...]:
        """The indices that can follow a whole word: end, and the space or every unit that begins a word."""
        return (0, *self.gap) if self.gap else (0, *(i + 1 for i, u in enumerate(self.units) if u.startswith(BEGIN)))

    def encode_word(self, word: str) -> tuple[int, ...]:
        """Return the indices of one word, without what stands between words.

        Raises
        ------
        BadInput
            The word has a letter that no unit writes.
        """
        index = _index(self.units)
        pieces = list(word) if self.gap else _merged(word, self.merges)
        strange = sorted({piece for piece in pieces if piece not in index})
        if strange or not word:
            raise BadInput(
                f"{word!r} has {', '.join(map(repr, strange)) or 'no letters'}, which this recogniser cannot write; "
                f"it writes {''.join(sorted({c for unit in self.units for c in unit} - {' ', BEGIN}))!r}"
            )
        return tuple(index[piece] for piece in pieces)

    def encode(self, words: Sequence[str]) -> tuple[int, ...]:
        """Return the indices of a text; raises `BadInput` as `encode_word`."""
        found: list[int] = []
        for i, word in enumerate(words):
            found += [*(self.gap if i else ()), *self.encode_word(word)]
        return tuple(found)

    def decode(self, indices: Iterable[int]) -> tuple[str, ...]:
        """Return the words that indices spell; index 0 is passed over."""
        text = "".join(self.units[i - 1] for i in indices if i)
        return tuple(text.replace(BEGIN, " ").split())

    def spans(self, indices: Sequence[int]) -> tuple[tuple[int, int], ...]:
        """Return `(start, stop)` in `indices` of each word that `decode` returns."""
        spans: list[tuple[int, int]] = []
        start: int | None = None
        for i, index in enumerate((*indices, 0)):
            unit = self.units[index - 1] if index else " "
            if start is not None and (unit == " " or unit.startswith(BEGIN)):
                spans.append((start, i))
                start = None
            if unit != " " and start is None:
                start = i
        return tuple(span for span in spans if any(self.units[i - 1] != BEGIN for i in indices[slice(*span)]))

    def as_json(self) -> dict[str, Any]:
        """Return units and merges as JSON values."""
        return {"units": list(self.units), "merges": [list(pair) for pair in self.merges]}


@lru_cache(maxsize=64)
def _index(units: tuple[str, ...]) -> dict[str, int]:
    return {unit: i + 1 for i, unit in enumerate(units)}


@lru_cache(maxsize=64)
def _ranks(merges: tuple[tuple[str, str], ...]) -> dict[tuple[str, str], int]:
    return {pair: i for i, pair in enumerate(merges)}


def _merged(word: str, merges: tuple[tuple[str, str], ...]) -> list[str]:
    """Merge the pair that was learnt first, wherever it stands, until none is left."""
    ranks, pieces = _ranks(merges), [BEGIN + word[:1], *word[1:]]
    while len(pieces) > 1:
        pair = min(itertools.pairwise(pieces), key=lambda each: ranks.get(each, len(ranks)))
        if pair not in ranks:
            break
        pieces = _joined(pieces, pair)
    return pieces


def _joined(pieces: Sequence[str], pair: tuple[str, str]) -> list[str]:
    found: list[str] = []
    for piece in pieces:
        if found and (found[-1], piece) == pair:
            found[-1] = "".join(pair)
        else:
            found.append(piece)
    return found


def characters(texts: Iterable[Sequence[str]] = ()) -> Tokens:
    """Return the letters of English, and any further ones that stand in `texts` (rows of words)."""
    seen = {letter for words in texts for word in words for letter in word}
    return Tokens((*LETTERS, *sorted(seen - set(LETTERS))))


def byte_pairs(texts: Iterable[Sequence[str]], *, n_units: int = 200) -> Tokens:
    """Learn a subword vocabulary from texts (Sennrich, Haddow & Birch 2016, algorithm 1).

    Parameters
    ----------
    texts
        Rows of words.
    n_units
        Most units; there are fewer when every word has become one. Every letter seen is a unit by itself, at the
        beginning of a word and inside, so that any word of these letters can be written.

    Raises
    ------
    BadInput
        There are no words, or more letters than `n_units`.

    Examples
    --------
    >>> tokens = byte_pairs([["low", "lower", "low"]], n_units=11)
    >>> [tokens.units[i - 1] for i in tokens.encode_word("lower")]
    ['▁l', 'ow', 'e', 'r']
    """
    counts = Counter(word for words in texts for word in words)
    letters = sorted({letter for word in counts for letter in word})
    units = [*letters, *(BEGIN + letter for letter in letters)]
    if not units or len(units) > n_units:
        raise BadInput(f"{len(letters)} letters need at least {2 * len(letters)} units, {n_units} were asked for")
    words = {word: [BEGIN + word[0], *word[1:]] for word in counts}
    merges: list[tuple[str, str]] = []
    while len(units) < n_units:
        pairs: Counter[tuple[str, str]] = Counter()
        for word, pieces in words.items():
            for pair in itertools.pairwise(pieces):
                pairs[pair] += counts[word]
        if not pairs:
            break
        best = min(pairs, key=lambda pair: (-pairs[pair], pair))
        merges.append(best)
        if "".join(best) not in units:
            units.append("".join(best))
        words = {word: _joined(pieces, best) for word, pieces in words.items()}
    return Tokens(tuple(units), tuple(merges))
