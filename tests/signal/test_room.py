"""A room delays the direct sound by its distance and decays in the time asked."""

from __future__ import annotations

import numpy as np
import pytest

from otoscope.core import BadInput, Recording
from otoscope.signal.room import SPEED_OF_SOUND_M_S, decay_time_s, reverberant, room_response

RATE = 16000


def test_direct_sound_arrives_after_its_distance_and_falls_with_it():
    response = room_response(RATE, rt60_s=0.3, source_m=(1, 2, 1.5), microphone_m=(3, 2, 1.5))
    delay = 2 / SPEED_OF_SOUND_M_S * RATE
    window = response[: int(delay) + 40]
    # The sinc's centre of gravity is the exact delay; its sum the amplitude 1 / (4 pi d). The next reflection, from
    # the floor, comes 60 samples later.
    assert window.sum() == pytest.approx(1 / (4 * np.pi * 2), rel=0.01)
    assert (window * np.arange(window.size)).sum() / window.sum() == pytest.approx(delay, abs=0.05)
    assert np.argmax(np.abs(response)) == round(delay)


def test_first_reflection_is_where_geometry_puts_it():
    response = room_response(RATE, rt60_s=0.3, room_m=(8, 7, 6), source_m=(2, 3.5, 1), microphone_m=(4, 3.5, 1))
    floor = np.sqrt(2**2 + 2**2) / SPEED_OF_SOUND_M_S * RATE
    after = np.abs(response[110:160]).argmax() + 110
    assert abs(after - floor) <= 1


@pytest.mark.parametrize("rt60_s", [0.2, 0.3, 0.5])
@pytest.mark.parametrize("room_m", [(5, 4, 2.7), (8, 6, 3.5)])
def test_energy_decays_in_the_time_asked(rt60_s, room_m):
    response = room_response(RATE, rt60_s=rt60_s, room_m=room_m)
    assert decay_time_s(response**2, 1 / RATE) == pytest.approx(rt60_s, rel=0.1)


def test_reverberant_keeps_length_and_time():
    click = np.zeros(RATE)
    click[5000] = 0.5
    heard = reverberant(Recording(click, RATE), rt60_s=0.2)
    assert heard.n_samples == RATE
    assert np.abs(heard.samples).argmax() == 5000
    assert not np.abs(heard.samples[:4900]).max() > 1e-6
    assert np.abs(heard.samples[5100:8000]).max() > 0.005


def test_short_recordings_fit_too():
    assert reverberant(Recording(np.ones(7), RATE), rt60_s=0.2).n_samples == 7


def test_places_outside_and_impossible_rooms_are_refused():
    with pytest.raises(BadInput, match="source_m must be a place inside"):
        room_response(RATE, source_m=(9, 1, 1))
    with pytest.raises(BadInput, match="1 cm"):
        room_response(RATE, source_m=(1, 1, 1), microphone_m=(1, 1, 1))
    for rt60_s in (0.02, 10):
        with pytest.raises(BadInput, match="out of reach"):
            room_response(RATE, rt60_s=rt60_s)
