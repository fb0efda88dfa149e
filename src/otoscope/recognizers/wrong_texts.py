"""Texts that are not what was said, made from true ones: what a judge of texts learns from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from otoscope.core import BadInput

Change = Literal["none", "replaced", "alike", "swapped", "deleted", "added", "another"]
"""`alike`: replaced by a word of about as many letters; `another`: the text of another utterance."""

WRONG = tuple(change for change in get_args(Change) if change != "none")
N_ALIKE = 40
"""Words nearest in length that one may be replaced by."""


@dataclass(frozen=True)
class ChangedText:
    """A text, and what is known of it.

    Parameters
    ----------
    change
        What was done to the true one.
    words
        The text now.
    said, told
        For each word whether it was said there, and for each place before a word and behind the last whether nothing
        is left out; `None` where that cannot be told. Of words swapped neither is said there.
    """

    change: Change
    words: tuple[str, ...]
    said: tuple[bool | None, ...]
    told: tuple[bool | None, ...]


def changed_texts(
    words: Sequence[str], pool: Sequence[str], others: Sequence[Sequence[str]], rng: np.random.Generator
) -> list[ChangedText]:
    """Return the true text, and one of each kind of wrong ones that can be made of it.

    Parameters
    ----------
    words
        What was said, one word or more.
    pool
        Words to replace by and to add; those of the text are left out.
    others
        Other texts.

    Raises
    ------
    BadInput
        The text has no words.
    """
    own, n = tuple(words), len(words)
    if not n:
        raise BadInput("a text of no words cannot be made wrong in one of them; leave out utterances without words")
    texts = [ChangedText("none", own, (True,) * n, (True,) * (n + 1))]
    new = [word for word in pool if word not in own]
    if new:
        texts.append(_replaced("replaced", own, int(rng.integers(n)), _one_of(new, rng)))
        at = int(rng.integers(n))
        alike = sorted(new, key=lambda word: (abs(len(word) - len(own[at])), word))[:N_ALIKE]
        texts.append(_replaced("alike", own, at, _one_of(alike, rng)))
    if swaps := [k for k in range(n - 1) if own[k] != own[k + 1]]:
        at = swaps[int(rng.integers(len(swaps)))]
        now = (*own[:at], own[at + 1], own[at], *own[at + 2 :])
        texts.append(ChangedText("swapped", now, _except(n, at, 2, False), _except(n + 1, at, 3, None)))
    if n > 1:
        at = int(rng.integers(n))
        now = (*own[:at], *own[at + 1 :])
        texts.append(ChangedText("deleted", now, (True,) * (n - 1), _except(n, at, 1, False)))
    if new:
        at = int(rng.integers(n + 1))
        now = (*own[:at], _one_of(new, rng), *own[at:])
        texts.append(ChangedText("added", now, _except(n + 1, at, 1, False), (True,) * (n + 2)))
    if unlike := [tuple(other) for other in others if tuple(other) != own and len(other)]:
        now = unlike[int(rng.integers(len(unlike)))]
        texts.append(ChangedText("another", now, (None,) * len(now), (None,) * (len(now) + 1)))
    return texts


def _one_of(words: Sequence[str], rng: np.random.Generator) -> str:
    return words[int(rng.integers(len(words)))]


def _replaced(change: Change, own: tuple[str, ...], at: int, word: str) -> ChangedText:
    now = (*own[:at], word, *own[at + 1 :])
    return ChangedText(change, now, _except(len(own), at, 1, False), _except(len(own) + 1, at, 2, None))


def _except(n: int, at: int, n_other: int, value: bool | None) -> tuple[bool | None, ...]:
    """Return `n` times true, but `value` for some from `at` on."""
    return tuple(value if at <= k < at + n_other else True for k in range(n))


def known(labels: Sequence[bool | None]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return where a label is known, and 1 for true and 0 for false there."""
    at = np.array([k for k, label in enumerate(labels) if label is not None], np.int64)
    return at, np.array([float(bool(labels[k])) for k in at])
