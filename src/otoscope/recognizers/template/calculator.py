"""The Shoebox's calculator: sixteen spoken words drive an adding machine (IBM, W. C. Dersch, 1961-62)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from otoscope.core import UnknownName

DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
COMMANDS = ("plus", "minus", "total", "subtotal", "false", "off")
SHOEBOX_WORDS = (*DIGITS, *COMMANDS)
"""The vocabulary: ten digits and six commands."""


@dataclass(frozen=True)
class Calculator:
    """The state of the adding machine between two words.

    Parameters
    ----------
    total
        What has been added up.
    entry
        Digits of the number being spoken; empty where none has begun.
    sign
        +1 or -1: what the last `plus` or `minus` says of that number.
    printed
        What the machine has printed so far.
    running
        False after `off`; later words do nothing.

    Notes
    -----
    A digit is put behind the digits of the entry. `plus` and `minus` add the entry, with the sign spoken before it, to
    the total and set the sign of the next. `subtotal` does so and prints the total; `total` prints it and clears.
    `false` takes back the entry and its sign, not what has been added. `off` ends. The machine is known from
    descriptions and a film of a demonstration; that `false` takes back the entry alone, and that a sign is spoken
    before its number, is our reading of them.

    Examples
    --------
    >>> Calculator().after("five plus three plus one two minus nine total".split()).printed
    (11,)
    """

    total: int = 0
    entry: str = ""
    sign: int = 1
    printed: tuple[int, ...] = ()
    running: bool = True

    def after(self, words: Iterable[str]) -> Calculator:
        """Return the state after some words.

        Raises
        ------
        UnknownName
            A word is not one of `SHOEBOX_WORDS`.
        """
        state = self
        for word in words:
            state = state._step(word)
        return state

    def _step(self, word: str) -> Calculator:
        if word not in SHOEBOX_WORDS:
            raise UnknownName("word of the Shoebox", word, SHOEBOX_WORDS)
        if not self.running:
            return self
        if word in DIGITS:
            return replace(self, entry=self.entry + str(DIGITS.index(word)))
        if word == "false":
            return replace(self, entry="", sign=1)
        if word == "off":
            return replace(self, running=False)
        added = replace(self, total=self.total + self.sign * int(self.entry or 0), entry="", sign=1)
        if word == "minus":
            return replace(added, sign=-1)
        if word == "plus":
            return added
        printed = (*added.printed, added.total)
        return replace(added, printed=printed, total=0 if word == "total" else added.total)
