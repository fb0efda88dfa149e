"""Toys: three phones of one or two states, and scores drawn at random."""

from __future__ import annotations

import numpy as np
import pytest

from otoscope.core import FrameGrid, Provenance
from otoscope.decoding.tree.units import HmmState
from otoscope.listener.evidence import Evidence

NEVER = -np.inf


class ToyModels:
    """Phones A (two states), B (one), C (two, the second may be passed by), silence; B sounds different after A."""

    phones = ("A", "B", "C")
    silence = "SIL"

    def __init__(self, *, context: bool = False) -> None:
        self.context = (context, False)

    def states(self, left, phone, right):
        if phone == "A":
            return (HmmState(0, -0.7, -0.6), HmmState(1, -0.5, -0.9))
        if phone == "B":
            return (HmmState(6 if self.context[0] and left == "A" else 2, -0.4, -1.1),)
        if phone == "C":
            return (HmmState(3, -0.8, -0.5), HmmState(4, -0.3, -1.3, -0.2))
        return (HmmState(5, 0.0, 0.0),)


def _evidence(n_frames, *, seed=0, context=False, scores=None):
    drawn = np.random.default_rng(seed).normal(0, 2, (n_frames, 7)) if scores is None else np.asarray(scores)
    drawn = drawn - drawn.max(axis=1, keepdims=True)
    return Evidence(
        drawn.astype(np.float32),
        FrameGrid(16000, 0, 160, 160, len(drawn)),
        ToyModels(context=context),
        Provenance("toy", "0"),
        "phone states",
    )


@pytest.fixture
def evidence():
    """Make evidence of so many frames; scores are given or drawn."""
    return _evidence
