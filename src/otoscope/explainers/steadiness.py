"""Measures of maps that need more than masks: how steady they are under a whisper of noise, and deletion by imputation.

They cost further maps and scores, so nobody makes them unasked; what comes out are numbers for each target.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from otoscope.core import BadInput, Recording, Segment
from otoscope.explainers.curves import random_orders
from otoscope.explainers.direct import estimate_of
from otoscope.explainers.gradients.inputs import Inputs, inputs_of
from otoscope.explainers.masked_scores import MaskedScores
from otoscope.explainers.plan import Masks, Method
from otoscope.metrics.imputation import imputed
from otoscope.metrics.listening_masks import average_drop, average_gain, average_increase, faithfulness_on_spectra
from otoscope.metrics.stability import local_lipschitz, max_sensitivity

Vector = NDArray[np.float64]


@dataclass(frozen=True)
class Steadiness:
    """`(n_targets,)` each: largest relative change of the map (Yeh et al. 2019), and change a unit of sound.

    The unit of `lipschitz` (Alvarez-Melis & Jaakkola 2018) is the root mean square of the recording: nats for a change
    as large as the recording itself.
    """

    max_sensitivity: Vector
    lipschitz: Vector


def steadiness(
    score: MaskedScores,
    method: Method,
    masks: Masks,
    relevance: Vector,
    *,
    fill: str,
    seed: int,
    n_changes: int = 4,
    snr_db: float = 40.0,
) -> Steadiness:
    """Make the map again of recordings with white noise that no one minds, and see how far it moved.

    Parameters
    ----------
    score, method, masks, relevance
        Who was asked, how the maps were made, from which recordings, and the maps `(n_segments, n_targets)`.
    fill, seed
        As the maps were made; the seed also draws the noise.
    n_changes, snr_db
        Noises, and how far below the recording they lie.

    Raises
    ------
    BadInput
        The recording is silent, or there is no noise to be.
    """
    samples = score.recording.samples.astype(np.float64)
    loud = float(np.sqrt(np.mean(samples**2)))
    if loud == 0 or n_changes < 1:
        raise BadInput(f"steadiness needs sound and a change at least, got {n_changes} changes of level {loud:g}")
    generator, share = np.random.default_rng([seed, 0x57EA]), 10 ** (-snr_db / 20)
    others = []
    for _ in range(n_changes):
        noise = generator.standard_normal(samples.size)
        noise *= share * loud / np.sqrt(np.mean(noise**2))
        heard = score.recording.with_samples((samples + noise).astype(np.float32))
        again = MaskedScores(score.recognizer, heard, score.segments, score.targets, seed=score.seed)
        others.append(estimate_of(method, again, masks, fill=fill, seed=seed).relevance)
    changed = np.stack(others)
    n_targets = relevance.shape[1]
    return Steadiness(
        np.array([max_sensitivity(relevance[:, t], changed[:, :, t]) for t in range(n_targets)]),
        np.array([local_lipschitz(relevance[:, t], changed[:, :, t], [share] * n_changes) for t in range(n_targets)]),
    )


@dataclass(frozen=True)
class Imputed:
    """Deletion with noisy linear imputation: `scores` `(n_targets, n_shares)` in this order, and of random orders.

    `random_scores` is `(n_orders, n_targets, n_shares)`; the first share is 0.
    """

    shares: Vector
    scores: Vector
    random_scores: Vector

    @property
    def gain(self) -> Vector:
        """How far the mean score lies below that of random orders, `(n_targets,)` nats; high is good."""
        return np.asarray(self.random_scores.mean((0, 2)) - self.scores.mean(1))


def road(
    score: MaskedScores,
    relevance: Vector,
    *,
    shares: tuple[float, ...] = (0.0, 0.1, 0.3, 0.5),
    n_orders: int = 4,
    seed: int = 0,
) -> Imputed:
    """Take the most relevant segments out of the features, guessing what stood there (Rong et al. 2022).

    Raises
    ------
    NotAble
        The recogniser cannot be asked about other features (`Substituting`).
    BadInput
        Segments have bands where the features have none.
    """
    inputs = inputs_of(score.recognizer, score.recording, score.targets, method="road")
    cells = [_cells(inputs, segment, score.recording) for segment in score.segments]
    orders = random_orders(len(cells), n_orders, seed=seed)

    def along(order: NDArray[np.int64]) -> Vector:
        pictures = []
        for share in shares:
            gone = np.zeros(inputs.values.shape, dtype=bool)
            for k in order[: int(np.ceil(share * len(cells)))]:
                gone |= cells[k]
            pictures.append(imputed(inputs.values, gone, seed=seed))
        return inputs.scores(np.stack(pictures).astype(np.float32)).T

    own = [along(np.argsort(-relevance[:, t], kind="stable"))[t] for t in range(relevance.shape[1])]
    return Imputed(np.array(shares), np.stack(own), np.stack([along(np.asarray(order)) for order in orders]))


def _cells(inputs: Inputs, segment: Segment, recording: Recording) -> NDArray[np.bool_]:
    """Return which features lie in a segment, by their centres."""
    times = inputs.grid.times_s()
    inside = (times >= segment.start_s) & ((times < segment.end_s) | (segment.end_s >= recording.duration_s))
    if segment.low_hz is None or segment.high_hz is None:
        return np.repeat(inside[:, None], inputs.values.shape[1], axis=1)
    if inputs.frequencies_hz is None:
        raise BadInput("the features have no bands that could be imputed; take segments of time")
    bands = (inputs.frequencies_hz >= segment.low_hz) & (inputs.frequencies_hz < segment.high_hz)
    return np.asarray(inside[:, None] & bands)


def mask_measures(score: MaskedScores, relevance: Vector, *, fill: str, share: float = 0.3) -> dict[str, Vector]:
    """Return the L-MAC set of each target: what its most relevant segments, and the rest, are alone worth.

    Probabilities are those of the target against nothing of itself: σ(s - s'), s' the score of the filled recording and
    s that of the sound in question, so that scores that are log odds become probabilities once, in one place.

    Parameters
    ----------
    score, relevance, fill
        Who is asked, the maps `(n_segments, n_targets)`, and what stands for what is taken away.
    share
        Of the segments that the map keeps, one at least.

    Returns
    -------
    dict
        `average_increase`, `average_drop`, `average_gain` (percent) and `faithfulness_on_spectra`, `(n_targets,)` each.
    """
    n_segments, n_targets = relevance.shape
    ends = score(np.stack([np.ones(n_segments, dtype=bool), np.zeros(n_segments, dtype=bool)]), fill=fill)
    n_kept = max(1, round(share * n_segments))
    kept = np.zeros((n_targets, n_segments), dtype=bool)
    for t in range(n_targets):
        kept[t, np.argsort(-relevance[:, t], kind="stable")[:n_kept]] = True
    inside, outside = score(kept, fill=fill), score(~kept, fill=fill)
    found: dict[str, list[float]] = {}
    for t in range(n_targets):
        whole, only, rest = (_odds(s - ends[1, t]) for s in (ends[0, t], inside[t, t], outside[t, t]))
        for measure in (average_increase, average_drop, average_gain):
            found.setdefault(measure.__name__, []).append(measure([whole], [only]))
        found.setdefault("faithfulness_on_spectra", []).append(faithfulness_on_spectra([whole], [rest]))
    return {name: np.array(values) for name, values in found.items()}


def _odds(score: float) -> float:
    return float(1 / (1 + np.exp(-np.clip(score, -700, 700))))
