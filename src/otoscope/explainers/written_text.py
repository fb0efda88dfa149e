"""A text as its decoder wrote it: its tokens as targets, their groups, and the rows of the site where they are read."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from otoscope.core import BadInput, Target, Trace

Unit = Literal["word", "token"]
Floats = NDArray[np.float64]
BEGINNINGS = (" ", "▁")
BYTES = re.compile("(?:<0x[0-9A-F]{2}>)+")
"""How tokens are shown that are no whole characters."""


@dataclass(frozen=True, eq=False)
class Written:
    """A text as its decoder wrote it.

    Parameters
    ----------
    targets
        One for each token written.
    of_token
        Which group of the text (its word, or itself) each target belongs to, `(n_targets,)`.
    names
        Of the groups, in order.
    rows
        For each source (what was given first, then the groups) the rows of the site that it stands in.
    site, values
        Where tokens are read, and what stands there, `(n_rows, n_units)`.
    """

    targets: tuple[Target, ...]
    of_token: NDArray[np.int64]
    names: tuple[str, ...]
    rows: tuple[tuple[int, ...], ...]
    site: str
    values: NDArray[Any]

    def summed(self, scores: Floats) -> Floats:
        """Return scores `(n, n_targets)` summed over the tokens of each group, `(n, n_groups)`."""
        found = np.zeros((len(scores), len(self.names)))
        for column, group in enumerate(self.of_token):
            found[:, group] += scores[:, column]
        return found

    @property
    def is_text(self) -> NDArray[np.bool_]:
        """Which rows are tokens of the text, not given ones, `(n_rows,)`."""
        return np.asarray(np.arange(len(self.values)) >= len(self.rows[0]))


def written(trace: Trace, site: str, unit: Unit) -> Written:
    """Return the text with the rows of its tokens: row k is read before token k of the text, the first ones given.

    The tokens are those that were scored. A search may have written the same words in others, with a space twice.

    Raises
    ------
    BadInput
        Less than two tokens were written.
    """
    scored, tokens = tuple(trace.steps.tokens), trace.tokens
    if len(scored) < 2:
        raise BadInput(f"nothing was written before another token in {trace.text!r}")
    tokens = tokens if tokens[-len(scored) :] == scored else scored
    n_given = len(tokens) - len(scored)
    targets = tuple(Target("token", tokens[i], None, i, tokens) for i in range(n_given, len(tokens)))
    groups, names = groups_of([target.label for target in targets], unit)
    before = max(n_given, 1)
    n_rows = before + len(targets) - 1
    rows: list[list[int]] = [list(range(before)), *([] for _ in names)]
    for row in range(before, n_rows):
        rows[1 + groups[row - before]].append(row)
    values = trace.activations[site].values[:n_rows]
    return Written(targets, np.array(groups), tuple(names), tuple(map(tuple, rows)), site, values)


def groups_of(tokens: Sequence[str], unit: Unit) -> tuple[list[int], list[str]]:
    """Return the group of each token and the names of the groups; special tokens, as `<end>`, stand for themselves.

    Bytes of a character belong to its word, whose name has the character.

    Examples
    --------
    >>> groups_of([" kick", " i", "t", "<end>"], "word")
    ([0, 1, 1, 2], ['kick', 'it', '<end>'])
    """
    groups: list[int] = []
    names: list[str] = []
    after_special = True
    for token in tokens:
        special = token.startswith("<") and token.endswith(">") and not BYTES.fullmatch(token)
        opens = after_special or special or token.startswith(BEGINNINGS)
        after_special = special
        if unit == "token" or opens:
            names.append("")
        names[-1] += token
        groups.append(len(names) - 1)
    return groups, names if unit == "token" else [_readable(name) for name in names]


def _readable(name: str) -> str:
    """Return the name of a word without marks of its beginning, bytes as the characters that they are."""
    spelt = BYTES.sub(lambda found: _characters(found[0]), name)
    return spelt.replace("▁", " ").strip() or name


def _characters(shown: str) -> str:
    try:
        return bytes.fromhex(shown.replace("<0x", "").replace(">", "")).decode("utf-8")
    except UnicodeDecodeError:  # half a character has no other name
        return shown
