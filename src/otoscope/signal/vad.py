"""Where somebody speaks: voice activity by the network of silero-vad, whose package carries its weights.

The weights are loaded straight from the package's folder: importing `silero_vad` would set torch's number of threads
for the whole process and, in older versions, import torchaudio.
"""

from __future__ import annotations

import importlib.util
import threading
import warnings
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from otoscope.core import BadInput, CorruptWeights, Features, FrameGrid, Interval, Recording, Tier
from otoscope.signal.resampling import resampled

RATE_HZ = 16000
FRAME = 512
"""Samples the network hears at a time: 32 ms."""
HYSTERESIS = 0.15
"""Speech that has begun goes on until its probability falls this far below the threshold."""

_LOCK = threading.Lock()


def speech_probability(recording: Recording) -> Features:
    """Return the probability of speech, `(n_frames, 1)`, every 32 ms; the same for the same recording.

    The recording is resampled to 16 kHz; the last frame is filled up with zeros. The network remembers what came
    before, so that a frame's value does not depend on it alone.
    """
    import torch

    samples = resampled(recording, RATE_HZ).samples
    grid = FrameGrid(RATE_HZ, 0, FRAME, FRAME, -(-samples.size // FRAME))
    frames = np.pad(samples, (0, grid.n_frames * FRAME - samples.size)).reshape(-1, 1, FRAME)
    with _LOCK, torch.inference_mode():
        network = _network()
        network.reset_states()
        values = [float(network(torch.from_numpy(frame), RATE_HZ)) for frame in frames]
    return Features(np.array(values, np.float32)[:, None], grid, "speech_probability", "probability")


def speech_intervals(
    recording: Recording,
    *,
    threshold: float = 0.5,
    min_speech_s: float = 0.25,
    min_pause_s: float = 0.1,
    margin_s: float = 0.03,
) -> Tier:
    """Return where there is speech, as a tier `speech` of intervals; each `score` is its mean probability.

    Parameters
    ----------
    threshold
        Probability at which speech begins; it ends 0.15 below.
    min_speech_s, min_pause_s
        Shorter pauses are bridged, then shorter stretches of speech dropped.
    margin_s
        Added on both sides, as far as there is room.

    Raises
    ------
    BadInput
        `threshold` is no probability above 0.15.
    """
    if not HYSTERESIS < threshold < 1:
        raise BadInput(f"threshold must lie between {HYSTERESIS} and 1, got {threshold:g}")
    track = speech_probability(recording)
    probability = track.values[:, 0]
    step_s = FRAME / RATE_HZ
    runs = _bridged(_runs(probability, threshold), min_pause_s / step_s)
    intervals: list[Interval] = []
    for first, last in runs:
        if (last - first) * step_s < min_speech_s:
            continue
        earliest = intervals[-1].end_s if intervals else 0.0
        start_s, end_s = max(earliest, first * step_s - margin_s), min(recording.duration_s, last * step_s + margin_s)
        intervals.append(Interval(start_s, end_s, "speech", float(probability[first:last].mean())))
    return Tier("speech", tuple(intervals))


def _runs(probability: NDArray[np.float32], threshold: float) -> list[tuple[int, int]]:
    """Return runs of frames that begin at the threshold and end below threshold less hysteresis."""
    runs: list[tuple[int, int]] = []
    first: int | None = None
    for index, value in enumerate(probability):
        if first is None and value >= threshold:
            first = index
        elif first is not None and value < threshold - HYSTERESIS:
            runs.append((first, index))
            first = None
    return runs if first is None else [*runs, (first, probability.size)]


def _bridged(runs: list[tuple[int, int]], min_pause: float) -> list[tuple[int, int]]:
    """Return runs with pauses of fewer than `min_pause` frames closed."""
    joined: list[tuple[int, int]] = []
    for first, last in runs:
        if joined and first - joined[-1][1] < min_pause:
            joined[-1] = (joined[-1][0], last)
        else:
            joined.append((first, last))
    return joined


@lru_cache(maxsize=1)
def _network() -> Any:
    import torch

    found = importlib.util.find_spec("silero_vad")
    if found is None or found.origin is None:
        raise CorruptWeights(
            "voice activity needs the package silero-vad, which is not installed: pip install silero-vad"
        )
    path = Path(found.origin).parent / "data" / "silero_vad.jit"
    try:
        with warnings.catch_warnings():
            # The package ships TorchScript, which newer versions of torch still read but advise against.
            warnings.simplefilter("ignore", DeprecationWarning)
            network = torch.jit.load(str(path), map_location="cpu")
    except (RuntimeError, ValueError, OSError) as error:
        raise CorruptWeights(f"the weights of silero-vad at {path} cannot be read: reinstall silero-vad") from error
    network.eval()
    return network
