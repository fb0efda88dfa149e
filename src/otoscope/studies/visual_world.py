"""The visual world of Allopenna, Magnuson and Tanenhaus (1998): four pictures, one named, and where people look.

Synthetic voices that nothing was trained on name the target; the listener hears them through its own ears among all
words of its lexicon; what is shown competes by Luce's choice rule. People begin at a cross, move their eyes three to
four times a second once there is a reason to (how far choice is from chance), and what they look at was chosen 200 ms
earlier. Scale and weight of frequency are the listener's settings, from other voices and words; rate and delay are
those of the literature. None is fitted to the human curves in the row `a priori`; the row `fitted` tells how near the
same model could come.
"""

from __future__ import annotations

import itertools
import os
import time
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from otoscope.core import Panel
from otoscope.core.protocols import Progress
from otoscope.listener.choosing import DELAY_S, Looks, certainty, choice, looks_by_saccades, mean_looks, read_looks
from otoscope.listener.ears.voices import JUDGED
from otoscope.listener.listening import WordListener
from otoscope.listener.stimuli import Speaker
from otoscope.listener.stimuli.sets.displays import ALLOPENNA_1998, Display
from otoscope.metrics.visual_world import ROLES, CurveFit
from otoscope.studies.result import StudyResult

RATE_HZ = 4.0
"""Eye movements a second, the upper end of the three to four of the literature."""
TIMES_S = np.arange(0.0, 1.0001, 0.01)
SCALES, RATES_HZ = (0.05, 0.1, 0.15, 0.25), (3.0, 4.0, 6.0)
"""What the row `fitted` chooses from."""
PUBLISHED = {
    "causal transformer": (0.0803, 0.967),
    "LSTM (EARSHOT type)": (0.0864, 0.961),
    "wav2vec 2.0": (0.347, 0.957),
}
"""RMSE and r of models on the same curves (the listen-like-humans page)."""
HUMAN = "visual-world/allopenna1998.tsv"

Floats = NDArray[np.float64]
Trial = tuple[Floats, Floats]


def run(
    data: str | os.PathLike[str],
    *,
    n_voices: int = 6,
    displays: Sequence[Display] = ALLOPENNA_1998,
    listener: WordListener | None = None,
    seed: int = 0,
    progress: Progress | None = None,
) -> StudyResult:
    """Compare simulated looks with human ones.

    Parameters
    ----------
    data
        The folder that holds `visual-world/allopenna1998.tsv`.
    n_voices
        So many of the American voices kept for judging.
    displays
        Target, cohort, rhyme and unrelated word of each display.
    listener
        Who hears; the default listener if not given.
    seed, progress
        Nothing is drawn; called after each word.
    """
    began = time.perf_counter()
    human = read_looks(Path(data) / HUMAN)
    listener = listener or WordListener()
    voices = [voice for voice in JUDGED if voice.startswith("gmw/en-US+")][:n_voices]
    jobs = list(itertools.product(voices, displays))
    trials = []
    for done, (voice, display) in enumerate(jobs):
        trials.append(heard(listener, voice, display))
        if progress is not None:
            progress(done + 1, len(jobs))
    scale = listener.settings.acoustic_scale
    model = looks(trials, scale=scale, rate_hz=RATE_HZ)
    rows = [_row("a priori", scale, RATE_HZ, model.against(human), model)]
    rows.append(_fitted(trials, human))
    rows += [_published(name, *figures) for name, figures in PUBLISHED.items()]
    return StudyResult(
        "visual-world",
        _summary(rows, model),
        tuple(rows),
        (_panel("People", human), _panel("Listener, parameters set elsewhere", model)),
        {"version": version("otoscope"), "voices": voices, "displays": [list(each.words) for each in displays],
         "frequency_weight": listener.settings.frequency_weight, "acoustic_scale": scale, "rate_hz": RATE_HZ,
         "delay_s": DELAY_S, "ears": listener.ears.sha256, "seed": seed},
        time.perf_counter() - began,
    )  # fmt: skip


def heard(listener: WordListener, voice: str, display: Display) -> Trial:
    """Return the activations `(n_frames, 4)` of what is shown while the target is named, at times from its onset."""
    item = Speaker(voice=voice).word(display.target, listener.lexicon)
    assert item.recording is not None
    assert item.speech_s is not None
    shown = [listener.lexicon.forms_of(word)[0] for word in display.words]
    competition = listener.compete(item.recording, track=shown, offset_s=item.speech_s[1])
    return competition.grid.times_s() - item.speech_s[0], competition.tracked.astype(np.float64)


def looks(trials: Sequence[Trial], *, scale: float, rate_hz: float) -> Looks:
    """Return the mean looks over trials; after the last frame, its state of affairs holds."""
    curves = []
    for times, activations in trials:
        after = np.arange(times[-1] + 0.01, TIMES_S[-1] + 0.2, 0.01)
        all_times = np.concatenate([times, after])
        values = np.concatenate([activations, np.repeat(activations[-1:], after.size, axis=0)])
        shares = choice(values, scale=scale)
        seen = looks_by_saccades(shares, all_times, rate_hz=rate_hz, strengths=certainty(shares))
        curves.append(Looks(all_times, dict(zip(ROLES, seen.T, strict=True))))
    return mean_looks(curves, times_s=TIMES_S)


def _fitted(trials: Sequence[Trial], human: Looks) -> dict[str, Any]:
    tried = []
    for scale, rate_hz in itertools.product(SCALES, RATES_HZ):
        model = looks(trials, scale=scale, rate_hz=rate_hz)
        tried.append(_row("fitted to these curves", scale, rate_hz, model.against(human), model))
    return min(tried, key=lambda row: float(row["rmse"]))


def _row(name: str, scale: float, rate_hz: float, fit: CurveFit, model: Looks) -> dict[str, Any]:
    peaks = {f"{role}_peak": round(float(model.curves[role].max()), 4) for role in ROLES}
    at = float(TIMES_S[int(np.argmax(model.curves["cohort"]))])
    own: Mapping[str, Any] = {"scale": scale, "rate_hz": rate_hz, "rmse": round(fit.rmse, 4), "r": round(fit.r, 4)}
    return {"model": name, **own, **peaks, "cohort_peak_s": round(at, 2)}


def _published(name: str, rmse: float, r: float) -> dict[str, Any]:
    nothing = dict.fromkeys(("target_peak", "cohort_peak", "rhyme_peak", "unrelated_peak", "cohort_peak_s"))
    return {"model": f"{name} (published)", "scale": None, "rate_hz": None, "rmse": rmse, "r": r, **nothing}


def _summary(rows: Sequence[Mapping[str, Any]], model: Looks) -> str:
    first, fitted = rows[0], rows[1]
    late = {role: float(model.curves[role][-40:].mean()) for role in ROLES}
    order = " > ".join(sorted(late, key=lambda role: -late[role]))
    return (
        f"With parameters set elsewhere the looks differ from people's by {first['rmse']:.3f} (r {first['r']:.3f}; "
        f"best published 0.080), with two of them fitted by {fitted['rmse']:.3f}. In the last 400 ms: {order}. "
        f"The cohort's peak is {first['cohort_peak']:.2f} at {first['cohort_peak_s']:.2f} s (people .18 at .50), "
        f"the rhyme's {first['rhyme_peak']:.2f} (people .10)."
    )


def _panel(title: str, shown: Looks) -> Panel:
    series = [{"label": role, "y": shown.curves[role]} for role in ROLES]
    data = {"x": shown.times_s, "series": series, "x_label": "time from word onset (s)", "y_label": "share of looks"}
    return Panel("lines", title, data, "Share of looks at each picture; what is lacking to 1 is still at the cross.")
