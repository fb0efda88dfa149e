"""Log-mel front end in torch: waveforms in, natural-log mel power out, differentiable, with its exact frame grid."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from otoscope.core import BadInput, FrameGrid


@dataclass(frozen=True)
class FrontEndShape:
    """What fixes a log-mel front end.

    Parameters
    ----------
    rate_hz
        Rate of the waveforms it takes.
    n_mels
        Number of triangular filters, equally wide on the mel scale 2595 log10(1 + f / 700).
    window_s, hop_s
        Length of the Hann window and step between windows, rounded to whole samples.
    low_hz, high_hz
        Edges of the lowest and the highest filter; `high_hz` defaults to half the rate.
    floor
        Power added before the logarithm, full scale² (1e-6 is -60 dB): what digital silence becomes.
    """

    rate_hz: int = 16000
    n_mels: int = 80
    window_s: float = 0.025
    hop_s: float = 0.010
    low_hz: float = 20.0
    high_hz: float | None = None
    floor: float = 1e-6

    def __post_init__(self) -> None:
        top = self.rate_hz / 2 if self.high_hz is None else self.high_hz
        if not (0 <= self.low_hz < top <= self.rate_hz / 2):
            raise BadInput(f"mel filters need 0 <= low_hz < high_hz <= {self.rate_hz / 2}, got {self.low_hz} and {top}")
        if self.hop > self.window or self.hop < 1 or self.n_mels < 1 or not self.floor > 0:
            raise BadInput(f"a front end needs 0 < hop <= window, n_mels >= 1 and floor > 0, got {self}")

    @property
    def window(self) -> int:
        """Window length in samples."""
        return round(self.window_s * self.rate_hz)

    @property
    def hop(self) -> int:
        """Hop in samples."""
        return round(self.hop_s * self.rate_hz)

    @property
    def pad(self) -> int:
        """Zeros added at both ends, so that frame `i` is centred on the samples `[i * hop, (i + 1) * hop)`."""
        return (self.window - self.hop + 1) // 2

    def grid(self, n_samples: int) -> FrameGrid:
        """Return the grid over `n_samples`; less than one hop still makes one frame."""
        return FrameGrid.over(max(n_samples, self.hop), self.rate_hz, hop=self.hop, window=self.window, pad=self.pad)


def mel_edges_hz(shape: FrontEndShape) -> NDArray[np.float64]:
    """Return the corners, `(n_mels + 2,)`: filter `i` rises from edge `i`, peaks at `i + 1` and ends at `i + 2`."""
    high_hz = shape.rate_hz / 2 if shape.high_hz is None else shape.high_hz
    low, high = (2595 * np.log10(1 + np.array([shape.low_hz, high_hz]) / 700)).tolist()
    return 700 * (10 ** (np.linspace(low, high, shape.n_mels + 2) / 2595) - 1)


def mel_filters(shape: FrontEndShape, n_fft: int) -> NDArray[np.float64]:
    """Return the triangular mel filters, `(n_mels, n_fft // 2 + 1)`, each with peak 1 (HTK's scale; Young et al. 2006).

    Raises
    ------
    BadInput
        A filter is narrower than the spacing of the bins and would be empty.
    """
    edges_hz = mel_edges_hz(shape)
    bins_hz = np.fft.rfftfreq(n_fft, 1 / shape.rate_hz)
    rising = (bins_hz[None] - edges_hz[:-2, None]) / np.diff(edges_hz)[:-1, None]
    falling = (edges_hz[2:, None] - bins_hz[None]) / np.diff(edges_hz)[1:, None]
    filters = np.clip(np.minimum(rising, falling), 0, None)
    if not filters.any(axis=1).all():
        raise BadInput(f"{shape.n_mels} mel filters are too narrow at {shape.rate_hz} Hz; take fewer")
    return filters


class LogMel(nn.Module):
    """Waveforms `(n, n_samples)` to `ln(mel power + floor)`, `(n, n_frames, n_mels)`.

    Power is |DFT of the Hann-windowed frame|² divided by the window's energy and by its length, so that the level of a
    filter does not depend on the window length.
    """

    window: Tensor
    filters: Tensor

    def __init__(self, shape: FrontEndShape) -> None:
        super().__init__()
        self.shape = shape
        self.n_fft = max(512, 1 << (shape.window - 1).bit_length())
        window = torch.hann_window(shape.window, periodic=False, dtype=torch.float64)
        self.register_buffer("window", window.float(), persistent=False)
        filters = torch.from_numpy(mel_filters(shape, self.n_fft)) / (window.square().sum() * shape.window)
        self.register_buffer("filters", filters.float(), persistent=False)

    def forward(self, samples: Tensor) -> Tensor:
        """Return the features of zero-padded waveforms; the frames of each are the first `grid(n_samples)` ones."""
        short = max(0, self.shape.hop - samples.shape[-1])
        padded = nn.functional.pad(samples, (self.shape.pad, self.shape.pad + short))
        frames = padded.unfold(-1, self.shape.window, self.shape.hop) * self.window
        power = torch.view_as_real(torch.fft.rfft(frames, n=self.n_fft)).square().sum(-1)
        return torch.log(power @ self.filters.T + self.shape.floor)
