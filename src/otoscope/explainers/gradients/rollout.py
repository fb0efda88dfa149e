"""Where attention let sound flow to: rollout through all layers, heads alike or weighted by how sure they are."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from otoscope.core import Attention, BadInput, FrameGrid, NotAble, NotRecorded, Target
from otoscope.explainers.gradients.fine_method import FineMethod, Values
from otoscope.explainers.gradients.inputs import Inputs


@dataclass(frozen=True)
class AttentionRollout(FineMethod):
    """Attention of all encoder layers multiplied, half of each kept for the residual stream (Abnar & Zuidema 2020).

    A word's map is the mean over the rows in its interval, an utterance's over all: where what stands there came from.
    It does not know the score; that of a rival is the same. One value a frame.
    """

    name: str = "attention-rollout"

    def values(self, inputs: Inputs, *, fill: str, seed: int) -> Values:
        """Return the rows of the product that belong to each target."""
        layers = self_attentions(inputs)
        grid = layers[-1].query_grid
        assert grid is not None
        flow = rollout([self.head_mean(layer.weights) for layer in layers])
        maps = [_rows(target, flow, grid) for target in inputs.targets]
        ends = inputs.scores(np.stack([inputs.values, inputs.filled(fill, seed=seed)]))
        return Values(np.stack(maps)[:, :, None], ends[0], ends[1], grid)

    def head_mean(self, weights: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return one matrix `(n_queries, n_keys)` of the heads `(n_heads, n_queries, n_keys)`."""
        return np.asarray(weights, dtype=np.float64).mean(0)


@dataclass(frozen=True)
class EntropyAttention(AttentionRollout):
    """Rollout in which a head counts by how far its entropy lies below that of even attention.

    A head that looks everywhere alike says nothing of where: weight 1 - H / ln n_keys, mean over its rows.
    """

    name: str = "entropy-attention"

    def head_mean(self, weights: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the mean of the heads by certainty; all alike where none is certain of anything."""
        heads = np.asarray(weights, dtype=np.float64)
        logs = np.log(np.where(heads > 0, heads, 1.0))
        certain = 1 + (heads * logs).sum(2).mean(1) / np.log(max(2, heads.shape[2]))
        certain = np.maximum(certain, 0.0)
        share = certain / certain.sum() if certain.sum() > 1e-9 else np.full(len(heads), 1 / len(heads))
        return np.einsum("h,hqk->qk", share, heads)


def rollout(layers: list[NDArray[np.float64]]) -> NDArray[np.float64]:
    """Return the product of (A + I) / 2 over layers, first layer rightmost (Abnar & Zuidema 2020, section 3).

    Examples
    --------
    >>> rollout([np.array([[0.0, 1.0], [0.0, 1.0]])]).tolist()
    [[0.5, 0.5], [0.0, 1.0]]
    """
    flow = np.eye(layers[0].shape[0])
    for weights in layers:
        flow = (weights + np.eye(len(weights))) / 2 @ flow
    return flow


def self_attentions(inputs: Inputs) -> list[Attention]:
    """Return the attention of the encoder's layers to itself, first layer first.

    Raises
    ------
    NotAble
        The recogniser has no attention, or hides it.
    """
    recognizer = inputs.recognizer
    try:
        found = recognizer.trace(inputs.recording, record=["attentions"]).attentions.values()
    except (NotRecorded, BadInput) as hidden:
        raise NotAble(f"{recognizer.name} shows no attention: {hidden}") from hidden
    own = [a for a in found if a.query_grid is not None and a.query_grid == a.key_grid]
    if not own:
        raise NotAble(f"{recognizer.name} has no self-attention over sound; take integrated-gradients")
    if len({a.weights.shape[1] for a in own}) > 1:
        raise NotAble(f"the layers of {recognizer.name} have different frames, which rollout cannot multiply")
    return own


def _rows(target: Target, flow: NDArray[np.float64], grid: FrameGrid) -> NDArray[np.float64]:
    if target.interval is None:
        return np.asarray(flow.mean(0))
    rows = grid.frames_of(target.interval)
    if rows.start >= rows.stop:
        middle = grid.frame_at((target.interval.start_s + target.interval.end_s) / 2)
        rows = slice(middle, middle + 1)
    return np.asarray(flow[rows].mean(0))
