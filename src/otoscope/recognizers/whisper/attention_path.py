"""Where tokens lie in time, by dynamic time warping of cross-attention, exactly as transformers and openai/whisper do.

In come the weights of the chosen heads; out comes the first frame of each token. `times` makes better ones of the same
weights; these stay, to compare with and to be equal to the tools of the field.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import ArrayLike, NDArray

from otoscope.core import BadInput

MEDIAN_WIDTH = 7
"""Frames that the median filter sees (`median_filter_width` of the checkpoint's configuration)."""
STEP_S = 0.02
"""Seconds from one frame of Whisper's encoder to the next."""


def checked_weights(weights: ArrayLike, n_frames: int | None = None) -> NDArray[Any]:
    """Return attention weights `(n_heads, n_tokens, n_frames)`, cut to the `n_frames` that hold sound.

    Raises
    ------
    BadInput
        Another number of axes, an axis of no length, negative or NaN weights, or fewer frames than asked for.
    """
    array = np.asarray(weights)
    if array.ndim != 3 or 0 in array.shape:
        raise BadInput(f"attention weights must be (n_heads, n_tokens, n_frames), none of them 0, got {array.shape}")
    if n_frames is not None:
        if not 1 <= n_frames <= array.shape[2]:
            raise BadInput(f"n_frames must be 1 to {array.shape[2]}, the frames of the weights, got {n_frames}")
        array = array[:, :, :n_frames]
    if not array.min() >= 0:
        raise BadInput("attention weights hold NaN or negative values")
    return array


def attention_matrix(
    weights: ArrayLike, *, n_frames: int | None = None, median_width: int = MEDIAN_WIDTH
) -> NDArray[np.float32]:
    """Return `(n_tokens, n_frames)`: weights standardised over tokens, median-filtered in time, averaged over heads.

    Parameters
    ----------
    weights
        `(n_heads, n_tokens, n_frames)` of the heads that follow time.
    n_frames
        How many frames hold sound; Whisper's window is filled up to 30 s.
    median_width
        Odd number of frames.

    Raises
    ------
    BadInput
        Weights or widths that cannot be used; see `checked_weights`.

    Notes
    -----
    `_extract_token_timestamps` of transformers 5 and `find_alignment` of openai/whisper: z-scores along the axis of
    tokens (population standard deviation), a median filter whose edges are mirrored, the mean over heads. Where a frame
    has the same weight for all tokens, its z-scores are 0 here and NaN there.
    """
    if median_width < 1 or median_width % 2 == 0:
        raise BadInput(f"median_width must be odd and above 0, got {median_width}")
    chosen = checked_weights(weights, n_frames).astype(np.float32, copy=False)
    mean, deviation = chosen.mean(axis=1, keepdims=True), chosen.std(axis=1, keepdims=True)
    standard = np.divide(chosen - mean, deviation, out=np.zeros_like(chosen), where=deviation > 0)
    return median_filtered(standard, median_width).mean(axis=0)


def median_filtered(values: NDArray[Any], width: int) -> NDArray[Any]:
    """Return the running median along the last axis, edges mirrored; unchanged where fewer than half a width is there.

    Examples
    --------
    >>> median_filtered(np.array([0.0, 9.0, 0.0, 1.0, 2.0]), 3).tolist()
    [9.0, 0.0, 1.0, 1.0, 1.0]
    """
    half = width // 2
    if values.shape[-1] <= half:
        return values
    edges = [(0, 0)] * (values.ndim - 1) + [(half, half)]
    windows = np.lib.stride_tricks.sliding_window_view(np.pad(values, edges, mode="reflect"), width, axis=-1)
    return np.partition(windows, half, axis=-1)[..., half]


def first_frames(matrix: ArrayLike) -> NDArray[np.int64]:
    """Return the first frame of each token `(n_tokens,)` on the monotonic path with the highest sum of `matrix`.

    Notes
    -----
    The path goes from the first token at the first frame to the last token at the last frame, by steps of one token,
    one frame, or both; with the ties and the 32-bit sums of transformers' `_dynamic_time_warping`, so that equal
    weights give equal times.

    Examples
    --------
    >>> first_frames([[2, 2, -1, -1, -1], [-1, -1, 1, 2, 2]])
    array([0, 2])
    """
    values = np.ascontiguousarray(matrix, dtype=np.float64)
    if values.ndim != 2 or 0 in values.shape:
        raise BadInput(f"the matrix must be (n_tokens, n_frames) with at least one of each, got {values.shape}")
    return _first_frames(-values)


@njit(cache=True)
def _first_frames(costs):  # type: ignore[no-untyped-def]
    n_tokens, n_frames = costs.shape
    moves = np.full((n_tokens + 1, n_frames + 1), 2, dtype=np.uint8)
    before, now = np.full(n_tokens + 1, np.inf, dtype=np.float32), np.empty(n_tokens + 1, dtype=np.float32)
    before[0] = 0.0
    for j in range(1, n_frames + 1):
        now[0] = np.inf
        for i in range(1, n_tokens + 1):
            both, token, frame = before[i - 1], now[i - 1], before[i]
            if both < token and both < frame:
                best, move = both, 0
            elif token < both and token < frame:
                best, move = token, 1
            else:
                best, move = frame, 2
            now[i] = np.float32(costs[i - 1, j - 1] + np.float64(best))
            moves[i, j] = move
        before, now = now, before
    starts = np.zeros(n_tokens, dtype=np.int64)
    i, j = n_tokens, n_frames
    while i > 0 and j > 0:
        starts[i - 1] = j - 1
        move = moves[i, j]
        i -= move != 2
        j -= move != 1
    return starts
