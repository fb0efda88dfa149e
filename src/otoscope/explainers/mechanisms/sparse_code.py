"""A sparse code of a site: which few of many directions make up what passes there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from otoscope.core import BadInput, Recognizer
from otoscope.core.arrays import ByValue, frozen_array, set_frozen
from otoscope.core.protocols import Intervenable, Progress
from otoscope.explainers.mechanisms.running import Rows, need, sounds

MOST_ROWS = 200_000


@dataclass(frozen=True, eq=False)
class SparseCode(ByValue):
    """Directions at a site, and how strongly each is there.

    Parameters
    ----------
    site
        Where.
    encoder, bias, decoder
        `(n_features, n_units)`, `(n_features,)` and `(n_features, n_units)`; rows of the decoder have length 1.
    mean, scale
        `(n_units,)`, and the number that rows are divided by, once their mean is taken away.
    k
        Features that are kept of each row.
    provenance
        Of what and how it was made, JSON values only.
    """

    site: str
    encoder: NDArray[np.float32] = field(repr=False)
    bias: NDArray[np.float32] = field(repr=False)
    decoder: NDArray[np.float32] = field(repr=False)
    mean: NDArray[np.float64] = field(repr=False)
    scale: float
    k: int
    provenance: Mapping[str, Any] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        for name, n_dims in (("encoder", 2), ("bias", 1), ("decoder", 2), ("mean", 1)):
            set_frozen(self, **{name: frozen_array(getattr(self, name), n_dims=n_dims, name=name)})
        set_frozen(self, provenance=MappingProxyType(dict(self.provenance)))

    @property
    def n_features(self) -> int:
        """Number of directions."""
        return int(self.decoder.shape[0])

    def encode(self, rows: Rows) -> NDArray[np.float64]:
        """Return features `(n_rows, n_features)` of rows `(n_rows, n_units)`: `k` of each row at most are above 0."""
        scaled = (rows - self.mean) / self.scale
        found: NDArray[np.float64] = np.maximum(scaled @ self.encoder.T + self.bias, 0.0)
        if self.k < self.n_features:
            least = np.partition(found, -self.k, axis=1)[:, -self.k, None]
            found[found < least] = 0.0
        return found

    def decode(self, features: Rows) -> NDArray[np.float64]:
        """Return rows of features."""
        rows: NDArray[np.float64] = features @ self.decoder * self.scale + self.mean
        return rows

    def reconstruct(self, rows: Rows) -> Rows:
        """Return rows as the code has them, in their own type: an edit for `edited`."""
        found: Rows = self.decode(self.encode(rows)).astype(rows.dtype)
        return found

    def direction(self, feature: int) -> NDArray[np.float64]:
        """Return what a feature adds to a row, a unit vector `(n_units,)`."""
        if not 0 <= feature < self.n_features:
            raise BadInput(f"feature {feature} was asked for, the code has {self.n_features}")
        found: NDArray[np.float64] = self.decoder[feature].astype(np.float64)
        return found


def fit_sparse_code(
    recognizer: Recognizer,
    utterances: Sequence[Any],
    *,
    at: str,
    n_features: int | None = None,
    k: int = 8,
    n_steps: int = 1500,
    seed: int = 0,
    progress: Progress | None = None,
) -> SparseCode:
    """Learn a sparse code of what passes a site in some recordings.

    Parameters
    ----------
    utterances
        Recordings, or anything with `recording()`; of more than 200,000 frames so many are drawn.
    at
        The site.
    n_features
        Directions; by default four times as many as the site has units.
    k
        How many are kept of each frame.
    n_steps
        Steps of training, each on 512 frames.
    seed
        Of weights, batches and draws.
    progress
        Told (utterances heard + steps done, all).

    Raises
    ------
    BadInput
        No utterance, no such site, or too few frames.
    """
    from otoscope.nets.sparse_autoencoder import SparsePlan, fit_sparse_autoencoder

    need(recognizer, Intervenable)
    recordings = sounds(utterances)
    if not recordings:
        raise BadInput("a sparse code needs a recording to learn from")
    rng = np.random.default_rng(seed)
    most, total, kept = max(1, MOST_ROWS // len(recordings)), len(recordings) + n_steps, []
    for done, recording in enumerate(recordings):
        rows = recognizer.trace(recording, record=[at]).activations[at].values
        kept.append(rows if len(rows) <= most else rows[rng.permutation(len(rows))[:most]])
        if progress is not None:
            progress(done + 1, total)
    rows = np.concatenate(kept).astype(np.float64)
    mean = rows.mean(0)
    scale = float(np.sqrt(((rows - mean) ** 2).mean())) or 1.0
    plan = SparsePlan(n_features or 4 * rows.shape[1], k, n_steps, seed=seed)
    shown = None if progress is None else lambda step, _: progress(len(recordings) + step, total)
    network, left = fit_sparse_autoencoder(((rows - mean) / scale).astype(np.float32), plan, shown)
    encoder, bias, decoder = (p.detach().numpy() for p in (network.encoder, network.bias, network.decoder))
    made = {"n_recordings": len(recordings), "n_rows": len(rows), "n_steps": n_steps, "seed": seed, "left": list(left)}
    own = {"recognizer": recognizer.provenance.recognizer, "weights_sha256": recognizer.provenance.weights_sha256}
    return SparseCode(at, encoder, bias, decoder, mean, scale, k, {**own, **made})
