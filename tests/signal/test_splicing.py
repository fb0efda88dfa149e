"""Joining and cutting keep every sample that no cross-fade touches."""

from __future__ import annotations

import numpy as np
import pytest

from otoscope.core import BadInput, Recording
from otoscope.signal.splicing import concatenated, inserted, without

RATE = 1000


def ramp(n: int) -> Recording:
    return Recording(np.arange(n) / n, RATE)


def test_joined_without_fade_is_concatenation():
    parts = [ramp(100), ramp(50), ramp(7)]
    assert np.array_equal(concatenated(parts).samples, np.concatenate([p.samples for p in parts]))


def test_fade_shortens_by_itself_at_each_join_and_touches_nothing_else():
    joined = concatenated([ramp(100), ramp(100), ramp(100)], crossfade_s=0.02)
    assert joined.n_samples == 260
    assert np.array_equal(joined.samples[:80], ramp(100).samples[:80])
    assert np.array_equal(joined.samples[100:160], ramp(100).samples[20:80])


def test_cutting_out_what_was_put_in_gives_the_recording_back():
    longer = inserted(ramp(200), Recording(np.ones(30), RATE), 0.12)
    assert longer.n_samples == 230
    assert np.array_equal(without(longer, 0.12, 0.15).samples, ramp(200).samples)


def test_joins_that_cannot_be_are_refused():
    with pytest.raises(BadInput, match="no recording"):
        concatenated([])
    with pytest.raises(BadInput, match=r"rates \[1000, 2000\] Hz"):
        concatenated([ramp(9), Recording(np.ones(9), 2000)])
    with pytest.raises(BadInput, match="twice that"):
        concatenated([ramp(9), ramp(9)], crossfade_s=0.005)
