"""Late binding: core names who reads a file or draws a result, without importing a higher room.

The import rule stands (core imports nothing of ours); `Recording.read` and `Trace._repr_html_` look their
helper up here when they are called. Registries of recognisers, explainers and studies use the same
`"module:attribute"` strings, so that listing them costs no import. See docs/decisions/0002.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from importlib.metadata import entry_points
from typing import Any

from otoscope.core.errors import UnknownName

HELPERS: Mapping[str, str] = {
    "read_recording": "otoscope.io.audio:read_recording",
    "save_trace": "otoscope.io.traces:save_trace",
    "load_trace": "otoscope.io.traces:load_trace",
    "figure": "otoscope.views.figures:figure",
    "html": "otoscope.views.notebook:html",
}


def resolve(reference: str) -> Any:
    """Import and return what `"module:attribute"` names.

    Examples
    --------
    >>> resolve("math:tau") == 2 * resolve("math:pi")
    True
    """
    module, _, attribute = reference.partition(":")
    return getattr(importlib.import_module(module), attribute)


def lazy(package: str, public: Mapping[str, str]) -> Callable[[str], Any]:
    """Return the `__getattr__` of a package whose names are imported when they are first used (PEP 562).

    Examples
    --------
    >>> lazy("numbers", {"tau": "math:tau"})("tau") == resolve("math:tau")
    True
    """

    def attribute(name: str) -> Any:
        if name in public:
            return resolve(public[name])
        raise AttributeError(f"module {package!r} has no attribute {name!r}")

    return attribute


def helper(name: str) -> Any:
    """Return the function that a core object calls for a job of a higher room."""
    return resolve(HELPERS[name])


def registered(built_in: Mapping[str, str], group: str) -> dict[str, str]:
    """Return the built-in registry joined with what other packages add under the entry-point `group`."""
    added = {point.name: point.value for point in entry_points(group=group)}
    return {**added, **built_in}


def lookup(name: str, built_in: Mapping[str, str], *, group: str, what: str) -> Any:
    """Return the object registered under `name`.

    Raises
    ------
    UnknownName
        Nothing is registered under that name; the message offers the nearest.
    """
    known = registered(built_in, group)
    if name not in known:
        raise UnknownName(what, name, known)
    return resolve(known[name])
