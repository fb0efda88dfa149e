"""A corpus of two-letter words, each two tones one after the other, that a tiny network learns in seconds."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from otoscope.core import Recording
from otoscope.corpora.manifest import Utterance
from otoscope.io.audio import write_recording

TONES = {"ab": (300, 900), "cd": (2000, 500), "ef": (1200, 3000)}


def tone_words(folder: Path, n: int = 8, *, seed: int = 0, split: str = "train") -> list[Utterance]:
    """Write `n` recordings of one to three words."""
    rng = np.random.default_rng(seed)
    folder.mkdir(parents=True, exist_ok=True)
    made = []
    t = np.arange(3200) / 16000
    for number in range(n):
        words = [tuple(TONES)[k] for k in rng.integers(3, size=rng.integers(1, 4))]
        pieces = [np.zeros(1600)]
        for word in words:
            pieces += [*(0.3 * np.sin(2 * np.pi * hz * t) for hz in TONES[word]), np.zeros(1600)]
        samples = np.concatenate(pieces)
        samples += 0.005 * rng.standard_normal(samples.size)
        path = folder / f"{number}.wav"
        write_recording(Recording(samples.astype(np.float32), 16000), path)
        made.append(Utterance(f"{split}{number}", path, " ".join(words), "tones", split, samples.size / 16000))
    return made
