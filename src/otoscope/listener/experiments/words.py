"""Trials of single words: gates, uniqueness point, frequency and density, noise, embedded words, changed phones."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from otoscope.lexicon.item_measures import measured
from otoscope.listener.experiments.booth import Booth
from otoscope.listener.experiments.plans import Plan
from otoscope.listener.stimuli.changing import in_noise
from otoscope.listener.stimuli.cutting import gates
from otoscope.listener.stimuli.items import Item

Trial = dict[str, Any]
SURE = 0.8
"""p(target) from which a gate counts as sure (Grosjean asked for confidence)."""
SNRS_DB = (18.0, 12.0, 6.0, 0.0, -6.0)
"""Signal-to-noise ratios at which a word is heard where the table names none."""


def gating(booth: Booth, plan: Plan) -> Iterator[Trial]:
    """Yield a trial for each gate; `isolation_s`, `sure_s`: first gate from which the word leads (is sure) for good.

    A gate is no end of a word: what is cut off still counts (the partial rule).
    """
    item = booth.item(plan)
    forms = booth.forms(item.word or "")
    trials = []
    for gate in gates(item, step_s=booth.gate_s, seed=booth.seed):
        heard = booth.listener.compete(gate.sound, track=forms)
        last = max(0, int(np.searchsorted(heard.grid.times_s(), gate.offset_s)) - 1)
        leader = int(heard.forms[last, 0])
        leads = any(not booth.listener.forms.are_rivals(leader, form) for form in forms)
        p = float(heard.posterior(forms)[last].sum())
        trials.append({
            **booth.about(plan, item), "gate": gate.details["gate"], "gate_s": gate.details["gate_s"],
            "heard": booth.listener.name(leader), "leads": leads, "recognised": leads, "p_target": p,
        })  # fmt: skip
    isolated = _for_good([one["leads"] for one in trials])
    sure = _for_good([one["leads"] and one["p_target"] >= SURE for one in trials])
    at = {name: None if k is None else trials[k]["gate_s"]
          for name, k in (("isolation_s", isolated), ("sure_s", sure))}  # fmt: skip
    for one in trials:
        yield {**one, **at}


def _for_good(good: Sequence[bool]) -> int | None:
    """Return the first place from which all are true."""
    behind = len(good)
    while behind and good[behind - 1]:
        behind -= 1
    return None if behind == len(good) else behind


def measured_word(booth: Booth, plan: Plan) -> Iterator[Trial]:
    """Yield one trial, with the word's frequency and neighbours in the lexicon."""
    item = booth.item(plan)
    yield {**booth.word_trial(plan, item), **_measures(booth, item)}


def uniqueness_point(booth: Booth, plan: Plan) -> Iterator[Trial]:
    """Yield one trial: when, after the end of the phone that makes the word unique, it is decided on."""
    item = booth.timed(booth.item(plan))
    known = _measures(booth, item)
    unique_s = item.boundary_s(min(known["uniqueness_point"], len(item.times))) - item.onset_s
    trial = booth.word_trial(plan, item)
    decided = trial["t_decision_s"]
    later = None if decided is None else decided - unique_s
    yield {**trial, **known, "uniqueness_s": unique_s, "after_uniqueness_s": later}


def _measures(booth: Booth, item: Item) -> Trial:
    phones = item.phones or booth.ways(item.word)[0]
    known = measured([phones], booth.listener.lexicon)[0]
    return {"zipf": known.zipf, "n_phones": known.n_phones, "density": known.density,
            "onset_density": known.onset_density, "uniqueness_point": known.uniqueness_point}  # fmt: skip


def noise(booth: Booth, plan: Plan) -> Iterator[Trial]:
    """Yield a trial for each signal-to-noise ratio, the row's or `SNRS_DB`; noise like the item's own speech."""
    item = booth.item(plan)
    own = plan.number_of("snr_db")
    for snr_db in SNRS_DB if own is None else (own,):
        noisy = in_noise(item, snr_db, seed=booth.seed + plan.number)
        yield {**booth.word_trial(plan, noisy), "snr_db": snr_db}


def mispronounced(booth: Booth, plan: Plan) -> Iterator[Trial]:
    """Yield one trial: the word is meant, the pronunciation (or the recording) is what is said."""
    item = booth.item(plan)
    trial = booth.word_trial(plan, item)
    if plan.get("condition") is None and item.phones is not None:
        trial["condition"] = "as said" if item.phones in booth.ways(item.word) else "changed"
    yield trial


def embedded(booth: Booth, plan: Plan) -> Iterator[Trial]:
    """Yield a trial for each place in the long word and in the short one that it begins with: which is ahead there?

    `lead_of_short`: κ (A(short) - A(long)), nats, at the end of each phone, from two before the end of the short word
    (`phones_after` -2, -1, 0, …) to three behind it and to the end of the item. While the word may go on, a word that
    it may still become counts (the partial rule); after the item only whole words do: `log_odds_of_short`, the same
    for all trials of an item.
    """
    both = [plan.get("word") or "", plan.get("embedded") or ""]
    forms = [booth.forms(word) for word in both]
    items = [booth.item(plan), booth.item(plan, word="embedded", phones="-", sound="sound_embedded")]
    for item, word, name in zip(items, both, ("long word said", "short word said"), strict=True):
        said = booth.timed(replace(item, word=word))
        heard, decision, _ = booth.hear(said, [*forms[0], *forms[1]])
        ends = heard.final.astype(np.float64) * heard.acoustic_scale
        last = [float(ends[own].max()) for own in forms]
        once = {**booth.about(plan, said, name), **booth.answered(said, decision, word),
                "log_odds_of_short": last[1] - last[0]}  # fmt: skip
        n_short = len(booth.ways(both[1])[0])
        for n_heard in range(max(1, n_short - 2), min(len(said.times), n_short + 3) + 1):
            frame = min(int(np.searchsorted(heard.grid.times_s(), said.boundary_s(n_heard))), len(heard.lead) - 1)
            best = [max(float(heard.kept(form)[frame]) for form in own) for own in forms]
            p = [float(heard.posterior(own)[frame].sum()) for own in forms]
            lead = heard.acoustic_scale * (best[1] - best[0]) if np.isfinite(best).all() else None
            yield {**once, "phones_after": n_heard - n_short, "lead_of_short": lead, "p_long": p[0], "p_short": p[1]}
