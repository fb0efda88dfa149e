"""All that fixes the listener's ears apart from their weights: phones, states, priors, times."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType
from typing import Any

import numpy as np

from otoscope.core import BadInput
from otoscope.core.arrays import set_frozen
from otoscope.core.errors import UnknownName
from otoscope.decoding.tree.units import HmmState

SILENCE = "SIL"
N_STATES = 3


@dataclass(frozen=True)
class EarsCard:
    """What fixes the ears apart from their weights, as plain data; also their phone models.

    Implements `otoscope.decoding.tree.units.PhoneModels`: three states a phone, its thirds, columns 3 p to 3 p + 2 of
    phone p; one state of silence, the last column. No neighbour matters.

    Parameters
    ----------
    name
        Name in results.
    phones
        Those of words, in the order of the columns.
    log_priors
        Natural logs of how often each column is met in training, one a column.
    mean_frames
        How many frames a state lasts on average, one a column.
    prior_weight
        η in log p(s | x) - η log p(s).
    temperature
        What logits are divided by; 1 trusts the network as it is.
    reach, offsets
        Of the network (`otoscope.nets.causal_tdnn.CausalTdnnShape`).
    training
        How the weights were made, JSON values.
    """

    name: str
    phones: tuple[str, ...]
    log_priors: tuple[float, ...]
    mean_frames: tuple[float, ...]
    prior_weight: float = 1.0
    temperature: float = 1.0
    reach: int = 3
    offsets: tuple[tuple[int, ...], ...] = ((-3, 0, 3), (-6, -3, 0), (-12, -6, 0), (-18, -9, 0), (-24, -12, 0))
    training: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        set_frozen(
            self,
            phones=tuple(self.phones),
            log_priors=tuple(map(float, self.log_priors)),
            mean_frames=tuple(map(float, self.mean_frames)),
            offsets=tuple(tuple(own) for own in self.offsets),
            training=MappingProxyType(dict(self.training)),
        )
        n_columns = N_STATES * len(self.phones) + 1
        if not len(self.log_priors) == len(self.mean_frames) == n_columns:
            raise BadInput(
                f"{len(self.phones)} phones have {n_columns} columns, got {len(self.log_priors)} priors "
                f"and {len(self.mean_frames)} durations"
            )
        if min(self.mean_frames) <= 1 or self.temperature <= 0:
            raise BadInput("states must last more than one frame on average, and the temperature must be above 0")

    @property
    def silence(self) -> str:
        """The phone that stands for silence."""
        return SILENCE

    @property
    def context(self) -> tuple[bool, bool]:
        """No neighbour matters."""
        return (False, False)

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the columns: `AA.1`, `AA.2`, … `SIL.1`."""
        return (*(f"{phone}.{k + 1}" for phone in self.phones for k in range(N_STATES)), f"{SILENCE}.1")

    @cached_property
    def _states(self) -> dict[str, tuple[HmmState, ...]]:
        own = [
            HmmState(column, math.log1p(-1 / frames), -math.log(frames))
            for column, frames in enumerate(self.mean_frames)
        ]
        found = {p: tuple(own[N_STATES * k : N_STATES * (k + 1)]) for k, p in enumerate(self.phones)}
        return {**found, SILENCE: (own[-1],)}

    def states(self, left: str | None, phone: str, right: str | None) -> tuple[HmmState, ...]:
        """Return the states of a phone, whatever its neighbours.

        Raises
        ------
        UnknownName
            There is no such phone.
        """
        if phone not in self._states:
            raise UnknownName("phone", phone, self._states)
        return self._states[phone]

    def prior_row(self) -> np.ndarray[Any, np.dtype[np.float32]]:
        """Return what is taken off the log-posteriors of a frame, `(n_columns,)`."""
        return np.asarray(self.prior_weight * np.array(self.log_priors), np.float32)

    def as_json(self) -> dict[str, Any]:
        """Return the card as JSON values."""
        values = {f.name: getattr(self, f.name) for f in dataclasses.fields(self)}
        return {**values, "training": dict(self.training), "offsets": [list(own) for own in self.offsets]}
