"""Fixed instants of fixed recordings, each with a label: the rows that layers, epochs and labels have in common."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from otoscope.core import Activation, BadInput, Interval, Recognizer, Recording
from otoscope.core.arrays import ByValue, frozen_array, set_frozen


@dataclass(frozen=True, eq=False)
class Instants(ByValue):
    """Moments to look at.

    Parameters
    ----------
    recordings
        `(n,)`: the index of each one's recording, ascending.
    times_s
        `(n,)`: where in it.
    labels
        `(n,)` strings: what is said there.
    """

    recordings: NDArray[np.intp]
    times_s: NDArray[np.float64]
    labels: NDArray[np.str_]

    def __post_init__(self) -> None:
        set_frozen(
            self,
            recordings=frozen_array(self.recordings, n_dims=1, name="recordings", dtype=np.intp),
            times_s=frozen_array(self.times_s, n_dims=1, name="times", dtype=np.float64),
            labels=frozen_array(self.labels, n_dims=1, name="labels", dtype=np.str_),
        )
        if not len(self.recordings) == len(self.times_s) == len(self.labels):
            raise BadInput("an instant needs a recording, a time and a label each")

    def __len__(self) -> int:
        return len(self.times_s)


def labelled_instants(
    intervals: Sequence[Sequence[Interval]], *, step_s: float = 0.02, most: int = 2000, seed: int = 0
) -> Instants:
    """Return instants inside labelled intervals, `step_s` apart; intervals without a label are left out.

    Parameters
    ----------
    intervals
        For each recording its words or phones, as `Alignment.words` or `.phones` have them.
    step_s
        Distance in time; each interval that has a label has at least its middle.
    most
        Where there are more, so many are drawn.
    seed
        Of the draw.

    Raises
    ------
    BadInput
        No interval has a label.
    """
    found = [
        (index, float(time), interval.label)
        for index, row in enumerate(intervals)
        for interval in row
        if interval.label
        for time in _inside(interval, step_s)
    ]
    if not found:
        raise BadInput("no interval has a label; give words or phones with times")
    kept = np.arange(len(found))
    if len(found) > most:
        kept = np.sort(np.random.default_rng(seed).choice(len(found), size=most, replace=False))
    recordings, times, labels = zip(*(found[i] for i in kept), strict=True)
    return Instants(np.array(recordings), np.array(times), np.array(labels))


def activations_at(
    recognizer: Recognizer, recordings: Sequence[Recording], instants: Instants, sites: Sequence[str]
) -> dict[str, NDArray[np.float64]]:
    """Return what each site held at each instant, `(n_instants, n_units)`: the frame whose centre is nearest.

    Sites of different frame rates are met by time, never by index.

    Raises
    ------
    BadInput
        A site has no time axis, or an instant names a recording that is not there.
    """
    if len(instants) == 0 or int(instants.recordings.max()) >= len(recordings):
        raise BadInput(f"the instants are of {len(set(instants.recordings.tolist()))} recordings, not these")
    rows: dict[str, list[NDArray[np.float64]]] = {site: [] for site in sites}
    for index in np.unique(instants.recordings):
        trace = recognizer.trace(recordings[index], record=list(sites))
        times = instants.times_s[instants.recordings == index]
        for site in sites:
            rows[site].append(_nearest(trace.activations[site], times))
    return {site: np.concatenate(parts) for site, parts in rows.items()}


def _inside(interval: Interval, step_s: float) -> NDArray[np.float64]:
    if not step_s > 0:
        raise BadInput(f"instants need a step above 0 s, got {step_s}")
    n = max(1, int((interval.end_s - interval.start_s) / step_s + 1e-6))
    from_middle_s: NDArray[np.float64] = (np.arange(n, dtype=np.float64) - (n - 1) / 2) * step_s
    return (interval.start_s + interval.end_s) / 2 + from_middle_s


def _nearest(activation: Activation, times_s: NDArray[np.float64]) -> NDArray[np.float64]:
    if activation.grid is None:
        raise BadInput(f"site {activation.site.name} has no time axis; choose one of frames")
    centres = activation.grid.times_s()
    edges = (centres[:-1] + centres[1:]) / 2
    return activation.values[np.searchsorted(edges, times_s)].astype(np.float64)
