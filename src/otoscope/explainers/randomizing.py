"""Does a map change when the recogniser forgets what it learnt? The model-randomisation test (Adebayo et al. 2018).

A map that looks the same for shuffled weights shows the sound, or the method, but not what was learnt.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from otoscope.core import BadInput, DoesNotFit, NotAble
from otoscope.explainers.direct import estimate_of
from otoscope.explainers.masked_scores import MaskedScores
from otoscope.explainers.plan import Masks, Method
from otoscope.metrics.agreement import spearman

Agreements = tuple[float | None, ...]


def random_weights_agreement(
    score: MaskedScores,
    method: Method,
    masks: Masks,
    relevance: NDArray[np.float64],
    *,
    fill: str,
    seed: int,
    share: float = 1.0,
) -> Agreements:
    """Return Spearman's correlation of each map with that of the same recogniser with shuffled weights.

    Costs one more map: the same masks, the same fill, the same targets.

    Parameters
    ----------
    score, method, masks, relevance
        How the maps were made, and the maps `(n_segments, n_targets)`.
    fill, seed
        The fill, and the seed of the shuffling.
    share
        Which share of the layers is shuffled, counted from the output.

    Returns
    -------
    tuple
        One a target; 0 where the shuffled recogniser's score never changes (its map is flat, the given one is not).

    Raises
    ------
    NotAble
        The recogniser is not `Randomizable`, or cannot score these targets once shuffled.
    """
    make: Any = getattr(score.recognizer, "with_random_weights", None)
    if make is None:
        raise NotAble(f"{score.recognizer.name} cannot be given random weights")
    other = score.of(make(seed=seed, share=share))
    try:
        found = estimate_of(method, other, masks, fill=fill, seed=seed).relevance
    except (BadInput, DoesNotFit) as error:
        raise NotAble(f"with random weights the targets have no score: {error}") from error
    finally:
        score.n_elsewhere += other.n_evaluations
    return tuple(_similarity(relevance[:, t], found[:, t]) for t in range(relevance.shape[1]))


def cascade(
    score: MaskedScores,
    method: Method,
    masks: Masks,
    relevance: NDArray[np.float64],
    *,
    fill: str,
    seed: int,
    shares: tuple[float, ...] = (0.25, 0.5, 0.75, 1.0),
) -> dict[float, Agreements]:
    """Return `random_weights_agreement` as more and more layers are shuffled, from the output down."""
    return {
        share: random_weights_agreement(score, method, masks, relevance, fill=fill, seed=seed, share=share)
        for share in shares
    }


def _similarity(a: NDArray[np.float64], b: NDArray[np.float64]) -> float | None:
    if np.ptp(a) == 0:
        return None
    return spearman(a, b) if np.ptp(b) > 0 else 0.0
