"""What a phone is made of: the little left-to-right model that a decoder puts in its place, given its neighbours."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class HmmState:
    """One emitting state of a left-to-right model.

    Parameters
    ----------
    column
        Column of the emissions that scores a frame spent here.
    log_loop
        Natural-log probability to stay; minus infinity where a frame at most may be spent here.
    log_leave
        To go on to the next state.
    log_skip
        To pass this state by without a frame in it, taken instead of entering it; minus infinity where it must be
        entered. (The blank of CTC, the second state of the one-frame-at-least topology of Povey et al. 2016.)
    """

    column: int
    log_loop: float
    log_leave: float
    log_skip: float = -math.inf


class PhoneModels(Protocol):
    """States of each phone in context; `None` for a neighbour stands for the edge of the utterance (or silence)."""

    @property
    def phones(self) -> tuple[str, ...]:
        """All phones that can occur in a word."""
        ...

    @property
    def silence(self) -> str:
        """The phone that stands for silence; it may come between words, its neighbours never matter."""
        ...

    @property
    def context(self) -> tuple[bool, bool]:
        """Whether the left and the right neighbour matter, also across words."""
        ...

    def states(self, left: str | None, phone: str, right: str | None) -> tuple[HmmState, ...]:
        """Return the states of `phone` between two neighbours (silence counts as a neighbour like any other)."""
        ...
