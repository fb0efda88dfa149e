"""Which stretch of sound mattered how much, and whether that can be believed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from otoscope.core.arrays import ByValue, frozen_array, set_frozen
from otoscope.core.errors import BadInput
from otoscope.core.hypothesis import Target
from otoscope.core.late import helper
from otoscope.core.trace import Trace


@dataclass(frozen=True)
class Segment:
    """A part of a recording that can be taken away: a stretch of time, a band, or a time-frequency cell.

    `low_hz` and `high_hz` are `None` where the segment takes all frequencies.
    """

    start_s: float
    end_s: float
    low_hz: float | None = None
    high_hz: float | None = None
    label: str = ""

    @property
    def duration_s(self) -> float:
        """Length in seconds."""
        return self.end_s - self.start_s


@dataclass(frozen=True, eq=False)
class PerturbationCurve(ByValue):
    """Score of a target while segments are taken away (deletion) or put back (insertion), most relevant first.

    Parameters
    ----------
    direction
        `deletion` (a low area is good) or `insertion` (a high area is good).
    fill
        What stands where a segment was taken away.
    fractions
        `(n_steps,)` share of segments changed, from 0 to 1.
    scores
        `(n_steps,)` score in this order.
    random_scores
        `(n_orders, n_steps)` scores in random orders: the baseline.
    """

    direction: Literal["deletion", "insertion"]
    fill: str
    fractions: NDArray[np.float64]
    scores: NDArray[np.float64]
    random_scores: NDArray[np.float64]

    def __post_init__(self) -> None:
        n_steps = np.size(self.fractions)
        set_frozen(self, fractions=frozen_array(self.fractions, n_dims=1, name="fractions", dtype=np.float64))
        set_frozen(self, scores=frozen_array(self.scores, n_dims=1, name="scores", dtype=np.float64))
        set_frozen(self, random_scores=frozen_array(self.random_scores, n_dims=2, name="random_scores", dtype=float))
        if self.scores.size != n_steps or self.random_scores.shape[1] != n_steps:
            raise BadInput(f"a curve of {n_steps} steps needs as many scores, got {self.scores.size}")

    @property
    def auc(self) -> float:
        """Area under the curve over the share of segments, by trapezoids."""
        return float(np.trapezoid(self.scores, self.fractions))

    @property
    def random_auc(self) -> float:
        """Mean area of the random orders."""
        return float(np.trapezoid(self.random_scores, self.fractions, axis=1).mean())

    @property
    def mean_loss(self) -> float | None:
        """Mean of score(whole) - score(changed) over the steps between the ends, nats; `None` where there is none.

        Of a deletion curve the AOPC comprehensiveness (high is good), of an insertion curve the AOPC sufficiency (low
        is good); DeYoung et al. 2020, section 4.2.
        """
        return self._loss(self.scores)

    @property
    def random_mean_loss(self) -> float | None:
        """The same of the random orders, on average."""
        return self._loss(self.random_scores.mean(axis=0)) if self.random_scores.shape[0] else None

    def _loss(self, scores: NDArray[np.float64]) -> float | None:
        whole = self.scores[0 if self.direction == "deletion" else -1]
        return float(whole - scores[1:-1].mean()) if scores.size > 2 else None


@dataclass(frozen=True, eq=False)
class Trust(ByValue):
    """What speaks for and against an attribution. `None` means "not measured", never "fine".

    Parameters
    ----------
    curves
        Deletion and insertion curves, one for each fill.
    relevance_mass, chance_mass
        Share of positive relevance that lies inside the target's own interval; what a flat map would have there.
    pointing_hit
        Whether the most relevant segment meets the target's interval.
    seed_agreement, fill_agreement
        Pearson correlation of the maps between two seeds, and between two fills. Not of ranks: most segments are worth
        next to nothing, and the order of those is noise even where the picture is certain.
    faithfulness_correlation
        Correlation of summed relevance with the measured score drop on held-out masks (Bhatt et al. 2020).
    infidelity, chance_infidelity
        Mean squared distance of the two on those masks in nats² (Yeh et al. 2019), and that of the same relevances
        dealt to other segments.
    rank_accuracy, chance_rank_accuracy
        Share of the target's own segments among as many most relevant ones, and the share of its own among all.
    time_auc
        Area under the ROC of relevance per second against the target's interval; chance is 0.5.
    gini, size_auc
        Compactness: Gini index of the positive relevance (0 flat, near 1 all in one place), and the mean share of the
        map above a threshold from 0 to its peak (1 flat).
    random_weights_agreement
        Spearman correlation with the map of a recogniser whose learnt weights are shuffled: it must fall (Adebayo et
        al. 2018).
    other_target_agreement
        Largest Pearson correlation with the map of another word of the utterance that lies in other segments.
    not_measured
        Why checks were left out, each as a sentence.
    failures
        Sanity checks that failed, each as a sentence; the map is drawn grey when there is any.
    """

    curves: tuple[PerturbationCurve, ...] = ()
    relevance_mass: float | None = None
    chance_mass: float | None = None
    pointing_hit: bool | None = None
    seed_agreement: float | None = None
    fill_agreement: float | None = None
    faithfulness_correlation: float | None = None
    failures: tuple[str, ...] = ()
    infidelity: float | None = None
    chance_infidelity: float | None = None
    rank_accuracy: float | None = None
    chance_rank_accuracy: float | None = None
    time_auc: float | None = None
    gini: float | None = None
    size_auc: float | None = None
    random_weights_agreement: float | None = None
    other_target_agreement: float | None = None
    not_measured: tuple[str, ...] = ()

    @property
    def passed(self) -> bool:
        """Whether no check failed."""
        return not self.failures

    def curve(self, direction: Literal["deletion", "insertion"]) -> PerturbationCurve | None:
        """Return the first curve of a direction: that of the map's own fill; `None` where there is none."""
        return next((curve for curve in self.curves if curve.direction == direction), None)


@dataclass(frozen=True, eq=False)
class Attribution(ByValue):
    """How much each segment of a recording spoke for a target.

    Parameters
    ----------
    target
        What is explained.
    segments
        The parts that were taken away.
    relevance
        `(n_segments,)`: positive speaks for the target, in nats of its score.
    method, fill, seed, n_evaluations
        How it was computed; `fill` is the baseline that replaced a segment.
    score, baseline_score
        Score of the target on the recording, and with every segment filled.
    trust
        The checks.
    settings
        Further parameters of the method, JSON values only.
    """

    target: Target
    segments: tuple[Segment, ...]
    relevance: NDArray[np.float64]
    method: str
    fill: str
    score: float
    baseline_score: float
    n_evaluations: int
    seed: int | None = None
    trust: Trust = field(default_factory=Trust)
    settings: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        relevance = frozen_array(self.relevance, n_dims=1, name="relevance", dtype=np.float64)
        segments = tuple(self.segments)
        if relevance.size != len(segments):
            raise BadInput(f"{relevance.size} relevances for {len(segments)} segments")
        set_frozen(self, relevance=relevance, segments=segments, settings=MappingProxyType(dict(self.settings)))

    @property
    def completeness_gap(self) -> float:
        """|sum of relevance - (score - baseline_score)| in nats (Sundararajan et al. 2017)."""
        return abs(float(self.relevance.sum()) - (self.score - self.baseline_score))

    @property
    def top(self) -> Segment:
        """The segment that spoke most for the target."""
        return self.segments[int(np.argmax(self.relevance))]

    def plot(self) -> Any:
        """Draw as a matplotlib figure; see `otoscope.views.figures`."""
        return helper("figure")(self)

    def _repr_html_(self) -> str:
        return helper("html")(self)


@dataclass(frozen=True, eq=False)
class Explanation(ByValue):
    """A Trace and why: one Attribution for each word asked about, all from one set of masked recordings.

    `cells` holds the time-frequency attributions of the same targets, in the same order, where they were asked for.
    """

    trace: Trace
    attributions: tuple[Attribution, ...]
    cells: tuple[Attribution, ...] = ()

    def __post_init__(self) -> None:
        set_frozen(self, attributions=tuple(self.attributions), cells=tuple(self.cells))
        if self.cells and len(self.cells) != len(self.attributions):
            raise BadInput(f"{len(self.cells)} time-frequency maps for {len(self.attributions)} targets")

    def __iter__(self) -> Iterator[Attribution]:
        return iter(self.attributions)

    def __len__(self) -> int:
        return len(self.attributions)

    def __getitem__(self, index: int) -> Attribution:
        return self.attributions[index]

    def plot(self) -> Any:
        """Draw as a matplotlib figure; see `otoscope.views.figures`."""
        return helper("figure")(self)

    def _repr_html_(self) -> str:
        return helper("html")(self)
