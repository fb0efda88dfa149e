"""Passing a recording of any length through a network: at once, or in chunks with context that are put together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from otoscope.core import BadInput, FrameGrid
from otoscope.recognizers.checkpoints.places import recorded
from otoscope.recognizers.wav2vec2.grids import grid_of
from otoscope.recognizers.wav2vec2.network import SpeechEncoder
from otoscope.recognizers.wav2vec2.stretches import chunks


@dataclass(frozen=True)
class Pass:
    """What one chunk gives once its context is thrown away.

    `output` is `(n_frames, n_symbols)`, `seen` holds `(n_rows, n_units)` by site, or whole attention weights
    `(n_heads, n_frames, n_frames)`; `inputs` what the network hears, `(n_rows, n_units)`.
    """

    output: Tensor
    seen: dict[str, Tensor]
    inputs: Tensor


@dataclass(frozen=True)
class Chunking:
    """How a long recording is cut for the network.

    Parameters
    ----------
    chunk_s
        Longer recordings go through in chunks of this length.
    context_s
        What of it, at both ends, only serves as context.

    Raises
    ------
    BadInput
        A chunk would be all context.
    """

    chunk_s: float = 30.0
    context_s: float = 5.0

    def __post_init__(self) -> None:
        if not 0 <= 2 * self.context_s < self.chunk_s:
            raise BadInput(f"chunk_s must be more than twice context_s, got {self.chunk_s:g} and {self.context_s:g}")

    def is_long(self, n_samples: int, rate_hz: int) -> bool:
        """Whether a recording goes through in chunks."""
        return n_samples > self.chunk_s * rate_hz

    def passes(self, network: SpeechEncoder, wave: NDArray[np.float32], sites: Sequence[str] = ()) -> Iterator[Pass]:
        """Yield what the network makes of a waveform at its own rate; put together, rows have the grid of the whole.

        Parameters
        ----------
        network
            What hears it.
        wave
            `(n_samples,)`; one too short for a frame yields nothing.
        sites
            What to keep of each pass.
        """
        if not network.hears(wave.size):
            return
        grids = network.grids(wave.size)
        hop = max(grid.hop for grid in grids.values())
        size, context = wave.size, 0
        if self.is_long(wave.size, network.rate_hz):
            size, context = (round(length * network.rate_hz / hop) * hop for length in (self.chunk_s, self.context_s))
        for start, stop, left, right in chunks(wave.size, size=size, context=context):
            if network.hears(stop - start):
                yield _passed(network, wave[start:stop], sites, grids, (left, right))

    def outputs(self, network: SpeechEncoder, wave: NDArray[np.float32]) -> Iterator[NDArray[np.float64]]:
        """Yield consecutive `(n_frames, n_symbols)` log-probabilities of a waveform."""
        return (log_posteriors(each.output).numpy() for each in self.passes(network, wave))


def _passed(
    network: SpeechEncoder,
    wave: NDArray[np.float32],
    sites: Sequence[str],
    grids: dict[str, FrameGrid],
    context: tuple[int, int],
) -> Pass:
    left, right = context

    def kept(rows: Tensor, grid: FrameGrid) -> Tensor:
        return rows[left // grid.hop : (wave.size - right) // grid.hop if right else None]

    inputs = network.inputs([wave])
    with torch.no_grad(), recorded(network.places, sites) as seen:
        output = network.run(inputs)[0]
    weights = network.places.attentions
    rows = {
        name: each[0] if name in weights else kept(each[0], grid_of(name, grids)).clone() for name, each in seen.items()
    }
    heard = inputs[network.input_name][0]
    heard = heard[:, None] if heard.ndim == 1 else heard
    return Pass(kept(output, grids["logits"]), rows, kept(heard, grids["features"]))


def log_posteriors(logits: Tensor) -> Tensor:
    """Return log-probabilities in float64, in which no two logits that differ become equal."""
    return torch.log_softmax(logits.double(), dim=-1)
