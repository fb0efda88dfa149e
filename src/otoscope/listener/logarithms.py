"""Exponentials and sums of numbers kept as logarithms, compiled so that many go at a time."""

from __future__ import annotations

import numpy as np
from numba import njit

FUSED = {"nsz", "contract"}
"""Minus infinity less itself is NaN, and is caught: nothing may be assumed about it."""

F = np.float32
_LOG2E, _LN2_HIGH, _LN2_LOW = F(1.4426950408889634), F(0.693359375), F(-2.12194440e-4)
_E6, _E5, _E4, _E3, _E2 = (
    F(1.9875691500e-4),
    F(1.3981999507e-3),
    F(8.3334519073e-3),
    F(4.1665795894e-2),
    F(1.6666665459e-1),
)
_HALF, _ONE = F(0.5), F(1.0)
LOWEST = F(-80.0)
"""Below it, exponentials stay as they are there."""
# 2^r for |r| of a half or less, to 1e-7 of itself (through Chebyshev's points), highest power first.
_P5, _P4, _P3, _P2, _P1, _P0 = (
    F(1.3400432e-3),
    F(9.6760370e-3),
    F(5.5503272e-2),
    F(2.4022107e-1),
    F(6.9314721e-1),
    F(1.0000001),
)
# log(1 + u) for 0 <= u <= 1, to 3e-8 (Abramowitz and Stegun 1964, 4.1.44), highest power first.
_L8, _L7, _L6, _L5, _L4, _L3, _L2, _L1 = (
    F(-0.0064535442),
    F(0.0360884937),
    F(-0.0953293897),
    F(0.1676540711),
    F(-0.2407338084),
    F(0.3317990258),
    F(-0.4998741238),
    F(0.9999964239),
)
_NOTHING = F(-25.0)
"""What is so many nats below the greater adds nothing to it in float32."""


@njit(cache=True, fastmath=FUSED, error_model="numpy", inline="always")
def exp_of_negative(x):  # type: ignore[no-untyped-def]
    """Return exp(x) of a float32 of 0 or below, to 2e-7 of itself; below -80 (and for NaN) as at -80.

    Cephes' `expf` (Moshier): the power of two by its bits, the rest by a polynomial, so that it goes several at a time.
    """
    x = x if x > LOWEST else LOWEST
    n = np.int32(x * _LOG2E - _HALF)
    k = np.float32(n)
    r = x - k * _LN2_HIGH - k * _LN2_LOW
    p = ((((_E6 * r + _E5) * r + _E4) * r + _E3) * r + _E2) * r + _HALF
    scale = np.int32((n + np.int32(127)) << np.int32(23)).view(np.float32)
    return (p * r * r + r + _ONE) * scale


@njit(cache=True, fastmath=FUSED, error_model="numpy", inline="always")
def joined(a, b):  # type: ignore[no-untyped-def]
    """Return log(exp(a) + exp(b)) of two float32, minus infinity among them."""
    top = a if a > b else b
    low = b if a > b else a
    x = low - top
    x = x if x > _NOTHING else _NOTHING  # so for NaN too
    y = x * _LOG2E
    n = np.int32(y - _HALF)
    r = y - np.float32(n)
    scale = np.int32((n + np.int32(127)) << np.int32(23)).view(np.float32)
    u = (((((_P5 * r + _P4) * r + _P3) * r + _P2) * r + _P1) * r + _P0) * scale
    return top + (((((((_L8 * u + _L7) * u + _L6) * u + _L5) * u + _L4) * u + _L3) * u + _L2) * u + _L1) * u
