"""Effects of sounds that fit a word badly: mispronunciations, and a vowel that announces another consonant.

Both are log-odds of the word against all others (`otoscope.studies.effects_odds`): p(word) is near 0 or near 1 for
most. Mispronunciations: Connine, Blasko and Titone (1993, Journal of Memory and Language 32, 193-210): a first sound
changed in few features primes a word's associates, one changed in many does not; the word counts after the whole
signal. Mismatch: Marslen-Wilson and Warren (1994, Psychological Review 101, 653-675) and Dahan et al. (2001, Language
and Cognitive Processes 16, 507-534) splice the end of a word behind the vowel of the same word (W1W1), of a pseudoword
(N3W1) or of a rival (W2W1); only what is heard from the splice on can tell them apart, so the log-odds count from
there to 200 ms behind the offset, besides the times of decision for the word, and looks at its picture beside the
rival's, as in one experiment of Dahan et al. (of whom the abstract was read): people look later at the word after its
rival's vowel than after a pseudoword's, whether the rival is shown or not; in lexical decision this does not show.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from otoscope.lexicon.pronunciations import Phones
from otoscope.lexicon.pseudowords import PseudowordMaker
from otoscope.listener.looking import Link
from otoscope.listener.stimuli.cutting import cross_spliced
from otoscope.listener.stimuli.items import Item
from otoscope.listener.stimuli.sets.ambiguous import MISMATCH, MismatchTriple
from otoscope.listener.stimuli.sets.chosen import mismatch_triples
from otoscope.listener.stimuli.sets.designs import feature_distance, lexical_decision_list
from otoscope.studies.effects_laboratory import Floats, Laboratory, bootstrap, effect_row, spoken
from otoscope.studies.effects_odds import final_log_odds, running_log_odds
from otoscope.studies.visual_world import TIMES_S, Trial, looks

BEHIND_S = 0.2
"""How far behind the offset mismatches count."""
FROM_S = 0.2
"""Start of the window of looks: what an eye movement takes."""
N_VOICES = 2
"""Voices that say each triple of a mismatch."""
SPLICES = ("W1W1", "N3W1", "W2W1")
WHY = (
    "; words do not inhibit one another here: the rival, likelier after its own vowel, is ruled out by the consonant "
    "and takes no more from the word"
)
"""Why a rival's vowel need harm no more than a pseudoword's, said where it does not: followed from the splice on, the
rival's log-odds are higher after its own vowel, and far below the word's within 50 to 100 ms all the same."""


def mispronunciation(lab: Laboratory) -> list[dict[str, Any]]:
    """Does a first phone changed in fewer features harm a word less?"""
    planned = [
        i for i in lexical_decision_list(lab.usual, 2 * lab.n_items, seed=lab.seed + 3, zipf=(3.5, 5.0), phones=(5, 8))
        if i.kind == "word"
    ]  # fmt: skip
    found, maker = [], PseudowordMaker(lab.usual)
    for nth, plan in enumerate(planned):
        changed = None if plan.phones is None else nearest_and_farthest(maker, plan.phones)
        if plan.phones is None or changed is None:
            continue
        form, values = lab.form(plan.phones), []
        for phones in (plan.phones, *changed):
            item = spoken(lambda said=phones, n=nth: lab.phones(said, n))  # type: ignore[misc]
            if item is not None:
                values.append(final_log_odds(lab.compete(item.sound, [form]), form))
        if len(values) == 3:
            found.append(values)
    odds = np.array(found)
    names = ("as said", "near", "far")
    means = ", ".join(f"{name} {value:+.1f}" for name, value in zip(names, odds.mean(0), strict=True))
    return [effect_row(
        "mispronunciation", "log-odds of the word: few features changed less many",
        "fewer features, less disruption (Connine et al. 1993)",
        bootstrap(lambda s: float((s[:, 1] - s[:, 2]).mean()), odds, seed=lab.seed), n_items=len(odds), note=means,
    )]  # fmt: skip


def nearest_and_farthest(maker: PseudowordMaker, said: Phones) -> tuple[Phones, Phones] | None:
    """Return the pseudowords that another first phone makes, of fewest and of most features changed; `None`: all alike.

    As `otoscope.listener.stimuli.sets.designs.mispronunciations`, which learns phonotactics anew for each word.
    """
    made = sorted(
        ((one.phones, feature_distance(said[0], one.phones[0])) for one in maker.changed_at(said, 0)),
        key=lambda pair: pair[1],
    )
    return None if not made or made[0][1] == made[-1][1] else (made[0][0], made[-1][0])


def subcategorical_mismatch(lab: Laboratory) -> list[dict[str, Any]]:
    """W1W1 before N3W1 before W2W1: do vowels of a word harm more than those of no word?"""
    triples = (*MISMATCH, *mismatch_triples(lab.usual, max(1, lab.n_items - len(MISMATCH)), seed=lab.seed))
    others = [*(one.word for one in triples), *(one.rival for one in triples)]
    others += [phones for phones in lab.usual.forms.phones[:1000] if len(phones) == 3]
    found = [
        [_measured(lab, triple, others[nth + 1 :], voice) for voice in range(N_VOICES * nth, N_VOICES * (nth + 1))]
        for nth, triple in enumerate(triples)
    ]
    return _mismatch_rows(lab, *np.moveaxis(np.array(found, dtype=np.float64), 2, 0))


def _measured(lab: Laboratory, triple: MismatchTriple, others: Sequence[Phones], nth: int) -> Floats:
    """Return log-odds, time of decision and looks `(3, 3)` after each vowel, said by the nth voice; NaN: not said."""
    said = [spoken(lambda p=p: lab.phones(p, nth)) for p in (triple.word, triple.pseudoword, triple.rival)]  # type: ignore[misc]
    whole = [item for item in said if item is not None]
    form = lab.listener.forms.index.get(triple.word)
    if len(whole) < 3 or form is None:
        return np.full((3, 3), np.nan)
    at = len(triple.word) - 1
    shown = (triple.word, triple.rival, *unlike(triple.word, others))
    spliced = [cross_spliced(item, whole[0], at=at) for item in whole]
    heard = [(*_from_splice(lab, item, at, form), _looks(lab, item, shown)) for item in spliced]
    return np.array(heard).T


def unlike(said: Phones, words: Sequence[Phones]) -> tuple[Phones, ...]:
    """Return the first two words that begin and rhyme otherwise.

    Examples
    --------
    >>> net = ("N", "EH", "T")
    >>> unlike(net, [("N", "AA", "T"), ("B", "EH", "T"), ("R", "AA", "K"), ("P", "AE", "D")])
    (('R', 'AA', 'K'), ('P', 'AE', 'D'))
    """
    return tuple(dict.fromkeys(one for one in words if one[0] != said[0] and one[-2:] != said[-2:]))[:2]


def _looks(lab: Laboratory, item: Item, shown: Sequence[Phones]) -> float:
    """Return the mean share of looks at the first of the words shown, 0.2 to 1 s from word onset."""
    forms, settings = lab.listener.forms, lab.listener.settings
    prior = settings.frequency_weight * forms.log_prior[[lab.form(one) for one in shown]].astype(np.float64)
    trial = Trial(lab.listener.evidence(item.sound), tuple(shown), prior, item.onset_s, item.offset_s)
    curve = looks([trial], Link(settings.acoustic_scale, rule=settings.rule)).curves["target"]
    return float(curve[TIMES_S >= FROM_S].mean())


def _from_splice(lab: Laboratory, item: Item, at: int, form: int) -> tuple[float, float]:
    """Return the mean log-odds of a word from the splice on, and when it is decided on, from the splice (NaN: not)."""
    heard = lab.compete(item.sound, [form])
    times, splice_s = heard.grid.times_s(), item.boundary_s(at)
    inside = (times >= splice_s) & (times < item.offset_s + BEHIND_S)
    made = lab.listener.decide(heard, offset_s=item.offset_s)
    mean = float(running_log_odds(heard, form)[inside].mean())
    if made.form is None or made.time_s is None or lab.listener.forms.are_rivals(made.form, form):
        return mean, np.nan
    return mean, made.time_s - splice_s


def _mismatch_rows(lab: Laboratory, odds: Floats, latencies: Floats, shares: Floats) -> list[dict[str, Any]]:
    """Return rows of the measures, `(n_items, n_voices, 3)` each: both steps of log-odds and looks, one of times."""
    people = "W1W1 < N3W1 < W2W1 in time, in looks (Dahan et al. 2001)"
    rows = []
    for measure, where, values in (("", "log-odds of the word from the splice on", odds),
                                   (", rival shown", "looks at the word, 0.2 to 1 s", shares)):  # fmt: skip
        means = ", ".join(f"{name} {value:+.2f}" for name, value in zip(SPLICES, _means(values), strict=True))
        for first, second in ((0, 1), (1, 2)):
            name, sample = (
                f"{SPLICES[first]} less {SPLICES[second]}",
                _by_item(values[..., first] - values[..., second]),
            )
            found = bootstrap(_mean, sample, seed=lab.seed)
            why = WHY if not measure and second == 2 and found[1] <= 0 else ""
            rows.append(effect_row(
                f"subcategorical mismatch{measure}, {name}", f"{where}: {name}", people, found, n_items=len(sample),
                note=means + why,
            ))  # fmt: skip
    right = ", ".join(f"{n} {s:.2f}" for n, s in zip(SPLICES, _means(np.isfinite(latencies) * 1.0), strict=True))
    later = [_mean(_by_item(latencies[..., 2] - latencies[..., k])) for k in (0, 1)]
    sample = _by_item(latencies[..., 1] - latencies[..., 0])
    rows.append(effect_row(
        "subcategorical mismatch, time, N3W1 less W1W1", "decision from the splice (s): N3W1 less W1W1, both right",
        "W1W1 soonest; in lexical decision N3W1 and W2W1 are alike (Marslen-Wilson & Warren 1994)",
        bootstrap(_mean, sample, seed=lab.seed), n_items=len(sample),
        note=f"share right: {right}; W2W1 less W1W1 {later[0]:+.3f} s, less N3W1 {later[1]:+.3f} s",
    ))  # fmt: skip
    return rows


def _by_item(values: Floats) -> Floats:
    """Return the mean of each item over the voices that have it, from `(n_items, n_voices)`; none: left out."""
    there = np.isfinite(values)
    kept = there.any(axis=1)
    return np.asarray(np.where(there, values, 0.0).sum(axis=1)[kept] / there.sum(axis=1)[kept])


def _means(values: Floats) -> list[float]:
    return [float(one) for one in np.nanmean(values, axis=(0, 1))]


def _mean(sample: Floats) -> float:
    return float(sample.mean())
