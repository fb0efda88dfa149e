"""The trained network at work, without a training framework: frames in, scores out as soon as they are certain.

The numbers are those of `otoscope.nets.causal_tdnn.CausalTdnn` from the same weights.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from otoscope.core import CorruptWeights

Floats = NDArray[np.float32]

EPSILON = np.float32(1e-5)
"""What the layer norm adds to the variance."""


@dataclass(frozen=True, eq=False)
class Network:
    """Weights of a causal time-delay network, and which frames its layers see.

    Parameters
    ----------
    weights
        By their names in the training network, float32.
    reach
        Frames that the first layer sees on either side.
    offsets
        Of each further layer.

    Raises
    ------
    CorruptWeights
        A weight is missing, or of another shape than the others ask for.
    """

    weights: Mapping[str, Floats] = field(repr=False)
    reach: int
    offsets: tuple[tuple[int, ...], ...]

    def __post_init__(self) -> None:
        shapes = _expected(self.weights, self.reach, self.offsets)
        for name, shape in shapes.items():
            found = self.weights[name].shape if name in self.weights else None
            if found != shape:
                raise CorruptWeights(f"weight {name} should have shape {shape}, got {found}")

    @property
    def n_columns(self) -> int:
        """Scores a frame."""
        return int(self.weights["head.bias"].size)

    @property
    def look_ahead(self) -> int:
        """Frames after a frame that its scores depend on."""
        return self.reach + sum(max(0, *own) for own in self.offsets)

    def stream(self) -> NetworkStream:
        """Return a fresh listener to one recording."""
        return NetworkStream(self)


def _expected(
    weights: Mapping[str, Floats], reach: int, offsets: tuple[tuple[int, ...], ...]
) -> dict[str, tuple[int, ...]]:
    for name in ("mean", "widen.bias", "head.bias"):
        if name not in weights:
            raise CorruptWeights(f"weight {name} is missing")
    n_features, n_units, n_columns = (weights[name].size for name in ("mean", "widen.bias", "head.bias"))
    shapes: dict[str, tuple[int, ...]] = {
        "mean": (n_features,),
        "scale": (n_features,),
        "widen.weight": (n_units, (2 * reach + 1) * n_features),
        "norm.weight": (n_units,),
        "norm.bias": (n_units,),
        "head.weight": (n_columns, n_units),
    }
    for k, own in enumerate(offsets):
        shapes |= {
            f"layers.{k}.norm.weight": (n_units,),
            f"layers.{k}.norm.bias": (n_units,),
            f"layers.{k}.splice.weight": (n_units, len(own) * n_units),
            f"layers.{k}.splice.bias": (n_units,),
            f"layers.{k}.add.weight": (n_units, n_units),
            f"layers.{k}.add.bias": (n_units,),
        }
    return shapes


class NetworkStream:
    """One recording on its way through the network, in pieces of any size; outside the recording all is zero."""

    def __init__(self, network: Network) -> None:
        self._network, weights = network, network.weights
        reach, n_units = network.reach, weights["widen.bias"].size
        self._first = _Window(weights["mean"].size, past=reach, future=reach)
        self._layers = [_Layer(weights, f"layers.{k}.", own, n_units) for k, own in enumerate(network.offsets)]

    def feed(self, features: Floats, *, last: bool = False, temperature: float = 1.0) -> Floats:
        """Return the natural logs of the posteriors of all frames that are certain now, `(n_new, n_columns)`.

        Parameters
        ----------
        features
            `(n_frames, n_features)` that follow those fed before.
        last
            Whether no more come.
        temperature
            What logits are divided by.
        """
        weights, reach = self._network.weights, self._network.reach
        window = self._first.feed((features - weights["mean"]) / weights["scale"], last=last)
        n_frames = max(0, len(window) - 2 * reach)
        seen = np.concatenate([window[k : k + n_frames] for k in range(2 * reach + 1)], axis=1)
        x = np.maximum(seen @ weights["widen.weight"].T + weights["widen.bias"], 0)
        for layer in self._layers:
            x = layer.feed(x, last=last)
        logits = _normed(x, weights["norm.weight"], weights["norm.bias"]) @ weights["head.weight"].T
        logits += weights["head.bias"]
        return log_softmax(logits / np.float32(temperature))


def log_softmax(logits: Floats) -> Floats:
    """Return `(n_frames, n_columns)` natural logs whose exponentials sum to one in each row."""
    above = logits - logits.max(axis=1, keepdims=True, initial=-np.inf)
    return np.asarray(above - np.log(np.exp(above).sum(axis=1, keepdims=True)), np.float32)


def _normed(x: Floats, weight: Floats, bias: Floats) -> Floats:
    centred = x - x.mean(axis=1, keepdims=True)
    variance = np.square(centred).mean(axis=1, keepdims=True)
    return np.asarray(centred / np.sqrt(variance + EPSILON) * weight + bias, np.float32)


class _Window:
    """Keeps the frames that are still needed; zeros stand before the first and behind the last."""

    def __init__(self, n_units: int, *, past: int, future: int) -> None:
        self.past, self.future = past, future
        self._kept = np.zeros((past, n_units), np.float32)

    def feed(self, frames: Floats, *, last: bool) -> Floats:
        """Return the kept frames and the new ones, and forget those that nobody will ask for again."""
        behind = np.zeros((self.future if last else 0, frames.shape[1]), np.float32)
        whole = np.concatenate([self._kept, np.asarray(frames, np.float32), behind])
        n_done = max(0, len(whole) - self.past - self.future)
        self._kept = whole[n_done:]
        return whole


class _Layer:
    """x + V ReLU(W [n(x)[t + o] for each offset o] + b), n a layer norm."""

    def __init__(self, weights: Mapping[str, Floats], prefix: str, offsets: tuple[int, ...], n_units: int) -> None:
        self._weights = {name: weights[prefix + name] for name in _LAYER}
        self._offsets = offsets
        self._window = _Window(n_units, past=max(0, -min(offsets)), future=max(0, *offsets))
        self._waiting = np.zeros((0, n_units), np.float32)

    def feed(self, x: Floats, *, last: bool) -> Floats:
        own, past = self._weights, self._window.past
        whole = self._window.feed(_normed(x, own["norm.weight"], own["norm.bias"]), last=last)
        waiting = np.concatenate([self._waiting, x])
        n_frames = max(0, len(whole) - past - self._window.future)
        seen = np.concatenate([whole[past + o : past + o + n_frames] for o in self._offsets], axis=1)
        hidden = np.maximum(seen @ own["splice.weight"].T + own["splice.bias"], 0)
        self._waiting = waiting[n_frames:]
        return np.asarray(waiting[:n_frames] + hidden @ own["add.weight"].T + own["add.bias"], np.float32)


_LAYER = ("norm.weight", "norm.bias", "splice.weight", "splice.bias", "add.weight", "add.bias")
