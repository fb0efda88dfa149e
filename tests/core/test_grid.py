"""Frame grids against brute force: receptive fields by propagation of single samples, times by exact fractions."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from otoscope.core import BadInput, FrameGrid, Interval

_WAV2VEC2 = [(10, 5, 0, 1)] + [(3, 2, 0, 1)] * 4 + [(2, 2, 0, 1)] * 2
_WHISPER_STEM = [(3, 1, 1, 1), (3, 2, 1, 1)]

_GRIDS = st.builds(
    FrameGrid,
    st.sampled_from([8000, 11025, 16000, 22050, 44100, 48000]),
    st.integers(-1000, 1000),
    st.integers(1, 700),
    st.integers(1, 1500),
    st.integers(0, 40),
)
_LAYERS = st.tuples(st.integers(1, 5), st.integers(1, 4), st.integers(0, 3), st.integers(1, 3))


def _fields(first: list[set[int]], kernel: int, stride: int, padding: int, dilation: int) -> list[set[int]]:
    """Which input samples each output of a convolution sees: the definition, tap by tap."""
    outputs = []
    at = -padding
    while at + dilation * (kernel - 1) < len(first) + padding:
        taps = [at + dilation * k for k in range(kernel)]
        outputs.append(set().union(*[first[tap] for tap in taps if 0 <= tap < len(first)]))
        at += stride
    return outputs


def _assert_sees(grid: FrameGrid, fields: list[set[int]], n_samples: int) -> None:
    assert grid.n_frames == len(fields)
    for i, field in enumerate(fields):
        start = grid.start + i * grid.hop
        span = range(max(0, start), min(n_samples, start + grid.window))
        assert field <= set(span), "a frame sees a sample outside its window"
        if field:
            assert (min(field), max(field)) == (span[0], span[-1]), "the window is wider than what is seen"


@settings(max_examples=80, derandomize=True, deadline=None)
@given(st.integers(1, 60), st.lists(st.tuples(st.integers(1, 4), st.integers(1, 3)), min_size=1, max_size=3))
def test_conv_without_padding_has_exactly_the_windows_of_brute_force(n_samples, layers):
    grid, fields = FrameGrid(16000, 0, 1, 1, n_samples), [{n} for n in range(n_samples)]
    for kernel, stride in layers:
        grid, fields = grid.conv(kernel, stride=stride), _fields(fields, kernel, stride, 0, 1)
    _assert_sees(grid, fields, n_samples)


@settings(max_examples=80, derandomize=True, deadline=None)
@given(st.integers(1, 60), st.lists(_LAYERS, min_size=1, max_size=3))
def test_conv_counts_frames_and_contains_what_is_seen(n_samples, layers):
    """With padding the edge of one layer is not sound to the next, so there windows may be wider than what is seen."""
    grid, fields = FrameGrid(16000, 0, 1, 1, n_samples), [{n} for n in range(n_samples)]
    for kernel, stride, padding, dilation in layers:
        grid = grid.conv(kernel, stride=stride, padding=padding, dilation=dilation)
        fields = _fields(fields, kernel, stride, padding, dilation)
        assert grid.n_frames == len(fields)
        for i, field in enumerate(fields):
            start = grid.start + i * grid.hop
            assert field <= set(range(start, start + grid.window))


@settings(max_examples=50, derandomize=True, deadline=None)
@given(st.integers(40, 90), st.lists(_LAYERS, min_size=1, max_size=2))
def test_conv_agrees_with_torch(n_samples, layers):
    torch = pytest.importorskip("torch")
    signal = torch.zeros(1, 1, n_samples, dtype=torch.float64, requires_grad=True)
    grid, output = FrameGrid(16000, 0, 1, 1, n_samples), signal
    for kernel, stride, padding, dilation in layers:
        grid = grid.conv(kernel, stride=stride, padding=padding, dilation=dilation)
        if grid.n_frames == 0:
            return
        weight = torch.ones(1, 1, kernel, dtype=torch.float64)
        output = torch.nn.functional.conv1d(output, weight, stride=stride, padding=padding, dilation=dilation)
    assert output.shape[-1] == grid.n_frames
    middle = grid.n_frames // 2
    (gradient,) = torch.autograd.grad(output[0, 0, middle], signal)
    seen = np.flatnonzero(gradient[0, 0].numpy())
    start = grid.start + middle * grid.hop
    if start >= 0 and start + grid.window <= n_samples and seen.size:
        assert (seen[0], seen[-1]) == (start, start + grid.window - 1)


def test_wav2vec2_and_whisper():
    n_samples = 16000
    grid, fields = FrameGrid(16000, 0, 1, 1, n_samples), [{n} for n in range(n_samples)]
    for kernel, stride, padding, dilation in _WAV2VEC2:
        grid = grid.conv(kernel, stride=stride, padding=padding, dilation=dilation)
        fields = _fields(fields, kernel, stride, padding, dilation)
    _assert_sees(grid, fields, n_samples)
    assert grid == FrameGrid(16000, 0, 320, 400, 49)
    assert grid.times_s()[:3].tolist() == [0.0125, 0.0325, 0.0525]

    grid = FrameGrid(16000, -200, 160, 400, 3000)  # log-mel frames, padded by half a window
    for kernel, stride, padding, dilation in _WHISPER_STEM:
        grid = grid.conv(kernel, stride=stride, padding=padding, dilation=dilation)
    assert (grid.hop, grid.n_frames) == (320, 1500)
    assert grid.times_s()[:3].tolist() == [0.0, 0.02, 0.04]


@settings(max_examples=100, derandomize=True, deadline=None)
@given(_GRIDS)
def test_times_are_the_floats_nearest_to_the_truth(grid):
    truth = [
        Fraction(2 * (grid.start + i * grid.hop) + grid.window, 2 * grid.rate_hz) for i in range(grid.n_frames + 1)
    ]
    half_hop = Fraction(grid.hop, 2 * grid.rate_hz)
    assert grid.times_s().tolist() == [float(t) for t in truth[:-1]]
    assert grid.edges_s().tolist() == [float(t - half_hop) for t in truth]


@settings(max_examples=150, derandomize=True, deadline=None)
@given(_GRIDS, st.floats(-1, 3), st.floats(0, 2))
def test_frames_of_are_those_whose_centre_lies_inside(grid, start_s, length_s):
    span = Interval(start_s, start_s + length_s, "x")
    inside = [i for i, t in enumerate(grid.times_s()) if span.start_s <= t < span.end_s]
    assert list(range(grid.n_frames))[grid.frames_of(span)] == inside


@settings(max_examples=100, derandomize=True, deadline=None)
@given(_GRIDS, st.integers(0, 40), st.integers(0, 40))
def test_touching_intervals_share_no_frame(grid, a, b):
    times = [*grid.times_s(), 10.0]
    low, high = times[min(a, b, len(times) - 1)], times[min(max(a, b), len(times) - 1)]
    left, right = grid.frames_of(Interval(-10, low, "")), grid.frames_of(Interval(low, high, ""))
    assert left.stop == right.start, "a boundary on a centre belongs to the interval it begins"


def test_frames_of_nothing():
    grid = FrameGrid(16000, 0, 320, 400, 50)
    for span in (Interval(-5, -1, ""), Interval(9, 10, ""), Interval(0.0125, 0.0125, ""), Interval(0.013, 0.03, "")):
        assert len(range(50)[grid.frames_of(span)]) == 0
    assert len(range(50)[grid.frames_of(Interval(-1, 9, ""))]) == 50


@settings(max_examples=150, derandomize=True, deadline=None)
@given(_GRIDS.filter(lambda grid: grid.n_frames > 0), st.integers(-20_000, 60_000))
def test_frame_at_is_the_nearest_and_the_earlier_of_two(grid, eighth):
    time_s = eighth / 8 / grid.rate_hz
    exact = Fraction(time_s)
    centres = [Fraction(2 * (grid.start + i * grid.hop) + grid.window, 2 * grid.rate_hz) for i in range(grid.n_frames)]
    gaps = [abs(centre - exact) for centre in centres]
    found = grid.frame_at(time_s)
    assert gaps[found] - min(gaps) <= Fraction(1, 10**12)
    assert grid.frame_at(float("-1e9")) == 0
    assert grid.frame_at(1e9) == grid.n_frames - 1


def test_frame_at_ties_and_nothing():
    grid = FrameGrid(8000, 0, 80, 80, 10)  # centres at 5, 15, … ms
    assert [grid.frame_at(t) for t in (0.0, 0.005, 0.010, 0.0100001, 0.015)] == [0, 0, 0, 1, 1]
    with pytest.raises(BadInput, match="no frames"):
        FrameGrid(8000, 0, 80, 80, 0).frame_at(0)


@settings(max_examples=100, derandomize=True, deadline=None)
@given(st.integers(0, 900), st.integers(1, 50), st.integers(1, 200), st.integers(0, 100))
def test_over_has_all_whole_windows(n_samples, hop, window, pad):
    grid = FrameGrid.over(n_samples, 16000, hop=hop, window=window, pad=pad)
    starts = [s for s in range(-pad, n_samples + pad + 1, hop) if s + window <= n_samples + pad]
    assert [grid.start + i * grid.hop for i in range(grid.n_frames)] == starts


@pytest.mark.parametrize(
    ("values", "match"),
    [
        ((16000.5, 0, 1, 1, 1), r"rate_hz must be a whole number, got 16000\.5"),
        ((16000, 0, 160.2, 1, 1), "hop must be a whole number"),
        ((0, 0, 1, 1, 1), "rate_hz, hop, window > 0"),
        ((16000, 0, 0, 1, 1), "rate_hz, hop, window > 0"),
        ((16000, 0, 1, 0, 1), "rate_hz, hop, window > 0"),
        ((16000, 0, 1, 1, -1), "n_frames >= 0"),
    ],
)
def test_grids_that_are_none(values, match):
    with pytest.raises(BadInput, match=match):
        FrameGrid(*values)


def test_whole_floats_become_whole_numbers():
    grid = FrameGrid(16000.0, np.int64(0), 160.0, 400, np.int32(3))
    assert all(type(value) is int for value in (grid.rate_hz, grid.start, grid.hop, grid.window, grid.n_frames))
