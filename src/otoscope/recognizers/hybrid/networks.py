"""The acoustic networks of the hybrid family, by name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol, cast

from torch import Tensor, nn

from otoscope.core import BadInput, FrameGrid, Site
from otoscope.core.late import resolve

NETWORKS: Mapping[str, tuple[str, str]] = {
    "factorized-tdnn": ("otoscope.nets.factorized:FactorizedShape", "otoscope.nets.factorized:FactorizedNetwork"),
    "lstm": ("otoscope.nets.lstm_acoustic:LstmShape", "otoscope.nets.lstm_acoustic:LstmAcoustic"),
    "mlp": ("otoscope.nets.mlp_acoustic:MlpShape", "otoscope.nets.mlp_acoustic:MlpAcoustic"),
    "tdnn": ("otoscope.nets.tdnn_acoustic:TdnnShape", "otoscope.nets.tdnn_acoustic:TdnnAcoustic"),
}
"""Name → (class of its shape, class of the network)."""


class AcousticNetwork(Protocol):
    """What a hybrid recogniser asks of a network besides being an `nn.Module`."""

    def forward(self, features: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """Map `(n, n_frames, n_features)` to `(n, n_frames', n_columns)` and the frames of each utterance, `(n,)`."""
        ...

    def sites(self) -> tuple[Site, ...]:
        """Return the named places, input first."""
        ...

    def tap(self, site: str) -> nn.Module:
        """Return the tap at a site."""
        ...

    def grids(self, grid: FrameGrid) -> dict[str, FrameGrid]:
        """Return where the frames of every site lie, given the grid of the features; the scores are at `logits`."""
        ...


def network_of(kind: str, shape: Mapping[str, Any]) -> Any:
    """Return a new network.

    Raises
    ------
    BadInput
        There is no such kind, or its shape has other fields.
    """
    if kind not in NETWORKS:
        raise BadInput(f"no network {kind!r}; one of {', '.join(NETWORKS)}")
    shape_class, network_class = (cast(Any, resolve(reference)) for reference in NETWORKS[kind])
    try:
        return network_class(shape_class(**shape))
    except TypeError as error:
        raise BadInput(f"not the shape of a {kind}: {error}") from error
