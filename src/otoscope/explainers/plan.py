"""What every method shares: the protocol, its result, and whole enumerations.

A plan is an array `(n_masks, n_segments)` of booleans, True where a segment is kept; its first row keeps everything and
its second nothing. An estimate reads the plan and the scores `(n_masks, n_targets)` of those recordings.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from otoscope.core.errors import BadInput

Masks = NDArray[np.bool_]
Scores = NDArray[np.float64]


@dataclass(frozen=True)
class Estimate:
    """Relevance of all segments for all targets.

    Parameters
    ----------
    relevance
        `(n_segments, n_targets)`, in nats.
    standard_error
        The same shape; `None` where the method has none (it is exact) or the sample is too small to tell.
    exact
        Whether nothing was sampled, so that another seed gives the same.
    """

    relevance: NDArray[np.float64]
    standard_error: NDArray[np.float64] | None = None
    exact: bool = False


class Method(Protocol):
    """A way to tell what each segment is worth from the scores of masked recordings."""

    @property
    def name(self) -> str:
        """Name in the registry."""
        ...

    def default_n_masks(self, n_segments: int) -> int:
        """Return how many masks are planned when nobody says; it depends on `n_segments` alone."""
        ...

    def plan(self, n_segments: int, *, n_masks: int, seed: int) -> Masks:
        """Return at most `n_masks` masks, `(n, n_segments)`; `BadInput` when the method needs more."""
        ...

    def estimate(self, masks: Masks, scores: Scores) -> Estimate:
        """Return the relevance that these scores speak for."""
        ...

    def halves(self, masks: Masks) -> tuple[NDArray[np.intp], NDArray[np.intp]] | None:
        """Return the rows of two independent half-samples, or `None` when there are none."""
        ...


def ends(n_segments: int) -> Masks:
    """Return the two rows every plan begins with: everything kept, nothing kept."""
    return np.repeat([[True], [False]], n_segments, axis=1)


def all_masks(n_segments: int) -> Masks:
    """Return all `2^n_segments` masks, after the two `ends` in counting order.

    Examples
    --------
    >>> all_masks(2).astype(int).tolist()
    [[1, 1], [0, 0], [1, 0], [0, 1]]
    """
    numbers = np.arange(1, 2**n_segments - 1)[:, None]
    return np.vstack([ends(n_segments), (numbers >> np.arange(n_segments)) & 1 == 1])


def enumerates(masks: Masks) -> bool:
    """Whether a plan is the whole enumeration that `all_masks` makes."""
    n_masks, n_segments = masks.shape
    return n_segments < 63 and n_masks == 2**n_segments and np.array_equal(masks, all_masks(n_segments))


def check_n_masks(name: str, n_segments: int, *, n_masks: int, least: int) -> None:
    """Raise `BadInput` when a method cannot work with so few masks."""
    if n_segments < 1:
        raise BadInput(f"{name} needs at least one segment to take away")
    if n_masks < least:
        raise BadInput(
            f"{name} needs at least {least} masks for {n_segments} segments, got {n_masks}; "
            "ask for more, or for fewer and longer segments"
        )


def alternate_halves(n_masks: int, *, block: int) -> tuple[NDArray[np.intp], NDArray[np.intp]] | None:
    """Deal blocks of rows after the two ends to two halves in turn; both keep the ends.

    `None` when there are fewer than two whole blocks.

    Examples
    --------
    >>> [half.tolist() for half in alternate_halves(6, block=2)]
    [[0, 1, 2, 3], [0, 1, 4, 5]]
    """
    n_blocks = (n_masks - 2) // block
    if n_blocks < 2:
        return None
    rows = np.arange(2, 2 + (n_blocks - n_blocks % 2) * block)
    owner = (rows - 2) // block % 2
    return np.append([0, 1], rows[owner == 0]), np.append([0, 1], rows[owner == 1])
