"""Who may see whom: boolean masks, True where something is real or may be looked at."""

from __future__ import annotations

import torch
from torch import Tensor

from otoscope.core import BadInput


def frame_mask(lengths: Tensor, n_frames: int) -> Tensor:
    """Return `(n, n_frames, 1)`: True on the frames an utterance has, False on the padding after it."""
    return (torch.arange(n_frames, device=lengths.device)[None] < lengths[:, None]).unsqueeze(-1)


def key_mask(lengths: Tensor, n_keys: int) -> Tensor:
    """Return `(n, 1, n_keys)`: the keys that are no padding, for every query of an utterance."""
    return frame_mask(lengths, n_keys).transpose(1, 2)


def causal_mask(n_frames: int, *, device: torch.device | None = None) -> Tensor:
    """Return `(1, n_frames, n_frames)`: query `i` sees keys `0 … i` (Vaswani et al. 2017, section 3.2.3).

    Examples
    --------
    >>> causal_mask(3)[0].int().tolist()
    [[1, 0, 0], [1, 1, 0], [1, 1, 1]]
    """
    return torch.ones(n_frames, n_frames, dtype=torch.bool, device=device).tril()[None]


def chunk_mask(n_frames: int, chunk: int, *, n_left: int | None = None, device: torch.device | None = None) -> Tensor:
    """Return `(1, n_frames, n_frames)`: a frame sees its own chunk and the `n_left` chunks before it (`None`: all).

    What a streaming encoder may see: the sound arrives `chunk` frames at a time (Zhang et al. 2020, U2).

    Examples
    --------
    >>> chunk_mask(4, 2)[0].int().tolist()
    [[1, 1, 0, 0], [1, 1, 0, 0], [1, 1, 1, 1], [1, 1, 1, 1]]
    """
    if chunk < 1 or (n_left is not None and n_left < 0):
        raise BadInput(f"chunks need 1 frame or more and n_left >= 0, got chunk={chunk}, n_left={n_left}")
    at = torch.arange(n_frames, device=device) // chunk
    behind = at[:, None] - at[None]
    seen = behind >= 0
    return (seen if n_left is None else seen & (behind <= n_left))[None]


def both(first: Tensor | None, second: Tensor | None) -> Tensor | None:
    """Return what both masks allow; `None` allows everything."""
    if first is None or second is None:
        return second if first is None else first
    return first & second
