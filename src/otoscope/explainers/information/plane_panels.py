"""Pictures of an information plane: each layer's way through the epochs, with the limits of the estimator."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from otoscope.core import Panel

Row = Mapping[str, Any]


def plane_panels(table: Sequence[Row], layers: Sequence[str], *, title: str = "Information plane") -> tuple[Panel, ...]:
    """Return the plane by bins and by densities, and I(X; T) over epochs between its two bounds."""
    return (
        plane_panel(table, layers, axes=("binned_x", "binned_y"), title=f"{title}: bins"),
        plane_panel(table, layers, axes=("kde_x_upper", "kde_y_upper"), title=f"{title}: densities, upper bound"),
        epochs_panel(table, layers),
    )


def plane_panel(table: Sequence[Row], layers: Sequence[str], *, axes: tuple[str, str], title: str) -> Panel:
    """Return one plane: points of a layer are joined through the epochs, dashed lines are the estimator's limits."""
    series = []
    for layer in layers:
        own = [row for row in table if row["layer"] == layer]
        series.append(
            {
                "label": layer,
                "x": np.array([row[axes[0]] for row in own]),
                "y": np.array([row[axes[1]] for row in own]),
                "order": np.array([row["epoch"] for row in own], dtype=float),
            }
        )
    return Panel(
        kind="trajectories",
        title=title,
        data={
            "series": series,
            "limits": [
                {"axis": "x", "value": table[0]["ceiling_x"], "label": "log2 N"},
                {"axis": "y", "value": table[0]["ceiling_y"], "label": "H(Y)"},
            ],
            "x_label": "I(X; T) (bit)",
            "y_label": "I(T; Y) (bit)",
            "order_label": "epoch",
        },
        caption="Each point is a layer at an epoch, dark early and bright late; the label stands at the last. Dashed: "
        f"what the estimator cannot pass, log2 N = {table[0]['ceiling_x']:.2f} bit and H(Y) = "
        f"{table[0]['ceiling_y']:.3f} bit. A point on the dashed line says nothing but that the line was reached.",
    )


def epochs_panel(table: Sequence[Row], layers: Sequence[str]) -> Panel:
    """Return I(X; T) of each layer over epochs: the band lies between the density bounds, the line is by bins."""
    epochs = sorted({row["epoch"] for row in table})
    series = []
    for layer in layers:
        own = sorted((row for row in table if row["layer"] == layer), key=lambda row: row["epoch"])
        low, line, high = (np.array([row[name] for row in own]) for name in ("kde_x_lower", "binned_x", "kde_x_upper"))
        series.append({"label": layer, "y": line, "low": low, "high": high})
    ceiling = np.full(len(epochs), table[0]["ceiling_x"])
    return Panel(
        kind="lines",
        title="I(X; T) through training",
        data={
            "x": np.log10(np.array(epochs, dtype=float) + 1),
            "series": [*series, {"label": "ceiling, log2 N", "y": ceiling}],
            "x_label": "log10 (epoch + 1)",
            "y_label": "I(X; T) (bit)",
        },
        caption="Lines: bins. Bands: from the lower to the upper bound by densities. Neither can pass log2 N.",
    )
