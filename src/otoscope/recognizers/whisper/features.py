"""Whisper's ears: 30 s of sound in, log-mel frames out, differentiable; and where every frame lies in time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from otoscope.core import BadAudio, Features, FrameGrid, Recording
from otoscope.signal.resampling import resampled

RATE_HZ = 16000
WINDOW = 400
HOP = 160
HIGHEST_HZ = 8000.0
LEAST_POWER = 1e-10
RANGE = 8.0
"""Decades below the loudest value at which values are cut off."""


@dataclass(frozen=True)
class FrontEnd:
    """Log-mel frames as Whisper takes them (Radford et al. 2023, section 2.2), equal to transformers' extractor.

    Parameters
    ----------
    n_mels
        Mel bands, 80 or (large-v3) 128.
    n_frames
        Frames of a window: 3000 of 10 ms.
    """

    n_mels: int = 80
    n_frames: int = 3000

    @property
    def n_samples(self) -> int:
        """Samples of a window, at 16 kHz."""
        return self.n_frames * HOP

    @property
    def window_s(self) -> float:
        """Length of a window in seconds."""
        return self.n_samples / RATE_HZ

    @property
    def grid(self) -> FrameGrid:
        """Where the log-mel frames of a window lie: centres at 0, 10, 20 … ms."""
        return FrameGrid(RATE_HZ, -WINDOW // 2, HOP, WINDOW, self.n_frames)

    def grids(self) -> dict[str, FrameGrid]:
        """Return where the rows of each part lie, by the beginning of the names of its sites."""
        first = self.grid.conv(3, padding=1)
        second = first.conv(3, stride=2, padding=1)
        return {"features": self.grid, "encoder.conv.0": first, "encoder.conv.1": second, "encoder": second}

    @cached_property
    def filters(self) -> Tensor:
        """Triangles of equal area on Slaney's mel scale, `(n_mels, 201)`."""
        return torch.from_numpy(mel_filters(self.n_mels).astype(np.float32))

    def wave(self, recording: Recording) -> Tensor:
        """Return a recording at 16 kHz, filled up with silence to a window, `(n_samples,)`.

        Raises
        ------
        BadAudio
            It is longer than a window.
        """
        if recording.duration_s > self.window_s + 0.5 / RATE_HZ:
            raise BadAudio(
                f"{recording.source or 'the recording'} lasts {recording.duration_s:.1f} s; one window of Whisper is "
                f"{self.window_s:g} s: take a stretch, with recording.cut(0, {self.window_s:g}) or --start and --end"
            )
        wave = torch.zeros(self.n_samples)
        samples = resampled(recording, RATE_HZ).samples[: self.n_samples]
        wave[: samples.size] = torch.from_numpy(samples.copy())
        return wave

    def waves(self, recordings: Sequence[Recording]) -> Tensor:
        """Return recordings as `(n, n_samples)`; raises as `wave`."""
        return torch.stack([self.wave(recording) for recording in recordings])

    def log_mel(self, waves: Tensor) -> Tensor:
        """Return log-mel frames `(n, n_frames, n_mels)` of sound at 16 kHz `(n, n_samples)`, of any length.

        Power is summed in mel bands, log10, cut off 8 decades below the loudest value of its own row, brought to
        about -1 to 1.
        """
        spectrum = torch.stft(waves, WINDOW, HOP, window=torch.hann_window(WINDOW), return_complex=True)
        power = (spectrum.real**2 + spectrum.imag**2)[..., :-1].contiguous()
        log_mel = (self.filters @ power).clamp(min=LEAST_POWER).log10()
        loudest = log_mel.amax(dim=(1, 2), keepdim=True)
        scaled = (torch.maximum(log_mel, loudest - RANGE) + 4.0) / 4.0
        return scaled.transpose(1, 2)

    def features(self, log_mel: Tensor) -> Features:
        """Return the frames of one window `(n_frames, n_mels)` as the Trace has them."""
        centres = _mel_to_hz(np.linspace(_hz_to_mel(0.0), _hz_to_mel(HIGHEST_HZ), self.n_mels + 2))[1:-1]
        unit = "(log10 power + 4) / 4"
        return Features(log_mel.numpy(), self.grid, "log_mel", unit, centres, "Hz")


def mel_filters(n_mels: int) -> NDArray[np.float64]:
    """Return triangular filters `(n_mels, 201)` over the bins of a spectrum of 400 samples at 16 kHz, of equal area.

    Slaney's mel scale (Auditory Toolbox 1998): linear below 1 kHz, logarithmic above.
    """
    bins = np.linspace(0.0, RATE_HZ / 2, WINDOW // 2 + 1)
    edges = _mel_to_hz(np.linspace(_hz_to_mel(0.0), _hz_to_mel(HIGHEST_HZ), n_mels + 2))
    rising = (bins[None] - edges[:-2, None]) / (edges[1:-1] - edges[:-2])[:, None]
    falling = (edges[2:, None] - bins[None]) / (edges[2:] - edges[1:-1])[:, None]
    triangles: NDArray[np.float64] = np.maximum(0.0, np.minimum(rising, falling))
    return triangles * (2.0 / (edges[2:] - edges[:-2]))[:, None]


_LINEAR_HZ = 1000.0
_LINEAR_MEL = 15.0
_STEP = np.log(6.4) / 27.0


def _hz_to_mel(hz: float) -> float:
    return 3.0 * hz / 200.0 if hz < _LINEAR_HZ else _LINEAR_MEL + float(np.log(hz / _LINEAR_HZ)) / _STEP


def _mel_to_hz(mel: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.where(mel < _LINEAR_MEL, 200.0 * mel / 3.0, _LINEAR_HZ * np.exp(_STEP * (mel - _LINEAR_MEL)))
