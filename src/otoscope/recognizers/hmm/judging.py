"""Whether a text is what a recording says: every word of its best path, and every silence, against any units."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from otoscope.core import DoesNotFit, FrameGrid
from otoscope.decoding.tree.forced import ForcedPath

SLACK_FRAMES = 5.0
"""Added to the frames of a stretch when its mean is taken: a short word has little to be judged by."""


def stretch_fits(path: ForcedPath, gains: NDArray[np.float64]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return the first frame of each word and each silence, and how well each fits.

    The fit is the sum over its frames of log-likelihood minus gain, divided by its frames and `SLACK_FRAMES` more: nats
    a frame, about 0 where nothing explains the sound better. One word too few shows in what has to stand for it.

    Parameters
    ----------
    path
        Of a text through a recording.
    gains
        `(n_frames,)` what each frame adds to the best path through any units (`passages.free_loop_gains`).
    """
    firsts = np.flatnonzero(np.diff(path.words, prepend=path.words[:1] - 1))
    sums = np.add.reduceat(path.frame_scores - gains, firsts)
    return firsts, sums / (np.diff(firsts, append=path.words.size) + SLACK_FRAMES)


def check_said(path: ForcedPath, gains: NDArray[np.float64], grid: FrameGrid, *, least_fit: float) -> None:
    """Refuse a text that the sound does not say.

    Raises
    ------
    DoesNotFit
        A word or a silence fits worse than `least_fit`; the message names the worst and where it would have to lie.
    """
    firsts, fits = stretch_fits(path, gains)
    worst = int(np.argmin(fits))
    if fits[worst] >= least_fit:
        return
    first, stop = int(firsts[worst]), int(np.append(firsts, path.words.size)[worst + 1])
    word, edges = int(path.words[first]), grid.edges_s()
    what = "silence" if word < 0 else repr(path.graph.words[word])
    raise DoesNotFit(
        f"the text does not fit the sound: {what} at {edges[first]:.2f} to {edges[stop]:.2f} s is {fits[worst]:.1f} "
        f"nats a frame from what any sounds would reach, {least_fit:.1f} is allowed; check that text and recording "
        f"belong together"
    )
