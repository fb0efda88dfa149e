"""Panels of words in a figure: text, tables and facts as lines of print."""

from __future__ import annotations

import textwrap
from typing import Any

from matplotlib.axes import Axes

from otoscope.core import Panel


def text_lines(panel: Panel) -> list[str]:
    """Return the lines a Panel of words is printed in; columns are padded to equal width."""
    data = panel.data
    if panel.kind == "sounds":
        return [f"{each['label']} ({each['recording'].duration_s:.2f} s)" for each in data["sounds"]]
    if panel.kind == "text":
        return textwrap.wrap(str(data["text"]), 110) or [""]
    rows = [list(data["columns"]), *data["rows"]] if panel.kind == "table" else [list(pair) for pair in data["facts"]]
    cells = [[_cell(cell) for cell in row] for row in rows]
    widths = [max(len(row[i]) for row in cells) for i in range(len(cells[0]))] if cells else []
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in cells]


def _cell(value: Any) -> str:
    text = f"{value:.4g}" if isinstance(value, float) else "–" if value is None else str(value)
    return textwrap.shorten(text, 60, placeholder="…")


def draw_text(ax: Axes, panel: Panel) -> None:
    """Print the lines from the top of the axes, which are switched off."""
    ax.set_axis_off()
    family = "sans-serif" if panel.kind == "text" else "monospace"
    ax.text(0, 1, "\n".join(text_lines(panel)), va="top", family=family, fontsize=7, transform=ax.transAxes)
