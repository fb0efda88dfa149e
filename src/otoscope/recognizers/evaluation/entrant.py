"""Who takes part: a recogniser named with its parameters, or one that is open already."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import PurePath
from types import MappingProxyType
from typing import Any

from otoscope.core import BadInput, Recognizer
from otoscope.core.arrays import reduced, set_frozen


@dataclass(frozen=True)
class Entrant:
    """A recogniser by name or folder, with parameters for `otoscope.load`.

    Parameters
    ----------
    name
        A name that `otoscope recognizers` lists, or a saved folder.
    parameters
        Passed to `otoscope.load`; JSON values.

    Examples
    --------
    >>> Entrant.parse('pocketsphinx{"n_best": 1}').label
    'pocketsphinx (n_best 1)'
    """

    name: str
    parameters: Mapping[str, Any] = field(default_factory=dict)

    __reduce__ = reduced

    def __post_init__(self) -> None:
        set_frozen(self, name=os.fspath(self.name), parameters=MappingProxyType(dict(self.parameters)))

    @classmethod
    def parse(cls, text: str) -> Entrant:
        """Read `NAME` or `NAME{"parameter": value, …}`, the way the command line names a recogniser.

        Raises
        ------
        BadInput
            What stands in braces is no JSON object.
        """
        name, brace, rest = text.partition("{")
        if not brace:
            return cls(name.strip())
        try:
            return cls(name.strip(), json.loads(brace + rest))
        except ValueError as error:
            raise BadInput(
                f'{text!r}: parameters are a JSON object after the name, NAME{{"key": value}}: {error}'
            ) from None

    @property
    def label(self) -> str:
        """Short name for tables: the folder's last part, and the parameters."""
        name = PurePath(self.name).name or self.name
        given = ", ".join(f"{key} {_short(value)}" for key, value in self.parameters.items())
        return f"{name} ({given})" if given else name


def entrant_of(recognizer: Recognizer | Entrant | str | os.PathLike[str]) -> Entrant | Recognizer:
    """Return a name, folder or command-line text as an `Entrant`; what is one, or an open recogniser, as it is."""
    if isinstance(recognizer, str):
        return Entrant.parse(recognizer)
    if isinstance(recognizer, os.PathLike):
        return Entrant(os.fspath(recognizer))
    if not isinstance(recognizer, Entrant | Recognizer):
        raise BadInput(f"a recogniser is a name, a folder or an open recogniser, got {type(recognizer).__name__}")
    return recognizer


def _short(value: Any) -> str:
    if isinstance(value, Mapping):
        return " ".join(f"{key}={_short(each)}" for key, each in value.items())
    return str(value)
