"""Learning how much each kind of evidence counts: words said and words made up go in, a rule comes out."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from otoscope.core import BadInput
from otoscope.recognizers.whisper.doubt_evidence import Evidence
from otoscope.recognizers.whisper.doubts import MEASURES, Rule, measures

PENALTY = 0.002
"""Of the sum of squared weights, against the mean loss of a word."""
LEAST_THRESHOLD = 0.3
"""A word less likely made up than this is never flagged."""
MOST_FALSE = 0.03
"""Share of words that were said which the rule may flag, on what it was learnt from."""


def fit_rule(said: Sequence[Evidence], made_up: Sequence[Evidence], *, most_false: float = MOST_FALSE) -> Rule:
    """Return the rule that tells them apart.

    Parameters
    ----------
    said, made_up
        Words of real speech, and words written for silence, noise and the like. Both kinds count alike, however many
        there are.
    most_false
        Share of the words said that may be flagged; the threshold is the lowest that keeps to it, `LEAST_THRESHOLD` at
        least.

    Raises
    ------
    BadInput
        Fewer than two words of a kind.

    Notes
    -----
    Logistic regression with a ridge penalty whose weights may not be negative: more evidence of a kind never speaks
    *for* a word. So it holds up beyond the material it was learnt from, and each weight can be read.
    """
    if min(len(said), len(made_up)) < 2:
        raise BadInput(f"a rule needs words of both kinds, got {len(said)} said and {len(made_up)} made up")
    values = np.array([measures(evidence) for evidence in (*said, *made_up)])
    wanted = np.repeat([0.0, 1.0], [len(said), len(made_up)])
    share = np.where(wanted == 1, 0.5 / len(made_up), 0.5 / len(said))
    centre = share @ values  # so that what is the same for all words gets no weight
    weights, bias = _fitted(values - centre, wanted, share)
    bias -= float(weights @ centre)
    rule = Rule(
        {name: round(float(w), 3) for name, w in zip(MEASURES, weights, strict=True) if w > 1e-3}, round(bias, 3)
    )
    own = np.sort([rule.probability(evidence) for evidence in said])
    allowed = int(most_false * len(said))
    threshold = max(LEAST_THRESHOLD, float(own[-1 - allowed]) + 1e-6)
    return Rule(rule.weights, rule.bias, min(threshold, 0.999))


def _fitted(
    values: NDArray[np.float64], wanted: NDArray[np.float64], share: NDArray[np.float64]
) -> tuple[NDArray[np.float64], float]:
    from scipy.optimize import minimize

    def loss(parameters: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        weights, bias = parameters[:-1], parameters[-1]
        nats = values @ weights + bias
        total = float(share @ (np.logaddexp(0, nats) - wanted * nats) + PENALTY * weights @ weights)
        slope = share * (1 / (1 + np.exp(-nats)) - wanted)
        return total, np.append(values.T @ slope + 2 * PENALTY * weights, slope.sum())

    n = values.shape[1]
    found = minimize(loss, np.zeros(n + 1), jac=True, method="L-BFGS-B", bounds=[(0, None)] * n + [(None, None)])
    return found.x[:-1], float(found.x[-1])
