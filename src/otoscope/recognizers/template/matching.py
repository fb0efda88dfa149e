"""What a matcher is: it keeps the templates and says how far a stretch of frames is from every word."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from otoscope.core import Features, Recording

Place = tuple[int, int]
"""Frames from the first up to, not including, the second."""


class Learner(Protocol):
    """Makes a matcher from examples of the words."""

    def features(self, recording: Recording) -> Features:
        """Return the frames that are matched."""
        ...

    def matcher(self, examples: Sequence[Sequence[NDArray[Any]]]) -> Matcher:
        """Return the matcher made of the frames of some examples of each word."""
        ...


class Matcher(Protocol):
    """Templates of the words, and how frames are compared with them."""

    @property
    def kind(self) -> str:
        """Name under which it is saved."""
        ...

    @property
    def learner(self) -> Learner:
        """What makes another one of other examples."""
        ...

    def features(self, recording: Recording) -> Features:
        """Return the frames that are matched."""
        ...

    def distances(self, values: NDArray[Any]) -> NDArray[np.float64]:
        """Return `(n_words,)` distances of a stretch of frames; infinite where a word cannot be that long or short."""
        ...

    def frame_costs(self, values: NDArray[Any]) -> NDArray[np.float64]:
        """Return `(n_frames, n_words)`: what each frame costs along each word's best path."""
        ...

    def path(self, values: NDArray[Any], word: int) -> NDArray[np.int64]:
        """Return `(n_frames,)`: the place in the templates that each frame meets on its way through a word."""
        ...

    def divided(self, values: NDArray[Any], words: Sequence[int] | None) -> tuple[Place, ...]:
        """Return where the words of a string lie: known ones in order, or any where `words` is `None`."""
        ...

    def arrays(self) -> Mapping[str, NDArray[Any]]:
        """Return the templates as named arrays, for saving."""
        ...

    def settings(self) -> Mapping[str, Any]:
        """Return everything else that fixes the matcher, JSON values only."""
        ...
