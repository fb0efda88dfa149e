"""Effects of sounds that fit a word badly: mispronunciations, and a vowel that announces another consonant."""

from __future__ import annotations

from typing import Any

import numpy as np

from otoscope.listener.stimuli.cutting import cross_spliced
from otoscope.listener.stimuli.sets.ambiguous import MISMATCH
from otoscope.listener.stimuli.sets.chosen import mismatch_triples
from otoscope.listener.stimuli.sets.designs import lexical_decision_list, mispronunciations
from otoscope.studies.effects_laboratory import Laboratory, bootstrap, effect_row, spoken


def mispronunciation(lab: Laboratory) -> list[dict[str, Any]]:
    """Does a first phone changed in fewer features harm a word less (Connine, Blasko and Titone 1993)?"""
    planned = [
        i for i in lexical_decision_list(lab.usual, lab.n_items, seed=lab.seed + 3, zipf=(3.5, 5.0), phones=(5, 8))
        if i.kind == "word"
    ]  # fmt: skip
    found = []
    for nth, plan in enumerate(planned):
        made = mispronunciations(plan.label, lab.usual)
        if not made or plan.phones is None or made[0][1] == made[-1][1]:
            continue
        form, values = lab.form(plan.phones), []
        for phones in (plan.phones, made[0][0], made[-1][0]):
            item = spoken(lambda said=phones, n=nth: lab.phones(said, n))  # type: ignore[misc]
            if item is not None:
                values.append(float(lab.compete(item.sound, [form]).final_posterior()[form]))
        if len(values) == 3:
            found.append(values)
    p = np.array(found)
    means = ", ".join(f"{name} {value:.2f}" for name, value in zip(("as said", "near", "far"), p.mean(0), strict=True))
    return [effect_row(
        "mispronunciation", "p(word): few features changed less many", "fewer features, less disruption (Connine 1993)",
        bootstrap(lambda s: float((s[:, 1] - s[:, 2]).mean()), p, seed=lab.seed), n_items=len(p), note=means,
    )]  # fmt: skip


def subcategorical_mismatch(lab: Laboratory) -> list[dict[str, Any]]:
    """W1W1 before N3W1 before W2W1: vowels of a word harm more than those of no word (Dahan et al. 2001)?"""
    triples = (*MISMATCH, *mismatch_triples(lab.usual, lab.n_items - len(MISMATCH), seed=lab.seed))
    found = []
    for nth, triple in enumerate(triples):
        said = [spoken(lambda p=p, n=nth: lab.phones(p, n)) for p in (triple.word, triple.pseudoword, triple.rival)]  # type: ignore[misc]
        whole = [item for item in said if item is not None]
        form = lab.listener.forms.index.get(triple.word)
        if len(whole) < 3 or form is None:
            continue
        values = []
        for item in whole:
            spliced = cross_spliced(item, whole[0], at=len(triple.word) - 1)
            heard = lab.compete(spliced.sound, [form])
            times = heard.grid.times_s()
            values.append(float(heard.posterior([form])[times >= spliced.onset_s, 0].mean()))
        found.append(values)
    p = np.array(found)
    means = ", ".join(f"{n} {v:.3f}" for n, v in zip(("W1W1", "N3W1", "W2W1"), p.mean(0), strict=True))
    people = "W1W1 < N3W1 < W2W1 in time (Marslen-Wilson & Warren 1994; Dahan et al. 2001)"
    return [
        effect_row(
            f"subcategorical mismatch, {name}", f"mean p(word): {name}", people,
            bootstrap(lambda s, a=a, b=b: float((s[:, a] - s[:, b]).mean()), p, seed=lab.seed),
            n_items=len(p), note=means,
        )
        for name, a, b in (("W1W1 less N3W1", 0, 1), ("N3W1 less W2W1", 1, 2))
    ]  # fmt: skip
