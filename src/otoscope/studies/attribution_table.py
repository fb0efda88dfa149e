"""The table of methods of attribution: a row each, means over the words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from otoscope.core import Panel
from otoscope.metrics.agreement import bootstrap_interval

FILLS = ("silence", "mean")


@dataclass(frozen=True)
class Measured:
    """What one method made of one word: deletion areas by fill, mass and chance, agreement of seeds, seconds.

    `cpu_seconds` counts both cores where both work, and not what else the machine does.
    """

    areas: tuple[float, ...]
    mass: float
    chance: float
    agreement: float
    seconds: float
    cpu_seconds: float


def row_of(name: str, found: Sequence[Measured], note: str, *, seed: int) -> dict[str, Any]:
    """Return the means over the words of what a method made of each, deletion areas with a bootstrap interval."""
    areas = np.array([m.areas for m in found]).reshape(-1, len(FILLS))
    row: dict[str, Any] = {"method": name, "n_words": len(found)}
    for k, fill in enumerate(FILLS):
        own = areas[:, k][np.isfinite(areas[:, k])]
        row[f"deletion_{fill}"] = float(own.mean()) if own.size else None
        low, high = bootstrap_interval(own, seed=seed) if own.size > 1 else (None, None)
        row |= {f"deletion_{fill}_low": low, f"deletion_{fill}_high": high}
    for column, values in (
        ("relevance_mass", [m.mass for m in found]),
        ("chance_mass", [m.chance for m in found]),
        ("seed_spearman", [m.agreement for m in found]),
        ("seconds_a_word", [m.seconds for m in found]),
        ("cpu_seconds_a_word", [m.cpu_seconds for m in found]),
    ):
        known = np.array([v for v in values if np.isfinite(v)])
        row[column] = float(known.mean()) if known.size else None
    return row | {"note": note}


def summary(rows: Sequence[dict[str, Any]], n_words: int) -> str:
    """Return what the table says, best method first, in a sentence."""
    best = next((row for row in rows if row["deletion_silence"] is not None), None)
    if best is None:
        return "no method could explain any word"
    mass = best["relevance_mass"]
    within = "" if mass is None else f"; {mass:.0%} of its relevance lies within the word"
    return (
        f"Over {n_words} words {best['method']} undoes a word soonest (deletion area {best['deletion_silence']:.3f} "
        f"with silence, {best['deletion_mean']:.3f} with mean noise){within}, chance {best['chance_mass']:.0%}."
    )


def panel(rows: Sequence[dict[str, Any]]) -> Panel:
    """Return the table as it is drawn: methods that served, few columns."""
    shown = [row for row in rows if row["deletion_silence"] is not None]
    return Panel(
        "table",
        "Methods of attribution on the same words",
        {
            "columns": ["method", "deletion, silence", "deletion, mean", "mass in word", "seeds", "s a word"],
            "rows": [
                [
                    row["method"],
                    *(
                        "" if row[column] is None else f"{row[column]:.3f}"
                        for column in ("deletion_silence", "deletion_mean", "relevance_mass", "seed_spearman")
                    ),
                    f"{row['seconds_a_word']:.1f}",
                ]
                for row in shown
            ],
        },
    )
