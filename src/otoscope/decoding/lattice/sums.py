"""Recursions over the arcs of a lattice, which stand in an order where an arc's source is complete before it."""

from __future__ import annotations

import math

import numpy as np
from numba import njit


@njit(cache=True, nogil=True)
def best_before(source, target, weight, n_nodes):  # type: ignore[no-untyped-def]
    """`(n_nodes,)` score of the best path from the first node to each."""
    best = np.full(n_nodes, -np.inf)
    best[0] = 0.0
    for a in range(source.shape[0]):
        best[target[a]] = max(best[target[a]], best[source[a]] + weight[a])
    return best


@njit(cache=True, nogil=True)
def best_after(source, target, weight, final):  # type: ignore[no-untyped-def]
    """`(n_nodes,)` score of the best path from each node to an end."""
    best = final.copy()
    for a in range(source.shape[0] - 1, -1, -1):
        best[source[a]] = max(best[source[a]], weight[a] + best[target[a]])
    return best


@njit(cache=True, nogil=True)
def log_add(a, b):  # type: ignore[no-untyped-def]
    """log(exp(a) + exp(b))."""
    if a < b:
        a, b = b, a
    if b == -np.inf or b < a - 40.0:
        return a
    return a + math.log1p(math.exp(b - a))


@njit(cache=True, nogil=True)
def sums_before(source, target, weight, n_nodes):  # type: ignore[no-untyped-def]
    """As `best_before`, over all paths."""
    total = np.full(n_nodes, -np.inf)
    total[0] = 0.0
    for a in range(source.shape[0]):
        total[target[a]] = log_add(total[target[a]], total[source[a]] + weight[a])
    return total


@njit(cache=True, nogil=True)
def sums_after(source, target, weight, final):  # type: ignore[no-untyped-def]
    """As `best_after`, over all paths."""
    total = final.copy()
    for a in range(source.shape[0] - 1, -1, -1):
        total[source[a]] = log_add(total[source[a]], weight[a] + total[target[a]])
    return total
