"""A corpus whose words differ by one known tone burst, and a net taught on it: where it hears them is known.

An utterance is a complex tone (the carrier, the same for all words) with gaps, and one short burst. The frequency of
the burst is all that tells the words apart; without a burst nothing is said. So an explanation of the word must point
at the burst: in time, and in frequency.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from otoscope.core import Interval, Recording, Segment
from otoscope.core.protocols import Progress
from otoscope.nets.acoustic import AcousticShape
from otoscope.nets.augment import Augmentation
from otoscope.nets.examples import Joining
from otoscope.nets.front_end import FrontEndShape
from otoscope.nets.training import TrainingPlan
from otoscope.recognizers.ctc import CTCRecognizer
from otoscope.recognizers.ctc.card import BLANK, CtcCard
from otoscope.recognizers.ctc.training import Recipe

RATE_HZ = 8000
BURST_S = 0.08
BURST_HZ = {"b": 900.0, "d": 1800.0, "g": 3000.0}
"""Frequency of the burst of each word."""

HALF_BAND_HZ = 150.0
"""Half the width of the band that holds a burst: its spectrum has its first zeros 25 Hz away, its skirts some more."""

CHANGES = Augmentation(1.0, (-6.0, 3.0), (25.0, 50.0), tilt=0.1, n_bands=0, n_gaps=0, warp=1.0, channel=0.0)
"""What training may change: level and noise, but neither time nor frequency."""


@dataclass(frozen=True, eq=False)
class PlantedUtterance:
    """One utterance: the sound, its word ("" for none), and the burst's time and band (`None` for none)."""

    sound: Recording
    text: str
    burst: Interval | None
    low_hz: float | None = None
    high_hz: float | None = None
    speaker: str = "tone"

    def recording(self, *, rate_hz: int | None = None) -> Recording:
        """Return the sound, as a corpus's utterances do; its rate is what it is."""
        return self.sound

    @property
    def segment(self) -> Segment:
        """The burst as the segment of time and frequency that an explanation should find."""
        assert self.burst is not None, "an utterance without a word has no burst"
        return Segment(self.burst.start_s, self.burst.end_s, self.low_hz, self.high_hz, self.text)


@dataclass(frozen=True, eq=False)
class PlantedCue:
    """A trained recogniser, and utterances it was not trained on, each with a word and the place of its burst."""

    recognizer: CTCRecognizer
    utterances: tuple[PlantedUtterance, ...]


def planted_cue_corpus(
    seed: int = 0, *, n_utterances: int = 30, silent_share: float = 0.0
) -> tuple[PlantedUtterance, ...]:
    """Return utterances of the words in turn; `silent_share` of them say nothing and have no burst."""
    rng = np.random.default_rng(seed)
    words = list(BURST_HZ)
    n_silent = round(n_utterances * silent_share)
    found = [_utterance(words[i % len(words)], rng) for i in range(n_utterances - n_silent)]
    return tuple(found + [_utterance("", rng) for _ in range(n_silent)])


def _utterance(word: str, rng: np.random.Generator) -> PlantedUtterance:
    duration_s = float(rng.uniform(0.7, 1.0))
    samples = _carrier(round(duration_s * RATE_HZ), rng)
    if not word:
        return PlantedUtterance(Recording(samples, RATE_HZ, source="synthetic"), "", None)
    n_burst = round(BURST_S * RATE_HZ)
    first = int(rng.integers(round(0.1 * RATE_HZ), samples.size - n_burst - round(0.1 * RATE_HZ)))
    hz, phase = BURST_HZ[word], rng.uniform(0, 2 * np.pi)
    tone = np.sin(2 * np.pi * hz * np.arange(n_burst) / RATE_HZ + phase)
    samples[first : first + n_burst] += (0.25 * np.hanning(n_burst) * tone).astype(np.float32)
    burst = Interval(first / RATE_HZ, (first + n_burst) / RATE_HZ, word, origin="synthetic")
    recording = Recording(samples, RATE_HZ, source="synthetic")
    return PlantedUtterance(recording, word, burst, hz - HALF_BAND_HZ, hz + HALF_BAND_HZ)


def _carrier(n_samples: int, rng: np.random.Generator) -> NDArray[np.float32]:
    """Harmonics of a low fundamental falling by 6 dB an octave, with up to three gaps, some filled with noise."""
    time_s = np.arange(n_samples) / RATE_HZ
    f0 = rng.uniform(100, 180)
    partials = range(1, int(3600 / f0) + 1)
    tone = sum(np.sin(2 * np.pi * k * f0 * time_s + rng.uniform(0, 2 * np.pi)) / k for k in partials)
    samples = np.asarray(0.05 * tone)
    for _ in range(int(rng.integers(0, 4))):
        length = int(rng.integers(round(0.03 * RATE_HZ), round(0.3 * RATE_HZ)))
        first = int(rng.integers(0, max(1, n_samples - length)))
        gap = samples[first : first + length]
        gap[:] = rng.choice([0.0, 0.02]) * rng.standard_normal(gap.size)
    return (samples + 1e-3 * rng.standard_normal(n_samples)).astype(np.float32)


def planted_cue(
    seed: int = 0, *, n_utterances: int = 30, epochs: int = 12, progress: Progress | None = None
) -> PlantedCue:
    """Train a tiny CTC recogniser on the corpus and return it with new utterances of it.

    Parameters
    ----------
    seed
        Of corpus and weights; the utterances returned are drawn from another stream than the training ones.
    n_utterances
        How many to return; all have a word.
    epochs
        Passes over the 240 training utterances, less than a second each.
    progress
        Called with (epochs done, all epochs).
    """
    recognizer = planted_recognizer(seed)
    teach(recognizer, seed=seed, epochs=epochs, progress=progress)
    return PlantedCue(recognizer, planted_cue_corpus(2 * seed + 1, n_utterances=n_utterances))


def planted_recognizer(seed: int = 0) -> CTCRecognizer:
    """Return the recogniser that `teach` teaches, with weights drawn from `seed`."""
    card = CtcCard(
        "planted-cue",
        FrontEndShape(RATE_HZ, 24, low_hz=50.0, floor=1e-5),
        AcousticShape(24, 2 + len(BURST_HZ), (8, 16), (2, 1), n_units=16, n_layers=1, dropout=0.0),
        symbols=(BLANK, " ", *BURST_HZ),
        vocabulary=tuple(BURST_HZ),
    )
    return CTCRecognizer(card, seed=seed)


def teach(recognizer: CTCRecognizer, *, seed: int = 0, epochs: int = 12, progress: Progress | None = None) -> None:
    """Train a recogniser of `planted_recognizer` on 240 utterances of the corpus, in place."""
    sound = Augmentation(
        speed=1.0, gain_db=(-6.0, 3.0), snr_db=(25.0, 50.0), tilt=0.1, n_bands=0, n_gaps=0, warp=1.0, channel=0.0
    )
    recipe = Recipe(Joining((1, 1), edge_s=(0.0, 0.1)), sound, batch_s=8.0)
    plan = TrainingPlan(epochs=epochs, learning_rate=0.02, seed=seed)
    learnt = planted_cue_corpus(2 * seed, n_utterances=240, silent_share=0.25)
    recognizer.fit(learnt, plan=plan, recipe=recipe, progress=progress)
    made = {**recognizer.card.training, "corpus": "otoscope.testing.planted_cue_corpus"}
    recognizer.card = dataclasses.replace(recognizer.card, training=made)
