"""A factorised time-delay network (Povey et al. 2018): two convolutions, then layers through narrow bottlenecks.

Log-mel frames in, a score for every symbol at every third frame out. Each layer maps `n_units` to `n_bottleneck` and
back, looks `dilation` frames back on the way down and as many ahead on the way up, and adds what it found to its input;
the way down is kept near semi-orthogonal, so that it loses little of what it narrows. Unlike the published network a
layer normalises its input and adds to it unscaled (He et al. 2016; Xiong et al. 2020): with little data and few steps
that learns several times faster than two thirds of the input beside a normalised output.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, nn

from otoscope.core import BadInput, FrameGrid, Site
from otoscope.nets.acoustic import frame_mask
from otoscope.nets.taps import Place, Tap, tap_at

STRIDE = 3
"""Feature frames for one frame out."""


@dataclass(frozen=True)
class FactorizedShape:
    """What fixes the network.

    Parameters
    ----------
    n_features, n_symbols
        Columns in and out.
    channels
        Output channels of the two 3×3 convolutions (time × frequency, stride 2 in frequency, the second 3 in time).
    n_units, n_bottleneck
        Width of the layers and of their bottlenecks.
    dilations
        Of each layer, in output frames; 0 sees one frame only.
    n_prefinal
        Units of the linear map before the scores.
    dropout
        Largest change α of the dropout that multiplies each unit of an utterance by a factor from [1 - 2α, 1 + 2α]
        (Povey et al. 2018, section 3.4).
    """

    n_features: int
    n_symbols: int
    channels: tuple[int, int] = (32, 48)
    n_units: int = 640
    n_bottleneck: int = 96
    dilations: tuple[int, ...] = (1, 1, 1, 1, 2, 2, 2, 3, 3)
    n_prefinal: int = 192
    dropout: float = 0.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "channels", tuple(self.channels))
        object.__setattr__(self, "dilations", tuple(self.dilations))
        sizes = (self.n_features, self.n_symbols - 1, *self.channels, self.n_units, self.n_bottleneck, self.n_prefinal)
        if len(self.channels) != 2 or min(sizes) < 1 or not self.dilations or min(self.dilations) < 0:
            raise BadInput(f"a factorised network needs two convolutions, layers and sizes above 0, got {self}")


class FactorizedLayer(nn.Module):
    """Layer norm, down through `(x[t - d], x[t])`, up through `(y[t], y[t + d])`, ReLU; added to the input."""

    def __init__(self, n_units: int, n_bottleneck: int, dilation: int, dropout: float) -> None:
        super().__init__()
        self.dilation, self.dropout = dilation, dropout
        self.down = nn.Linear(2 * n_units, n_bottleneck, bias=False)
        self.up = nn.Linear(2 * n_bottleneck, n_units)
        self.norm = nn.LayerNorm(n_units)
        self.tap = Tap()
        nn.init.orthogonal_(self.down.weight)

    def forward(self, frames: Tensor, lengths: Tensor) -> Tensor:
        """Map `(n, n_frames, n_units)` to the same shape; padding is zero and stays so."""
        d, n_frames = self.dilation, frames.shape[1]
        mask = frame_mask(lengths, n_frames).to(frames.dtype)
        own = self.norm(frames) * mask
        before = nn.functional.pad(own, (0, 0, d, 0))[:, :n_frames]
        narrow = self.down(torch.cat([before, own], -1)) * mask
        after = nn.functional.pad(narrow, (0, 0, 0, d))[:, d:]
        out = torch.relu(self.up(torch.cat([narrow, after], -1)))
        if self.training and self.dropout > 0:
            factors = 1 + 2 * self.dropout * (2 * torch.rand(out.shape[0], 1, out.shape[2], device=out.device) - 1)
            out = out * factors.to(out.dtype)
        passed: Tensor = self.tap((frames + out) * mask, lengths)
        return passed

    @torch.no_grad()
    def make_orthogonal(self, speed: float = 0.0625) -> None:
        """Take one step towards P = M Mᵀ being a multiple of the identity, whatever multiple is nearest.

        Povey et al. 2018, equations 1 and 3: M ← M - 4ν / α² (P - α² I) M with α² = tr(P Pᵀ) / tr(P).
        """
        weight = self.down.weight
        product = weight @ weight.T
        size = torch.trace(product @ product.T) / torch.trace(product)
        identity = torch.eye(product.shape[0], dtype=weight.dtype, device=weight.device)
        weight -= (4 * speed / size) * (product - size * identity) @ weight


class FactorizedNetwork(nn.Module):
    """Log-mel features to symbol scores; every stage has a tap, and the names of the taps are the public site names.

    Features are taken relative to their mean over the utterance, which removes what a microphone does.
    """

    def __init__(self, shape: FactorizedShape) -> None:
        super().__init__()
        self.shape = shape
        self.features = Place()
        self.conv = nn.ModuleList([Place(), Place()])
        height = (shape.n_features + 3) // 4
        self.fine = nn.Conv2d(1, shape.channels[0], 3, stride=(1, 2), padding=1)
        self.coarse = nn.Conv2d(shape.channels[0], shape.channels[1], 3, stride=(STRIDE, 2), padding=(0, 1))
        self.widen = nn.Linear(shape.channels[1] * height, shape.n_units)
        self.norm = nn.LayerNorm(shape.n_units)
        self.tdnn = nn.ModuleList(
            FactorizedLayer(shape.n_units, shape.n_bottleneck, dilation, shape.dropout) for dilation in shape.dilations
        )
        self.last_norm = nn.LayerNorm(shape.n_units)
        self.narrow = nn.Linear(shape.n_units, shape.n_prefinal, bias=False)
        self.narrow_norm = nn.LayerNorm(shape.n_prefinal)
        self.prefinal, self.logits = Place(), Place()
        self.head = nn.Linear(shape.n_prefinal, shape.n_symbols)
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)

    def encoded(self, features: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """Return what the last layer gives, `(n, n_frames', n_units)`, and the frames of each utterance, `(n,)`."""
        x = self._centred(self.features(features, lengths), lengths)
        x, lengths = self._widened(x, lengths)
        for layer in self.tdnn:
            x = layer(x, lengths)
        return x, lengths

    def _centred(self, features: Tensor, lengths: Tensor) -> Tensor:
        """Return features less their mean over the utterance, filled up with zeros to whole frames out."""
        mask = frame_mask(lengths, features.shape[1]).to(features.dtype)
        mean = (features * mask).sum(1, keepdim=True) / mask.sum(1, keepdim=True).clamp(min=1)
        return nn.functional.pad((features - mean) * mask, (0, 0, 0, -features.shape[1] % STRIDE))

    def _widened(self, centred: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """Return what the convolutions give, `(n, n_frames', n_units)`, and the frames of each utterance, `(n,)`."""
        image = torch.relu(self.fine(centred.unsqueeze(1)))
        n, n_channels, n_frames, height = image.shape
        fine = self.conv[0](image.transpose(1, 2).flatten(2), lengths)
        image = fine.reshape(n, n_frames, n_channels, height).transpose(1, 2)
        lengths = (lengths + STRIDE - 1) // STRIDE
        x = self.conv[1](torch.relu(self.coarse(image)).transpose(1, 2).flatten(2), lengths)
        x = self.norm(torch.relu(self.widen(x)))
        return x * frame_mask(lengths, x.shape[1]).to(x.dtype), lengths

    def within(self, features: Tensor, lengths: Tensor, wanted: slice) -> Tensor:
        """Return the logits of output frames `wanted` as `forward` gives them, from no more frames than they see.

        Every layer is computed only where a wanted frame depends on it, so a second of a long recording costs little;
        the mean is still that of the whole utterance. Nothing passes the tap of the features, and fewer frames the
        others.

        Parameters
        ----------
        features, lengths
            As for `forward`.
        wanted
            First frame and the one behind the last, with no step; cut off at the last frame there is.
        """
        centred = self._centred(features, lengths)
        n_frames, sight = centred.shape[1] // STRIDE, self.reach

        def seen() -> tuple[int, int]:
            return max(0, wanted.start - sight), min(n_frames, wanted.stop + sight)

        first, stop = seen()
        own = (lengths - STRIDE * first).clamp(0, STRIDE * (stop - first))
        x, own = self._widened(centred[:, STRIDE * first : STRIDE * stop], own)
        for layer, dilation in zip(self.tdnn, self.shape.dilations, strict=True):
            x, sight, before = layer(x, own), sight - dilation, first
            first, stop = seen()
            x, own = x[:, first - before : stop - before], (own - (first - before)).clamp(0, stop - first)
        spare = wanted.start - first
        return self.scored(x, own)[:, spare : spare + max(0, min(wanted.stop, n_frames) - wanted.start)]

    def forward(self, features: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """Return logits `(n, n_frames', n_symbols)` and the frames each utterance has, `(n,)`.

        Parameters
        ----------
        features
            `(n, n_frames, n_features)`; what lies behind an utterance's own frames does not matter.
        lengths
            `(n,)` int64 frames of each utterance, on the features' device.
        """
        x, lengths = self.encoded(features, lengths)
        return self.scored(x, lengths), lengths

    def scored(self, encoded: Tensor, lengths: Tensor) -> Tensor:
        """Return the logits of what `encoded` gave."""
        x = self.prefinal(self.narrow_norm(self.narrow(self.last_norm(encoded))), lengths)
        logits: Tensor = self.logits(self.head(x), lengths)
        return logits

    def sites(self) -> tuple[Site, ...]:
        """Return the named places, input first."""
        shape, half = self.shape, (self.shape.n_features + 1) // 2
        sites = [
            Site("features", "natural-log mel power", shape.n_features),
            Site("conv.0", "3x3 convolution, ReLU; channel-major", shape.channels[0] * half),
            Site("conv.1", "3x3 convolution, ReLU; channel-major", shape.channels[1] * ((half + 1) // 2)),
        ]
        what = "factorised layer: layer norm, bottleneck, ReLU, added to its input"
        sites += [Site(f"tdnn.{i}", what, shape.n_units) for i in range(len(shape.dilations))]
        sites.append(Site("prefinal", "linear map and layer norm", shape.n_prefinal))
        return (*sites, Site("logits", "score of each symbol", shape.n_symbols))

    def tap(self, site: str) -> nn.Module:
        """Return the tap at a site; `BadInput` names the sites where there is no such one."""
        return tap_at(self, site)

    def grids(self, grid: FrameGrid) -> dict[str, FrameGrid]:
        """Return where the frames of every site lie, given the grid of the features.

        From `tdnn.0` on the window is that of the convolutions: the layers carry context from further off.
        """
        fine = grid.conv(3, padding=1)
        padded = dataclasses.replace(fine, n_frames=fine.n_frames + -fine.n_frames % STRIDE)
        coarse = padded.conv(3, stride=STRIDE)
        return {"features": grid, "conv.0": fine} | {site.name: coarse for site in self.sites()[2:]}

    @property
    def reach(self) -> int:
        """Output frames on either side that can change a score, the mean over the utterance apart."""
        return sum(self.shape.dilations) + 1

    def make_orthogonal(self) -> None:
        """Let every layer take one step towards semi-orthogonality; once in a few training steps is enough."""
        for layer in self.tdnn:
            cast(FactorizedLayer, layer).make_orthogonal()
