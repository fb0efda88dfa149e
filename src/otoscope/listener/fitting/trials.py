"""Human trials: who heard what, how fast and how rightly they answered."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from otoscope.core import BadInput
from otoscope.core.arrays import ByValue, frozen_array, set_frozen

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, eq=False, repr=False)
class Trials(ByValue):
    """One entry a trial; of items and listeners, each once.

    Parameters
    ----------
    items, listeners
        Names.
    item, listener
        `(n_trials,)` which of them.
    rt_s
        `(n_trials,)` from the onset of the item to the answer, above 0.
    previous_rt_s
        `(n_trials,)` of the same listener's trial before; NaN for the first, or where it is not known.
    correct
        `(n_trials,)` whether the answer was right.
    is_word
        `(n_items,)`.
    duration_s
        `(n_items,)`, NaN where it is not known.
    n_unanswered
        How many further trials had no time, and are not here.
    """

    items: tuple[str, ...]
    listeners: tuple[str, ...]
    item: Ints
    listener: Ints
    rt_s: Floats
    previous_rt_s: Floats
    correct: NDArray[np.bool_]
    is_word: NDArray[np.bool_]
    duration_s: Floats
    n_unanswered: int = 0

    def __post_init__(self) -> None:
        kinds: dict[str, type] = {"item": np.int64, "listener": np.int64, "rt_s": np.float64}
        kinds |= {"previous_rt_s": np.float64, "correct": np.bool_, "is_word": np.bool_, "duration_s": np.float64}
        made = {name: frozen_array(getattr(self, name), n_dims=1, name=name, dtype=k) for name, k in kinds.items()}
        set_frozen(self, items=tuple(self.items), listeners=tuple(self.listeners), **made)
        n, n_items = self.rt_s.size, len(self.items)
        if any(made[name].size != n for name in ("item", "listener", "previous_rt_s", "correct")):
            raise BadInput(f"{n} reaction times need as many items, listeners, previous times and answers")
        if self.is_word.size != n_items or self.duration_s.size != n_items:
            raise BadInput(f"{n_items} items need as many kinds and durations")
        if n and (self.item.max() >= n_items or self.listener.max() >= len(self.listeners) or self.item.min() < 0):
            raise BadInput("a trial names an item or listener that is not there")
        if not np.isfinite(self.rt_s).all() or (self.rt_s <= 0).any():
            raise BadInput("reaction times must be above 0 seconds; leave out trials without an answer")

    def __repr__(self) -> str:
        return f"Trials({len(self)} of {len(self.listeners)} listeners, {len(self.items)} items)"

    def __len__(self) -> int:
        return int(self.rt_s.size)

    def only(self, keep: ArrayLike) -> Trials:
        """Return the trials that a mask `(n_trials,)` keeps; items and listeners stay numbered as they are."""
        mask = np.asarray(keep)
        parts = {name: getattr(self, name)[mask] for name in ("item", "listener", "rt_s", "previous_rt_s", "correct")}
        return replace(self, **parts)

    def answered(self, *, words: bool | None = True, fastest_s: float = 0.2, slowest_s: float = 4.0) -> Trials:
        """Return trials answered rightly within bounds, of words, of pseudowords (`False`) or of both (`None`)."""
        keep = self.correct & (self.rt_s >= fastest_s) & (self.rt_s <= slowest_s)
        return self.only(keep if words is None else keep & (self.is_word[self.item] == words))

    def item_means(self, values: ArrayLike) -> Floats:
        """Return `(n_items,)` means of a number a trial, NaN for items without a trial."""
        n = np.bincount(self.item, minlength=len(self.items))
        total = np.bincount(self.item, weights=np.asarray(values, dtype=np.float64), minlength=len(self.items))
        return np.where(n > 0, total / np.maximum(n, 1), np.nan)


def trials_from(
    items: Sequence[str],
    listeners: Sequence[str],
    rt_s: ArrayLike,
    *,
    correct: ArrayLike,
    of_item: tuple[Sequence[bool], Sequence[float]],
    order: ArrayLike | None = None,
    previous_rt_s: ArrayLike | None = None,
) -> Trials:
    """Number items and listeners and find each trial's previous reaction time.

    Parameters
    ----------
    items, listeners, rt_s, correct
        One entry a trial; reaction times that are NaN or not above 0 (no answer) are left out, after they have served
        to know what came before.
    of_item
        Kind and duration (s; NaN not known), one entry a trial, those of its item.
    order
        When each trial came among those of its listener; `None`: as given.
    previous_rt_s
        Where they are known already.
    """
    rt = np.asarray(rt_s, dtype=np.float64)
    names, first, item = np.unique(np.asarray(items), return_index=True, return_inverse=True)
    people, listener = np.unique(np.asarray(listeners), return_inverse=True)
    when = np.arange(rt.size) if order is None else np.asarray(order, dtype=np.float64)
    before = _before(rt, listener, when) if previous_rt_s is None else np.asarray(previous_rt_s, dtype=np.float64)
    kinds, durations = (np.asarray(each)[first] for each in of_item)
    keep = np.isfinite(rt) & (rt > 0)
    return Trials(
        tuple(names.tolist()), tuple(people.tolist()), item[keep], listener[keep], rt[keep], before[keep],
        np.asarray(correct, dtype=bool)[keep], kinds.astype(bool), durations.astype(np.float64), int((~keep).sum()),
    )  # fmt: skip


def _before(rt: Floats, listener: Ints, when: NDArray[np.generic]) -> Floats:
    sequence = np.lexsort((when, listener))
    before = np.full(rt.size, np.nan)
    same = listener[sequence[1:]] == listener[sequence[:-1]]
    before[sequence[1:][same]] = rt[sequence[:-1][same]]
    return np.where(before > 0, before, np.nan)
