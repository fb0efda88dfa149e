"""Filters pass their band unchanged in level and time, and stop the rest."""

from __future__ import annotations

import numpy as np
import pytest

from otoscope.core import BadInput, Recording
from otoscope.signal.filters import band_pass, band_stop, high_pass, low_pass, telephone
from otoscope.signal.resampling import resampled

RATE = 16000
T = np.arange(RATE) / RATE


def tone(frequency_hz: float) -> Recording:
    return Recording(0.5 * np.sin(2 * np.pi * frequency_hz * T), RATE)


def change_db(before: Recording, after: Recording) -> float:
    inner = slice(RATE // 4, 3 * RATE // 4)
    return 20 * np.log10(np.std(after.samples[inner]) / np.std(before.samples[inner]))


@pytest.mark.parametrize(
    ("filtered", "passed_hz", "stopped_hz"),
    [
        (lambda r: low_pass(r, 1000), (100, 700), (2000, 5000)),
        (lambda r: high_pass(r, 1000), (1500, 6000), (100, 500)),
        (lambda r: band_pass(r, 500, 2000), (700, 1500), (200, 4500)),
        (lambda r: band_stop(r, 500, 2000), (100, 6000), (800, 1200)),
        (telephone, (450, 2600), (100, 6000)),
    ],
)
def test_band_passes_and_the_rest_stops(filtered, passed_hz, stopped_hz):
    for frequency_hz in passed_hz:
        assert change_db(tone(frequency_hz), filtered(tone(frequency_hz))) == pytest.approx(0, abs=0.25)
    for frequency_hz in stopped_hz:
        assert change_db(tone(frequency_hz), filtered(tone(frequency_hz))) < -40


def test_edge_is_six_db_down():
    assert change_db(tone(1000), low_pass(tone(1000), 1000)) == pytest.approx(-6.02, abs=0.1)


def test_nothing_is_delayed():
    before = tone(600)
    after = low_pass(before, 2000)
    inner = slice(4000, 12000)
    np.testing.assert_allclose(after.samples[inner], before.samples[inner], atol=1e-3)


def test_ten_milliseconds_can_be_filtered():
    assert telephone(Recording(np.ones(160), RATE)).n_samples == 160
    assert low_pass(Recording(np.ones(1), RATE), 100).n_samples == 1


def test_edges_outside_are_refused():
    for bad in (lambda: low_pass(tone(9), 8000), lambda: high_pass(tone(9), 0), lambda: band_pass(tone(9), 900, 300)):
        with pytest.raises(BadInput, match="edges must rise and lie between 0 and 8000"):
            bad()


def test_resampling_keeps_tone_and_time():
    there = resampled(tone(440), 22050)
    assert there.n_samples == 22050
    back = resampled(there, RATE)
    np.testing.assert_allclose(back.samples[1000:-1000], tone(440).samples[1000:-1000], atol=1e-4)
    assert resampled(there, 22050) is there
    with pytest.raises(BadInput, match="above 0"):
        resampled(there, 0)
