"""What is left of a decision when only the map is heard, or all but the map. Arrays in, numbers out.

The L-MAC set (Paissan, Ravanelli & Subakan 2024, section 3.2): `p` is the probability of a class in the whole sound,
`p_in` in what the map keeps (mask-in), `p_out` in the rest (mask-out). Probabilities go in, never logits: scores are
made probabilities once, by `probabilities`, in one place.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from otoscope.core.errors import BadInput

Vector = NDArray[np.float64]


def probabilities(logits: ArrayLike) -> Vector:
    """Return eˣⁱ / Σⱼ eˣʲ over the last axis.

    Raises
    ------
    BadInput
        They are probabilities already: of 50 classes no second softmax would give more than e / (e + 49).

    Examples
    --------
    >>> probabilities([0.0, np.log(3.0)]).round(6).tolist()
    [0.25, 0.75]
    """
    x = np.asarray(logits, dtype=np.float64)
    if x.shape[-1] > 1 and (x >= 0).all() and np.allclose(x.sum(-1), 1.0, atol=1e-6):
        raise BadInput("these are probabilities already; a softmax over them would squeeze them together")
    powers = np.exp(x - x.max(-1, keepdims=True))
    return np.asarray(powers / powers.sum(-1, keepdims=True))


def average_increase(p: ArrayLike, p_in: ArrayLike) -> float:
    """Return AI = 100 mean[p_in > p]: how often the map alone is surer than the whole. High is good.

    Examples
    --------
    >>> average_increase([0.5, 0.8], [0.6, 0.4])
    50.0
    """
    whole, kept = _pair(p, p_in)
    return float(100 * (kept > whole).mean())


def average_drop(p: ArrayLike, p_in: ArrayLike) -> float:
    """Return AD = 100 mean[(p - p_in)₊ / p]: what is lost with the map alone. Low is good.

    Examples
    --------
    >>> average_drop([0.5, 0.8], [0.6, 0.4])
    25.0
    """
    whole, kept = _pair(p, p_in)
    lost = np.maximum(whole - kept, 0.0)
    return float(100 * np.divide(lost, whole, out=np.zeros_like(lost), where=whole > 0).mean())


def average_gain(p: ArrayLike, p_in: ArrayLike) -> float:
    """Return AG = 100 mean[(p_in - p)₊ / (1 - p)]: what is won with the map alone. High is good.

    Examples
    --------
    >>> round(average_gain([0.5, 0.8], [0.6, 0.4]), 6)
    10.0
    """
    whole, kept = _pair(p, p_in)
    won, room = np.maximum(kept - whole, 0.0), 1 - whole
    return float(100 * np.divide(won, room, out=np.zeros_like(won), where=room > 0).mean())


def faithfulness_on_spectra(p: ArrayLike, p_out: ArrayLike) -> float:
    """Return FF = mean(p - p_out): what is lost without the map (Parekh et al. 2022). High is good.

    Examples
    --------
    >>> round(faithfulness_on_spectra([0.5, 0.8], [0.1, 0.2]), 6)
    0.5
    """
    whole, rest = _pair(p, p_out)
    return float((whole - rest).mean())


def input_fidelity(whole: ArrayLike, kept: ArrayLike) -> float:
    """Return Fid-In: how often the class with the highest score `(n, n_classes)` stays the same. High is good.

    Examples
    --------
    >>> input_fidelity([[0.1, 0.9], [0.7, 0.3]], [[0.4, 0.6], [0.2, 0.8]])
    0.5
    """
    a, b = np.asarray(whole), np.asarray(kept)
    if a.ndim != 2 or a.shape != b.shape or not a.size:
        raise BadInput(f"scores of classes must be (n, n_classes) twice, got {a.shape} and {b.shape}")
    return float((a.argmax(1) == b.argmax(1)).mean())


def divergence(p: ArrayLike, q: ArrayLike) -> float:
    """Return the Kullback-Leibler divergence Σ p ln(p / q) in nats, with 0 ln 0 = 0; infinite where q misses p.

    Examples
    --------
    >>> round(divergence([0.0, 1.0], [0.5, 0.5]), 6)
    0.693147
    """
    a, b = _pair(p, q)
    inside = a > 0
    if (b[inside] == 0).any():
        return float("inf")
    return float((a[inside] * np.log(a[inside] / b[inside])).sum())


def _pair(a: ArrayLike, b: ArrayLike) -> tuple[Vector, Vector]:
    left, right = np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64)
    if left.ndim != 1 or left.shape != right.shape or not left.size:
        raise BadInput(f"probabilities must be two rows of the same length, got shapes {left.shape} and {right.shape}")
    if min(left.min(), right.min()) < 0 or max(left.max(), right.max()) > 1 + 1e-9:
        raise BadInput("these are no probabilities, which lie from 0 to 1; turn scores into them first (probabilities)")
    return left, right
