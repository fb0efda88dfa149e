"""What an attribution says: the stretch it rests on, in one sentence, and the checks beside chance."""

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


@dataclass(frozen=True)
class Check:
    """One measured property of a map, with the value that chance would give. `value` is `None` if not measured."""

    name: str
    value: float | None
    chance: float | None
    low: float
    high: float
    unit: str
    meaning: str

    @property
    def text(self) -> str:
        """The value as it is printed."""
        return _number(self.value, self.unit) if self.value is not None else "not measured"

    @property
    def chance_text(self) -> str:
        """The chance level as it is printed; empty where there is none."""
        return _number(self.chance, self.unit) if self.chance is not None else ""


def _number(value: float, unit: str) -> str:
    if unit == "%":
        return percent(value)
    if unit == "yes/no":
        return "yes" if value else "no"
    text = f"{value:.3g} {unit}" if unit else f"{value:.2f}" if value else "0"
    return text.replace("-", "−")


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


def checks(attribution: Attribution) -> tuple[Check, ...]:
    """Return the measured properties of a map, each with its chance level and what it means."""
    trust = attribution.trust
    hit = None if trust.pointing_hit is None else float(trust.pointing_hit)
    change = attribution.score - attribution.baseline_score
    return (
        Check("Relevance inside the word", trust.relevance_mass, trust.chance_mass, 0, 1, "%",
              "share of positive relevance within the word's own time; chance is its share of the recording"),
        Check("Strongest segment meets the word", hit, None, 0, 1, "yes/no",
              "whether the single most relevant segment touches the word (pointing game)"),
        Check("Predicts held-out masks", trust.faithfulness_correlation, 0.0, -1, 1, "",
              "correlation of summed relevance with the measured drop of the score; 1 is perfect"),
        Check("Agreement between seeds", trust.seed_agreement, 0.0, -1, 1, "",
              "correlation of two maps that differ only in the random masks"),
        Check("Agreement between fills", trust.fill_agreement, 0.0, -1, 1, "",
              "correlation of two maps that differ in what replaces removed sound"),
        Check("Completeness gap", attribution.completeness_gap, None, 0, max(abs(change), 1e-9), "nats",
              f"distance of the summed relevance from the whole change of score, {_number(change, 'nats')}"),
    )  # fmt: skip
