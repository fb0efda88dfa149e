"""A wav2vec2-like network of transformers as one thing: sound in, logits (or what the encoder makes of it) out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from otoscope.core import FrameGrid
from otoscope.recognizers.checkpoints.places import Places
from otoscope.recognizers.wav2vec2.grids import grids_of
from otoscope.recognizers.wav2vec2.sites import places_of

LEAST_FRAMES = 2
"""Fewer log-mel frames have no variance to be divided by."""


class SpeechEncoder:
    """The network, its front end, and its places.

    Parameters
    ----------
    model
        A transformers model, with a CTC head or without one. Its weights may want gradients, as transformers opens
        them: torch multiplies in another order where they do not, and the last bits would differ.
    extractor
        Its feature extractor: what the network hears is exactly what that makes of a waveform.
    weights
        Whether attention weights can be had.
    precision
        In which numbers it computes; what goes in and comes out is float32.

    Attributes
    ----------
    run
        The one place where the network is called: tensors by name in, logits `(n, n_frames, n_symbols)` out, or the
        last hidden state `(n, n_frames, n_units)` where there is no head. Another engine may take its place.
    """

    def __init__(self, model: Any, extractor: Any, *, weights: bool, precision: str = "float32") -> None:
        self.model, self.extractor, self.weights = model.eval(), extractor, weights
        self.precision = precision
        self.run: Callable[[Mapping[str, Tensor]], Tensor] = self._run

    @property
    def body(self) -> Any:
        """The model without its head."""
        return self.model.base_model

    @property
    def head(self) -> Any:
        """The linear layer that gives the logits, `None` where there is none."""
        return getattr(self.model, "lm_head", None)

    @property
    def rate_hz(self) -> int:
        """Rate of the sound that it hears."""
        return int(self.extractor.sampling_rate)

    @property
    def input_name(self) -> str:
        """What the model calls its input: `input_values` (a waveform) or `input_features` (log-mel frames)."""
        return str(self.model.main_input_name)

    @cached_property
    def places(self) -> Places:
        """Its named places, input first."""
        return places_of(self.body, self.head, weights=self.weights)

    def _run(self, inputs: Mapping[str, Tensor]) -> Tensor:
        dtype = self.model.dtype
        output = self.model(**{k: v.to(dtype) if v.is_floating_point() else v for k, v in inputs.items()})
        found: Tensor = output.last_hidden_state if self.head is None else output.logits
        return found.float()

    def inputs(self, waves: Sequence[NDArray[np.float32]]) -> dict[str, Tensor]:
        """Return what the network hears of waveforms of one length, at `rate_hz`, each by itself.

        A mask goes along only where the front end pads (log-mel frames in pairs); elsewhere nothing is padded.
        """
        made = [
            self.extractor(wave, sampling_rate=self.rate_hz, return_tensors="np", return_attention_mask=True)
            for wave in waves
        ]
        key = self.input_name
        inputs = {key: torch.from_numpy(np.concatenate([each[key] for each in made]))}
        if key != "input_values":
            inputs["attention_mask"] = torch.from_numpy(np.concatenate([each["attention_mask"] for each in made]))
        return inputs

    def normalized(self, waves: Tensor) -> Tensor:
        """Return `inputs` of waveforms `(n, n_samples)` so that gradients reach the waveform."""
        if not getattr(self.extractor, "do_normalize", True):
            return waves
        mean, variance = waves.mean(1, keepdim=True), waves.var(1, keepdim=True, correction=0)
        return (waves - mean) / torch.sqrt(variance + 1e-7)

    def outputs(self, waves: Sequence[NDArray[np.float32]]) -> Tensor:
        """Return what the network makes of waveforms of one length, at `rate_hz`."""
        return self.run(self.inputs(waves))

    def grids(self, n_samples: int) -> dict[str, FrameGrid]:
        """Return where the rows of each place lie for a waveform of this length."""
        return grids_of(self.body, n_samples, self.rate_hz)

    def hears(self, n_samples: int) -> bool:
        """Whether a waveform of this length gives a frame at every place."""
        if not hasattr(self.body, "feature_extractor") and n_samples < 400 + 160 * (LEAST_FRAMES - 1):
            return False
        return all(grid.n_frames > 0 for grid in self.grids(n_samples).values())
