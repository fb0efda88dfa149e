"""Where each frame lies in the recording, in whole samples."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from otoscope.core.errors import BadInput


class Span(Protocol):
    """Anything with a start and an end in seconds."""

    @property
    def start_s(self) -> float: ...  # noqa: D102
    @property
    def end_s(self) -> float: ...  # noqa: D102


@dataclass(frozen=True)
class FrameGrid:
    """A regular row of analysis windows over a recording.

    Frame `i` sees samples `[start + i * hop, start + i * hop + window)`. `start` may be negative where the
    front end pads. Compare two grids by time, never by index.

    Examples
    --------
    wav2vec 2.0 sees 400 samples every 320, Whisper pads half a window:

    >>> FrameGrid(16000, start=0, hop=320, window=400, n_frames=3).times_s().tolist()
    [0.0125, 0.0325, 0.0525]
    >>> FrameGrid(16000, start=-200, hop=320, window=400, n_frames=3).times_s().tolist()
    [0.0, 0.02, 0.04]
    """

    rate_hz: int
    start: int
    hop: int
    window: int
    n_frames: int

    def __post_init__(self) -> None:
        for name in ("rate_hz", "start", "hop", "window", "n_frames"):
            value = getattr(self, name)
            if int(value) != value:
                raise BadInput(f"FrameGrid.{name} must be a whole number, got {value!r}")
            object.__setattr__(self, name, int(value))
        if self.rate_hz <= 0 or self.hop <= 0 or self.window <= 0 or self.n_frames < 0:
            raise BadInput(f"FrameGrid needs rate_hz, hop, window > 0 and n_frames >= 0, got {self}")

    @classmethod
    def over(cls, n_samples: int, rate_hz: int, *, hop: int, window: int, pad: int = 0) -> FrameGrid:
        """Return the grid of all whole windows over `n_samples` with `pad` samples added at both ends.

        Examples
        --------
        >>> FrameGrid.over(16000, 16000, hop=160, window=400).n_frames
        98
        """
        n_frames = max(0, 1 + (n_samples + 2 * pad - window) // hop)
        return cls(rate_hz, -pad, hop, window, n_frames)

    def times_s(self) -> NDArray[np.float64]:
        """Centres of the windows in seconds, `(n_frames,)`; each is the float64 nearest to the true quotient."""
        doubled = 2 * (self.start + self.hop * np.arange(self.n_frames, dtype=np.int64)) + self.window
        return doubled / (2.0 * self.rate_hz)

    def edges_s(self) -> NDArray[np.float64]:
        """Boundaries half-way between centres, `(n_frames + 1,)`: what a frame stands for when it is drawn or timed."""
        doubled = 2 * (self.start + self.hop * np.arange(self.n_frames + 1, dtype=np.int64)) + self.window - self.hop
        return doubled / (2.0 * self.rate_hz)

    def frames_of(self, span: Span) -> slice:
        """Return the frames whose centre lies in `[start_s, end_s)`; possibly none.

        Examples
        --------
        >>> from otoscope.core.timeline import Interval
        >>> FrameGrid(16000, 0, 320, 400, 50).frames_of(Interval(0.0325, 0.0925, "k"))
        slice(1, 4, None)
        """
        first, last = np.searchsorted(self.times_s(), [span.start_s, span.end_s], side="left")
        return slice(int(first), int(last))

    def frame_at(self, time_s: float) -> int:
        """Return the frame whose centre is nearest to `time_s` (the earlier one on a tie), clipped to the grid."""
        if self.n_frames == 0:
            raise BadInput("a grid of no frames has no frame at any time")
        doubled = 2 * time_s * self.rate_hz - 2 * self.start - self.window
        return int(np.clip(np.ceil(doubled / (2 * self.hop) - 0.5), 0, self.n_frames - 1))

    def conv(self, kernel: int, *, stride: int = 1, padding: int = 0, dilation: int = 1) -> FrameGrid:
        """Return the grid of a convolution's output, given this grid as its input.

        Examples
        --------
        The seven convolutions of wav2vec 2.0:

        >>> grid = FrameGrid(16000, 0, 1, 1, 16000)
        >>> for kernel, stride in [(10, 5)] + [(3, 2)] * 4 + [(2, 2)] * 2:
        ...     grid = grid.conv(kernel, stride=stride)
        >>> grid
        FrameGrid(rate_hz=16000, start=0, hop=320, window=400, n_frames=49)
        """
        reach = dilation * (kernel - 1)
        n_frames = max(0, (self.n_frames + 2 * padding - reach - 1) // stride + 1)
        return FrameGrid(
            self.rate_hz,
            self.start - padding * self.hop,
            self.hop * stride,
            self.window + reach * self.hop,
            n_frames,
        )
