"""Effects of how often a word is heard: early, and among few or many neighbours."""

from __future__ import annotations

from typing import Any

import numpy as np

from otoscope.core import Panel
from otoscope.listener.stimuli.sets.chosen import frequency_triples
from otoscope.listener.stimuli.sets.designs import frequency_by_density
from otoscope.studies.effects_laboratory import Floats, Laboratory, bootstrap, effect_row, spoken

EARLY_S = 0.1
SHOWN_S = 0.6


def _share(lab: Laboratory, word: str, pair: tuple[str, str], nth: int, weight: float | None) -> Floats | None:
    """Return the share of the frequent word of a pair over 600 ms from the onset of a third word, `(60,)`."""
    item = spoken(lambda: lab.word(word, nth))
    if item is None:
        return None
    forms = [lab.form(lab.usual.pronunciations[lab.usual.position(name)][0]) for name in pair]
    heard = lab.compete(item.sound, forms, frequency_weight=weight)
    scaled = heard.acoustic_scale * (heard.tracked[:, 0] - heard.tracked[:, 1]).astype(np.float64)
    first = int(np.searchsorted(heard.grid.times_s(), item.onset_s))
    share = 1 / (1 + np.exp(-np.clip(np.nan_to_num(scaled), -50, 50)))
    wanted = round(SHOWN_S / 0.01)
    return np.asarray(np.pad(share[first : first + wanted], (0, max(0, first + wanted - share.size)), mode="edge"))


def frequency_early(lab: Laboratory) -> tuple[list[dict[str, Any]], Panel]:
    """Two words that begin like a third: is the frequent one ahead from the first frames (Dahan et al. 2001)?"""
    triples = frequency_triples(lab.usual, lab.n_items, seed=lab.seed)
    curves: dict[str, list[Floats]] = {"own": [], "zero": []}
    for nth, triple in enumerate(triples):
        for name, weight in (("own", None), ("zero", 0.0)):
            found = _share(lab, triple.target, (triple.frequent, triple.rare), nth, weight)
            if found is not None:
                curves[name].append(found)
    own, zero = np.array(curves["own"]), np.array(curves["zero"])
    n_early = round(EARLY_S / 0.01)

    def ahead(sample: Floats) -> float:
        return float(sample[:, :n_early].mean() - 0.5)

    row = effect_row(
        "frequency, early", "share of the frequent of two cohort words over .5, first 100 ms",
        "frequent cohort word looked at more from the first 33-ms slices (Dahan et al. 2001)",
        bootstrap(ahead, own, seed=lab.seed), n_items=len(own), control=f"λ = 0: {ahead(zero):+.3f}",
    )  # fmt: skip
    series = [{"label": "listener's λ", "y": own.mean(0)}, {"label": "λ = 0", "y": zero.mean(0)}]
    data = {
        "x": np.arange(own.shape[1]) * 10.0, "series": series, "x_label": "time from onset (ms)",
        "y_label": "share of the frequent word",
    }  # fmt: skip
    return [row], Panel("lines", "Frequency counts from the first frames", data, "A third word is said; mean of pairs.")


def frequency_by_neighbours(lab: Laboratory) -> list[dict[str, Any]]:
    """Is the effect of frequency larger among few neighbours?"""
    cells: dict[str, list[float]] = {}
    for nth, planned in enumerate(frequency_by_density(lab.usual, max(3, lab.n_items // 2), seed=lab.seed)):
        item = spoken(lambda word=planned.label, n=nth: lab.word(word, n))  # type: ignore[misc]
        if item is None or item.phones is None:
            continue
        form = lab.form(item.phones)
        heard = lab.compete(item.sound, [form])
        times = heard.grid.times_s()
        inside = (times >= item.onset_s) & (times < item.offset_s)
        cells.setdefault(planned.condition, []).append(float(np.mean(heard.posterior([form])[inside, 0])))
    arrays = [np.array(cells[n]) for n in ("high-sparse", "low-sparse", "high-dense", "low-dense")]

    def interaction(a: Floats, b: Floats, c: Floats, d: Floats) -> float:
        return float((a.mean() - b.mean()) - (c.mean() - d.mean()))

    def main(a: Floats, b: Floats, c: Floats, d: Floats) -> float:
        return float((a.mean() - b.mean() + c.mean() - d.mean()) / 2)

    n = sum(map(len, arrays))
    return [
        effect_row(
            "frequency", "mean p(target) in the word: frequent less rare", "frequent words sooner (many)",
            bootstrap(main, *arrays, seed=lab.seed), n_items=n,
        ),
        effect_row(
            "frequency × density", "effect of frequency on p(target): sparse less dense",
            "larger for low-density words (2009)", bootstrap(interaction, *arrays, seed=lab.seed), n_items=n,
        ),
    ]  # fmt: skip
