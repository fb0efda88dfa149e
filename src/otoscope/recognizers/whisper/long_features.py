"""Log-mel frames of recordings of any length, in blocks: equal to those of the whole, in a fraction of the memory."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from otoscope.core import BadAudio, Recording
from otoscope.recognizers.whisper.features import HOP, LEAST_POWER, RANGE, RATE_HZ, WINDOW, FrontEnd
from otoscope.signal.resampling import resampled

BLOCK = 6000
"""Frames that are computed at once: a minute."""


def long_log_mel(front_end: FrontEnd, recording: Recording) -> Tensor:
    """Return log-mel frames `(n_frames, n_mels)` of a whole recording, one for each 10 ms that is complete.

    As `FrontEnd.log_mel` of all its sound at once: values are cut off 8 decades below the loudest of the *whole*
    recording, and only its two ends are mirrored.

    Raises
    ------
    BadAudio
        It is too short to be mirrored at its ends (12.5 ms).
    """
    samples = resampled(recording, RATE_HZ).samples
    half, n_frames = WINDOW // 2, samples.size // HOP
    if samples.size <= half:
        raise BadAudio(f"the recording has {samples.size} samples at 16 kHz; Whisper needs more than {half}")
    left, right = samples[half:0:-1], samples[-2 : -half - 2 : -1]
    window = torch.hann_window(WINDOW)
    frames = torch.empty(n_frames, front_end.n_mels)
    for first in range(0, n_frames, BLOCK):
        last = min(first + BLOCK, n_frames)
        begin, end = first * HOP - half, (last - 1) * HOP + half
        block = samples[max(begin, 0) : min(end, samples.size)]
        parts = [left[left.size + begin :]] if begin < 0 else []
        parts += [block, right[: max(0, end - samples.size)]]
        wave = torch.from_numpy(np.concatenate(parts))
        spectrum = torch.stft(wave, WINDOW, HOP, window=window, center=False, return_complex=True)
        power = spectrum.real**2 + spectrum.imag**2
        frames[first:last] = (front_end.filters @ power).clamp(min=LEAST_POWER).log10().T
    frames.clamp_(min=float(frames.max()) - RANGE)
    return frames.add_(4.0).div_(4.0)
