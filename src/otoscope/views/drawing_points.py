"""Points in a plane with matplotlib: ways through it, and clouds of points by group."""

from __future__ import annotations

from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import Normalize

from otoscope.core import Panel
from otoscope.views.colour import UNTRUSTED

HEIGHT_IN = 3.0
MANY_GROUPS = 24


def draw_trajectories(ax: Axes, panel: Panel) -> None:
    """Draw each series as joined points coloured by their order, with its label at the last, and limits dashed."""
    data = panel.data
    orders = np.concatenate([np.log1p(series["order"]) for series in data["series"]])
    scale = Normalize(float(orders.min()), float(max(orders.max(), orders.min() + 1e-9)))
    for series in data["series"]:
        ax.plot(series["x"], series["y"], color="0.75", linewidth=0.6, zorder=1)
        colour: dict[str, Any] = {"c": np.log1p(series["order"]), "cmap": "plasma", "norm": scale}
        points = ax.scatter(series["x"], series["y"], s=9, zorder=2, **({"c": UNTRUSTED} if panel.warning else colour))
        end = (float(series["x"][-1]), float(series["y"][-1]))
        ax.annotate(series["label"], end, xytext=(3, -7), textcoords="offset points", fontsize=6)
    if not panel.warning:
        ticks = np.unique(np.round(np.linspace(scale.vmin or 0.0, scale.vmax or 1.0, 5), 6))
        bar = ax.figure.colorbar(points, ax=ax, pad=0.01, fraction=0.04, ticks=ticks)
        bar.ax.set_yticklabels([f"{np.expm1(tick):.0f}" for tick in ticks])
        bar.set_label(data.get("order_label", ""))
    _finish(ax, panel)


def draw_scatter(ax: Axes, panel: Panel) -> None:
    """Draw points by group; groups beyond the two dozen largest share one grey."""
    data = panel.data
    groups = np.asarray(data["groups"])
    names, counts = np.unique(groups, return_counts=True)
    shown = names[np.argsort(-counts, kind="stable")][:MANY_GROUPS]
    colours = [*mpl.colormaps["tab20"].colors, *mpl.colormaps["Set2"].colors]  # type: ignore[attr-defined]
    rest = ~np.isin(groups, shown)
    if rest.any():
        ax.scatter(data["x"][rest], data["y"][rest], s=4, color="0.8", label=f"{names.size - shown.size} others")
    for index, name in enumerate(shown):
        colour = UNTRUSTED if panel.warning else colours[index % len(colours)]
        ax.scatter(data["x"][groups == name], data["y"][groups == name], s=5, color=colour, label=str(name))
    ax.legend(fontsize=6, loc="upper left", bbox_to_anchor=(1.01, 1.0), ncols=1 + shown.size // 13, markerscale=2)
    _finish(ax, panel)


def _finish(ax: Axes, panel: Panel) -> None:
    for limit in panel.data.get("limits", ()):
        line = ax.axvline if limit["axis"] == "x" else ax.axhline
        line(limit["value"], color="0.3", linestyle="--", linewidth=0.8)
        at_x = limit["axis"] == "x"
        x, y = (limit["value"], 0.02) if at_x else (0.02, limit["value"])
        frame = ax.get_xaxis_transform() if at_x else ax.get_yaxis_transform()
        look: dict[str, Any] = {"fontsize": 6, "color": "0.3", "va": "bottom", "ha": "right" if at_x else "left"}
        ax.text(x, y, limit["label"], transform=frame, rotation=90 if at_x else 0, **look)
    ax.set_xlabel(panel.data.get("x_label", ""))
    ax.set_ylabel(panel.data.get("y_label", ""))
