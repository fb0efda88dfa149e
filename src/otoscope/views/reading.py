"""What an attribution says: the stretch it rests on, in one sentence."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from otoscope.core import Attribution, Target


@dataclass(frozen=True)
class Stretch:
    """Where an attribution rests.

    `share` is the part of all positive relevance that lies in it, `chance` what a flat map would have there (its part
    of the explained time). The stretch is picked from the map itself, so `share` above `chance` is no test; the test is
    the relevance mass inside the word's own interval (`Trust.relevance_mass`).
    """

    start_s: float
    end_s: float
    share: float
    chance: float


def percent(share: float) -> str:
    """Return a share as a whole percentage; small ones keep a digit.

    Examples
    --------
    >>> percent(0.824), percent(0.0042), percent(0.0)
    ('82 %', '0.4 %', '0 %')
    """
    return f"{100 * share:.1f} %" if 0 < share < 0.01 else f"{100 * share:.0f} %"


def span(start_s: float, end_s: float) -> str:
    """Return a stretch of time as text.

    Examples
    --------
    >>> span(1.239, 1.62)
    '1.24–1.62 s'
    """
    return f"{start_s:.2f}–{end_s:.2f} s"


def name_of(target: Target) -> str:
    """Return what a target is called on a page.

    Examples
    --------
    >>> name_of(Target.utterance("hey computer").rather_than("hay computer"))
    '“hey computer” rather than “hay computer”'
    """
    return f"“{target.label}”" + (f" rather than “{target.rival}”" if target.rival is not None else "")


def flat_map(attribution: Attribution) -> np.ndarray:
    """Return what a map that knows nothing would give each segment, `(n_segments,)` nats.

    All positive relevance, spread evenly over the area (seconds, or seconds times hertz) of the segments.
    """
    areas = np.array([_area(s.duration_s, s.low_hz, s.high_hz) for s in attribution.segments], dtype=float)
    total = float(attribution.relevance.clip(min=0).sum())
    return total * areas / areas.sum() if areas.size and areas.sum() > 0 else np.zeros(areas.size)


def _area(duration_s: float, low_hz: float | None, high_hz: float | None) -> float:
    return duration_s if low_hz is None or high_hz is None else duration_s * (high_hz - low_hz)


def stretch_of(attribution: Attribution, *, level: float = 0.5) -> Stretch | None:
    """Return the stretch of time an attribution rests on, `None` where no segment spoke for the target.

    Relevance is summed over bands, then the stretch grows from the strongest moment to both sides while the neighbour
    touches it and has at least `level` times the strongest moment's relevance.

    Examples
    --------
    >>> from otoscope.core import Segment
    >>> parts = [Segment(t / 10, (t + 1) / 10) for t in range(5)]
    >>> hi = Target.utterance("hi")
    >>> found = stretch_of(Attribution(hi, parts, [0, 3, 6, 1, -2], "shapley", "silence", 0, -8, 64))
    >>> found.start_s, found.end_s, found.share, round(found.chance, 9)
    (0.1, 0.3, 0.9, 0.4)
    """
    columns: dict[tuple[float, float], float] = {}
    for segment, value in zip(attribution.segments, attribution.relevance, strict=True):
        key = (segment.start_s, segment.end_s)
        columns[key] = columns.get(key, 0.0) + float(value)
    spans = sorted(columns)
    if not spans or max(columns.values()) <= 0:
        return None
    values = np.array([columns[s] for s in spans])
    first = last = int(np.argmax(values))
    enough = level * values[first]
    while first > 0 and values[first - 1] >= enough and spans[first - 1][1] >= spans[first][0] - 1e-6:
        first -= 1
    while last + 1 < len(spans) and values[last + 1] >= enough and spans[last + 1][0] <= spans[last][1] + 1e-6:
        last += 1
    positive = values.clip(min=0)
    lengths = np.array([end - start for start, end in spans])
    inside = slice(first, last + 1)
    share = float(positive[inside].sum() / positive.sum())
    chance = float(lengths[inside].sum() / lengths.sum()) if lengths.sum() > 0 else 1.0
    return Stretch(spans[first][0], spans[last][1], share, chance)


def sentence(attribution: Attribution) -> str:
    """Return what the map says, in one sentence with its chance level."""
    name = name_of(attribution.target)
    stretch = stretch_of(attribution)
    if stretch is None:
        return f"No stretch of the recording spoke for {name}: taking any of it away did not lower the score."
    where = span(stretch.start_s, stretch.end_s)
    share, chance = percent(stretch.share), percent(stretch.chance)
    return f"{name} rests on {where} ({share} of its positive relevance, chance {chance})."


def warning_of(attribution: Attribution) -> str:
    """Return why the map should not be believed, empty where no check failed."""
    return "; ".join(attribution.trust.failures)
