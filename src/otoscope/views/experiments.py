"""What an experiment or a fit leaves in its folder: the page, trials and means as CSV."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from otoscope.core import Finding
from otoscope.io.delimited import write_delimited
from otoscope.io.writing import write_text
from otoscope.views.findings import findings_html

HIDDEN = ("curves",)
"""What trials keep for pictures only."""


def write_experiment(
    folder: Path, finding: Finding, trials: Sequence[Mapping[str, Any]], means: Sequence[Mapping[str, Any]],
    items: Sequence[Mapping[str, str]],
) -> dict[str, Path]:  # fmt: skip
    """Write `index.html`, `trials.csv`, `summary.csv` and `items.csv`, and return where they are.

    Parameters
    ----------
    folder
        It exists.
    finding
        With pictures.
    trials, means
        Rows of the tables.
    items
        Rows of the item table, so that it can be changed and given back.
    """
    paths = {name: folder / name for name in ("index.html", "trials.csv", "summary.csv", "items.csv")}
    shown = [{key: value for key, value in one.items() if key not in HIDDEN} for one in trials]
    write_delimited(paths["trials.csv"], shown)
    write_delimited(paths["summary.csv"], list(means))
    write_delimited(paths["items.csv"], list(items))
    title = finding.name.replace("-", " ")
    subtitle = f"an experiment with a simulated listener; {len(shown)} trials, all in trials.csv"
    write_text(paths["index.html"], findings_html([finding], title=title, subtitle=subtitle))
    return paths
