"""Along the manifold of sounds, or off it: where the gradient of a score points.

Sounds fill few of the directions that features have. A score that rises along those directions reacts to what speech
does; one that rises across them reacts to what no voice does, and can be changed by what nobody hears.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from otoscope.core import (
    Activation,
    BadInput,
    Differentiable,
    Finding,
    FrameGrid,
    NotAble,
    Panel,
    Recognizer,
    Recording,
    Target,
)
from otoscope.explainers.geometry.modifications import MODIFICATIONS, Modification
from otoscope.metrics.dimension import tangent_basis, tangent_share, two_nn

N_NEIGHBORS = 30
HOLDS = 2.0
"""Tangent spaces describe the cloud if they hold so many times more of the steps between frames than of anything."""


def tangent_sensitivity(
    recognizer: Recognizer,
    recording: Recording,
    target: Target,
    *,
    cloud: ArrayLike,
    at: str = "features",
    seed: int = 0,
) -> Finding:
    """Split the gradient of a score into its part along the local cloud of sounds and the part across it.

    At each frame the tangent space is that of the nearest rows of `cloud`, as many dimensions as the cloud has by its
    nearest neighbours (`otoscope.metrics.dimension`). Shares are of squared length,
    which also weighs the frames.

    Parameters
    ----------
    recognizer
        Gives gradients and records the site.
    recording, target
        What is explained.
    cloud
        `(n_points, n_units)`: what the site held in *other* recordings; see `otoscope.explainers.information`'s
        `activations_at`.
    at
        The site.
    seed
        Of the frames' shuffling.

    Returns
    -------
    Finding
        A row for each frame: its time, the gradient's length, the share along the tangent space, and the share there of
        the step to the next frame, which says whether the tangent space is one. `summary` also has what a random
        direction would have (dimensions / units) and what gradients of other frames have. Panels: the shares; slopes
        along small changes of the voice: level, brightness, delay, speed. Fails when the tangent space does not
        hold the steps, and when gradients of other frames do as well.

    Raises
    ------
    NotAble
        The recogniser gives no gradients.
    BadInput
        The cloud has other units than the site, or is too small.
    """
    if not isinstance(recognizer, Differentiable):
        raise NotAble(f"{recognizer.name} gives no gradients; choose one that does, such as ctc-digits")
    points = np.asarray(cloud, dtype=np.float64)
    here = recognizer.trace(recording, record=[at]).activations[at]
    slopes = recognizer.gradient(recording, target, at=at)
    _check(points, here, slopes)
    n_dims = int(np.clip(round(two_nn(points)), 1, min(N_NEIGHBORS, points.shape[1]) - 1))
    order = np.random.default_rng(seed).permutation(len(slopes))
    rows = _rows(points, here, slopes, order, n_dims=n_dims)
    shares = _shares(rows, slopes, order) | {"chance": n_dims / points.shape[1]}
    failures = _failures(shares)
    return Finding(
        name="tangent-sensitivity",
        summary=_summary(shares, target.label, at, n_dims),
        table=tuple(rows),
        panels=(_share_panel(shares, failures), _slope_panel(recognizer, recording, (here, slopes), at)),
        provenance={
            "recognizer": recognizer.provenance.recognizer,
            "weights_sha256": recognizer.provenance.weights_sha256,
            "recording": recording.digest,
            "target": target.label,
            "at": at,
            "n_dims": n_dims,
            "n_neighbors": N_NEIGHBORS,
            "n_cloud": len(points),
            **shares,
            "seed": seed,
        },
        failures=failures,
    )


def _summary(shares: dict[str, float], label: str, at: str, n_dims: int) -> str:
    return (
        f"{shares['tangent_share']:.0%} of the gradient of {label!r} at {at} lies along the {n_dims} dimensions of the "
        f"sounds around, {shares['chance']:.0%} of a random direction, {shares['other_share']:.0%} of gradients of "
        f"other frames; of the steps between frames {shares['step_share']:.0%}."
    )


def _shares(rows: Sequence[dict[str, Any]], slopes: NDArray[np.float64], order: NDArray[Any]) -> dict[str, float]:
    weights = (slopes**2).sum(axis=1)
    return {
        "tangent_share": _weighted([row["tangent_share"] for row in rows], weights),
        "other_share": _weighted([row["other_share"] for row in rows], weights[order]),
        "step_share": float(np.nanmean([row["step_share"] for row in rows])),
    }


def _check(points: NDArray[np.float64], here: Activation, slopes: NDArray[np.float64]) -> None:
    if here.grid is None or here.values.shape != slopes.shape or len(slopes) < 2:
        raise BadInput(f"site {here.site.name} has no two frames in time with a gradient each; choose another")
    if points.ndim != 2 or points.shape[1] != slopes.shape[1] or points.shape[1] < 2:
        raise BadInput(f"a cloud of shape {points.shape} for {slopes.shape[1]} units at {here.site.name}")
    if len(points) <= N_NEIGHBORS:
        raise BadInput(f"a cloud of {len(points)} points; tangent spaces need more than {N_NEIGHBORS}")


def _rows(
    points: NDArray[np.float64], here: Activation, slopes: NDArray[np.float64], order: NDArray[Any], *, n_dims: int
) -> list[dict[str, Any]]:
    assert here.grid is not None
    values = np.asarray(here.values, dtype=np.float64)
    steps = np.diff(values, axis=0, append=values[-1:])
    steps[-1] = values[-1] - values[-2]
    found = []
    for index, time_s in enumerate(here.grid.times_s()):
        basis = tangent_basis(points, values[index], n_dims=n_dims, n_neighbors=N_NEIGHBORS)
        found.append(
            {
                "time_s": float(time_s),
                "gradient_norm": float(np.linalg.norm(slopes[index])),
                "tangent_share": tangent_share(slopes[index], basis),
                "other_share": tangent_share(slopes[order[index]], basis),
                "step_share": tangent_share(steps[index], basis),
            }
        )
    return found


def _weighted(shares: Sequence[float], weights: NDArray[np.float64]) -> float:
    values = np.asarray(shares)
    known = np.isfinite(values)
    return float(values[known] @ weights[known] / weights[known].sum()) if weights[known].sum() > 0 else float("nan")


def _failures(shares: dict[str, float]) -> tuple[str, ...]:
    found = []
    if not shares["step_share"] >= HOLDS * shares["chance"]:
        found.append(
            f"only {shares['step_share']:.0%} of the steps between frames lie in the tangent spaces, {HOLDS:g} times "
            f"chance would be {HOLDS * shares['chance']:.0%}: the cloud is too thin, too bent, or of other sounds"
        )
    if not shares["tangent_share"] > shares["other_share"]:
        found.append("gradients of other frames lie in the tangent spaces as much: the place does not matter")
    return tuple(found)


def _share_panel(shares: dict[str, float], failures: Sequence[str]) -> Panel:
    labels = {"tangent_share": "gradient", "other_share": "gradient, other frame", "step_share": "step to next frame"}
    return Panel(
        kind="bars",
        title="Along the manifold of sounds",
        data={
            "labels": list(labels.values()),
            "values": np.array([shares[key] for key in labels]),
            "y_label": "share of squared length",
            "chance": shares["chance"],
        },
        caption="The rest lies across. The line is what a random direction has: dimensions over units.",
        warning="; ".join(failures),
    )


def _slope_panel(
    recognizer: Recognizer, recording: Recording, found: tuple[Activation, NDArray[np.float64]], at: str
) -> Panel:
    """Return how steeply the score rises along small changes of the voice, against a random direction as long."""
    here, slopes = found
    names, values = [], []
    for name, change in MODIFICATIONS.items():
        names.append(name)
        values.append(_along(recognizer, recording, here, slopes, change, at))
    return Panel(
        kind="bars",
        title="Slope along small changes of the voice",
        data={
            "labels": names,
            "values": np.array(values),
            "y_label": "times that of a random direction",
            "chance": 1.0,
        },
        caption="|slope| of the score along what each change does to the site, over the root mean square of slopes in "
        "random directions of the same length.",
    )


def _along(
    recognizer: Recognizer,
    recording: Recording,
    here: Activation,
    slopes: NDArray[np.float64],
    change: Modification,
    at: str,
) -> float:
    changed = recognizer.trace(change.apply(recording), record=[at]).activations[at]
    assert here.grid is not None
    assert changed.grid is not None
    moved = _at_times(changed.values, changed.grid, here.grid.times_s() / change.speed)
    step = moved - np.asarray(here.values, dtype=np.float64)
    length = float(np.linalg.norm(step) * np.linalg.norm(slopes))
    return abs(float((step * slopes).sum())) / length * float(np.sqrt(slopes.size)) if length > 0 else float("nan")


def _at_times(values: Any, grid: FrameGrid, times_s: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return values between frames by straight lines, `(n_times, n_units)`; outside, those of the nearest frame."""
    columns = np.asarray(values, dtype=np.float64).T
    return np.stack([np.interp(times_s, grid.times_s(), column) for column in columns], axis=1)
