"""One thing to do, who can do it, and when two results are the same."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

Run = Callable[[], object]


@dataclass(frozen=True)
class Job:
    """One thing to do, and who can do it; the first of `runs` is ours, `same` compares a peer's result with ours."""

    name: str
    runs: dict[str, Run]
    same: dict[str, Callable[[object, object], bool]]
    absent: tuple[str, ...] = ()


def peers(*names: str) -> tuple[set[str], tuple[str, ...]]:
    """Which modules can be imported, and a line for each that cannot."""
    there = {name for name in names if importlib.util.find_spec(name)}
    return there, tuple(f"{name}: not installed" for name in names if name not in there)


def close(a: object, b: object) -> bool:
    return bool(np.allclose(a, b, rtol=1e-6, atol=1e-8))
