"""Pronunciations of English words: the Carnegie Mellon dictionary as the pocketsphinx wheel ships it (BSD-like)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path

from otoscope.core import BadFormat

Phones = tuple[str, ...]


class Pronunciations(Mapping[str, tuple[Phones, ...]]):
    """Word → its pronunciations, each a tuple of ARPAbet phones, the usual one first.

    Examples
    --------
    >>> lines = ["record R AH0 K AO1 R D", "record(2) R EH1 K ER0 D"]
    >>> Pronunciations.parse(lines)["record"][1]
    ('R', 'EH', 'K', 'ER', 'D')
    """

    def __init__(self, entries: Mapping[str, tuple[Phones, ...]]) -> None:
        self._entries = dict(entries)

    @classmethod
    def parse(cls, lines: Iterable[str]) -> Pronunciations:
        """Read lines of a CMU-style dictionary: a word, `(2)` for its further pronunciations, phones.

        Stress digits are dropped; `;;;` and `##` start a comment line.

        Raises
        ------
        BadFormat
            A word without phones; the message gives the line number.
        """
        entries: dict[str, tuple[Phones, ...]] = {}
        for number, line in enumerate(lines, start=1):
            if not line.strip() or line.startswith((";;;", "##")):
                continue
            label, *phones = line.split()
            if not phones:
                raise BadFormat(f"line {number} of the dictionary has no phones: {line.strip()!r}")
            word = base_form(label).lower()
            entries[word] = (*entries.get(word, ()), tuple(phone.rstrip("012") for phone in phones))
        return cls(entries)

    def __getitem__(self, word: str) -> tuple[Phones, ...]:
        return self._entries[word]

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)

    def unknown(self, words: Iterable[str]) -> tuple[str, ...]:
        """Return the words that are not in the dictionary, each once, in order."""
        return tuple(dict.fromkeys(word for word in words if word not in self._entries))


def base_form(label: str) -> str:
    """Return a dictionary label without the number of its pronunciation.

    Examples
    --------
    >>> base_form("and(2)"), base_form("(")
    ('and', '(')
    """
    head, bracket, tail = label.rpartition("(")
    return head if head and bracket and tail.rstrip(")").isdigit() else label


@cache
def cmudict() -> Pronunciations:
    """Return the CMU dictionary of 134,000 words that pocketsphinx ships, read once a process."""
    from pocketsphinx import get_model_path

    with Path(get_model_path("en-us/cmudict-en-us.dict")).open(encoding="utf-8") as lines:
        return Pronunciations.parse(lines)
