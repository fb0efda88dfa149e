"""The front ends an end-to-end network can choose from, in torch and on one grid: what comes first in the network.

All take waveforms `(n, n_samples)` and give `(n, n_frames, n_features)` on `FrontEndShape.grid`.
"""

from __future__ import annotations

import math
from typing import Literal, get_args

import torch
from torch import Tensor, nn

from otoscope.core import BadInput
from otoscope.nets.front_end import FrontEndShape, LogMel, mel_edges_hz

InputKind = Literal["log-mel", "mfcc", "spectrogram", "waveform"]
"""80 mel filters, 40 cepstra, 256 bins of a spectrogram, or filters that are learnt from the waveform itself."""


def speech_input(kind: InputKind, shape: FrontEndShape) -> nn.Module:
    """Return the front end of a kind; it has `n_features`.

    Raises
    ------
    BadInput
        There is no such kind.
    """
    if kind not in get_args(InputKind):
        raise BadInput(f"unknown features {kind!r}; one of {', '.join(get_args(InputKind))}")
    return {"log-mel": MelInput, "mfcc": CepstralInput, "spectrogram": SpectralInput, "waveform": LearntInput}[kind](
        shape
    )


class MelInput(LogMel):
    """Natural-log mel power, `shape.n_mels` columns; see `otoscope.nets.front_end.LogMel`."""

    def __init__(self, shape: FrontEndShape) -> None:
        super().__init__(shape)
        self.n_features = shape.n_mels


class CepstralInput(nn.Module):
    """Mel-frequency cepstra: the orthonormal DCT-II of log-mel power, all `n_mels` of them (Davis & Mermelstein 1980).

    40 cepstra of 40 filters are what TDNNs are commonly given (Peddinti et al. 2015): nothing is lost but the scale.
    """

    basis: Tensor

    def __init__(self, shape: FrontEndShape) -> None:
        super().__init__()
        self.log_mel, self.n_features = LogMel(shape), shape.n_mels
        order, column = torch.arange(shape.n_mels)[:, None], torch.arange(shape.n_mels)[None] + 0.5
        basis = torch.cos(math.pi / shape.n_mels * order * column) * math.sqrt(2 / shape.n_mels)
        basis[0] /= math.sqrt(2)
        self.register_buffer("basis", basis.T.contiguous(), persistent=False)

    def forward(self, samples: Tensor) -> Tensor:
        """Return `(n, n_frames, n_mels)`."""
        cepstra: Tensor = self.log_mel(samples) @ self.basis
        return cepstra


class SpectralInput(nn.Module):
    """Natural-log power of the short-time Fourier transform, the bins above 0 Hz: 256 at a 512-point transform."""

    def __init__(self, shape: FrontEndShape) -> None:
        super().__init__()
        self.log_mel = LogMel(shape)
        self.n_features = self.log_mel.n_fft // 2

    def forward(self, samples: Tensor) -> Tensor:
        """Return `(n, n_frames, n_features)`."""
        own = self.log_mel
        frames = _framed(samples, own.shape) * own.window
        power = torch.view_as_real(torch.fft.rfft(frames, n=own.n_fft))[..., 1:, :].square().sum(-1)
        return torch.log(power / (own.window.square().sum() * own.shape.window) + own.shape.floor)


class LearntInput(nn.Module):
    """A filterbank that is learnt: pairs of filters, squared modulus, mean over a frame, logarithm.

    Zeghidour, Usunier, Kokkinos, Schatz, Synnaeve & Dupoux (2018), "Learning filterbanks from raw speech for phone
    recognition": the filters begin as Hann-windowed waves at the centres of the mel filters, and training may change
    them. Each frame takes the mean power at four places a quarter of a hop apart, which together see one window.
    """

    N_PLACES = 4

    def __init__(self, shape: FrontEndShape) -> None:
        super().__init__()
        self.shape, self.n_features = shape, shape.n_mels
        self.step = shape.hop // self.N_PLACES
        length = shape.window - (self.N_PLACES - 1) * self.step
        if self.step < 1 or length < 1:
            raise BadInput(f"learnt filters need a hop of 4 samples or more, got {shape.hop}")
        centres = torch.tensor(mel_edges_hz(shape)[1:-1], dtype=torch.float32)[:, None]
        phase = 2 * math.pi * centres * torch.arange(length)[None] / shape.rate_hz
        window = torch.hann_window(length, periodic=False) / math.sqrt(length)
        self.filters = nn.Parameter(torch.cat([torch.cos(phase), torch.sin(phase)]) * window)

    def forward(self, samples: Tensor) -> Tensor:
        """Return `(n, n_frames, n_mels)`."""
        frames = _framed(samples, self.shape)
        places = frames.unfold(-1, self.filters.shape[1], self.step)
        real, imaginary = (places @ self.filters.T).chunk(2, -1)
        power = (real.square() + imaginary.square()).mean(-2)
        return torch.log(power + self.shape.floor)


def _framed(samples: Tensor, shape: FrontEndShape) -> Tensor:
    """Return `(n, n_frames, window)` as `LogMel` cuts them."""
    short = max(0, shape.hop - samples.shape[-1])
    return nn.functional.pad(samples, (shape.pad, shape.pad + short)).unfold(-1, shape.window, shape.hop)
