"""captum's methods on the same network, segments and fill: what ours are compared with."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from otoscope.core import NotAble, Recognizer, Recording, Segment, Target
from otoscope.explainers.gradients.fine_map import FineMap
from otoscope.explainers.gradients.inputs import Inputs, inputs_of

PEERS = ("captum-integrated-gradients", "captum-occlusion", "captum-shapley")
N_STEPS = 50
N_PERMUTATIONS = 5


def installed() -> bool:
    """Whether captum can be imported."""
    return importlib.util.find_spec("captum") is not None


def peer_relevance(
    name: str, engine: Recognizer, sound: Recording, target: Target, segments: Sequence[Segment], *, seed: int
) -> NDArray[np.float64]:
    """Return what one of captum's methods says of each segment, `(n_segments,)`; features of silence are the baseline.

    Raises
    ------
    NotAble
        captum is not installed, or the recogniser has no slopes.
    """
    if not installed():
        raise NotAble("captum is not installed; pip install captum")
    import torch
    from captum import attr

    inputs = inputs_of(engine, sound, [target], method=name)
    features, silent = (torch.from_numpy(v.copy())[None] for v in (inputs.values, inputs.filled("silence")))
    forward = _forward(inputs)
    if name == "captum-integrated-gradients":
        found = attr.IntegratedGradients(forward).attribute(features, silent, n_steps=N_STEPS, internal_batch_size=10)
        values = found[0].detach().double().numpy()
        made = FineMap(values, inputs.grid, inputs.frequencies_hz, 0.0, 0.0, name)
        return made.summed(segments, duration_s=sound.duration_s)
    groups = _groups(inputs, segments)
    how: dict[str, Any] = {"baselines": silent, "feature_mask": torch.from_numpy(groups)[None]}
    if name == "captum-occlusion":
        found = attr.FeatureAblation(forward).attribute(features, perturbations_per_eval=16, **how)
    else:
        torch.manual_seed(seed)
        found = attr.ShapleyValueSampling(forward).attribute(
            features, n_samples=N_PERMUTATIONS, perturbations_per_eval=16, **how
        )
    per_frame = found[0, :, 0].detach().double().numpy()
    return np.array([per_frame[groups[:, 0] == k][:1].sum() for k in range(len(segments))])


def _groups(inputs: Inputs, segments: Sequence[Segment]) -> NDArray[np.int64]:
    """Return the segment that each frame's centre lies in, `(n_rows, n_units)`."""
    starts = np.array([segment.start_s for segment in segments])
    own = np.clip(np.searchsorted(starts, inputs.grid.times_s(), side="right") - 1, 0, len(segments) - 1)
    return np.repeat(own[:, None], inputs.values.shape[1], axis=1).astype(np.int64)


def _forward(inputs: Inputs) -> Any:
    """Return the score of the target as a differentiable function of features `(n, n_rows, n_units)`."""
    import torch

    class Score(torch.autograd.Function):
        """`score_at` with its slopes."""

        @staticmethod
        def forward(ctx: Any, features: torch.Tensor) -> torch.Tensor:
            wanted = ctx.needs_input_grad[0]
            values = features.detach().numpy()
            found = inputs.recognizer.score_at(inputs.recording, inputs.targets, values, at=inputs.at, slopes=wanted)
            if wanted:
                ctx.save_for_backward(torch.from_numpy(np.array(found.slopes[:, 0])).to(features))
            return torch.from_numpy(np.array(found.scores[:, 0]))

        @staticmethod
        def backward(ctx: Any, *above: torch.Tensor) -> torch.Tensor:
            (slopes,) = ctx.saved_tensors
            return slopes * above[0].to(slopes)[:, None, None]

    return Score.apply
