"""Training sound made to stand for more than was recorded: other speeds, levels, noises, rooms and telephones.

Samples and a `numpy.random.Generator` go in, new samples come out. What is done to features (SpecAugment) lies in
`otoscope.nets.augment`.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from otoscope.core import BadInput, Recording
from otoscope.corpora.rooms import RoomBank
from otoscope.corpora.sound_bank import SoundBank
from otoscope.signal.companding import mu_law
from otoscope.signal.filters import band_pass
from otoscope.signal.levels import active_level_db

Samples = NDArray[np.float32]

TELEPHONE_LOW_HZ, TELEPHONE_HIGH_HZ = (100.0, 400.0), (3200.0, 3900.0)
"""Where the band of a telephone line begins and ends, drawn between these."""


@dataclass(frozen=True, eq=False)
class SoundAugmentation:
    """How to change training sound; each part is drawn anew for each call. Words, and unless `speeds` says otherwise
    their times, stay what they are.

    The order is that of nature: the talker's speed, the room, the noise, the line, the level. A share is the
    probability that a part takes place; noise, babble and rooms take place only where their bank is given.

    Parameters
    ----------
    speeds
        Factors of speed and pitch together, by resampling, one drawn with equal chances (Ko et al. 2015). A factor
        of 1.1 makes the sound shorter by 1.1; use `(1.0,)` where times must hold.
    noise, noise_share, noise_snr_db
        Recorded noises, and the least and most signal-to-noise ratio; the signal's level is its active level.
    babble, babble_share, babble_snr_db, n_talkers
        Other speech; the least and most talkers at once.
    hiss_share, hiss_snr_db
        Noise between white and pink, which needs no bank.
    rooms, room_share
        Impulse responses.
    telephone_share
        Band of a telephone line, half of them with 8-bit μ-law coding.
    gain_db
        Least and most gain; no sample is brought beyond full scale.

    Examples
    --------
    >>> augmentation = SoundAugmentation(speeds=(0.9,), hiss_share=1.0)
    >>> tone = np.sin(np.arange(9000) / 5).astype(np.float32)
    >>> augmentation(tone, 16000, np.random.default_rng(1)).shape
    (10000,)
    """

    speeds: tuple[float, ...] = (0.9, 1.0, 1.1)
    noise: SoundBank | None = None
    noise_share: float = 0.3
    noise_snr_db: tuple[float, float] = (0.0, 25.0)
    babble: SoundBank | None = None
    babble_share: float = 0.1
    babble_snr_db: tuple[float, float] = (8.0, 25.0)
    n_talkers: tuple[int, int] = (2, 7)
    hiss_share: float = 0.1
    hiss_snr_db: tuple[float, float] = (5.0, 40.0)
    rooms: RoomBank | None = None
    room_share: float = 0.3
    telephone_share: float = 0.2
    gain_db: tuple[float, float] = (-15.0, 6.0)

    def __post_init__(self) -> None:
        for name in ("noise_share", "babble_share", "hiss_share", "room_share", "telephone_share"):
            if not 0 <= getattr(self, name) <= 1:
                raise BadInput(f"{name} is a probability, 0 to 1, got {getattr(self, name)}")
        if not self.speeds or min(self.speeds) <= 0:
            raise BadInput(f"speeds must be factors above 0, such as (0.9, 1.0, 1.1), got {self.speeds}")

    def __call__(self, samples: Samples, rate_hz: int, rng: np.random.Generator) -> Samples:
        """Return changed samples `(n_samples / speed,)` float32; digital silence gets no noise.

        Raises
        ------
        BadInput
            A bank has another rate than the samples.
        """
        self._check_rates(rate_hz)
        changed = change_speed(samples, float(rng.choice(self.speeds)))
        if self.rooms is not None and rng.random() < self.room_share:
            changed = self.rooms.reverberant(changed, rng)
        changed = self._noisy(changed, rate_hz, rng)
        if rng.random() < self.telephone_share:
            changed = telephone_line(changed, rate_hz, rng)
        return change_level(changed, rng.uniform(*self.gain_db))

    def describe(self) -> dict[str, Any]:
        """Return the settings as JSON values, banks by what they hold: what a model card says of the training."""
        values = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        return {k: v.describe() if isinstance(v, SoundBank | RoomBank) else v for k, v in values.items()}

    def _noisy(self, samples: Samples, rate_hz: int, rng: np.random.Generator) -> Samples:
        n = samples.size
        if rng.random() < self.hiss_share:
            samples = mix(samples, hiss(n, rng), rate_hz, snr_db=rng.uniform(*self.hiss_snr_db))
        if self.noise is not None and rng.random() < self.noise_share:
            samples = mix(samples, self.noise.stretch(n, rng), rate_hz, snr_db=rng.uniform(*self.noise_snr_db))
        if self.babble is not None and rng.random() < self.babble_share:
            talkers = int(rng.integers(self.n_talkers[0], self.n_talkers[1] + 1))
            added = self.babble.babble(n, rng, n_talkers=talkers)
            samples = mix(samples, added, rate_hz, snr_db=rng.uniform(*self.babble_snr_db))
        return samples

    def _check_rates(self, rate_hz: int) -> None:
        for name in ("noise", "babble", "rooms"):
            bank = getattr(self, name)
            if bank is not None and bank.rate_hz != rate_hz:
                raise BadInput(f"{name} has {bank.rate_hz} Hz, the samples {rate_hz} Hz; read the bank at that rate")


def change_speed(samples: Samples, factor: float) -> Samples:
    """Play faster (above 1) or slower: pitch, formants and tempo move together (Ko et al. 2015).

    Returns `(n_samples / factor,)`; a time t becomes t / factor.

    Raises
    ------
    BadInput
        The factor is not above 0.
    """
    if not factor > 0:
        raise BadInput(f"a speed must be above 0, got {factor}")
    if factor == 1.0:
        return samples.astype(np.float32, copy=False)
    import soxr

    return soxr.resample(samples.astype(np.float32, copy=False), factor, 1.0, quality="HQ")


def hiss(n_samples: int, rng: np.random.Generator) -> Samples:
    """Return `(n_samples,)` of noise whose power falls as 1 / f^a, a drawn from 0 (white) to 1 (pink)."""
    from scipy import fft

    n_fft = fft.next_fast_len(max(n_samples, 2), real=True)
    spectrum = fft.rfft(rng.standard_normal(n_fft, dtype=np.float32))
    falling = np.maximum(np.arange(spectrum.size, dtype=np.float32), 1) ** np.float32(-rng.uniform(0, 0.5))
    return fft.irfft(spectrum * falling, n=n_fft)[:n_samples]


def mix(samples: Samples, noise: Samples, rate_hz: int, *, snr_db: float) -> Samples:
    """Add noise at a signal-to-noise ratio; the signal keeps its level, its pauses do not count.

    The same levels as `otoscope.signal.noise.add_noise`: active level of the signal, RMS of the noise. Where either
    is digital silence there is no ratio, and the samples come back as they were.
    """
    noise_power = float(np.mean(np.square(noise)))
    if noise_power == 0 or not samples.any():
        return samples
    signal_db = active_level_db(Recording(samples, rate_hz))
    return samples + noise * np.float32(10 ** ((signal_db - snr_db) / 20) * noise_power**-0.5)


def telephone_line(samples: Samples, rate_hz: int, rng: np.random.Generator) -> Samples:
    """Return the samples as a telephone passes them: a band of about 300 to 3400 Hz, half of the time 8-bit μ-law.

    Zero phase: times of words stay true.
    """
    high_hz = min(rng.uniform(*TELEPHONE_HIGH_HZ), 0.49 * rate_hz)
    passed = band_pass(Recording(samples, rate_hz), rng.uniform(*TELEPHONE_LOW_HZ), high_hz).samples
    return mu_law(passed) if rng.random() < 0.5 else passed


def change_level(samples: Samples, gain_db: float) -> Samples:
    """Return the samples louder by `gain_db`, or by as much as brings the largest to full scale."""
    peak = float(np.abs(samples).max(initial=0.0))
    gain = 10 ** (gain_db / 20)
    return samples * np.float32(min(gain, 1 / peak) if peak > 0 else gain)
