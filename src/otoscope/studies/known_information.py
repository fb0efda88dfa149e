"""Answers known in advance about information and dimension, for `otoscope selftest`."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from otoscope.metrics.dimension import participation_ratio, two_nn
from otoscope.metrics.information import binned_information, entropy_of_counts, kde_information
from otoscope.metrics.nearest_information import gaussian_information, ksg_information
from otoscope.studies.known_answers import Check


def information() -> list[Check]:
    """Golden values of density bounds, saturation of bins, and the closed form of Gaussian information."""
    points = np.random.default_rng(0).random((1000, 20))
    halves = np.arange(1000) % 2
    lower, upper = kde_information(points, halves, variance=0.05)
    pair = np.random.default_rng(0).multivariate_normal([0, 0], [[1, 0.9], [0.9, 1]], size=2000)
    return [
        Check("upper density bound of uniform points (nats)", 6.907569, upper.input.nats),
        Check("lower density bound of uniform points (nats)", 5.975120, lower.input.nats),
        Check("bins saturate at ln N", math.log(1000), binned_information(points, halves).input.nats),
        Check("nearest neighbours on Gaussian pairs (nats)", gaussian_information(0.9), _nearest(pair), 0.05),
    ]


def rotations() -> list[Check]:
    """The task of the information plane, whose share of ones and label entropy are published."""
    from otoscope.studies.rotation_task import rotation_task

    _, labels = rotation_task()
    entropy = entropy_of_counts(np.bincount(labels)) / math.log(2)
    return [
        Check("P(y = 1) of the rotation task", 0.51709, float(labels.mean()), 5e-6),
        Check("H(Y) of the rotation task (bit)", 0.99916, entropy, 5e-6),
    ]


def dimension() -> list[Check]:
    """A sphere has two dimensions where it is, and needs three."""
    points = np.random.default_rng(0).standard_normal((2500, 3))
    sphere = points / np.linalg.norm(points, axis=1, keepdims=True)
    return [
        Check("dimension of a sphere by two neighbours", 2.0, two_nn(sphere), 0.2),
        Check("participation ratio of a sphere", 3.0, participation_ratio(sphere), 0.05),
    ]


def _nearest(pair: np.ndarray) -> float:
    return ksg_information(pair[:, 0], pair[:, 1]).nats


GROUPS: tuple[Callable[[], list[Check]], ...] = (information, rotations, dimension)
"""All groups of checks here; none needs training or data."""
