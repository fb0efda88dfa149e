"""Intrinsic dimension by layer: how many directions speech takes up in what each layer holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from otoscope.core import BadInput, Finding, Interval, Panel, Recognizer, Recording
from otoscope.core.protocols import Progress
from otoscope.explainers.geometry.pictures import manifold_panel
from otoscope.explainers.information.instants import Instants, activations_at, labelled_instants
from otoscope.explainers.layers.sites import layer_sites
from otoscope.metrics.dimension import distinct, levina_bickel, participation_ratio, two_nn

MOST = 1500
MIN_POINTS = 50
STRUCTURED = 0.8
"""A layer has a shape if its dimension is below this share of that of the same units, shuffled independently."""


def geometry(
    recognizer: Recognizer,
    recordings: Sequence[Recording],
    intervals: Sequence[Sequence[Interval]],
    *,
    sites: Sequence[str] | None = None,
    seed: int = 0,
    progress: Progress | None = None,
) -> Finding:
    """Measure the intrinsic dimension of every layer, and draw the first, the middle and the last of them.

    Parameters
    ----------
    recognizer
        Anything that records activations.
    recordings
        What is heard.
    intervals
        For each recording the stretches looked at: `alignment.phones` or `.words`, or one stretch with the speaker's
        name. Their labels colour the pictures; 1,500 instants at most are drawn.
    sites
        By default all layers, input first (`otoscope.explainers.layers.sites.layer_sites`).
    seed
        Of the draw, and of the shuffling.
    progress
        Called with (sites done, all).

    Returns
    -------
    Finding
        A row for each site: `two_nn` (Facco et al. 2017), `levina_bickel` (2004), `participation_ratio`, and
        `two_nn_shuffled`: the same points with every unit shuffled by itself, so that nothing but the units' own
        spread is left. All are capped by the number of units, and fall short for want of points where they are high.
        Fails when no layer lies clearly below its shuffled self.

    Raises
    ------
    NotAble
        Sites are not given and the recogniser names no layers.
    BadInput
        There are too few instants, or a site has no time axis.
    """
    names = _sites(recognizer, sites)
    instants = labelled_instants(intervals, most=MOST, seed=seed)
    if len(instants) < MIN_POINTS:
        raise BadInput(f"{len(instants)} instants; a dimension needs at least {MIN_POINTS}: give more recordings")
    layers = activations_at(recognizer, recordings, instants, names)
    rows: list[dict[str, Any]] = []
    for name in names:
        rows.append({"site": name, **_dimensions(layers[name], seed=seed)})
        if progress is not None:
            progress(len(rows), len(names))
    failures = _failures(rows)
    return Finding(
        name="geometry",
        summary=_summary(rows, len(instants)),
        table=tuple(rows),
        panels=(_dimension_panel(rows, failures), *_pictures(layers, instants, seed=seed)),
        provenance={
            "recognizer": recognizer.provenance.recognizer,
            "weights_sha256": recognizer.provenance.weights_sha256,
            "recordings": [recording.digest for recording in recordings],
            "n_instants": len(instants),
            "sites": list(names),
            "seed": seed,
        },
        failures=failures,
    )


def _sites(recognizer: Recognizer, sites: Sequence[str] | None) -> tuple[str, ...]:
    if sites is None:
        return layer_sites(recognizer)
    if not sites:
        raise BadInput("no site is named; name some, or leave `sites` out for all layers")
    return tuple(sites)


def _dimensions(values: NDArray[np.float64], *, seed: int) -> dict[str, Any]:
    shuffled = np.random.default_rng(seed).permuted(values, axis=0)
    return {
        "n_units": int(values.shape[1]),
        "n_points": len(distinct(values, at_least=MIN_POINTS // 2)),
        "two_nn": two_nn(values),
        "levina_bickel": levina_bickel(values),
        "participation_ratio": participation_ratio(values),
        "two_nn_shuffled": two_nn(shuffled),
    }


def _failures(rows: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    if any(row["two_nn"] < STRUCTURED * row["two_nn_shuffled"] for row in rows):
        return ()
    return ("no layer has clearly fewer dimensions than its own units shuffled one by one: no shape was found",)


def _summary(rows: Sequence[Mapping[str, Any]], n_instants: int) -> str:
    low, high = min(rows, key=lambda row: row["two_nn"]), max(rows, key=lambda row: row["two_nn"])
    return (
        f"By nearest neighbours {n_instants} instants take up {rows[0]['two_nn']:.1f} dimensions in {rows[0]['site']} "
        f"and {rows[-1]['two_nn']:.1f} in {rows[-1]['site']}; fewest in {low['site']} ({low['two_nn']:.1f} of "
        f"{low['n_units']}), most in {high['site']} ({high['two_nn']:.1f} of {high['n_units']})."
    )


def _dimension_panel(rows: Sequence[Mapping[str, Any]], failures: Sequence[str]) -> Panel:
    kinds = {
        "two_nn": "two neighbours",
        "levina_bickel": "maximum likelihood",
        "participation_ratio": "participation ratio (linear)",
    }
    shuffled = [row["two_nn_shuffled"] for row in rows]
    listed = ", ".join(f"{index} {row['site']}" for index, row in enumerate(rows))
    return Panel(
        kind="lines",
        title="Intrinsic dimension by layer",
        data={
            "x": np.arange(len(rows), dtype=float),
            "series": [{"label": kinds[key], "y": np.array([row[key] for row in rows])} for key in kinds],
            "x_label": "layer",
            "y_label": "dimensions",
        },
        caption=f"Layers: {listed}. With every unit shuffled by itself, two neighbours would give {min(shuffled):.1f} "
        f"to {max(shuffled):.1f}: a layer without a shape lies there.",
        warning="; ".join(failures),
    )


def _pictures(layers: Mapping[str, NDArray[np.float64]], instants: Instants, *, seed: int) -> tuple[Panel, ...]:
    names = [name for name, values in layers.items() if values.shape[1] > 1]
    shown = dict.fromkeys(names[i] for i in (0, len(names) // 2, len(names) - 1)) if names else ()
    return tuple(
        manifold_panel(layers[name], instants.labels, method=method, title=f"{name}: {method}", seed=seed)
        for name in shown
        for method in ("pca", "isomap")
    )
