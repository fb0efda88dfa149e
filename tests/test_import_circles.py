"""No module imports one that imports it, not even inside a function or for a type."""

from __future__ import annotations

import graphlib
from collections.abc import Iterable, Mapping

import pytest


def circle(imports: Mapping[str, Iterable[str]]) -> list[str] | None:
    """Return modules each of which imports the next, the last being the first again; `None` where there are none."""
    try:
        graphlib.TopologicalSorter(imports).prepare()
    except graphlib.CycleError as error:
        return list(error.args[1])[::-1]
    return None


def test_a_circle_is_found() -> None:
    assert circle({"a": ["b"], "b": ["c"]}) is None
    assert circle({"a": ["b"], "b": ["c"], "c": ["b"]}) in (["b", "c", "b"], ["c", "b", "c"])


def test_modules_import_one_another_one_way() -> None:
    """A package may name, for type checkers, what it hands out late from its own modules."""
    grimp = pytest.importorskip("grimp")
    every, at_run_time = (
        grimp.build_graph("otoscope", exclude_type_checking_imports=left_out, cache_dir=None)
        for left_out in (False, True)
    )
    imports = {}
    for module in every.modules:
        found = every.find_modules_directly_imported_by(module)
        if every.find_children(module):
            found -= found - at_run_time.find_modules_directly_imported_by(module)
        imports[module] = found
    assert circle(imports) is None
