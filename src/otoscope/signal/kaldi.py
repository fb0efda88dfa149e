"""Filterbank and MFCC by Kaldi's own code (kaldi-native-fbank): the numbers other tools were trained on."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from otoscope.core import Features, Recording
from otoscope.signal.frames import analysis_grid
from otoscope.signal.mel import mel_centres_hz

SIXTEEN_BIT = 32768.0
"""Kaldi reads samples as 16-bit integers: full scale is 32768."""


def kaldi_fbank(
    recording: Recording, *, n_mels: int = 80, low_hz: float = 20.0, full_scale: float = SIXTEEN_BIT
) -> Features:
    """Return `compute-fbank-feats --dither=0`, `(n_frames, n_mels)`, natural log of power.

    With `full_scale=1` the same numbers as `otoscope.signal.features.log_mel`.
    """
    import kaldi_native_fbank as knf

    options = knf.FbankOptions()
    _set_common(options, recording.rate_hz, n_mels, low_hz)
    values = _run(knf.OnlineFbank(options), recording, full_scale, n_mels)
    centres = mel_centres_hz(n_mels, low_hz, recording.rate_hz / 2)
    return _features(values, recording, "log_mel", centres, "Hz", full_scale)


def kaldi_mfcc(
    recording: Recording,
    *,
    n_coeffs: int = 40,
    n_mels: int = 80,
    lifter: float = 0.0,
    low_hz: float = 20.0,
    full_scale: float = SIXTEEN_BIT,
) -> Features:
    """Return `compute-mfcc-feats --dither=0 --use-energy=false`, `(n_frames, n_coeffs)`.

    Kaldi's classic recipe is `n_coeffs=13, n_mels=23, lifter=22`; its "hires" one `n_coeffs=40, n_mels=40, lifter=22`.
    """
    import kaldi_native_fbank as knf

    options = knf.MfccOptions()
    _set_common(options, recording.rate_hz, n_mels, low_hz)
    options.num_ceps = n_coeffs
    options.use_energy = False
    options.cepstral_lifter = lifter
    values = _run(knf.OnlineMfcc(options), recording, full_scale, n_coeffs)
    return _features(values, recording, "mfcc", np.arange(n_coeffs), "cepstral index", full_scale)


def _set_common(options: Any, rate_hz: int, n_mels: int, low_hz: float) -> None:
    options.frame_opts.samp_freq = rate_hz
    options.frame_opts.dither = 0.0
    options.frame_opts.snip_edges = True
    options.mel_opts.num_bins = n_mels
    options.mel_opts.low_freq = low_hz


def _run(computer: Any, recording: Recording, full_scale: float, n_coeffs: int) -> NDArray[np.float32]:
    computer.accept_waveform(recording.rate_hz, recording.samples * np.float32(full_scale))
    computer.input_finished()
    values = np.empty((computer.num_frames_ready, n_coeffs), np.float32)
    for index in range(values.shape[0]):
        values[index] = computer.get_frame(index)
    return values


def _features(
    values: NDArray[np.float32], recording: Recording, kind: str, columns: Any, unit: str, full_scale: float
) -> Features:
    grid = analysis_grid(recording.n_samples, recording.rate_hz)
    scale = "ln power" if full_scale == 1 else f"ln power, full scale {full_scale:g}"
    return Features(values, grid, kind, scale, columns, unit)
