"""Computing in fewer bits: near what float32 gives, float32 outside, and said in the provenance."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from otoscope.core import NotAble, UnknownName
from otoscope.recognizers.wav2vec2 import reduced
from otoscope.recognizers.wav2vec2.reduced import FourierConvolution, Int8Linear


@pytest.mark.parametrize("attention", ["eager", "sdpa"])
@pytest.mark.parametrize("precision", ["bfloat16", "int8"])
@pytest.mark.parametrize("kind", ["wav2vec2", "wavlm", "wav2vec2-bert", "data2vec-audio"])
def test_fewer_bits_are_near_float32_and_look_like_it_from_outside(
    opened, bursts, monkeypatch, kind, precision, attention
):
    monkeypatch.setattr(reduced, "LONG_KERNEL", 3)
    attention = "eager" if kind == "wavlm" else attention
    wide, narrow = opened(kind), opened(kind, precision=precision, attention=attention)
    agreed, frames = 0, 0
    for number in range(6):
        want = wide.trace(bursts(number), record=["logits", "encoder.0"])
        got = narrow.trace(bursts(number), record=["logits", "encoder.0"])
        logits, near = want.activations["logits"].values, got.activations["logits"].values
        assert near.dtype == got.activations["encoder.0"].values.dtype == np.float32
        assert not np.array_equal(near, logits)
        assert np.abs(near - logits).mean() < {"bfloat16": 0.05, "int8": 0.08}[precision] * np.abs(logits).mean()
        agreed += int((near.argmax(1) == logits.argmax(1)).sum())
        frames += len(logits)
    assert agreed > 0.9 * frames
    assert narrow.provenance.parameters["precision"] == precision
    assert wide.provenance.parameters["precision"] == "float32"
    assert any(isinstance(module, FourierConvolution) for module in narrow.network.model.modules())


def test_no_other_precision_is_known(opened):
    with pytest.raises(UnknownName, match="unknown precision 'int3'"):
        opened("wav2vec2", precision="int3")


@pytest.mark.parametrize(
    ("width", "padding", "groups", "n_frames"), [(32, 16, 4, 7), (33, 0, 1, 200), (128, 64, 2, 700)]
)
def test_a_convolution_by_fourier_transform_is_the_convolution(width, padding, groups, n_frames):
    torch.manual_seed(0)
    direct = torch.nn.Conv1d(8, 16, width, padding=padding, groups=groups)
    frames = torch.randn(3, 8, n_frames, requires_grad=True)
    wanted, got = direct(frames), FourierConvolution(direct)(frames)
    assert got.shape == wanted.shape
    torch.testing.assert_close(got, wanted, atol=1e-5, rtol=1e-5)
    slopes = [torch.autograd.grad(found.square().sum(), frames)[0] for found in (wanted, got)]
    torch.testing.assert_close(slopes[1], slopes[0], atol=1e-3, rtol=1e-4)


@pytest.mark.parametrize(("exact", "largest"), [(True, 127), (False, 63)])
def test_integers_are_as_near_as_half_their_steps_let_them_be(exact, largest, monkeypatch):
    if exact and not reduced.sums_are_exact():
        pytest.skip("this processor's sums of 8-bit products overflow with 127")
    monkeypatch.setattr(reduced, "sums_are_exact", lambda: exact)
    torch.manual_seed(0)
    linear = torch.nn.Linear(64, 48)
    frames = torch.randn(2, 5, 64) * torch.tensor([0.01, 1.0])[:, None, None]
    wanted, got = linear(frames), Int8Linear(linear)(frames)
    assert int(Int8Linear(linear).rows.abs().max()) == largest
    step = frames.abs().amax(-1, keepdim=True) / 127
    steps = linear.weight.abs().amax(1) / largest
    most = (step * linear.weight.abs().sum(1) + steps * frames.abs().sum(-1, keepdim=True)) / 2 + 64 * step * steps / 4
    assert ((got - wanted).abs() <= most + 1e-6).all()
    assert (got - wanted).abs().max() > 0


def test_no_gradient_passes_integers(opened, bursts):
    narrow = opened("wav2vec2", precision="int8")
    heard = bursts(0)
    target = narrow.trace(heard).targets()[0]
    assert np.isfinite(narrow.score([heard], [target])).all()
    with pytest.raises(NotAble, match="8-bit integers; open the checkpoint with precision='float32'"):
        narrow.gradient(heard, target)
    half = opened("wav2vec2", precision="bfloat16")
    assert np.abs(half.gradient(heard, target)).max() > 0
