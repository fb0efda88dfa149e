"""Computing in 8 bits of precision: near what float32 gives, float32 outside, and said in the provenance."""

from __future__ import annotations

import numpy as np
import pytest

from otoscope.core import UnknownName


@pytest.mark.parametrize("kind", ["wav2vec2", "wavlm", "wav2vec2-bert"])
def test_bfloat16_is_near_float32_and_looks_like_it_from_outside(opened, bursts, kind):
    wide, narrow = opened(kind), opened(kind, precision="bfloat16")
    agreed, frames = 0, 0
    for number in range(6):
        want = wide.trace(bursts(number), record=["logits", "encoder.0"])
        got = narrow.trace(bursts(number), record=["logits", "encoder.0"])
        logits, near = want.activations["logits"].values, got.activations["logits"].values
        assert near.dtype == got.activations["encoder.0"].values.dtype == np.float32
        assert not np.array_equal(near, logits)
        assert np.abs(near - logits).mean() < 0.05 * np.abs(logits).mean()
        agreed += int((near.argmax(1) == logits.argmax(1)).sum())
        frames += len(logits)
    assert agreed > 0.9 * frames
    assert narrow.provenance.parameters["precision"] == "bfloat16"
    assert wide.provenance.parameters["precision"] == "float32"


def test_no_other_precision_is_known(opened):
    with pytest.raises(UnknownName, match="unknown precision 'int3'"):
        opened("wav2vec2", precision="int3")
