"""The search for heads: rank each alone, then add the one that helps most, on utterances held out from the ranking."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from otoscope.core import BadInput
from otoscope.recognizers.whisper.attention_path import attention_matrix
from otoscope.recognizers.whisper.heads import Head, HeadChoice, Known, ranked_by_path
from otoscope.recognizers.whisper.times import StatesPlan, TimesBy, place_words

LEADS_S = tuple(0.02 * step for step in range(-5, 6))
"""Leads of the attention over the sound that are tried."""
MOST_ERROR_S = 0.2
"""An edge further off counts as this in the search; medians are told as they are."""
MOST_LED_S = 0.1
"""The same in the search for the lead, which words that are lost altogether say nothing about."""
LEAST_GAIN = 0.03
"""Share of the error that a further head must take away."""
N_WITHOUT_TRUTH = 6
"""Heads taken where no times are known; openai/whisper names 6 to 24 for its own models."""


def choose_heads(
    known: Sequence[Known], *, by: TimesBy = "states", most: int = 8, n_candidates: int = 16, material: str = ""
) -> HeadChoice:
    """Return the heads whose attention places the words best.

    Parameters
    ----------
    known
        Utterances; where every one has its `truth`, heads are chosen by the error of word edges: all are ranked on the
        first half, then added one by one while the error on the second half falls. Without truth the
        `N_WITHOUT_TRUTH` heads of the highest `path_mass` are taken.
    by
        How words will be placed.
    most, n_candidates
        Most heads to take, and from how many of the best to take them.
    material
        What is told of the utterances.

    Raises
    ------
    BadInput
        Fewer than two utterances, or networks of different sizes.
    """
    if len(known) < 2 or len({k.attention.shape[:2] for k in known}) > 1:
        raise BadInput(f"a calibration needs two utterances or more heard by one network, got {len(known)}")
    if any(k.truth is None for k in known):
        ranked = ranked_by_path(known)[: min(most, N_WITHOUT_TRUTH)]
        return HeadChoice(tuple(sorted(h for h, _ in ranked)), "calibrated without truth", material=material)
    first, second = known[: len(known) // 2], known[len(known) // 2 :]
    n_layers, n_heads = known[0].attention.shape[:2]
    heads = [(layer, head) for layer in range(n_layers) for head in range(n_heads)]
    prepared = _Prepared(first, heads, by)
    alone = sorted(heads, key=lambda head: prepared.error((head,)))[:n_candidates]
    held_out = _Prepared(second, alone, by)
    chosen = _grown(held_out, alone, most)
    lead_s = _lead_s((prepared, held_out), chosen)
    error_s = float(np.median(held_out.errors(chosen, lead_s)))
    return HeadChoice(tuple(sorted(chosen)), "calibrated", lead_s, error_s, material)


def _grown(prepared: _Prepared, candidates: Sequence[Head], most: int) -> tuple[Head, ...]:
    """Return the set grown by one head at a time."""
    chosen: tuple[Head, ...] = ()
    best = np.inf
    while len(chosen) < most and (rest := [head for head in candidates if head not in chosen]):
        found = {head: prepared.error((*chosen, head)) for head in rest}
        head = min(rest, key=lambda h: found[h])
        if found[head] >= (1 - LEAST_GAIN) * best:
            break
        chosen, best = (*chosen, head), found[head]
    return chosen


def _lead_s(both: Sequence[_Prepared], chosen: Sequence[Head]) -> float:
    """Return the lead of least error on all utterances; none, unless another is better by `LEAST_GAIN`."""
    found = {
        lead_s: float(np.mean([np.minimum(own.errors(chosen, lead_s), MOST_LED_S).mean() for own in both]))
        for lead_s in LEADS_S
    }
    best = min(found, key=lambda lead_s: found[lead_s])
    return best if found[best] < (1 - LEAST_GAIN) * found[0.0] else 0.0


class _Prepared:
    """Utterances with each head's matrix made once: the matrix of several heads is the mean of theirs."""

    def __init__(self, known: Sequence[Known], heads: Sequence[Head], by: TimesBy) -> None:
        self.known, self.by = known, by
        self.matrices: list[dict[Head, NDArray[np.float32]]] = [
            {head: attention_matrix(k.attention[head][None], n_frames=k.n_frames) for head in heads} for k in known
        ]

    def errors(self, heads: Sequence[Head], lead_s: float = 0.0) -> NDArray[np.float64]:
        """Return the absolute errors of all starts and ends, seconds."""
        plan = dataclasses.replace(StatesPlan(), lead_s=lead_s)
        found: list[float] = []
        for k, own in zip(self.known, self.matrices, strict=True):
            matrix = np.mean([own[head] for head in heads], axis=0)
            placed = place_words(
                matrix, k.words, duration_s=k.duration_s, by=self.by, sound=k.sound, plan=plan
            ).words.intervals
            for word, true in zip(placed, k.truth or (), strict=True):
                found += [abs(word.start_s - true.start_s), abs(word.end_s - true.end_s)]
        return np.array(found)

    def error(self, heads: Sequence[Head], lead_s: float = 0.0) -> float:
        """Return the mean error, none more than `MOST_ERROR_S`."""
        return float(np.minimum(self.errors(heads, lead_s), MOST_ERROR_S).mean())
