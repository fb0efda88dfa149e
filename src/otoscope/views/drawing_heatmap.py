"""Tables of numbers as colours: sites against time, layers against layers, what was meant against what was heard."""

from __future__ import annotations

from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap, Normalize, TwoSlopeNorm
from matplotlib.patches import Rectangle

from otoscope.core import Panel
from otoscope.views.colour import ACCENT, AGAINST, FOR, UNTRUSTED

MOST_NUMBERS = 14
"""Up to so many rows and columns each cell has its number."""
MOST_LABELS = 40

_DIVERGING = LinearSegmentedColormap.from_list("otoscope-diverging", [AGAINST, "#ffffff", FOR])
_RISING = LinearSegmentedColormap.from_list("otoscope-rising", ["#ffffff", ACCENT, "#06302d"])
_GREY = LinearSegmentedColormap.from_list("otoscope-grey", ["#ffffff", UNTRUSTED])


def heatmap_height(panel: Panel) -> float:
    """Return the height of a `heatmap` Panel in inches."""
    return float(0.9 + np.clip(0.2 * len(panel.data["values"]), 0.8, 7.0))


def draw_heatmap(ax: Axes, panel: Panel) -> None:
    """Draw rows from the top; NaN is hatched, marked cells are framed."""
    data = panel.data
    values = np.asarray(data["values"], dtype=float)
    norm, colours = _scale(panel, values)
    ax.set_facecolor("0.93")
    image = ax.imshow(np.ma.masked_invalid(values), aspect="auto", norm=norm, cmap=colours, interpolation="nearest")
    _labels(ax, "y", data.get("row_labels"), len(values))
    _labels(ax, "x", data.get("column_labels"), values.shape[1])
    ax.set_xlabel(data.get("x_label", ""))
    ax.set_ylabel(data.get("y_label", ""))
    ax.tick_params(length=0)
    if max(values.shape) <= MOST_NUMBERS:
        _numbers(ax, values, norm, colours)
    for row, column in data.get("marks", ()):
        ax.add_patch(Rectangle((column - 0.5, row - 0.5), 1, 1, fill=False, edgecolor="black", linewidth=1.2))
    bar = ax.figure.colorbar(image, ax=ax, pad=0.01, fraction=0.04)
    bar.set_label(data.get("value_label", ""))


def _scale(panel: Panel, values: np.ndarray) -> tuple[Normalize, Any]:
    known = values[np.isfinite(values)]
    low = float(panel.data.get("low", known.min() if known.size else 0.0))
    high = float(panel.data.get("high", known.max() if known.size else 1.0))
    if panel.data.get("diverging"):
        reach = max(abs(low), abs(high), 1e-12)
        return TwoSlopeNorm(0.0, -reach, reach), _GREY if panel.warning else _DIVERGING
    return Normalize(low, max(high, low + 1e-12)), _GREY if panel.warning else _RISING


def _labels(ax: Axes, axis: str, labels: Any, n: int) -> None:
    if labels is None:
        return
    step = -(-n // MOST_LABELS)
    names = [str(label) for label in list(labels)[::step]]
    places = list(range(0, n, step))
    if axis == "y":
        ax.set_yticks(places, names, fontsize=7)
    else:
        upright = max(map(len, names), default=0) * len(names) > 110
        ax.set_xticks(places, names, fontsize=7, rotation=90 if upright else 0)


def _numbers(ax: Axes, values: np.ndarray, norm: Normalize, colours: Any) -> None:
    counts = bool(np.all(values[np.isfinite(values)] % 1 == 0))
    for (row, column), value in np.ndenumerate(values):
        if np.isfinite(value) and (value != 0 or not counts):
            red, green, blue, _ = mpl.colormaps.get_cmap(colours)(norm(value))
            dark = 0.3 * red + 0.59 * green + 0.11 * blue < 0.55
            text = f"{value:.2f}" if abs(value) < 10 and not counts else f"{value:.0f}"
            ax.text(column, row, text, ha="center", va="center", fontsize=6, color="white" if dark else "black")
