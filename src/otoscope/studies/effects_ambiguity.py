"""Effects of the lexicon on ambiguous and missing sounds: Ganong's shift, and a phone restored under noise."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from otoscope.core import BadInput, Interval, Panel, Recording
from otoscope.lexicon.phone_features import PHONE_FEATURES
from otoscope.listener.competing import Competition
from otoscope.listener.evidence import saying_nothing
from otoscope.listener.stimuli.changing import carried, continuum_sounds, phone_replaced
from otoscope.listener.stimuli.sets.ambiguous import GANONG, GanongPair
from otoscope.listener.stimuli.sets.chosen import ganong_pairs
from otoscope.listener.stimuli.sets.designs import lexical_decision_list
from otoscope.studies.effects_laboratory import Floats, Laboratory, bootstrap, effect_row, spoken
from otoscope.studies.effects_odds import final_log_odds

N_STEPS = 7


def _curves(lab: Laboratory, pair: GanongPair, nth: int, weight: float | None) -> Floats:
    """Return P(second phone) at each step in both carriers, `(2, 7)`, from the words that have either phone there.

    What is heard at the place is asked of the whole lexicon: p of all kept forms that have the one or the other phone
    at that place. That the lexicon has only one of the two carriers' words is what may shift it.
    """
    found = np.full((2, N_STEPS), np.nan)
    first, second = (lab.phones(phones, nth) for phones in pair.first)
    sounds = continuum_sounds(first, second, pair.position, n_steps=N_STEPS)
    index = lab.listener.forms.phones
    for row, carrier in enumerate((pair.first[0], pair.second[0])):
        items = carried(lab.phones(carrier, nth), pair.position, sounds, name="-".join(pair.ends))
        for step, item in enumerate(items):
            heard = lab.compete(item.sound, frequency_weight=weight)
            posterior = heard.posterior([int(form) for form in heard.forms[-1]])[-1]
            mass = [0.0, 0.0]
            for form, p in zip(heard.forms[-1], posterior, strict=True):
                phones = index[int(form)]
                if len(phones) > pair.position and phones[pair.position] in pair.ends:
                    mass[pair.ends.index(phones[pair.position])] += float(np.nan_to_num(p))
            found[row, step] = mass[1] / sum(mass) if sum(mass) else np.nan
    return found


def ganong(lab: Laboratory) -> tuple[list[dict[str, Any]], Panel]:
    """Is an ambiguous phone heard as the one that makes a word, and more so later in the word (Ganong 1980)?"""
    late = ganong_pairs(lab.usual, max(2, lab.n_items // 3), position=-1, seed=lab.seed)
    shifts: dict[str, list[float]] = {"initial": [], "final": []}
    kept = []
    for nth, pair in enumerate((*GANONG, *late)):
        try:
            curves = _curves(lab, pair, nth, None)
        except BadInput:
            continue
        kept.append(curves)
        shifts["initial" if pair.position == 0 else "final"].append(float(np.nanmean(curves[1] - curves[0])))
    first, final = np.array(shifts["initial"]), np.array(shifts["final"])
    both = np.r_[first, final]
    rows = [
        effect_row(
            "Ganong", "shift of P(second phone) between carriers", "towards the word (Ganong 1980)",
            bootstrap(lambda s: float(s.mean()), both, seed=lab.seed), n_items=both.size,
        ),
        effect_row(
            "Ganong by position", "shift of a late phone less that of the first",
            "grows with position (TISK with feedback: .52 to .66)",
            bootstrap(lambda a, b: float(a.mean() - b.mean()), final, first, seed=lab.seed), n_items=both.size,
            note=f"first {first.mean():.2f}, late {final.mean():.2f}",
        ),
    ]  # fmt: skip
    means = np.nanmean(np.array(kept), axis=0)
    data = {
        "x": np.arange(1, N_STEPS + 1),
        "series": [{"label": label, "y": y} for label, y in zip(("first end is a word", "second end is a word"), means,
                                                                 strict=True)],
        "x_label": "step of the continuum", "y_label": "P(second phone)",
    }  # fmt: skip
    return rows, Panel("lines", "A sound is heard as the one that makes a word", data, "Mean of carriers.")


def restoration(lab: Laboratory) -> list[dict[str, Any]]:
    """Is a word better recognised with noise in a phone's place than with silence (Warren 1970; Samuel 1981)?

    The middle phone of words of six to nine phones gives way to noise of the speech's own spectrum, 3 dB above the
    level of the speech and of the phone, so that it could have covered the phone, or to silence. Log-odds of the word
    after the whole signal. The note says which sort of phone gained and as what the ears took the replaced stretch.

    These ears do not know a noise for a noise. So a second row asks for the same with the stretch saying nothing, every
    phone fitting equally, as where a listener knows that something else covered it (McClelland and Elman 1986 simulate
    it so), and a third whether the phone that is missing is then heard: p of all kept words that have it there.
    """
    planned = [
        i for i in lexical_decision_list(lab.usual, 2 * lab.n_items, seed=lab.seed + 2, zipf=(3.0, 5.0), phones=(6, 9))
        if i.kind == "word"
    ]  # fmt: skip
    found, replaced, taken, restored = [], [], [], []
    for nth, plan in enumerate(planned):
        item = spoken(lambda word=plan.label, n=nth: lab.word(word, n))  # type: ignore[misc]
        if item is None or item.phones is None:
            continue
        form, place = lab.form(item.phones), len(item.phones) // 2
        sounds = [phone_replaced(item, place, by=by, seed=nth).sound for by in ("noise", "silence")]
        phone = item.times[place]
        covered = lab.compete(saying_nothing(lab.listener.evidence(item.sound), phone.start_s, phone.end_s), [form])
        heard = [lab.compete(sound, [form]) for sound in (*sounds, item.sound)]
        found.append([final_log_odds(one, form) for one in (*heard, covered)])
        restored.append(_p_of_phone(lab, covered, place, item.phones[place]))
        replaced.append(sort_of(item.phones[place]))
        taken.append([_taken_as(lab, sound, item.times[place]) for sound in sounds])
    return _restoration_rows(lab, np.array(found), np.array(restored), replaced, taken)


def _p_of_phone(lab: Laboratory, heard: Competition, place: int, phone: str) -> float:
    """Return p of the kept forms that have a phone at a place, after the whole signal."""
    posterior = heard.posterior([int(form) for form in heard.forms[-1]])[-1]
    said = [lab.listener.forms.phones[int(form)] for form in heard.forms[-1]]
    return float(sum(p for p, one in zip(posterior, said, strict=True) if len(one) > place and one[place] == phone))


def _restoration_rows(
    lab: Laboratory, odds: Floats, restored: Floats, replaced: Sequence[str], taken: Sequence[Sequence[str]]
) -> list[dict[str, Any]]:
    """Return the rows, from log-odds `(n_items, 4)` with noise, silence, unchanged and covered, and p of the phone."""
    named = zip(("noise", "silence", "unchanged", "saying nothing"), odds.mean(0), strict=True)
    means = ", ".join(f"{name} {value:+.1f}" for name, value in named)
    gains, sorts = odds[:, 0] - odds[:, 1], np.array(replaced)
    by_sort = ", ".join(
        f"{sort} {gains[sorts == sort].mean():+.1f} ({(sorts == sort).sum()})" for sort in sorted(set(replaced))
    )
    heard = "; ".join(f"{name} taken for {_counted(kinds)}" for name, kinds in
                      zip(("noise", "silence"), zip(*taken, strict=True), strict=True))  # fmt: skip
    people = "restored under noise, not in silence (Warren 1970)"
    return [
        effect_row(
            "phoneme restoration", "log-odds of the word: noise less silence", people,
            bootstrap(lambda s: float((s[:, 0] - s[:, 1]).mean()), odds, seed=lab.seed), n_items=len(odds),
            note=f"{means}; by phone replaced: {by_sort}; {heard}",
        ),
        effect_row(
            "phoneme restoration, covered", "log-odds of the word: stretch that says nothing less silence", people,
            bootstrap(lambda s: float((s[:, 3] - s[:, 1]).mean()), odds, seed=lab.seed), n_items=len(odds), note=means,
        ),
        effect_row(
            "phoneme restoration, the phone", "p of the missing phone, less .5", "heard as if it were there",
            bootstrap(lambda s: float(s.mean() - 0.5), restored, seed=lab.seed), n_items=len(odds),
        ),
    ]  # fmt: skip


def sort_of(phone: str) -> str:
    """Return vowel, stop (affricates too), fricative, sonorant, or silence for what is no phone.

    Examples
    --------
    >>> [sort_of(phone) for phone in ("AY", "CH", "S", "N", "SIL")]
    ['vowel', 'stop', 'fricative', 'sonorant', 'silence']
    """
    if phone not in PHONE_FEATURES:
        return "silence"
    manner = PHONE_FEATURES[phone].manner
    sorts = {"diphthong": "vowel", "affricate": "stop", "nasal": "sonorant", "liquid": "sonorant", "glide": "sonorant"}
    return sorts.get(manner, manner)


def _taken_as(lab: Laboratory, sound: Recording, phone: Interval) -> str:
    """Return the sort of the phone whose states the ears find likeliest in most frames of a stretch."""
    evidence, columns = lab.listener.evidence(sound), lab.listener.ears.card.columns
    times = evidence.grid.times_s()
    best = evidence.scores[(times >= phone.start_s) & (times < phone.end_s)].argmax(axis=1)
    return Counter(sort_of(columns[column].partition(".")[0]) for column in best).most_common(1)[0][0]


def _counted(kinds: Sequence[str]) -> str:
    return ", ".join(f"{kind} {n}" for kind, n in Counter(kinds).most_common())
