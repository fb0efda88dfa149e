"""What a peer made of its input: how active every word was after every cycle, and Luce's rule of choice."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from otoscope.core import BadInput, NotAble, UnknownName
from otoscope.core.arrays import ByValue, frozen_array, set_frozen

MOST_BYTES = 4 << 30
"""Memory that a simulation may take."""


@dataclass(frozen=True, eq=False)
class Simulated(ByValue):
    """Activations of words over processing cycles.

    Parameters
    ----------
    inputs
        What was heard, as strings of phones.
    words
        The lexicon.
    activations
        `(n_inputs, n_cycles, n_words)`.

    Raises
    ------
    BadInput
        The array does not have that shape, or holds NaN.
    """

    inputs: tuple[str, ...]
    words: tuple[str, ...]
    activations: NDArray[np.float64]

    def __post_init__(self) -> None:
        made = frozen_array(self.activations, n_dims=3, name="activations", dtype=np.float64)
        set_frozen(self, activations=made, inputs=tuple(self.inputs), words=tuple(self.words))
        if made.shape[::2] != (len(self.inputs), len(self.words)):
            raise BadInput(f"{len(self.inputs)} inputs and {len(self.words)} words, but activations {made.shape}")
        if np.isnan(made).any():
            raise BadInput("activations must be numbers")

    @property
    def n_cycles(self) -> int:
        """How many cycles were simulated."""
        return self.activations.shape[1]

    def of(self, heard: str) -> NDArray[np.float64]:
        """Return `(n_cycles, n_words)` of one input.

        Raises
        ------
        UnknownName
            It was not among the inputs.
        """
        if heard not in self.inputs:
            raise UnknownName("input", heard, self.inputs)
        return self.activations[self.inputs.index(heard)]

    def targets(self) -> NDArray[np.int64]:
        """Return `(n_inputs,)` which word each input is.

        Raises
        ------
        UnknownName
            An input is no word.
        """
        places = {word: place for place, word in enumerate(self.words)}
        for heard in self.inputs:
            if heard not in places:
                raise UnknownName("word", heard, self.words)
        return np.array([places[heard] for heard in self.inputs])

    def choice(self, k: float) -> NDArray[np.float64]:
        """Return `(n_inputs, n_cycles, n_words)`: how probably each word is named, exp(k a) over the sum of all.

        Luce (1959), as McClelland and Elman (1986) use it; `k` says how much a difference of activation counts.
        """
        if not k > 0:
            raise BadInput(f"k must be above 0, got {k:g}")
        power = k * (self.activations - self.activations.max(axis=2, keepdims=True))
        odds = np.exp(power)
        shares: NDArray[np.float64] = odds / odds.sum(axis=2, keepdims=True)
        return shares


def check_memory(n_bytes: float, what: str) -> None:
    """Refuse what would not fit.

    Raises
    ------
    NotAble
        It would take more than `MOST_BYTES`.
    """
    if n_bytes > MOST_BYTES:
        raise NotAble(
            f"{what} would take {n_bytes / 2**30:.1f} GiB, more than {MOST_BYTES / 2**30:g}; "
            "take a smaller lexicon or fewer inputs, or the listener of this package, which has no such limit"
        )
