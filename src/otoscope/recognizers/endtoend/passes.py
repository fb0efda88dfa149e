"""How an end-to-end recogniser scores targets, step by step (`otoscope.recognizers.substituting`)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from otoscope.core import Recording, Target
from otoscope.nets.substitution import Passes, passes_of
from otoscope.recognizers.endtoend.hearing import EndToEnd
from otoscope.signal.resampling import resampled


def passes_through(recognizer: EndToEnd, recording: Recording, targets: Sequence[Target]) -> Passes:
    """Return how targets are scored in a recording."""
    network = recognizer.network
    samples = resampled(recording, recognizer.card.shape.front_end.rate_hz).samples
    grids = network.grids(samples.size)

    def scores(features: Tensor) -> Tensor:
        n = len(features)
        frames, lengths = network.encode_features(features, torch.full((n,), features.shape[1]))
        return recognizer.reader.scores(frames, lengths, [grids["encoder"]] * n, targets)

    return passes_of(network, network.front_end, samples, grids["features"], scores)
