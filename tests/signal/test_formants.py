"""Formants of synthetic vowels are those they were made with; what has none says so."""

from __future__ import annotations

import numpy as np
import pytest

from otoscope.core import BadInput, Recording
from otoscope.signal.formants import burg, formants
from otoscope.signal.vowels import steady_vowel


@pytest.mark.parametrize("f0_hz", [110.0, 210.0])
@pytest.mark.parametrize(("f1_hz", "f2_hz"), [(300, 2300), (500, 1500), (650, 1700), (700, 1100), (320, 800)])
def test_formants_of_a_synthetic_vowel_are_found(f1_hz, f2_hz, f0_hz):
    f1, f2 = formants(steady_vowel(f1_hz, f2_hz, f0_hz=f0_hz), 0.05, 0.25)
    assert abs(f1 - f1_hz) < max(0.06 * f1_hz, 20)
    assert abs(f2 - f2_hz) < 0.05 * f2_hz


@pytest.mark.parametrize("rate_hz", [8000, 22050, 44100])
def test_the_rate_does_not_matter(rate_hz):
    f1, f2 = formants(steady_vowel(500, 1500, rate_hz=rate_hz), 0.05, 0.25)
    assert abs(f1 - 500) < 30
    assert abs(f2 - 1500) < 60


def test_a_process_of_known_poles_is_predicted_by_them():
    poles = np.array([0.95 * np.exp(0.4j), 0.9 * np.exp(1.2j)])
    wanted = np.real(np.poly([*poles, *poles.conj()]))
    noise = np.random.default_rng(0).standard_normal(20000)
    signal = np.zeros_like(noise)
    for n in range(4, noise.size):
        signal[n] = noise[n] - wanted[1:] @ signal[n - 4 : n][::-1]
    np.testing.assert_allclose(burg(signal, order=4), wanted, atol=0.03)


def test_too_short_or_without_resonances_is_refused():
    vowel = steady_vowel(500, 1500)
    with pytest.raises(BadInput, match="at least 25 ms"):
        formants(vowel, 0.1, 0.11)
    with pytest.raises(BadInput, match="no 2 formants"):
        formants(Recording(np.zeros(16000), 16000), 0.0, 0.5)
