"""Trials of the visual world: four pictures, one named; choice among them, and where the eyes are meanwhile."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from otoscope.listener.choosing import certainty, choice, choose, looks_by_strength, taken_in
from otoscope.listener.experiments.booth import Booth
from otoscope.listener.experiments.plans import Plan
from otoscope.listener.mishearing import activations_misheard
from otoscope.metrics.visual_world import ROLES

TIMES_S = np.arange(0.0, 1.0001, 0.02)
"""From word onset."""


def visual_world(booth: Booth, plan: Plan) -> Iterator[dict[str, Any]]:
    """Yield one trial: the picture chosen, when, and the mean share of looks at each over the second.

    The link from activation to looks is that of the study `visual-world`: a phone may be misheard, what is heard is
    taken in over a quarter of a second, choice among what is shown follows Luce's rule, eyes follow 200 ms later.
    """
    listener, item = booth.listener, booth.item(plan)
    names = [plan.get("word") or "", *(plan.get(role) or "" for role in ROLES[1:])]
    shown = [booth.forms(name)[0] for name in names]
    weight, scale = listener.settings.frequency_weight, listener.settings.acoustic_scale
    evidence = listener.evidence(item.sound)
    times = evidence.grid.times_s() - item.onset_s
    phones = [listener.forms.phones[form] for form in shown]
    a = activations_misheard(evidence, phones, acoustic_scale=scale, offset_s=item.offset_s)
    a = a + weight * listener.forms.log_prior[shown].astype(np.float64)
    n_after = max(0, round((TIMES_S[-1] + 0.2 - times[-1]) / 0.01))
    times = np.r_[times, times[-1] + 0.01 * np.arange(1, n_after + 1)]
    a = taken_in(np.pad(a, ((0, n_after), (0, 0)), mode="edge"), times)
    shares = choice(a, scale=scale)
    strengths = certainty(shares)
    made = choose(a, times, listener.settings.rule, scale=scale, offset_s=item.offset_s - item.onset_s)
    if made.form is not None and made.time_s is not None:
        after = times >= made.time_s
        shares[after], strengths[after] = np.eye(len(ROLES))[made.form], 1.0
    looks = looks_by_strength(shares, times, strengths)
    curves = {role: np.interp(TIMES_S, times, looks[:, k]) for k, role in enumerate(ROLES)}
    execution_s = listener.settings.execution.mean_s
    yield {
        **booth.about(plan, item),
        "recognised": made.form == 0, "heard": None if made.form is None else names[made.form], "how": made.how,
        "t_decision_s": made.time_s, "t_exec_s": execution_s,
        "rt_s": None if made.time_s is None else made.time_s + execution_s,
        **{f"looks_{role}": float(curve.mean()) for role, curve in curves.items()},
        "curves": {role: np.round(curve, 5).tolist() for role, curve in curves.items()},
    }  # fmt: skip
