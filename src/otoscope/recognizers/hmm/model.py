"""A hidden Markov model of speech: front end, states, mixtures, and how long one stays; what a decoder asks of it."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from otoscope.core import BadInput, FrameGrid, Recording
from otoscope.core.arrays import ByValue, frozen_array, set_frozen
from otoscope.decoding.gaussians import Mixtures
from otoscope.decoding.tree.units import HmmState
from otoscope.recognizers.hmm.features import FrameTransform, FrontEnd
from otoscope.recognizers.hmm.topology import SILENCE, StateTying


@dataclass(frozen=True, eq=False)
class HmmModel(ByValue):
    """Everything acoustic; implements `otoscope.decoding.tree.units.PhoneModels`.

    Parameters
    ----------
    front_end, transform
        From sound to cepstra, from cepstra to frames.
    tying
        Which column scores which state.
    mixtures
        One mixture a column.
    log_loop
        `(n_columns,)` natural-log probability to stay in a state for one frame more, below 0.

    Raises
    ------
    BadInput
        The parts do not go together.
    """

    front_end: FrontEnd
    transform: FrameTransform
    tying: StateTying
    mixtures: Mixtures
    log_loop: NDArray[np.float64]

    def __post_init__(self) -> None:
        set_frozen(self, log_loop=frozen_array(self.log_loop, n_dims=1, name="log_loop", dtype=np.float64))
        n_columns = len(self.tying.names)
        if self.mixtures.n_states != n_columns or self.log_loop.size != n_columns:
            raise BadInput(
                f"{n_columns} tied states need as many mixtures and loops, "
                f"got {self.mixtures.n_states} and {self.log_loop.size}"
            )
        if not (np.isfinite(self.log_loop).all() and self.log_loop.max() < 0):
            raise BadInput("log_loop must be finite and below 0")

    @property
    def phones(self) -> tuple[str, ...]:
        """Units that can stand in a pronunciation."""
        return self.tying.units

    @property
    def silence(self) -> str:
        """The unit of silence."""
        return SILENCE

    @property
    def context(self) -> tuple[bool, bool]:
        """Whether the left and the right neighbour matter."""
        return self.tying.context, self.tying.context

    def states(self, left: str | None, phone: str, right: str | None) -> tuple[HmmState, ...]:
        """Return the states of `phone` between two neighbours; no neighbour counts as silence."""
        columns = self.tying.columns(left or SILENCE, phone, right or SILENCE)
        return tuple(self._hmm_states[column] for column in columns)

    @cached_property
    def _hmm_states(self) -> tuple[HmmState, ...]:
        return tuple(
            HmmState(column, float(loop), math.log(-math.expm1(loop))) for column, loop in enumerate(self.log_loop)
        )

    def frames(self, recording: Recording) -> tuple[NDArray[np.float32], FrameGrid]:
        """Return what the Gaussians see of a recording, `(n_frames, n_dims)`, and where the frames lie."""
        cepstra, grid = self.front_end.cepstra(recording)
        return self.transform(cepstra), grid

    def scores(self, frames: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return ln p(frame | tied state), `(n_frames, n_columns)`."""
        return self.mixtures.log_likelihoods(frames)

    def with_parts(self, mixtures: Mixtures, log_loop: NDArray[np.float64]) -> HmmModel:
        """Return the same model with other mixtures and loops."""
        return replace(self, mixtures=mixtures, log_loop=log_loop)
