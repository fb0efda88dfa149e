"""Trials of sounds that are ambiguous, missing or misleading: Ganong's continua, restored phones, splices."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from scipy.special import logsumexp

from otoscope.core import BadInput
from otoscope.lexicon.pronunciations import Phones
from otoscope.listener.competing import Competition
from otoscope.listener.evidence import Evidence, saying_nothing
from otoscope.listener.experiments.booth import Booth
from otoscope.listener.experiments.plans import Plan
from otoscope.listener.stimuli.changing import Replacement, carried, continuum_sounds, phone_replaced
from otoscope.listener.stimuli.cutting import cross_spliced
from otoscope.listener.stimuli.items import Item

Trial = dict[str, Any]
N_STEPS = 7
REPLACED_BY: tuple[Replacement, ...] = ("noise", "silence")


def ganong(booth: Booth, plan: Plan) -> Iterator[Trial]:
    """Yield a trial for each of seven steps from one phone to another in a carrier; `p_second` of the two phones.

    `first` and `second` are the carrier with the one and the other phone (phones, or words); the ambiguous sounds come
    from `donor_first` and `donor_second` where given, so that two carriers can share them. Condition:
    the row's own, else which of the two the lexicon has; it is large, and has names that few people know.
    """
    first, second = (_said(booth, plan, name) for name in ("first", "second"))
    place, ends = _differing(plan, first, second)
    carrier = _carrier(booth, plan, "first", first)
    donors = [
        _carrier(booth, plan, name, said) if plan.get(f"donor_{name}") is None
        else booth.said(plan, plan.phones(f"donor_{name}") or ())
        for name, said in (("first", first), ("second", second))
    ]  # fmt: skip
    sounds = continuum_sounds(donors[0], donors[1], place, n_steps=N_STEPS)
    known = booth.listener.forms.index
    words = [phones in known for phones in (first, second)]
    which = {(True, True): "both are words", (True, False): "first is a word", (False, True): "second is a word"}
    condition = plan.get("condition") or which.get((words[0], words[1]), "neither is a word")
    for step, item in enumerate(carried(carrier, place, sounds, name="-".join(ends)), start=1):
        heard, decision, _ = booth.hear(item)
        about = {**booth.about(plan, item), "condition": condition, "ends": "-".join(ends)}
        yield {**about, "step": step, "p_second": _share(booth, heard, place, ends),
               **booth.answered(item, decision, None)}  # fmt: skip


def _said(booth: Booth, plan: Plan, name: str) -> Phones:
    """Return phones that are written as such, or as a word of the lexicon."""
    written = plan.get(name) or ""
    if written.lower() in booth.listener.lexicon:
        return booth.ways(written.lower())[0]
    phones = plan.phones(name) or ()
    strange = sorted(set(phones) - set(booth.listener.lexicon.phones))
    if strange:
        raise BadInput(f"{plan.place or plan.label}: {written!r} is neither a word of the lexicon nor ARPAbet phones")
    return phones


def _differing(plan: Plan, first: Phones, second: Phones) -> tuple[int, tuple[str, str]]:
    places = [k for k, (a, b) in enumerate(zip(first, second, strict=False)) if a != b]
    if len(first) != len(second) or len(places) != 1:
        raise BadInput(f"{plan.place or plan.label}: first and second must differ in one phone, got "
                       f"{' '.join(first)} and {' '.join(second)}")  # fmt: skip
    return places[0], (first[places[0]], second[places[0]])


def _carrier(booth: Booth, plan: Plan, name: str, said: Phones) -> Item:
    if plan.get(f"sound_{name}") is None:
        return booth.said(plan, said)
    item = booth.item(plan, word="-", phones="-", sound=f"sound_{name}")
    return booth.timed(replace(item, phones=said))


def _share(booth: Booth, heard: Competition, place: int, ends: tuple[str, str]) -> float | None:
    """Return P(second phone), asked of all kept forms that have the one or the other phone at that place."""
    kept = [int(form) for form in heard.forms[-1]]
    mass = [0.0, 0.0]
    for form, p in zip(kept, heard.posterior(kept)[-1], strict=True):
        phones = booth.listener.forms.phones[form]
        if len(phones) > place and phones[place] in ends:
            mass[ends.index(phones[place])] += float(np.nan_to_num(p))
    return mass[1] / sum(mass) if sum(mass) else None


def restoration(booth: Booth, plan: Plan) -> Iterator[Trial]:
    """Yield four trials: the word intact, a phone that noise or silence takes the place of, and one that is covered.

    The ears take noise for a sound of speech; covered is what a listener has who knows the noise for one: the stretch
    says nothing, every phone fits equally. `log_odds` of the word at the end can be averaged where `p_target` is near
    its floor or ceiling.
    """
    item = booth.timed(booth.item(plan))
    given = plan.number_of("position")
    place = len(item.times) // 2 if given is None else int(given) - 1
    yield {**_word_heard(booth, plan, item, "intact"), "replaced": None}
    for by in REPLACED_BY:
        changed = phone_replaced(item, place, by=by, seed=booth.seed + plan.number)
        yield {**_word_heard(booth, plan, changed, by), "replaced": item.times[place].label}
    phone = item.times[place]
    covered = saying_nothing(booth.listener.evidence(item.sound), phone.start_s, phone.end_s)
    yield {**_word_heard(booth, plan, item, "covered", evidence=covered), "replaced": phone.label}


def _word_heard(booth: Booth, plan: Plan, item: Item, condition: str, *, evidence: Evidence | None = None) -> Trial:
    forms = booth.forms(item.word or "")
    heard, decision, _ = booth.hear(item, forms, evidence=evidence)
    return {
        **booth.about(plan, item, condition), **booth.answered(item, decision, item.word),
        "p_target": float(heard.final_posterior()[forms].sum()), "log_odds": log_odds(heard, forms),
    }  # fmt: skip


def log_odds(heard: Competition, forms: Sequence[int]) -> float:
    """Return log p - log(1 - p) of a word's forms at the end, from the activations: p itself may round to 1."""
    scaled = heard.acoustic_scale * heard.final.astype(np.float64)
    own = np.zeros(scaled.size, dtype=bool)
    own[list(forms)] = True
    return float(logsumexp(scaled[own]) - logsumexp(scaled[~own]))


def splice(booth: Booth, plan: Plan) -> Iterator[Trial]:
    """Yield one trial: the beginning of `first` with the end of the word.

    `p_mean` is p(word) over time from its onset, `log_odds` that at the end, `after_join_s` when it is decided on after
    the join, the first place at which the beginnings could matter. `at` says how many phones are from the first; by
    default all but the last of the word.
    """
    word = booth.timed(booth.item(plan))
    first = _carrier(booth, plan, "first", _said(booth, plan, "first"))
    given = plan.number_of("at")
    at = len(word.times) - 1 if given is None else int(given)
    spliced = cross_spliced(first, word, at=at)
    forms = booth.forms(word.word or "")
    heard, decision, _ = booth.hear(spliced, forms)
    times, join_s = heard.grid.times_s(), spliced.details["join_s"]
    p = heard.posterior(forms).sum(axis=1)
    answer = booth.answered(spliced, decision, word.word)
    after_s = decision.time_s - join_s if answer["recognised"] and decision.time_s is not None else None
    yield {
        **booth.about(plan, replace(spliced, word=word.word)), "first": plan.get("first"),
        "join_s": join_s - spliced.onset_s, **answer, "after_join_s": after_s,
        "p_target": float(heard.final_posterior()[forms].sum()), "log_odds": log_odds(heard, forms),
        "p_mean": float(p[times >= spliced.onset_s].mean()),
    }  # fmt: skip
