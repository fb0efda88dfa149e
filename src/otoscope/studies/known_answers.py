"""Answers known in advance: published vectors, closed forms, and brute force. Each check says what was expected.

Sources: CTC vectors from the tests of TensorFlow and Keras (computed with A. Graves' own code); the tie case from
pytorch/audio issue 4221; the two toy functions from Sundararajan et al. 2017, figure 3, as in captum's tests.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from otoscope.core import FrameGrid, Interval, Recognizer, Recording, Segment
from otoscope.explainers import explain
from otoscope.testing import AdditiveRecognizer, InteractionRecognizer, basic_model_2, basic_model_3

GRAVES_1 = (
    (0.633766, 0.221185, 0.0917319, 0.0129757, 0.0142857, 0.0260553),
    (0.111121, 0.588392, 0.278779, 0.0055756, 0.00569609, 0.010436),
    (0.0357786, 0.633813, 0.321418, 0.00249248, 0.00272882, 0.0037688),
    (0.0663296, 0.643849, 0.280111, 0.00283995, 0.0035545, 0.00331533),
    (0.458235, 0.396634, 0.123377, 0.00648837, 0.00903441, 0.00623107),
)
GRAVES_2 = (
    (0.30176, 0.28562, 0.0831517, 0.0862751, 0.0816851, 0.161508),
    (0.24082, 0.397533, 0.0557226, 0.0546814, 0.0557528, 0.19549),
    (0.230246, 0.450868, 0.0389607, 0.038309, 0.0391602, 0.202456),
    (0.280884, 0.429522, 0.0326593, 0.0339046, 0.0326856, 0.190345),
    (0.423286, 0.315517, 0.0338439, 0.0393744, 0.0339315, 0.154046),
)
TIES = ((-3.0, -3.0, 0.0, -3.0), (0.0, -3.0, -3.0, 0.0), (-1.0, -1.0, -1.0, -3.0))


@dataclass(frozen=True)
class Check:
    """One answer known in advance: what was expected, what came out, and how far apart they may be."""

    name: str
    expected: float
    got: float
    tolerance: float = 1e-6

    @property
    def passed(self) -> bool:
        """Whether the two are as close as they must be."""
        return abs(self.expected - self.got) <= self.tolerance


def ctc_vectors() -> list[Check]:
    """CTC loss and best path of the published vectors and of the tie case."""
    from otoscope.decoding import ctc

    checks = []
    for number, vector, labels, loss, path in (
        (1, GRAVES_1, [0, 1, 2, 1, 0], 3.3421143651, [0, 1, 2, 1, 0]),
        (2, GRAVES_2, [0, 1, 1, 0], 5.4226228310, [0, 1, 5, 1, 0]),
    ):
        log_probs = np.log(vector)
        best = ctc.forced_path(log_probs, labels, blank=5).symbols
        wrong = int((best != np.array(path)).sum())
        checks.append(
            Check(f"CTC loss of Graves' vector {number}", loss, -ctc.log_likelihood(log_probs, labels, blank=5))
        )
        checks.append(Check(f"wrong frames in the best path of vector {number}", 0, wrong))
    tied = ctc.forced_path(np.array(TIES), [3, 2], blank=0).log_score
    return [*checks, Check("best CTC path where predecessors tie", -4.0, tied)]


def ctc_by_brute_force(n_lattices: int = 60) -> list[Check]:
    """Sum and best of all paths through small random lattices of whole-number scores (many ties)."""
    from otoscope.decoding import ctc

    generator = np.random.default_rng(0)
    worst_sum, worse_path = 0.0, 0
    for _ in range(n_lattices):
        log_probs = -generator.integers(0, 4, size=(4, 3)).astype(float)
        labels = generator.integers(1, 3, size=int(generator.integers(1, 3))).tolist()
        scores = [
            float(sum(log_probs[t, s] for t, s in enumerate(path)))
            for path in itertools.product(range(3), repeat=4)
            if [s for s, _ in itertools.groupby(path) if s] == labels
        ]
        summed = float(np.logaddexp.reduce(scores))
        worst_sum = max(worst_sum, abs(summed - ctc.log_likelihood(log_probs, labels, blank=0)))
        worse_path += ctc.forced_path(log_probs, labels, blank=0).log_score < max(scores) - 1e-9
    return [
        Check(f"largest error of the CTC sum over {n_lattices} lattices, all paths listed", 0, worst_sum),
        Check(f"best paths worse than the best of all, {n_lattices} lattices", 0, worse_path),
    ]


def toy_functions() -> list[Check]:
    """Occlusion and Shapley of the two functions that are one (implementation invariance), at (3, 1)."""
    checks = []
    for toy in (basic_model_2(), basic_model_3()):
        recording = toy.recording_of((3.0, 1.0))
        for method, known in (("leave-one-out", (1.0, -1.0)), ("shapley", (1.5, -0.5)), ("kernel-shap", (1.5, -0.5))):
            relevance = _relevance(toy, recording, method)
            for got, expected, part in zip(relevance, known, ("x1", "x2"), strict=True):
                checks.append(Check(f"{method} of {part} in {toy.name}", expected, float(got), 0.05))
    return checks


def closed_forms() -> list[Check]:
    """Values of an additive game, and of one where only pairs count, through masked sound."""
    recording, segments = _four_bursts()
    additive = AdditiveRecognizer(segments, {"toy": (900.0, -400.0, 100.0, 0.0)})
    exact = additive.exact_shapley(recording, additive.trace(recording).target(0))
    pairs = InteractionRecognizer(recording, segments, ((0, 3, 0, 1), (3, 0, 0, 0), (0, 0, 0, 2), (1, 0, 2, 0)))
    shared = pairs.exact_shapley(recording, pairs.trace(recording).target(0))
    cases = (
        ("leave-one-out", additive, exact, 1e-4),
        ("lime", additive, exact, 0.1),
        ("shapley", additive, exact, 1e-4),
        ("kernel-shap", additive, exact, 1e-4),
        ("leave-one-out", pairs, 2 * shared, 1e-9),
        ("shapley", pairs, shared, 1e-9),
        ("kernel-shap", pairs, shared, 1e-9),
    )
    return [
        Check(
            f"largest error of {method} on {toy.name}", 0, _largest(_relevance(toy, recording, method), known), within
        )
        for method, toy, known, within in cases
    ]


def _four_bursts() -> tuple[Recording, tuple[Segment, ...]]:
    """Return noise in four stretches, silent at their edges, so that ramps between them change nothing."""
    samples = np.random.default_rng(0).normal(scale=0.1, size=(4, 8000))
    samples[:, :160] = samples[:, -160:] = 0
    segments = tuple(Segment(0.5 * i, 0.5 * i + 0.5) for i in range(4))
    return Recording(samples.ravel().astype(np.float32), 16000, source="synthetic"), segments


def _relevance(recognizer: Recognizer, recording: Recording, method: str) -> NDArray[np.float64]:
    segments = recognizer.segments  # type: ignore[attr-defined]
    return explain(recognizer, recording, method=method, segments=segments, checks=False)[0].relevance


def _largest(got: NDArray[np.float64], known: NDArray[np.float64]) -> float:
    return float(np.abs(got - known).max())


def sound_and_time() -> list[Check]:
    """Masked audio keeps its length; frames lie where the front ends of the field put them; a known word error rate."""
    from otoscope.metrics.error_rate import error_rate
    from otoscope.signal.masking import Masker

    recording = Recording(
        np.random.default_rng(0).normal(scale=0.1, size=16000).astype(np.float32), 16000, source="synthetic"
    )
    masked = Masker(recording, [Segment(0.06, 0.3)], fill="silence")(np.array([False]))
    changed = np.flatnonzero(masked.samples != recording.samples)
    grid = FrameGrid(16000, 0, 1, 1, 16000)
    for kernel, stride in ((10, 5), (3, 2), (3, 2), (3, 2), (3, 2), (2, 2), (2, 2)):
        grid = grid.conv(kernel, stride=stride)
    rate = error_rate("ask not what your country can do", "as not what country can do now")
    return [
        Check("milliseconds left when 240 of 1000 are silenced", 1000, 1000 * masked.duration_s, 1e-9),
        Check("first changed sample", 960, int(changed[0]), 1),
        Check("last changed sample", 4799, int(changed[-1]), 1),
        Check("centre of the first wav2vec 2.0 frame, ms", 12.5, 1000 * grid.times_s()[0], 1e-9),
        Check("frames of wav2vec 2.0 in a second", 49, grid.n_frames, 0),
        Check("frames of that grid in 32.5 to 92.5 ms", 3, _n_frames(grid, Interval(0.0325, 0.0925, "k")), 0),
        Check("word error rate of a known pair", 3 / 7, rate.rate, 1e-12),
    ]


def _n_frames(grid: FrameGrid, interval: Interval) -> int:
    frames = grid.frames_of(interval)
    return int(frames.stop - frames.start)


def infidelity_of_slopes() -> list[Check]:
    """The true slopes of a function that is linear nearby have no infidelity."""
    from otoscope.metrics.faithfulness import infidelity

    toy = basic_model_2()
    point = np.array([3.0, 1.0])
    taken = np.random.default_rng(0).uniform(-0.2, 0.2, size=(100, 2))
    drops = np.array([toy.function(point) - toy.function(point - i) for i in taken])
    return [
        Check("infidelity of exact slopes of BasicModel2 at (3, 1)", 0, infidelity([1.0, -1.0], taken, drops), 1e-12)
    ]


def masks_and_divergence() -> list[Check]:
    """Average drop of 50 classes from probabilities made once, its ceiling when made twice, and a divergence with 0."""
    from otoscope.metrics.listening_masks import average_drop, divergence, probabilities

    sure, unsure = np.zeros(50), np.zeros(50)
    sure[0] = 30.0
    once = [float(probabilities(each)[0]) for each in (sure, unsure)]
    twice = [np.e / (np.e + 49), 1 / (1 + 49 * np.exp(1 / 49))]
    return [
        Check("average drop of 50 classes, %", 98.0, average_drop(once[:1], once[1:]), 1e-3),
        Check(
            "how far the same of probabilities made twice exceeds 100 (1 - 1/e) %",
            0,
            max(0.0, average_drop(twice[:1], twice[1:]) - 100 * (1 - np.exp(-1))),
            1e-9,
        ),
        Check("divergence with a zero, nats", np.log(1.25), divergence([0.0, 0.5, 0.5], [0.2, 0.4, 0.4]), 1e-12),
    ]


GROUPS: tuple[Callable[[], list[Check]], ...] = (
    ctc_vectors,
    ctc_by_brute_force,
    toy_functions,
    infidelity_of_slopes,
    closed_forms,
    sound_and_time,
    masks_and_divergence,
)
"""All groups of checks that need neither training nor data."""
