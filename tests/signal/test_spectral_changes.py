"""Times are moved to where the spectrum changes, no farther than allowed, and in order."""

from __future__ import annotations

import numpy as np
import pytest

from otoscope.core import Recording
from otoscope.signal.spectral_changes import REACH_S, at_changes

RATE_HZ = 16000
CHANGES_S = (0.2, 0.3, 0.45)


def noises(rate_hz: int = RATE_HZ) -> Recording:
    """Dull and sharp noise in turn, 0.6 s together."""
    white = np.random.default_rng(0).standard_normal(round(0.6 * rate_hz))
    dull, sharp = np.convolve(white, np.ones(6) / 3, "same"), np.diff(white, append=0.0)
    place = np.searchsorted(CHANGES_S, np.arange(white.size) / rate_hz, side="right")
    return Recording((0.05 * np.where(place % 2, sharp, dull)).astype(np.float32), rate_hz)


@pytest.mark.parametrize("rate_hz", [8000, 16000, 44100])
@pytest.mark.parametrize("off_s", [-0.018, -0.007, 0.0, 0.011, 0.018])
def test_times_near_a_change_go_to_it(off_s: float, rate_hz: int) -> None:
    found = at_changes(noises(rate_hz), [time_s + off_s for time_s in CHANGES_S])
    np.testing.assert_allclose(found, CHANGES_S, atol=0.0076)


def test_no_time_goes_far_and_none_overtakes_another() -> None:
    times = np.sort(np.random.default_rng(1).uniform(0, 0.6, 60))
    found = at_changes(noises(), times.tolist())
    assert np.abs(found - times).max() <= REACH_S + 1e-6
    assert (np.diff(found) >= 0).all()
    assert (found != times).any()


def test_where_nothing_changes_times_stay_about_where_they_are() -> None:
    noise = np.random.default_rng(0).standard_normal(9600).astype(np.float32)
    expected = [0.15, 0.3, 0.45]
    assert np.abs(at_changes(Recording(0.1 * noise, RATE_HZ), expected) - expected).max() <= 0.0151


@pytest.mark.parametrize("n_samples", [1, 200, 500])
def test_what_is_too_short_to_tell_is_left_alone(n_samples: int) -> None:
    recording = Recording(np.full(n_samples, 0.1, np.float32), RATE_HZ)
    times = [0.0, n_samples / RATE_HZ]
    assert at_changes(recording, times).tolist() == times
    assert at_changes(recording, []).size == 0


def test_digital_silence_gives_numbers() -> None:
    assert np.isfinite(at_changes(Recording(np.zeros(8000, np.float32), RATE_HZ), [0.1, 0.2])).all()


def test_a_change_belongs_to_one_time_only() -> None:
    first, second = at_changes(noises(), [0.29, 0.308])
    assert first == pytest.approx(0.3, abs=0.0076)
    assert second >= first + 0.009
