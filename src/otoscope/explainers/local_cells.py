"""Time-frequency maps of all words from one small set of recordings, by perturbing all words at the same time.

What decides whether a word is heard lies mostly in and right around it. So one masked recording fills a random half of
the cells of *every* word, each word by its own draw: for word A the cells of A are the signal, and what happens to the
other words is noise that averages out. 128 recordings then serve 8 bands x 3 parts of each of 30 words.

The approximation: a cell's relevance for A is its mean effect while half of the cells of all the words asked about are
filled, and cells outside A are taken to have none. `tests/explainers/test_local_cells.py` compares it with cells taken
one by one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import hadamard

from otoscope.core import BadInput, Interval, Recording, Segment, Target
from otoscope.explainers.plan import Masks, ends
from otoscope.explainers.segments import cells

LONGEST_MARGIN_S = 0.05
PART_S = 0.1


@dataclass(frozen=True)
class CellPlan:
    """Cells of all words, and masks over them.

    Parameters
    ----------
    segments
        All cells, word after word; they cover the words asked about only, the rest of the recording is always kept.
    groups
        For each word, the indices of its cells.
    masks
        `(n_masks, n_cells)`: everything, nothing, then pairs of a mask and its complement.
    """

    segments: tuple[Segment, ...]
    groups: tuple[NDArray[np.intp], ...]
    masks: Masks


def plan_cells(
    recording: Recording, words: Sequence[Interval], *, n_bands: int = 8, n_masks: int = 128, seed: int = 0
) -> CellPlan:
    """Cut each word into parts x mel bands and plan which cells to keep.

    A word reaches up to 50 ms into the pauses around it, and has parts of about 100 ms, as many as the design can tell
    apart. Within a word the rows are a two-level Hadamard design (Plackett & Burman 1946), folded over: all main
    effects are orthogonal, and interactions of two cells do not leak into them. Each word has its own
    columns, signs and order of rows.

    Parameters
    ----------
    recording, words
        Where the words lie; words of no length get no cells.
    n_bands
        Mel bands from 0 Hz to half the rate.
    n_masks
        A power of two, at least `4 n_bands` or so; the ends come on top.
    seed
        Seed of columns, signs and rows.
    """
    order = n_masks // 2
    if n_masks < 8 or n_masks & (n_masks - 1) or order <= n_bands:
        raise BadInput(f"n_masks must be a power of two above {2 * n_bands} for {n_bands} bands, got {n_masks}")
    segments: list[Segment] = []
    groups = []
    for window in windows(recording, words):
        n_parts = int(np.clip(round(window.duration_s / PART_S), 1, (order - 1) // n_bands))
        mine = cells(_parts(window, n_parts), n_bands=n_bands, top_hz=recording.rate_hz / 2)
        mine = mine if window.duration_s > 0 else ()
        groups.append(np.arange(len(segments), len(segments) + len(mine)))
        segments += mine
    masks = _design(groups, order, seed=seed)
    return CellPlan(tuple(segments), tuple(groups), masks)


def _design(groups: Sequence[NDArray[np.intp]], order: int, *, seed: int) -> Masks:
    generator = np.random.default_rng([seed, 0xCE11])
    base = hadamard(order)[:, 1:] > 0
    half = np.empty((order, sum(group.size for group in groups)), dtype=bool)
    for group in groups:
        columns = generator.permutation(order - 1)[: group.size]
        signs = generator.random(group.size) < 0.5
        half[:, group] = base[generator.permutation(order)][:, columns] ^ signs
    pairs = np.stack([half, ~half], axis=1).reshape(2 * order, -1)
    return np.vstack([ends(half.shape[1]), pairs])


def windows(recording: Recording, words: Sequence[Interval]) -> tuple[Segment, ...]:
    """Return each word with a margin of 50 ms, or half the pause beside it where that is less.

    Examples
    --------
    >>> recording = Recording(np.zeros(16000), 16000)
    >>> words = [Interval(0.02, 0.4, "a"), Interval(0.44, 0.8, "b")]
    >>> [(round(w.start_s, 3), round(w.end_s, 3)) for w in windows(recording, words)]
    [(0.0, 0.42), (0.42, 0.85)]
    """
    found: list[Segment] = []
    for index, word in enumerate(words):
        before = max((w.end_s for w in words if w is not word and w.end_s <= word.start_s), default=None)
        after = min((w.start_s for w in words if w is not word and w.start_s >= word.end_s), default=None)
        left = word.start_s if before is None else (word.start_s - before) / 2
        right = recording.duration_s - word.end_s if after is None else (after - word.end_s) / 2
        start_s = max(0.0, word.start_s - min(LONGEST_MARGIN_S, left))
        end_s = min(recording.duration_s, word.end_s + min(LONGEST_MARGIN_S, max(0.0, right)))
        if word.duration_s == 0:
            start_s = end_s = word.start_s
        found.append(Segment(start_s, end_s, label=words[index].label))
    return tuple(found)


def _parts(window: Segment, n_parts: int) -> list[Segment]:
    edges = np.linspace(window.start_s, window.end_s, n_parts + 1)
    return [Segment(float(a), float(b), label=window.label) for a, b in pairwise(edges)]


def cell_effects(masks: Masks, scores: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the mean effect of keeping each cell and its standard error, both `(n_cells,)`.

    The effect is the difference of the mean scores with and without the cell. Within a pair of a mask and its
    complement only the difference of the two scores counts, so the error comes from what the cells leave unexplained of
    those differences: interactions of two cells are not in them.

    Parameters
    ----------
    masks
        `(n_masks, n_cells)` columns of a folded design, without the two ends.
    scores
        `(n_masks,)`.
    """
    sign = np.where(masks[0::2], 1.0, -1.0)
    differences = scores[0::2] - scores[1::2]
    n_pairs, n_cells = sign.shape
    effects = sign.T @ differences / n_pairs
    if n_cells < n_pairs:
        residual = differences - sign @ effects
        spread = np.full(n_cells, float(residual @ residual) / (n_pairs - n_cells))
    else:
        spread = (sign * differences[:, None]).var(axis=0, ddof=1)
    return effects, np.sqrt(spread / n_pairs)


def own_columns(plan: CellPlan, target: Target, words: Sequence[Interval]) -> NDArray[np.intp]:
    """Return the cells of a target: those of its own interval, of all words for an utterance."""
    if target.interval is None:
        return np.concatenate(plan.groups)
    return plan.groups[list(words).index(target.interval)]
