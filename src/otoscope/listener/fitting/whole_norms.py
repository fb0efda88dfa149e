"""From norms of items (AELP) to a fit: items are heard, λ, κ, θ and β found, beside duration alone and the ceiling."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from importlib.metadata import version
from typing import Any

import numpy as np

from otoscope.core import Finding, Panel
from otoscope.core.protocols import Progress
from otoscope.listener.fitting.norms import duration_r, fit_norms, held_out_r, weights_of
from otoscope.listener.fitting.predicting import DecisionTimes
from otoscope.listener.fitting.published import ItemNorms
from otoscope.listener.fitting.trials import Floats
from otoscope.listener.fitting.whole import N_FOLDS, hear_all
from otoscope.listener.listening import WordListener


def fitted_norms(
    norms: ItemNorms, listener: WordListener, *, sounds: str | os.PathLike[str] | None = None,
    voice: str | None = None, fixed: Mapping[str, float] | None = None, n_bootstrap: int = 100, seed: int = 0,
    progress: Progress | None = None,
) -> tuple[dict[str, Any], Finding]:  # fmt: skip
    """Fit the listener to mean z-scored times; the parameters of `otoscope.listener.fitting.whole.fitted_listener`.

    Execution time is not among what is found: in z-scores it cannot be told from their zero.
    """
    weights = weights_of(norms)
    names = [norms.items[k] for k in np.flatnonzero(weights > 0)]
    heard, left_out = hear_all(names, {}, {}, listener, sounds=sounds, voice=voice, progress=progress)
    rows = [norms.items.index(name) for name in heard]
    z, w = norms.z_rt[rows], weights[rows]
    times = DecisionTimes([item for item, _ in heard.values()])
    known = {name: value for name, value in (fixed or {}).items() if name != "execution_s"}
    fit = fit_norms(z, w, times, fixed=known)
    intervals = _bootstrapped(z, w, times, fit.parameters, known, n=n_bootstrap, seed=seed)
    lasts = np.array([duration for _, duration in heard.values()])
    held = held_out_r(z, w, times, fixed=known, n_folds=N_FOLDS, seed=seed)
    alone = duration_r(z, w, lasts, n_folds=N_FOLDS, seed=seed)
    part = replace(norms, **{
        name: np.asarray(getattr(norms, name))[rows]
        for name in ("is_word", "accuracy", "z_rt", "z_rt_sd", "n", "z_rt_after_duration")
    }, items=tuple(heard))  # fmt: skip
    ceiling = part.reliability()
    table = [
        {"parameter": name, "value": value, "low": intervals.get(name, (None, None))[0],
         "high": intervals.get(name, (None, None))[1], "fixed": name in known}
        for name, value in fit.parameters.items()
    ]  # fmt: skip
    scores = {"listener": held, "duration only": alone, "ceiling (reliability)": ceiling}
    foretold = fit.a + fit.b * fit.times_s
    items = [
        {"item": name, "t_decision_s": float(t), "foretold_z": float(f), "observed_z": float(value)}
        for name, t, f, value in zip(heard, fit.times_s, foretold, z, strict=True)
    ]
    about = {"items": len(heard), "n_bootstrap": n_bootstrap, "folds": N_FOLDS, "seed": seed,
             "version": version("otoscope"), "ears": listener.ears.sha256}  # fmt: skip
    record = {"parameters": table, "intercept": fit.a, "slope": fit.b, "held_out": scores, "items": items,
              "left_out": left_out, "provenance": about}  # fmt: skip
    return record, _finding(record, scores)


def _bootstrapped(
    z: Floats, weights: Floats, times: DecisionTimes, at: Mapping[str, float], known: Mapping[str, float], *, n: int,
    seed: int,
) -> dict[str, tuple[float, float]]:  # fmt: skip
    """Return 95 % percentile intervals, items drawn anew."""
    rng, names = np.random.default_rng(seed), [name for name in at if name not in known]
    drawn = []
    for _ in range(n):
        counts = np.bincount(rng.integers(0, z.size, z.size), minlength=z.size)
        start = {name: at[name] * float(np.exp(rng.normal(0, 0.2))) for name in names}
        drawn.append([fit_norms(z, weights * counts, times, fixed=known, start=start).parameters[k] for k in names])
    ends = np.percentile(np.array(drawn), [2.5, 97.5], axis=0)
    return {name: (float(a), float(b)) for name, a, b in zip(names, *ends, strict=True)}


def _finding(record: Mapping[str, Any], scores: Mapping[str, float]) -> Finding:
    items, parameters = record["items"], record["parameters"]
    said = ", ".join(f"{row['parameter']} {row['value']:.3g}" for row in parameters)
    summary = (
        f"Norms of {len(items)} items: {said}. On held-out items the listener correlates {scores['listener']:.2f} with "
        f"mean z-scored times, duration alone {scores['duration only']:.2f}; reliability of the means "
        f"{scores['ceiling (reliability)']:.2f}. There are no trials, so execution time and listeners are not fitted."
    )
    columns = list(parameters[0])
    xy = {axis: np.array([row[name] for row in items]) for axis, name in (("x", "foretold_z"), ("y", "observed_z"))}
    panels = (
        Panel("bars", "Held-out items", {"labels": list(scores), "values": list(scores.values()), "y_label": "r"}),
        Panel("scatter", "Items: predicted beside observed",
              {**xy, "groups": ["items"] * len(items), "x_label": "predicted z", "y_label": "observed z"}),
        Panel("table", "Parameters", {"columns": columns, "rows": [list(row.values()) for row in parameters]}),
    )  # fmt: skip
    worse = () if scores["listener"] > scores["duration only"] else ("no better than duration alone",)
    left = tuple(f"left out {name}: {why}" for name, why in record["left_out"].items())
    return Finding("fit-listener", summary, tuple(items), panels, record["provenance"], (*worse, *left))
