"""Recognisers that a study is run on: a comma-separated list, or a sequence of names, folders or open ones."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from typing import Any

from otoscope.core import BadInput, Recognizer
from otoscope.recognizers.evaluation.entrant import Entrant, entrant_of

Entrants = str | Sequence[Recognizer | Entrant | str | os.PathLike[str]]

_COMMA = re.compile(r",(?![^{]*\})")


def entrants_of(recognizers: Entrants) -> tuple[Recognizer | Entrant, ...]:
    """Return the recognisers named, in order.

    Raises
    ------
    BadInput
        None is named.

    Examples
    --------
    >>> [each.label for each in entrants_of('pocketsphinx, ctc-digits{"a": 1, "b": 2}')]
    ['pocketsphinx', 'ctc-digits (a 1, b 2)']
    """
    given: Sequence[Any] = listed(recognizers) if isinstance(recognizers, str) else recognizers
    if not given:
        raise BadInput("no recogniser is named; give names or folders, with commas between")
    return tuple(entrant_of(each) for each in given)


def listed(names: str) -> list[str]:
    """Split at the commas that do not stand between braces."""
    return [name.strip() for name in _COMMA.split(names) if name.strip()]


def named(names: str | Sequence[str]) -> tuple[Entrant, ...]:
    """Return names with their parameters, as `NAME{"parameter": value}` gives them.

    Examples
    --------
    >>> [each.label for each in named('hmm-tri,rnnt{"epochs": 8, "streaming": true}')]
    ['hmm-tri', 'rnnt (epochs 8, streaming True)']
    """
    return tuple(Entrant.parse(name) for name in (listed(names) if isinstance(names, str) else names))


def label_of(entrant: Recognizer | Entrant) -> str:
    """Return the name of a recogniser in a table."""
    return entrant.label if isinstance(entrant, Entrant) else entrant.name


def folder_of(label: str) -> str:
    """Return a label as the name of a folder."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", label)[:60].strip("-") or "recogniser"
