"""What was measured at each frame: features, emissions, decoder scores, activations and attention."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from otoscope.core.arrays import ByValue, frozen_array, set_frozen
from otoscope.core.errors import BadInput
from otoscope.core.grid import FrameGrid

EmissionKind = Literal["neg_distance", "log_likelihood", "scaled_log_likelihood", "log_posterior"]
"""What an emission score is; only `log_posterior` rows sum to one."""


def _matrix(values: Any, name: str, n_rows: int, dtype: Any = None) -> NDArray[Any]:
    matrix = frozen_array(values, n_dims=2, name=name, dtype=dtype)
    if matrix.shape[0] != n_rows:
        raise BadInput(f"{name} has {matrix.shape[0]} rows for {n_rows} frames; time is axis 0")
    return matrix


@dataclass(frozen=True, eq=False)
class Features(ByValue):
    """A front end's output.

    Parameters
    ----------
    values
        `(n_frames, n_coeffs)` float32.
    grid
        Where the frames lie.
    kind
        `waveform`, `spectrogram`, `log_mel`, `mfcc`, …
    unit
        What one unit of a value is: `dB re full scale`, `ln power`, ….
    coefficients
        What each column stands for, `(n_coeffs,)`, in `coefficient_unit` (centre frequencies in Hz, cepstral index, …).
    """

    values: NDArray[np.float32]
    grid: FrameGrid
    kind: str
    unit: str
    coefficients: NDArray[np.float64] | None = None
    coefficient_unit: str = ""

    def __post_init__(self) -> None:
        values = _matrix(self.values, "features", self.grid.n_frames, np.float32)
        set_frozen(self, values=values)
        if self.coefficients is not None:
            columns = frozen_array(self.coefficients, n_dims=1, name="coefficients", dtype=np.float64)
            if columns.size != values.shape[1]:
                raise BadInput(f"{columns.size} coefficients named for {values.shape[1]} columns")
            set_frozen(self, coefficients=columns)


@dataclass(frozen=True, eq=False)
class Emissions(ByValue):
    """Scores of every symbol at every frame, natural logs.

    Parameters
    ----------
    scores
        `(n_frames, n_symbols)` float32 or float64.
    grid
        Where the frames lie.
    symbols
        The `n_symbols` labels; a phone state is written `"AH.2"`.
    kind
        What a score is; see `EmissionKind`.
    blank
        Index of the CTC blank, `None` where there is none.
    """

    scores: NDArray[Any]
    grid: FrameGrid
    symbols: tuple[str, ...]
    kind: EmissionKind
    blank: int | None = None

    def __post_init__(self) -> None:
        scores = _matrix(self.scores, "emissions", self.grid.n_frames)
        set_frozen(self, scores=scores, symbols=tuple(self.symbols))
        if scores.shape[1] != len(self.symbols):
            raise BadInput(f"emissions have {scores.shape[1]} columns for {len(self.symbols)} symbols")
        if self.kind not in get_args(EmissionKind):
            raise BadInput(f"unknown kind of emission {self.kind!r}; one of {', '.join(get_args(EmissionKind))}")
        if self.blank is not None and not 0 <= self.blank < len(self.symbols):
            raise BadInput(f"blank is {self.blank}, outside 0..{len(self.symbols) - 1}")


@dataclass(frozen=True, eq=False)
class StepScores(ByValue):
    """Log-probabilities of an autoregressive decoder, one row a token: no time grid.

    `scores` is `(n_tokens, n_symbols)`; `tokens` the `n_tokens` chosen symbols.
    """

    scores: NDArray[Any]
    symbols: tuple[str, ...]
    tokens: tuple[str, ...]

    def __post_init__(self) -> None:
        set_frozen(self, scores=_matrix(self.scores, "step scores", len(self.tokens)))
        set_frozen(self, symbols=tuple(self.symbols), tokens=tuple(self.tokens))


@dataclass(frozen=True)
class Site:
    """A named place inside a network, such as `encoder.3.mlp`, and what one of its values means."""

    name: str
    description: str = ""
    n_units: int | None = None


@dataclass(frozen=True, eq=False)
class Activation(ByValue):
    """What was at a site: `values` `(n_frames, n_units)`, with its grid where the site has a time axis."""

    site: Site
    values: NDArray[Any]
    grid: FrameGrid | None = None

    def __post_init__(self) -> None:
        values = np.asarray(self.values)
        n_rows = self.grid.n_frames if self.grid is not None else values.shape[0]
        set_frozen(self, values=_matrix(values, f"activation at {self.site.name}", n_rows))


@dataclass(frozen=True, eq=False)
class Attention(ByValue):
    """Attention at a site: `weights` `(n_heads, n_queries, n_keys)`, rows summing to one.

    `query_grid` and `key_grid` say where queries and keys lie in time; `None` where they are tokens.
    """

    site: Site
    weights: NDArray[Any]
    query_grid: FrameGrid | None = None
    key_grid: FrameGrid | None = None

    def __post_init__(self) -> None:
        set_frozen(self, weights=frozen_array(self.weights, n_dims=3, name=f"attention at {self.site.name}"))


@dataclass(frozen=True, eq=False)
class SiteScores(ByValue):
    """How targets score with other values at a site, and how steeply each score rises there.

    Parameters
    ----------
    scores
        `(n_values, n_targets)` in nats.
    slopes
        `(n_values, n_targets, n_rows, n_units)`: d score / d value at the site; `None` where nobody asked.
    """

    scores: NDArray[np.float64]
    slopes: NDArray[Any] | None = None

    def __post_init__(self) -> None:
        set_frozen(self, scores=frozen_array(self.scores, n_dims=2, name="scores", dtype=np.float64))
        if self.slopes is not None:
            slopes = frozen_array(self.slopes, n_dims=4, name="slopes")
            if slopes.shape[:2] != self.scores.shape:
                raise BadInput(f"slopes of shape {slopes.shape} for scores of shape {self.scores.shape}")
            set_frozen(self, slopes=slopes)
