"""`respond`: psychometric functions of words, and the level at which each of them breaks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np

from otoscope.core import BadInput, Finding, Interval, Recognizer, Recording, Target, Trace
from otoscope.core.protocols import Progress
from otoscope.explainers.explaining import targets_of
from otoscope.explainers.response.dimensions import Dimension, Noise, dimension, noise_of
from otoscope.explainers.response.pictures import points_panel, responses_panel, scores_panel
from otoscope.explainers.response.sides import Side, fitted_sides
from otoscope.explainers.response.trials import heard_as, run_trials
from otoscope.metrics.psychometric import Form
from otoscope.signal.levels import active_level_db, at_level
from otoscope.signal.noise import noise_like

Asked = Target | Interval | int | str
LEAST_P = 0.01
MOST_FALSE_ALARMS = 0.2
LEAST_TRIALS = 2


def respond(
    recognizer: Recognizer,
    recording: Recording,
    targets: Asked | Sequence[Asked] | None = None,
    *,
    along: str = "snr",
    levels: Sequence[float] | None = None,
    n_trials: int = 10,
    noise: Noise | None = None,
    form: Form = "logistic",
    guess: float | Literal["measured"] = "measured",
    seed: int = 0,
    progress: Progress | None = None,
) -> Finding:
    """Tell at which level each word breaks: psychometric functions along noise, band, tempo, pitch, reverb, gate, ….

    Parameters
    ----------
    recognizer, recording
        Who listens to what.
    targets
        Words asked about, as `explain` takes them; by default all words heard in the unchanged recording.
    along
        A name of `otoscope.explainers.response.DIMENSIONS`: `snr` (speech-shaped), `snr-white`, `snr-pink`,
        `snr-babble`, `low-pass`, `high-pass`, `tempo`, `pitch`, `formants`, `reverb`, `level`, `gate`.
    levels
        What is tried, in the dimension's unit; its own levels by default.
    n_trials
        Recordings a level. Each has its own noise; changes that draw nothing are heard in speech-shaped noise 40 dB
        below the speech, so that trials differ.
    noise
        For the dimensions of noise, another noise: a recording, or several of speech, of which babble is made.
    form
        Of the psychometric function: `logistic`, `gauss`, `gumbel`, or `weibull` (levels above 0).
    guess
        Lower end of the function: a share, or `measured`: along `snr`, the share of trials in which the word is heard
        in noise alone; else 0.
    seed
        Of noise and bootstrap.
    progress
        Told (done, in all) as trials are heard.

    Returns
    -------
    Finding
        `response`: a row for each word and side (below and above the unchanged recording, where that lies among the
        levels) with threshold, interval, slope and goodness; a threshold beyond the levels tried is `None`, and
        `beyond` says on which side. Panels `responses`, `lines` (scores) and a table of all points.

    Raises
    ------
    BadInput, UnknownName
        No word was heard, no such dimension, or fewer than two levels or trials.
    """
    axis = dimension(along)
    trace = recognizer.trace(recording)
    asked = targets_of(trace, targets)
    tried = _levels(axis, recording, levels)
    if not asked:
        raise BadInput(f"{recognizer.name} hears no word in the recording, so none can break")
    if n_trials < LEAST_TRIALS:
        raise BadInput(f"at least {LEAST_TRIALS} trials a level are needed, got {n_trials}")
    trials = run_trials(recognizer, recording, asked, axis, tried, n_trials=n_trials, noise=noise, seed=seed,
                        progress=progress)  # fmt: skip
    alarms = _false_alarms(recognizer, recording, asked, axis, noise=noise, n_trials=n_trials, seed=seed)
    floors = _floors(alarms, axis) if guess == "measured" else np.full(len(asked), float(guess))
    sides = [
        fitted_sides(axis, trials, column, form=form, guess=float(floors[column]), seed=seed)
        for column in range(len(asked))
    ]
    rows = [_row(target, axis, side, float(alarms[i])) for i, target in enumerate(asked) for side in sides[i]]
    failures = _failures(trace, asked, sides, alarms)
    facts = {"along": along, "levels": list(trials.levels), "n_trials": n_trials, "form": form, "seed": seed}
    warning = "; ".join(failures)
    panels = (
        responses_panel(axis, asked, trials, sides, warning=warning),
        scores_panel(axis, asked, trials),
        points_panel(axis, asked, trials),
    )
    return Finding("response", _summary(axis, rows), tuple(rows), panels, _provenance(trace, facts), failures)


def _levels(axis: Dimension, recording: Recording, given: Sequence[float] | None) -> tuple[float, ...]:
    levels = axis.levels if given is None else tuple(float(level) for level in given)
    if given is None and axis.name.endswith("-pass"):
        levels = tuple(level for level in levels if level < 0.98 * recording.rate_hz / 2)
    if given is None and axis.name == "gate":
        levels = (*(level for level in levels if level < recording.duration_s), recording.duration_s)
    if len(set(levels)) < 2:
        raise BadInput(f"two or more levels are needed, got {list(levels)}")
    axis.scaled(levels)
    return levels


def _false_alarms(
    recognizer: Recognizer,
    recording: Recording,
    targets: Sequence[Target],
    axis: Dimension,
    *,
    noise: Noise | None,
    n_trials: int,
    seed: int,
) -> np.ndarray:
    """Return the share of trials in which each target is heard in noise alone: the control."""
    level_db = active_level_db(recording)
    named = axis.name.partition("-")[2] if axis.name.startswith("snr-") else "speech"
    hits = np.zeros((n_trials, len(targets)))
    for trial in range(n_trials):
        drawn = noise_of(recording, named if noise is None else noise, seed=seed * 1000 + trial)
        alone = at_level(noise_like(recording, drawn, seed=seed * 1000 + trial), level_db)
        words = recognizer.trace(alone).hypothesis.words
        hits[trial] = [heard_as(target, words)[0] for target in targets]
    found: np.ndarray = hits.mean(axis=0)
    return found


def _floors(alarms: np.ndarray, axis: Dimension) -> np.ndarray:
    return np.minimum(alarms, 0.9) if axis.name.startswith("snr") else np.zeros_like(alarms)


def _row(target: Target, axis: Dimension, side: Side, alarms: float) -> dict[str, Any]:
    fit = side.fit
    return {
        "target": target.label,
        "rival": target.rival,
        "along": axis.name,
        "unit": axis.unit,
        "side": side.name,
        "threshold": side.level(fit.threshold),
        "low": side.level(fit.interval[0]),
        "high": side.level(fit.interval[1]),
        "beyond": fit.beyond,
        "tried_from": side.levels[0],
        "tried_to": side.levels[-1],
        "slope": fit.function.slope,
        "slope_low": _finite(fit.slope_interval[0]),
        "slope_high": _finite(fit.slope_interval[1]),
        "slope_unit": "share per octave" if axis.logarithmic else f"share per {axis.unit}",
        "guess": fit.function.guess,
        "lapse": fit.function.lapse,
        "deviance": fit.deviance,
        "p_value": fit.p_value,
        "stepwise": fit.stepwise,
        "n_trials": int(sum(fit.n_trials)),
        "false_alarms": alarms,
    }


def _finite(value: float) -> float | None:
    return value if np.isfinite(value) else None


def _failures(
    trace: Trace, targets: Sequence[Target], sides: Sequence[Sequence[Side]], alarms: np.ndarray
) -> tuple[str, ...]:
    found = []
    for index, target in enumerate(targets):
        if not heard_as(target, trace.hypothesis.words)[0]:
            found.append(f"{target.label!r} is not heard in the unchanged recording")
        if alarms[index] > MOST_FALSE_ALARMS:
            found.append(f"{target.label!r} is heard in {alarms[index]:.0%} of the trials of noise alone")
        for side in sides[index]:
            if side.fit.p_value < LEAST_P:
                found.append(
                    f"a {side.fit.function.form} function does not fit {target.label!r} ({side.name}) "
                    f"(p = {side.fit.p_value:.3f}): read the points, not the threshold"
                )
    return tuple(found)


def _summary(axis: Dimension, rows: Sequence[dict[str, Any]]) -> str:
    parts = []
    for row in rows:
        name = f"{row['target']}" + (f" ({row['side']})" if row["side"] != "all" else "")
        if row["threshold"] is None:
            end = row["tried_from"] if row["beyond"] == "below" else row["tried_to"]
            parts.append(f"{name}: {row['beyond']} {end:g} {axis.unit}, the last level tried")
        else:
            low, high = ("…" if end is None else _number(end) for end in (row["low"], row["high"]))
            parts.append(f"{name}: {_number(row['threshold'])} {axis.unit} ({low} to {high})")
    shown = "; ".join(parts[:12]) + (f"; {len(parts) - 12} more" if len(parts) > 12 else "")
    return f"Half of the trials are recognised at this {axis.label}: {shown}."


def _number(value: float) -> str:
    return f"{value:.0f}" if abs(value) >= 100 else "0" if abs(value) < 1e-3 else f"{value:.3g}"


def _provenance(trace: Trace, facts: dict[str, Any]) -> dict[str, Any]:
    made = trace.provenance
    return {
        "recognizer": made.recognizer,
        "version": made.version,
        "weights_sha256": made.weights_sha256,
        "recording": trace.recording.digest,
        **facts,
    }
