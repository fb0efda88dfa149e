"""What a CTC head writes: letters with a mark between words, or phones; read as the checkpoint's tokenizer reads."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from otoscope.core import BadInput
from otoscope.core.arrays import set_frozen
from otoscope.recognizers.endtoend.tokens import Tokens

_CLEANED = tuple((old, old.strip()) for old in (" .", " ?", " !", " ,", " ' ", " n't", " 'm", " 's", " 've", " 're"))
"""What transformers' `clean_up_tokenization` replaces, in its order."""


@dataclass(frozen=True)
class Symbols:
    """The columns of the logits and the texts that they spell.

    Parameters
    ----------
    names
        The tokenizer's own name of each column, `(n_symbols,)`.
    blank
        The column of the CTC blank (the tokenizer's padding).
    gap
        The column that stands between two words, `None` where there is none.
    special
        Columns that keep their name whatever the letter case is: start, end, unknown, padding.
    phones
        Whether each column is a phone, which counts as a word; otherwise columns are letters.
    lower
        Whether the tokenizer writes lower case, whatever its letters are.
    cleaned
        Whether the tokenizer takes the space before full stops and the like away.

    Examples
    --------
    >>> symbols = Symbols(("<pad>", "|", "A", "B"), blank=0, gap=1, special=frozenset({0}))
    >>> symbols.words((2, 1, 3, 2)), symbols.encode(("a", "ba"))
    (('A', 'BA'), (2, 1, 3, 2))
    """

    names: tuple[str, ...]
    blank: int = 0
    gap: int | None = None
    special: frozenset[int] = field(default_factory=frozenset)
    phones: bool = False
    lower: bool = False
    cleaned: bool = False

    def __post_init__(self) -> None:
        set_frozen(self, names=tuple(self.names), special=frozenset(self.special) | {self.blank})
        if not 0 <= self.blank < len(self.names):
            raise BadInput(f"the blank is column {self.blank} of {len(self.names)}")

    def __len__(self) -> int:
        return len(self.names)

    def text_of(self, label: int) -> str:
        """Return what one column writes; a phone model's word mark writes nothing."""
        if label == self.gap:
            return "" if self.phones else " "
        return self.names[label].lower() if self.lower else self.names[label]

    def _written(self, labels: Sequence[int]) -> tuple[str, list[int]]:
        """Return the text before it is cleaned, and which label wrote each character (-1: none did)."""
        letters: list[str] = []
        places: list[int] = []
        for i, label in enumerate(labels):
            text = self.text_of(label)
            if self.phones and text and letters:
                letters.append(" ")
                places.append(-1)
            letters += text
            places += [i] * len(text)
        return "".join(letters), places

    def _kept(self, text: str) -> list[bool]:
        """Return which characters stay when the tokenizer cleans a text; only spaces go."""
        before = len(text) - len(text.lstrip())
        after = text.strip()
        for old, new in _CLEANED if self.cleaned else ():
            after = after.replace(old, new)
        kept, j = [True] * before, 0
        for letter in text[before:]:
            kept.append(j < len(after) and letter == after[j])
            j += kept[-1]
        return kept

    def read(self, labels: Sequence[int]) -> tuple[tuple[str, ...], tuple[tuple[int, int], ...]]:
        """Return the words that labels spell (blanks and repeats already gone), and `[start, stop)` of each in them."""
        text, places = self._written(labels)
        words: list[str] = []
        spans: list[tuple[int, int]] = []
        open_ = False
        for letter, place, kept in zip(text, places, self._kept(text), strict=True):
            if letter.isspace():
                open_ = open_ and not kept
                continue
            if open_:
                words[-1] += letter
                spans[-1] = (spans[-1][0], place + 1)
            else:
                words.append(letter)
                spans.append((place, place + 1))
                open_ = True
        return tuple(words), tuple(spans)

    def words(self, labels: Sequence[int]) -> tuple[str, ...]:
        """Return the words that labels spell."""
        return self.read(labels)[0]

    @cached_property
    def _columns(self) -> Mapping[str, int]:
        found: dict[str, int] = {}
        for i, name in enumerate(self.names):
            if i not in (self.blank, self.gap):
                found.setdefault(name, i)
        return found

    def encode_word(self, word: str) -> tuple[int, ...]:
        """Return the columns that spell one word, in the case that the checkpoint writes.

        Raises
        ------
        BadInput
            It has a letter (or is a phone) that no column writes.
        """
        for spelling in dict.fromkeys((word, word.upper(), word.lower())):
            pieces = [spelling] if self.phones else self._pieces(spelling)
            if pieces and all(piece in self._columns for piece in pieces):
                return tuple(self._columns[piece] for piece in pieces)
        known = " ".join(sorted(self._columns))
        what = "phone" if self.phones else "word"
        raise BadInput(f"this recogniser cannot write the {what} {word!r}; it writes {known}")

    def _pieces(self, word: str) -> list[str]:
        """Split a word into letters, or longer units where there are any, the longest first."""
        found, i = [], 0
        while i < len(word):
            size = next((n for n in range(self._longest, 1, -1) if word[i : i + n] in self._columns), 1)
            found.append(word[i : i + size])
            i += size
        return found

    @cached_property
    def _longest(self) -> int:
        return max((len(name) for name in self._columns), default=1)

    @property
    def gaps(self) -> tuple[int, ...]:
        """What stands between two words: the mark, or nothing."""
        return () if self.phones or self.gap is None else (self.gap,)

    def encode(self, words: Sequence[str]) -> tuple[int, ...]:
        """Return the columns of a text; raises `BadInput` as `encode_word`."""
        found: list[int] = []
        for i, word in enumerate(words):
            found += [*(self.gaps if i else ()), *self.encode_word(word)]
        return tuple(found)

    def spans(self, words: Sequence[str]) -> tuple[tuple[int, int], ...]:
        """Return `[start, stop)` of each word in `encode(words)`."""
        found, start = [], 0
        for word in words:
            stop = start + len(self.encode_word(word))
            found.append((start, stop))
            start = stop + len(self.gaps)
        return tuple(found)

    @cached_property
    def order(self) -> tuple[int, ...]:
        """The columns with the blank first: the order of `tokens`."""
        return (self.blank, *(i for i in range(len(self.names)) if i != self.blank))

    def folded(self, word: str) -> str:
        """Return a word as language models know it: in lower case if `tokens` are."""
        return word.lower() if self._one_case else word

    @cached_property
    def _one_case(self) -> bool:
        names = [self.names[i] for i in self.order[1:]]
        return len({name.lower() for name in names}) == len(set(names))

    @cached_property
    def tokens(self) -> Tokens:
        """The columns after the blank as language models know them: lower case if it can be, a space between words."""
        names = [" " if i == self.gap else self.names[i] for i in self.order[1:]]
        if self._one_case:
            names = [n if i in self.special else n.lower() for i, n in zip(self.order[1:], names, strict=True)]
        return Tokens(tuple(_apart(names)))


def _apart(names: Iterable[str]) -> list[str]:
    """Make names differ from one another: a name that was there before gets its number."""
    found: list[str] = []
    for i, name in enumerate(names):
        found.append(f"{name}#{i}" if name in found else name)
    return found


def symbols_of(tokenizer: Any, n_symbols: int, *, phones: bool | None = None) -> Symbols:
    """Return the columns of a checkpoint from transformers' tokenizer of it.

    Parameters
    ----------
    tokenizer
        A CTC tokenizer.
    n_symbols
        Columns of the logits; those that the tokenizer does not know have the name of its unknown token.
    phones
        Whether the columns are phones; `None` asks the tokenizer's class.

    Raises
    ------
    BadInput
        It has no padding token, which is the CTC blank.
    """
    if tokenizer.pad_token_id is None:
        raise BadInput("the checkpoint's tokenizer has no padding token, which is the blank of CTC")
    known = {index: token for token, index in tokenizer.get_vocab().items()}
    unknown = tokenizer.unk_token or "<unk>"
    mark = getattr(tokenizer, "word_delimiter_token", None)
    phones = "Phoneme" in type(tokenizer).__name__ if phones is None else phones
    return Symbols(
        tuple(known.get(i, unknown) for i in range(n_symbols)),
        blank=int(tokenizer.pad_token_id),
        gap=next((i for i, token in sorted(known.items()) if token == mark and i < n_symbols), None),
        special=frozenset(i for i in tokenizer.all_special_ids if known.get(i) != mark and i < n_symbols)
        | frozenset(i for i in range(n_symbols) if i not in known),
        phones=phones,
        lower=bool(getattr(tokenizer, "do_lower_case", False)) and not phones,
        cleaned=bool(getattr(tokenizer, "clean_up_tokenization_spaces", False)),
    )
