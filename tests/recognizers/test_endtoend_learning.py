"""Every preset learns: it gets a handful of strings of syllables by heart, and reads strings it has not heard.

Small networks, artificial syllables (pairs of tones), no bar that a network reaches without learning.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pytest

from otoscope.core import Recording
from otoscope.decoding.edit_distance import edit_distance
from otoscope.nets.augment import Augmentation
from otoscope.nets.examples import Joining
from otoscope.nets.training import TrainingPlan
from otoscope.recognizers.endtoend import PRESETS, EndToEndRecognizer
from otoscope.recognizers.endtoend.batching import Recipe
from otoscope.recognizers.endtoend.presets import Options, card_of
from otoscope.recognizers.endtoend.tokens import characters
from otoscope.recognizers.endtoend.training import train_preset

RATE_HZ = 8000
TONES_HZ = {
    "a": (450.0, 1100.0),
    "b": (1000.0, 2400.0),
    "c": (280.0, 3100.0),
    "d": (650.0, 1700.0),
    "e": (1500.0, 3500.0),
}


@dataclass(frozen=True)
class Said:
    """A string of syllables, each 90 to 160 ms long, at its own level, over faint noise."""

    text: str
    seed: int
    speaker: str = "x"

    @property
    def duration_s(self) -> float:
        """Length of the sound, seconds."""
        return self.recording().duration_s

    def recording(self) -> Recording:
        """Return the sound, the same whenever it is asked for."""
        rng = np.random.default_rng(self.seed)
        parts = []
        for letter in self.text:
            n = int(rng.uniform(0.09, 0.16) * RATE_HZ)
            t = np.arange(n) / RATE_HZ
            low, high = (f * np.exp(rng.normal(0, 0.03)) for f in TONES_HZ[letter])
            wave = np.sin(2 * np.pi * low * t) + 0.6 * np.sin(2 * np.pi * high * t)
            parts.append(rng.uniform(0.1, 0.3) * np.hanning(n) * wave)
        sound = np.concatenate(parts)
        return Recording((sound + rng.normal(0, 1e-3, sound.size)).astype(np.float32), RATE_HZ)


def said(n: int, *, seed: int, n_syllables: tuple[int, int] = (3, 6), letters: str = "abcde") -> tuple[Said, ...]:
    """Return `n` random strings."""
    rng = np.random.default_rng(seed)
    texts = ["".join(rng.choice(list(letters), rng.integers(n_syllables[0], n_syllables[1] + 1))) for _ in range(n)]
    return tuple(Said(text, int(rng.integers(2**31))) for text in texts)


def token_accuracy(recognizer: EndToEndRecognizer, corpus: Sequence[Said]) -> float:
    """Return 1 - edits / syllables over a corpus."""
    edits = sum(edit_distance(each.text, recognizer.trace(each.recording()).text.replace(" ", "")) for each in corpus)
    return 1 - edits / sum(len(each.text) for each in corpus)


N_STEPS = {"deepspeech": 200, "conformer": 120, "speech-transformer": 120, "wav2letter": 60}
"""Steps of a preset, where other than 90; nothing goes past the layers of `deepspeech`, and its ReLUs are clipped."""
UNCHANGED = Augmentation(speed=1.0, gain_db=(0.0, 0.0), snr_db=(60.0, 60.0), tilt=0.0, n_bands=0, n_gaps=0)


@pytest.mark.parametrize("name", PRESETS)
def test_it_gets_eight_strings_by_heart(name):
    corpus = said(8, seed=1)
    card = card_of(PRESETS[name], Options(n_units=32, rate_hz=RATE_HZ, dropout=0.0), characters())
    recognizer = EndToEndRecognizer(card, seed=0).with_decoding(beam=2)
    plan = TrainingPlan(epochs=N_STEPS.get(name, 90), learning_rate=3e-3, weight_decay=0.0, schedule="constant")
    history = recognizer.fit(corpus, plan=plan, recipe=Recipe(Joining((1, 1)), UNCHANGED, batch_s=60.0))
    assert history.train_losses[-1] < history.train_losses[0] / 4
    assert token_accuracy(recognizer, corpus) >= 0.95


GENTLE = Augmentation(
    speed=1.05, gain_db=(-10.0, 6.0), snr_db=(20.0, 40.0), tilt=0.2, n_bands=1, band_width=4, n_gaps=1, gap_frames=3
)
SMALL = {
    "n_units": 32,
    "rate_hz": RATE_HZ,
    "joined": (1, 1),
    "closed": False,
    "batch_s": 5.0,
    "augmentation": GENTLE,
}


@pytest.mark.slow
@pytest.mark.parametrize("name", ["joint-ctc-attention", "las"])
def test_it_reads_strings_it_has_not_heard(name, tmp_path):
    options = {**SMALL, "epochs": 15, "learning_rate": 4e-3}
    recognizer = train_preset(name, said(200, seed=1), said(20, seed=2), tmp_path, **options)
    assert token_accuracy(recognizer.with_decoding(beam=4), said(60, seed=3)) >= 0.9
