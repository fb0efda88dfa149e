"""The information plane: what each layer keeps of the input and knows of the label, epoch by epoch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from otoscope.core import BadInput, Finding, Panel
from otoscope.core.protocols import Progress
from otoscope.explainers.information.plane_panels import plane_panels
from otoscope.explainers.information.recorder import Snapshot
from otoscope.metrics.information import NEAR_CEILING, binned_information, kde_information

CHANCE_SHARE = 0.9
"""Where shuffled labels give more than this share of I(T; Y), the estimate says nothing about the labels."""


def information_plane(
    snapshots: Mapping[int, Snapshot],
    labels: ArrayLike,
    *,
    bin_width: float = 0.07,
    noise_variance: float = 1e-3,
    seed: int = 0,
    progress: Progress | None = None,
) -> Finding:
    """Estimate I(X; T) and I(T; Y) of every layer at every epoch, with bins and with densities.

    Every row counts as an input of its own, all equally likely (`otoscope.metrics.information` has the equations).

    Parameters
    ----------
    snapshots
        Epoch → layer → activations `(n_rows, n_units)`; layers are drawn in the order of the first epoch. See
        `Recorder`, and `reduced` for layers of more than some ten units.
    labels
        `(n_rows,)`: the Y of each row.
    bin_width
        Width of a bin, in units of an activation (.07 in Saxe et al. 2018).
    noise_variance
        Variance of the noise that the density estimate adds (0.001 there).
    seed
        Of the shuffling of labels.
    progress
        Called with (layers done, all), over all epochs.

    Returns
    -------
    Finding
        A row for each epoch and layer, in bits. `binned_y_shuffled` is the same estimate with labels that mean nothing:
        what of `binned_y` is the estimator's own. `binned_x_drop` and `kde_x_drop` say how far I(X; T) has fallen from
        its highest so far. Fails when nothing could be measured: every layer at its ceiling, or labels that shuffled
        ones match.

    Raises
    ------
    BadInput
        There is no epoch, epochs differ in their layers, or rows and labels do not match.
    """
    layers = _layers(snapshots)
    given = np.asarray(labels)
    shuffled = np.random.default_rng(seed).permutation(given)
    rows: list[dict[str, Any]] = []
    for epoch in sorted(snapshots):
        for layer in layers:
            rows.append(
                {"epoch": int(epoch), "layer": layer}
                | _measured(snapshots[epoch][layer], given, shuffled, widths=(bin_width, noise_variance))
            )
            if progress is not None:
                progress(len(rows), len(layers) * len(snapshots))
    table = tuple(_with_drops(rows))
    failures = tuple(_failures([row for row in table if row["epoch"] == max(snapshots)]))
    return Finding(
        name="information-plane",
        summary=_summary(table, layers),
        table=table,
        panels=tuple(_warned(panel, failures) for panel in plane_panels(table, layers)),
        provenance={
            "bin_width": bin_width,
            "noise_variance": noise_variance,
            "n_rows": int(given.size),
            "n_labels": len(np.unique(given)),
            "epochs": [int(epoch) for epoch in sorted(snapshots)],
            "seed": seed,
        },
        failures=failures,
    )


def drops(values: Sequence[float]) -> list[float]:
    """Return how far each value lies below the highest so far.

    Examples
    --------
    >>> drops([1.0, 3.0, 2.5])
    [0.0, 0.0, 0.5]
    """
    return [float(drop) for drop in np.maximum.accumulate(values) - np.asarray(values)]


def _layers(snapshots: Mapping[int, Snapshot]) -> list[str]:
    if not snapshots:
        raise BadInput("an information plane needs the activations of at least one epoch")
    layers = list(snapshots[min(snapshots)])
    for epoch, held in snapshots.items():
        if set(held) != set(layers):
            raise BadInput(f"epoch {epoch} has layers {', '.join(held)}, the first has {', '.join(layers)}")
    return layers


def _measured(values: Any, labels: Any, shuffled: Any, *, widths: tuple[float, float]) -> dict[str, Any]:
    """Return one layer's figures at one epoch, in bits."""
    binned = binned_information(values, labels, width=widths[0])
    lower, upper = kde_information(values, labels, variance=widths[1])
    return {
        "n_units": int(np.shape(values)[1]),
        "binned_x": binned.input.bits,
        "binned_y": binned.label.bits,
        "binned_y_shuffled": binned_information(values, shuffled, width=widths[0]).label.bits,
        "kde_x_lower": lower.input.bits,
        "kde_x_upper": upper.input.bits,
        "kde_y_lower": lower.label.bits,
        "kde_y_upper": upper.label.bits,
        "ceiling_x": binned.input.ceiling_bits,
        "ceiling_y": binned.label.ceiling_bits,
        "saturated": bool(binned.input.saturated and lower.input.saturated),
    }


def _with_drops(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    found = [dict(row) for row in rows]
    for layer in dict.fromkeys(row["layer"] for row in rows):
        own = [row for row in found if row["layer"] == layer]
        for column, source in (("binned_x_drop", "binned_x"), ("kde_x_drop", "kde_x_upper")):
            for row, drop in zip(own, drops([row[source] for row in own]), strict=True):
                row[column] = drop
    return found


def _failures(last: Sequence[Mapping[str, Any]]) -> list[str]:
    found = []
    if all(row["saturated"] for row in last):
        found.append(
            f"every layer is within {1 - NEAR_CEILING:.0%} of the ceiling of {last[0]['ceiling_x']:.2f} bit: the "
            "estimators tell every input from every other, and would say so of more inputs too"
        )
    if all(row["binned_y_shuffled"] > CHANCE_SHARE * row["binned_y"] for row in last):
        found.append("shuffled labels give as much I(T; Y) by bins as the real ones: it is the estimator's, not theirs")
    return found


def _summary(table: Sequence[Mapping[str, Any]], layers: Sequence[str]) -> str:
    final = max(row["epoch"] for row in table)
    last = {row["layer"]: row for row in table if row["epoch"] == final}
    fallen = max(layers, key=lambda layer: last[layer]["binned_x_drop"])
    at_ceiling = [layer for layer in layers if last[layer]["saturated"]]
    row = last[fallen]
    return (
        f"After {final} epochs I(X; T) has fallen most in {fallen}: by {row['binned_x_drop']:.2f} bit with bins, "
        f"{row['kde_x_drop']:.2f} with densities, of at most {row['ceiling_x']:.2f}; "
        + (f"at the ceiling, where nothing can be told: {', '.join(at_ceiling)}." if at_ceiling else "none saturated.")
    )


def _warned(panel: Panel, failures: Sequence[str]) -> Panel:
    return Panel(panel.kind, panel.title, panel.data, panel.caption, "; ".join(failures))
