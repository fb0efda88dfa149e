"""Pseudowords: the later the sound that makes them none, the later they can be refused."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from otoscope.listener.competing import compete, relative_to_best
from otoscope.listener.phone_loop import PhoneBigram, free_phones
from otoscope.listener.stimuli.sets.designs import lexical_decision_list
from otoscope.studies.effects_laboratory import Laboratory, bootstrap, effect_row, spoken

FALLEN = 20.0
"""Nats by which the best word falls below the free phones when a pseudoword is taken to be told."""


def pseudowords(lab: Laboratory) -> list[dict[str, Any]]:
    """When does the best word fall below the phones: does that go with the place of the changed phone?"""
    planned = lexical_decision_list(lab.usual, lab.n_items, seed=lab.seed + 5, known=lab.listener.lexicon)
    bigram = PhoneBigram.counted(lab.listener.ears.card.phones, lab.listener.forms.phones)
    found = []
    for nth, plan in enumerate(one for one in planned if one.kind == "pseudoword"):
        item = spoken(lambda said=plan.phones, n=nth: lab.phones(said, n))  # type: ignore[misc]
        if item is None:
            continue
        evidence = lab.listener.evidence(item.sound)
        evidence = replace(evidence, scores=relative_to_best(evidence.scores))
        words = compete(evidence, lab.listener.tree(evidence.models), frequency_weight=0.0, n_kept=1)
        running, _ = free_phones(evidence, bigram=bigram)
        below = np.flatnonzero(running - words.activations[:, 0] >= FALLEN)
        if below.size:
            told_s = float(evidence.grid.times_s()[below[0]]) - item.onset_s
            deviates_s = item.boundary_s(min(int(plan.details["deviation_point"]), len(item.times))) - item.onset_s
            found.append((deviates_s, told_s))
    times = np.array(found)
    return [effect_row(
        "nonwords", "r(time of deviation, time told)", "later deviation, later no (Marslen-Wilson)",
        bootstrap(lambda s: float(np.corrcoef(s.T)[0, 1]), times, seed=lab.seed), n_items=len(times),
        note=f"told when the best word is {FALLEN:g} nats below the phones: {len(times)} of {lab.n_items}",
    )]  # fmt: skip
