"""What networks that score every frame share: features in, normalised, and a score for every symbol at every frame out.

A network of this kind gives `body`; this module gives what is before and behind it, the places and their times.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from otoscope.core import BadInput, FrameGrid, Site
from otoscope.nets.masks import frame_mask
from otoscope.nets.taps import Place, tap_at


class FrameClassifier(nn.Module):
    """Features to symbol scores, frame by frame; every stage has a tap, whose name is the public name of its site.

    Features are taken relative to their mean over the utterance, which removes what a microphone does, and divided by
    `scale`, their standard deviation in the training data (`measure_scale`).

    Parameters
    ----------
    shape
        Has `n_features` and `n_symbols`; frozen.
    """

    scale: Tensor

    def __init__(self, shape: Any) -> None:
        super().__init__()
        if min(shape.n_features, shape.n_symbols - 1) < 1:
            raise BadInput(f"a frame classifier needs a feature and two symbols at least, got {shape}")
        self.shape = shape
        self.register_buffer("scale", torch.ones(shape.n_features))
        self.features, self.logits = Place(), Place()

    def body(self, frames: Tensor, lengths: Tensor, step: int) -> Tensor:
        """Map normalised frames, zero behind each utterance, to the scores of every `step`-th."""
        raise NotImplementedError

    def inner_sites(self) -> tuple[Site, ...]:
        """Return the places between features and logits."""
        raise NotImplementedError

    def forward(self, features: Tensor, lengths: Tensor, *, step: int = 1) -> tuple[Tensor, Tensor]:
        """Return logits `(n, ⌈n_frames / step⌉, n_symbols)` and how many each utterance has, `(n,)`.

        Parameters
        ----------
        features
            `(n, n_frames, n_features)`; what lies behind an utterance's own frames does not matter.
        lengths
            `(n,)` int64 frames of each utterance.
        step
            Score frames 0, step, 2 step … only: what training on a sample of the frames needs. Their scores are the
            same as among all.
        """
        features = self.features(features, lengths)
        n_scored = (lengths + step - 1) // step
        scores: Tensor = self.body(self.normalized(features, lengths), lengths, step)
        logits: Tensor = self.logits(scores, n_scored)
        return logits, n_scored

    def normalized(self, features: Tensor, lengths: Tensor) -> Tensor:
        """Return features relative to the utterance's mean, over `scale`; zero behind the utterance."""
        mask = frame_mask(lengths.to(features.device), features.shape[1])
        real = torch.where(mask, features, torch.zeros((), dtype=features.dtype, device=features.device))
        mean = real.sum(1, keepdim=True) / mask.sum(1, keepdim=True).clamp(min=1)
        return (real - mean) / self.scale * mask

    @torch.no_grad()
    def measure_scale(self, utterances: Sequence[Tensor]) -> None:
        """Set `scale` from features `(n_frames, n_features)` of some utterances."""
        centred = torch.cat([features - features.mean(0) for features in utterances])
        self.scale.copy_(centred.square().mean(0).sqrt().clamp(min=1e-3))

    def sites(self) -> tuple[Site, ...]:
        """Return the named places, input first."""
        return (
            Site("features", "what the front end gives", self.shape.n_features),
            *self.inner_sites(),
            Site("logits", "score of each symbol before the softmax", self.shape.n_symbols),
        )

    def tap(self, site: str) -> nn.Module:
        """Return the tap at a site; `BadInput` names the sites where there is no such one."""
        return tap_at(self, site)

    def grids(self, grid: FrameGrid) -> dict[str, FrameGrid]:
        """Return where the frames of every site lie: those of the features; layers carry context from further off."""
        return {site.name: grid for site in self.sites()}


def spliced(frames: Tensor, offsets: Sequence[int], step: int = 1) -> Tensor:
    """Return every `step`-th frame beside those at `offsets` from it, zeros outside.

    `(n, n_frames, n_units)` becomes `(n, ⌈n_frames / step⌉, n_offsets * n_units)`.

    Examples
    --------
    >>> spliced(torch.arange(1.0, 5.0).reshape(1, 4, 1), (-1, 0, 1), step=2)[0].tolist()
    [[0.0, 1.0, 2.0], [2.0, 3.0, 4.0]]
    """
    n_frames, reach = frames.shape[1], max(map(abs, offsets))
    padded = nn.functional.pad(frames, (0, 0, reach, reach))
    return torch.cat([padded[:, reach + o : reach + o + n_frames : step] for o in offsets], -1)
