"""Recurrent, convolutional and feed-forward layers equal torch's; padding unseen; grids where frames lie."""

from __future__ import annotations

import pytest
import torch
from block_oracles import LENGTHS, assert_causal, assert_padding_is_unseen, assert_same, frames
from torch import nn
from torch.nn import functional

from otoscope.core import BadInput, FrameGrid
from otoscope.nets.convolution import CausalConvolution, Subsampling, TdnnLayer, TimeConvolution, convolve_2d
from otoscope.nets.feedforward import Bottleneck, FeedForward, Mlp
from otoscope.nets.recurrent import Gru, Lstm, Rnn

RECURRENT = {"rnn": (Rnn, nn.RNN), "lstm": (Lstm, nn.LSTM), "gru": (Gru, nn.GRU)}


def written_out(layer):
    layer.written_out = True
    return layer


@pytest.mark.parametrize("both_ways", [False, True])
@pytest.mark.parametrize("name", RECURRENT)
def test_recurrent_equations_equal_torchs_kernel(name, both_ways):
    torch.manual_seed(0)
    ours = written_out(RECURRENT[name][0](5, 4, bidirectional=both_ways).double())
    theirs = RECURRENT[name][1](5, 4, batch_first=True, bidirectional=both_ways).double()
    theirs.load_state_dict(ours.kernel.state_dict())
    assert_same(lambda x: ours(x)[0], lambda x: theirs(x)[0], frames(3, 9, 5))
    for run in (lambda: ours(frames(3, 9, 5))[0], lambda: theirs(frames(3, 9, 5))[0]):
        run().square().sum().backward()
    for parameter, other in zip(ours.kernel.parameters(), theirs.parameters(), strict=True):
        assert torch.allclose(parameter.grad, other.grad, atol=1e-6)


@pytest.mark.parametrize("fast", [False, True])
@pytest.mark.parametrize("name", RECURRENT)
def test_recurrent_layers_never_see_padding(name, fast):
    torch.manual_seed(0)
    layer = RECURRENT[name][0](5, 4, bidirectional=True).double()
    layer.written_out = not fast
    assert_padding_is_unseen(lambda x, lengths: layer(x, lengths)[0], 5)
    assert not layer(frames(3, 9, 5), LENGTHS)[0][1, 4:].any()


@pytest.mark.parametrize("fast", [False, True])
@pytest.mark.parametrize("name", RECURRENT)
def test_a_state_goes_on_where_it_stood(name, fast):
    layer = RECURRENT[name][0](5, 4).double()
    layer.written_out = not fast
    x = frames(2, 9, 5)
    whole, last = layer(x)
    first, state = layer(x[:, :4])
    second, end = layer(x[:, 4:], state=state)
    assert torch.allclose(torch.cat([first, second], 1), whole, atol=1e-12)
    assert all(torch.allclose(a, b) for a, b in zip(end, last, strict=True))
    short = layer(x, torch.tensor([9, 4]))[1]
    assert torch.allclose(short[0][1], state[0][1])
    with pytest.raises(BadInput, match="cannot go on from a state"):
        RECURRENT[name][0](5, 4, bidirectional=True).double()(x, state=state)


def test_lstm_gates_are_seen_and_bounded():
    layer, seen = written_out(Lstm(5, 4, bidirectional=True).double()), {}
    for gate, place in layer.gates.items():
        place.tap.register_forward_hook(lambda tap, inputs, output, gate=gate: seen.__setitem__(gate, output))
    out, _ = layer(frames(3, 9, 5))
    assert set(seen) == {"input_gate", "forget_gate", "output_gate", "cell"}
    assert torch.allclose(out, seen["output_gate"] * torch.tanh(seen["cell"]))
    assert all(((seen[gate] > 0) & (seen[gate] < 1)).all() for gate in ("input_gate", "forget_gate", "output_gate"))


@pytest.mark.parametrize("how", [{}, {"stride": 2}, {"padding": 2, "dilation": 2}, {"stride": 2, "padding": 1}])
def test_convolution_in_two_dimensions_equals_torchs(how):
    kernel, bias = frames(4, 2, 3, 2, seed=1), frames(4, seed=2)
    assert_same(
        lambda x: convolve_2d(x, kernel, bias, **how),
        lambda x: functional.conv2d(x, kernel, bias, **how),
        frames(3, 2, 9, 8),
    )
    x = frames(3, 2, 9, 8)
    assert_same(lambda k: convolve_2d(x, k, bias, **how), lambda k: functional.conv2d(x, k, bias, **how), kernel)


@pytest.mark.parametrize(("dilation", "stride"), [(1, 1), (3, 1), (2, 2)])
def test_dilated_convolution_is_a_weighted_sum_of_spliced_frames(dilation, stride):
    """The TDNN of Peddinti et al.: frames at t - d, t, t + d side by side, through one linear layer."""
    layer, x = TimeConvolution(5, 4, 3, dilation=dilation, stride=stride).double(), frames(2, 9, 5)
    padded = functional.pad(x, (0, 0, dilation, dilation))
    spliced = torch.cat([padded[:, i * dilation : i * dilation + 9] for i in range(3)], -1)[:, ::stride]
    weight = layer.conv.weight.permute(0, 2, 1).reshape(4, -1)
    assert torch.allclose(layer(x)[0], spliced @ weight.T + layer.conv.bias, atol=1e-12)


CONVOLUTIONS = {
    "centred": lambda: TimeConvolution(5, 4, 3, dilation=2),
    "strided": lambda: TimeConvolution(5, 4, 3, stride=2),
    "causal": lambda: CausalConvolution(5, 4, 3, dilation=2),
    "causal strided": lambda: CausalConvolution(5, 4, 2, stride=2),
    "tdnn": lambda: TdnnLayer(5, 4, 3, dilation=2, stride=3),
    "subsampling": lambda: Subsampling(5, 4, n_channels=3),
    "causal subsampling": lambda: Subsampling(5, 4, n_channels=3, causal=True),
}


@pytest.mark.parametrize("name", CONVOLUTIONS)
def test_convolutions_never_see_padding_and_say_where_frames_lie(name):
    torch.manual_seed(0)
    layer = CONVOLUTIONS[name]().double()
    assert_padding_is_unseen(lambda x, lengths: layer(x, lengths)[0], 5)
    for n_frames in (1, 2, 7, 8, 9):
        out, lengths = layer(frames(1, n_frames, 5), torch.tensor([n_frames]))
        grid = (layer.conv if name == "tdnn" else layer).grid(FrameGrid(16000, -120, 160, 400, n_frames))
        assert grid.n_frames == lengths.item() == out.shape[1]


@pytest.mark.parametrize("name", CONVOLUTIONS)
def test_a_grids_window_holds_all_that_a_frame_sees(name):
    """Changing one input frame changes exactly the outputs whose windows hold it."""
    torch.manual_seed(0)
    layer = CONVOLUTIONS[name]().double()
    x = frames(1, 16, 5).detach()
    grid = layer.grid(FrameGrid(1, 0, 1, 1, 16))
    before = layer(x)[0]
    for t in range(16):
        changed = x.clone()
        changed[0, t] += 1.0
        moved = (layer(changed)[0] != before).any(-1)[0].nonzero().flatten().tolist()
        starts = [grid.start + i * grid.hop for i in range(grid.n_frames)]
        holding = [i for i, start in enumerate(starts) if start <= t < start + grid.window]
        assert set(moved) <= set(holding)
        if name in ("centred", "strided", "causal", "causal strided"):
            taps = [i for i in holding if (t - starts[i]) % layer.dilation == 0]
            assert moved == taps


@pytest.mark.parametrize(("name", "stride"), [("causal", 1), ("causal strided", 2), ("causal subsampling", 4)])
def test_causal_convolutions_see_no_later_frame(name, stride):
    torch.manual_seed(0)
    layer = CONVOLUTIONS[name]().double()
    assert_causal(lambda x: layer(x)[0], 5, stride=stride)


def test_perceptron_bottleneck_and_feed_forward_are_their_equations():
    torch.manual_seed(0)
    x = frames(2, 3, 5)
    mlp, bottleneck, ff = Mlp([5, 7, 6, 2]).double(), Bottleneck(5, 2, 6).double(), FeedForward(5, 9).double()
    theirs = nn.Sequential(mlp.layers[0], nn.ReLU(), mlp.layers[1], nn.ReLU(), mlp.layers[2])
    assert_same(mlp, theirs, x)
    assert_same(ff, nn.Sequential(ff.inner, nn.ReLU(), ff.outer), x)
    assert torch.linalg.matrix_rank(bottleneck.up.weight @ bottleneck.down.weight) == 2
    assert_same(
        bottleneck, lambda x: torch.relu(x @ (bottleneck.up.weight @ bottleneck.down.weight).T + bottleneck.up.bias), x
    )
    with pytest.raises(BadInput, match="needs the units of input and output"):
        Mlp([5])
    with pytest.raises(BadInput, match="odd kernel"):
        TimeConvolution(2, 2, 4)
