"""Trials of lexical decision: the best word against the best string of phones."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from otoscope.listener.competing import compete, relative_to_best
from otoscope.listener.experiments.booth import Booth
from otoscope.listener.experiments.plans import Plan
from otoscope.listener.lexicality import LexicalRule, gap, phone_activation
from otoscope.listener.lexicality import lexical_decision as decided_on
from otoscope.listener.phone_loop import free_phones
from otoscope.listener.spans import speech_span

Trial = dict[str, Any]
RULE = LexicalRule(threshold=-0.126, margin=0.05, checked_frames=27, slope=13.2)
"""What the study `lexical-decision` finds on the validation voices (100 words and 100 pseudowords, seed 0), rounded.

It is set by other voices and other words than any experiment's."""


def lexical_decision(booth: Booth, plan: Plan, *, rule: LexicalRule = RULE) -> Iterator[Trial]:
    """Yield one trial: yes or no, whether that is right, when, and the gap that decided."""
    kind = plan.get("kind") or ("pseudoword" if plan.get("word") is None else "word")
    item = booth.item(plan)
    listener = booth.listener
    evidence = listener.evidence(item.sound)
    evidence = replace(evidence, scores=relative_to_best(evidence.scores))
    onset_s, offset_s = speech_span(evidence) or (item.onset_s, item.offset_s)
    target = item.word if kind == "word" else None
    forms = [] if target is None else booth.forms(target)
    heard = listener.compete(evidence, track=forms, offset_s=offset_s)
    decision = listener.decide(heard, offset_s=offset_s, evidence=evidence)
    alone = compete(evidence, listener.tree(evidence.models), frequency_weight=0.0, n_kept=1, offset_s=offset_s)
    phones = phone_activation(*free_phones(evidence, bigram=booth.bigram), evidence.grid, offset_s=offset_s)
    gaps = gap(alone.activations[:, 0], phones, evidence.grid, onset_s=onset_s, offset_s=offset_s)
    made = decided_on(gaps, evidence.grid, rule, onset_s=onset_s, offset_s=offset_s, identified_s=decision.time_s)
    decided = made.time_s - item.onset_s
    word = booth.answered(item, decision, target)
    yield {
        **booth.about(plan, item, kind), "kind": kind, **word, "how": made.how,
        "identified_s": word["t_decision_s"], "t_decision_s": decided, "rt_s": decided + word["t_exec_s"],
        "said_word": made.is_word, "correct": made.is_word == (kind == "word"), "confidence": made.confidence,
        "gap": made.gap, "p_target": float(heard.final_posterior()[forms].sum()) if forms else None,
    }  # fmt: skip
