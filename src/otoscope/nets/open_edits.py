"""Edits that are open at a network: applied while a context lasts, named in what is heard meanwhile, and no gradients.

Recognisers that share a network share what is open at it.
"""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

from otoscope.core import NotAble
from otoscope.core.protocols import Edit
from otoscope.nets.hooks import Tapped, edited

_numbers = itertools.count(1)
_names: WeakKeyDictionary[Any, tuple[str, ...]] = WeakKeyDictionary()


@dataclass(frozen=True)
class OpenEdits:
    """The edits that are open at a network."""

    network: Tapped

    @property
    def names(self) -> tuple[str, ...]:
        """The site of each and a number that no other edit has, in the order in which they were opened."""
        return _names.get(self.network, ())

    @contextlib.contextmanager
    def opened(self, edits: Mapping[str, Edit]) -> Iterator[None]:
        """While the context is open, apply each edit at its site, as `otoscope.nets.hooks.edited` does, and name it.

        Raises
        ------
        BadInput
            There is no such site, or an edit returns another shape.
        """
        number = next(_numbers)
        own = tuple(f"{site} (edit {number})" for site in edits)
        with edited(self.network, edits):
            _names[self.network] = (*self.names, *own)
            try:
                yield
            finally:
                _names[self.network] = tuple(name for name in self.names if name not in own)

    def parameters(self) -> dict[str, list[str]]:
        """Return what a `Provenance` says of them: their names at "edited", nothing where none is open."""
        return {"edited": list(self.names)} if self.names else {}

    def refuse_copy(self) -> None:
        """Refuse a changed copy of the network while any is open; raises `NotAble`."""
        if self.names:
            raise NotAble(f"no copy with edits at {', '.join(self.names)}; leave the `edited` block first")

    def refuse_gradient(self) -> None:
        """Refuse a gradient while any is open.

        Raises
        ------
        NotAble
            Edits are open: they are arbitrary functions of arrays.
        """
        if self.names:
            raise NotAble(f"no gradient through edits at {', '.join(self.names)}; leave the `edited` block first")
