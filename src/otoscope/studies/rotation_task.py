"""The task on which compression of layers was claimed and disputed, and the small networks that learn it.

Twelve lamps stand on the corners of an icosahedron; the 4,096 ways of lighting them are the inputs. Shwartz-Ziv &
Tishby (2017) ask whether a function that no rotation of the sphere changes exceeds a threshold. Such a function of
second order knows a pattern by how many lamps are lit and how many pairs of lit lamps stand at each of the three angles
that corners have. `RULE` has the smallest whole weights that give every input the label it has in their data (as
published with Saxe et al. 2018): 2,118 of 4,096 are 1.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from otoscope.core import BadInput

WIDTHS = (12, 10, 7, 5, 4, 3, 2)
"""Inputs, five hidden layers, outputs."""

RULE = (23, 1, -5, -8)
"""What a lit lamp counts, and a pair of lit lamps that are neighbours, next but one, and opposite."""

THRESHOLD = 99
BATCH = 256
TRAIN_SHARE = 0.8
LEARNING_RATE = 4e-4
ACTIVATIONS = ("tanh", "relu")


def icosahedron() -> NDArray[np.float64]:
    """Return the twelve corners, `(12, 3)`, on the unit sphere: `(0, ±1, ±φ)` and its cyclic permutations."""
    golden = (1 + math.sqrt(5)) / 2
    corners = [np.roll((0.0, a, b * golden), turn) for turn in range(3) for a in (1, -1) for b in (1, -1)]
    return np.array(corners) / math.hypot(1, golden)


def rotation_task() -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Return all inputs `(4096, 12)` of 0 and 1, and their labels `(4096,)`.

    Examples
    --------
    >>> inputs, labels = rotation_task()
    >>> inputs.shape, int(labels.sum())
    ((4096, 12), 2118)
    """
    lit = np.array(list(itertools.product((0, 1), repeat=12)))
    corners = icosahedron()
    cosines = corners @ corners.T
    at_angle = [np.isclose(cosines, cosine) for cosine in (1 / math.sqrt(5), -1 / math.sqrt(5), -1.0)]
    pairs = [np.einsum("ni,ij,nj->n", lit, angle, lit) // 2 for angle in at_angle]
    value = np.stack([lit.sum(axis=1), *pairs], axis=1) @ np.array(RULE)
    return lit.astype(np.float32), (value >= THRESHOLD).astype(np.int64)


class Perceptrons(nn.Module):
    """Several small networks side by side, each with its own weights: trained together, none touches another.

    `members` names the activation and the seed of each.

    Weights are drawn as in Saxe et al. 2018: normal with variance 1 / units of the layer, cut at two standard
    deviations; the output layer's as in Glorot & Bengio 2010.
    """

    bends: Tensor

    def __init__(self, members: Sequence[tuple[str, int]]) -> None:
        super().__init__()
        if unknown := [name for name, _ in members if name not in ACTIVATIONS]:
            raise BadInput(f"unknown activation {unknown[0]!r}; one of {', '.join(ACTIVATIONS)}")
        self.members = tuple(members)
        shapes = list(itertools.pairwise(WIDTHS))
        self.weights = nn.ParameterList(torch.empty(len(members), a, b) for a, b in shapes)
        self.biases = nn.ParameterList(torch.zeros(len(members), 1, b) for _, b in shapes)
        self.register_buffer("bends", torch.tensor([name == "relu" for name, _ in members])[:, None, None])
        for index, (_, seed) in enumerate(members):
            self._draw(index, torch.Generator().manual_seed(seed))

    def _draw(self, index: int, generator: torch.Generator) -> None:
        for weight in self.weights[:-1]:
            deviation = 1 / math.sqrt(weight.shape[2])
            nn.init.trunc_normal_(weight.data[index], 0.0, deviation, -2 * deviation, 2 * deviation, generator)
        nn.init.xavier_uniform_(self.weights[-1].data[index], generator=generator)

    def layers(self, inputs: Tensor) -> list[Tensor]:
        """Return `(n_networks, n_inputs, n_units)` after each layer; the last before its softmax."""
        found = [inputs]
        for weight, bias in zip(self.weights, self.biases, strict=True):
            values = torch.baddbmm(bias, found[-1], weight)
            found.append(values if len(found) == len(self.weights) else self._bent(values))
        return found[1:]

    def _bent(self, values: Tensor) -> Tensor:
        bent: Tensor = torch.where(self.bends, torch.relu(values), torch.tanh(values))
        return bent

    def forward(self, inputs: Tensor) -> Tensor:
        """Return the logits, `(n_networks, n_inputs, 2)`."""
        return self.layers(inputs)[-1]


@dataclass
class SplitTask:
    """The inputs each network learns from, 80 % drawn for it alone (`otoscope.nets.training.Task`)."""

    inputs: Tensor
    labels: Tensor
    shares: NDArray[np.intp]

    @classmethod
    def drawn(cls, seeds: Sequence[int]) -> SplitTask:
        """Return the task with a split for each seed."""
        inputs, labels = rotation_task()
        n_train = round(TRAIN_SHARE * len(labels))
        shares = np.stack([np.random.default_rng((seed, 1)).permutation(len(labels))[:n_train] for seed in seeds])
        return cls(torch.from_numpy(inputs), torch.from_numpy(labels), shares)

    def batches(self, rng: np.random.Generator) -> list[Tensor]:
        """Return the rows of each batch, `(n_networks, n_rows)`: every network has its own order."""
        order = torch.from_numpy(rng.permuted(self.shares, axis=1))
        return [order[:, first : first + BATCH] for first in range(0, order.shape[1], BATCH)]

    def loss(self, network: Perceptrons, batch: Tensor) -> Tensor:
        """Return the cross-entropies of all networks, summed: each has the gradient it would have alone."""
        logits = network(self.inputs[batch])
        return nn.functional.cross_entropy(logits.flatten(0, 1), self.labels[batch].flatten()) * len(logits)

    def validate(self, network: Perceptrons) -> float:
        """Return NaN: nothing is chosen on held-out inputs, the last weights stay."""
        return math.nan

    def accuracies(self, network: Perceptrons) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return each network's share of right answers, on all inputs and on those it did not learn from."""
        with torch.no_grad():
            right = network(self.inputs.expand(len(self.shares), -1, -1)).argmax(-1).eq(self.labels).double().numpy()
        unseen = np.ones(right.shape, dtype=bool)
        np.put_along_axis(unseen, self.shares, False, axis=1)
        return right.mean(axis=1), np.array([row[of].mean() for row, of in zip(right, unseen, strict=True)])


def look(network: Perceptrons, inputs: Tensor, index: int) -> Mapping[str, NDArray[np.float32]]:
    """Return what one of the networks makes of all inputs, by layer; the output after its softmax."""
    with torch.no_grad():
        *hidden, logits = network.layers(inputs.expand(len(network.weights[0]), -1, -1))
    rows = [*hidden, torch.softmax(logits, -1)]
    names = [*(f"hidden.{i + 1}" for i in range(len(hidden))), "output"]
    return {name: values[index].numpy().copy() for name, values in zip(names, rows, strict=True)}
