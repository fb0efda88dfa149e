"""Effects of what words are made of: embedded words, words said backwards, pseudowords, neighbours in noise."""

from __future__ import annotations

from typing import Any

import numpy as np

from otoscope.listener.competing import compete
from otoscope.listener.stimuli.changing import in_noise
from otoscope.listener.stimuli.sets.ambiguous import EMBEDDED
from otoscope.listener.stimuli.sets.chosen import embedded_pairs
from otoscope.listener.stimuli.sets.designs import frequency_by_density
from otoscope.listener.stimuli.sets.displays import TOSCANO_2013
from otoscope.studies.effects_laboratory import Laboratory, bootstrap, effect_row, spoken

SNR_DB = 0.0


def embedded_words(lab: Laboratory) -> list[dict[str, Any]]:
    """Does the long word win in the end, and the short one when only it is said (the final-state rule)?"""
    pairs = (*EMBEDDED, *embedded_pairs(lab.usual, max(2, lab.n_items - len(EMBEDDED)), seed=lab.seed))
    ends, early, alone, without = [], [], [], []
    for nth, (short, long) in enumerate(pairs):
        forms = [lab.form(lab.usual.pronunciations[lab.usual.position(word)][0]) for word in (short, long)]
        item = spoken(lambda word=long, n=nth: lab.word(word, n))  # type: ignore[misc]
        own = spoken(lambda word=short, n=nth: lab.word(word, n))  # type: ignore[misc]
        if item is None or own is None:
            continue
        heard = lab.compete(item.sound, forms)
        scale = heard.acoustic_scale
        ends.append(scale * float(heard.final[forms[1]] - heard.final[forms[0]]))
        boundary_s = item.boundary_s(min(len(own.phones or ()), len(item.phones or ())))
        frame = min(int(np.searchsorted(heard.grid.times_s(), boundary_s)), len(heard.lead) - 1)
        early.append(scale * float(heard.tracked[frame, 0] - heard.tracked[frame, 1]))
        said = lab.compete(own.sound, forms)
        alone.append(scale * float(said.final[forms[0]] - said.final[forms[1]]))
        evidence, settings = lab.listener.evidence(own.sound), lab.listener.settings
        partial = compete(
            evidence, lab.listener.tree(evidence.models), frequency_weight=settings.frequency_weight,
            acoustic_scale=settings.acoustic_scale, n_kept=1, track=forms,
        )  # fmt: skip
        without.append(scale * float(partial.tracked[-1, 0] - partial.tracked[-1, 1]))
    values = [np.clip(np.array(one), -50, 50) for one in (ends, early, alone, without)]

    def share(sample: Any) -> float:
        return float((sample > 0).mean() - 0.5)

    found = [bootstrap(share, one, seed=lab.seed) for one in values[:3]]
    mean = float(values[1].mean())
    return [
        effect_row("embedded words, end", "share of long words that beat the short one, over .5", "long word wins",
                   found[0], n_items=len(ends), note=f"embedded ahead at its own end in {found[1][0] + 0.5:.2f}, "
                   f"by {mean:.1f} nats"),
        effect_row("embedded words, alone", "share of short words that beat the long one, over .5", "short word heard",
                   found[2], n_items=len(alone), control=f"partial rule to the end: {share(values[3]):+.2f}"),
    ]  # fmt: skip


def anadromes(lab: Laboratory) -> list[dict[str, Any]]:
    """Is "sub" more active than an unrelated word while "bus" is said (Toscano et al. 2013)?"""
    found = []
    target, backwards, _, unrelated = TOSCANO_2013[0]
    for nth in range(len(lab.voices)):
        item = spoken(lambda n=nth: lab.word(target, n))  # type: ignore[misc]
        if item is None:
            continue
        forms = [lab.form(lab.usual.pronunciations[lab.usual.position(w)][0]) for w in (backwards, unrelated)]
        heard = lab.compete(item.sound, forms)
        inside = (heard.grid.times_s() >= item.onset_s) & (heard.grid.times_s() < item.offset_s)
        p = heard.posterior(forms)[inside]
        found.append(float((p[:, 0] - p[:, 1]).mean()))
    values = np.array(found)
    return [effect_row(
        "anadromes", "mean p(sub) less p(well) in bus", "above unrelated (Toscano et al. 2013)",
        bootstrap(lambda s: float(s.mean()), values, seed=lab.seed), n_items=1,
        note=f"one set, {len(found)} voices: the interval is over voices; words are ordered states, so order counts",
    )]  # fmt: skip


def in_noise_by_neighbours(lab: Laboratory) -> list[dict[str, Any]]:
    """In noise, are words of few and rare neighbours, and frequent ones, better recognised (Luce and Pisoni 1998)?"""
    cells: dict[str, list[float]] = {}
    for nth, planned in enumerate(frequency_by_density(lab.usual, max(3, lab.n_items // 2), seed=lab.seed + 4)):
        item = spoken(lambda word=planned.label, n=nth: lab.word(word, n))  # type: ignore[misc]
        if item is None or item.phones is None:
            continue
        form = lab.form(item.phones)
        heard = lab.compete(in_noise(item, SNR_DB, seed=nth).sound, [form])
        cells.setdefault(planned.condition, []).append(float(heard.final_posterior()[form]))
    frequent, rare = (np.array(cells[f"{one}-dense"] + cells[f"{one}-sparse"]) for one in ("high", "low"))
    sparse, dense = (np.array(cells[f"high-{one}"] + cells[f"low-{one}"]) for one in ("sparse", "dense"))

    def difference(a: Any, b: Any) -> float:
        return float(a.mean() - b.mean())

    people = "density slows, frequency speeds (Luce and Pisoni 1998)"
    n = frequent.size + rare.size
    return [
        effect_row("NAM in noise, frequency", "p(word) at 0 dB: frequent less rare", people,
                   bootstrap(difference, frequent, rare, seed=lab.seed), n_items=n),
        effect_row("NAM in noise, density", "p(word) at 0 dB: sparse less dense", people,
                   bootstrap(difference, sparse, dense, seed=lab.seed), n_items=n),
    ]  # fmt: skip
