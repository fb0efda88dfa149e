"""Sounds kept in memory to be mixed into others: noises, or speech that becomes babble."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from otoscope.core import BadInput
from otoscope.core.arrays import frozen_array, set_frozen
from otoscope.corpora.manifest import Utterance, read_manifest
from otoscope.io.audio import read_recording

Samples = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class SoundBank:
    """Sounds of one rate, from which stretches are drawn.

    Parameters
    ----------
    sounds
        Each `(n_samples,)` float32, none of them digital silence.
    rate_hz
        Samples per second of all.
    """

    sounds: tuple[Samples, ...] = field(repr=False)
    rate_hz: int = 16000

    def __post_init__(self) -> None:
        sounds = tuple(frozen_array(s, n_dims=1, name="a sound", dtype=np.float32) for s in self.sounds)
        set_frozen(self, sounds=tuple(sound for sound in sounds if sound.any()))
        if not self.sounds:
            raise BadInput(f"a sound bank needs a sound that is not silent, got {len(sounds)} sounds")

    def __len__(self) -> int:
        return len(self.sounds)

    @property
    def duration_s(self) -> float:
        """Length of all sounds together, seconds."""
        return sum(sound.size for sound in self.sounds) / self.rate_hz

    def describe(self) -> dict[str, Any]:
        """Return what a model card says of the bank: JSON values."""
        return {
            "n_sounds": len(self),
            "duration_s": round(self.duration_s, 3),
            "rate_hz": self.rate_hz,
            "sha256": hashlib.sha256(b"".join(sound.tobytes() for sound in self.sounds)).hexdigest(),
        }

    def stretch(self, n_samples: int, rng: np.random.Generator) -> Samples:
        """Return `(n_samples,)` of one sound, entered at a random place and looped."""
        sound = self.sounds[int(rng.integers(len(self.sounds)))]
        first = int(rng.integers(sound.size))
        if first + n_samples <= sound.size:
            return sound[first : first + n_samples]
        return sound[(first + np.arange(n_samples)) % sound.size]

    def babble(self, n_samples: int, rng: np.random.Generator, *, n_talkers: int) -> Samples:
        """Return the sum of several stretches, each brought to the same RMS level: talkers of equal loudness."""
        total = np.zeros(n_samples, np.float32)
        for _ in range(n_talkers):
            talker = self.stretch(n_samples, rng)
            power = float(np.mean(np.square(talker)))
            if power > 0:
                total += talker * np.float32(power**-0.5)
        return total


def noise_bank(folder: str | os.PathLike[str], *, split: str = "train", rate_hz: int = 16000) -> SoundBank:
    """Read every sound of one split of a folder with `manifest.tsv`, whose texts name the noises.

    Raises
    ------
    BadInput
        There is no manifest, or no sound of that split.
    BadAudio
        A sound cannot be read.
    """
    utterances = read_manifest(folder, split=split)
    return SoundBank(tuple(u.recording(rate_hz=rate_hz).samples for u in utterances), rate_hz)


def folder_bank(paths: Iterable[str | os.PathLike[str]], *, rate_hz: int = 16000) -> SoundBank:
    """Read sound files by their paths, such as `sorted(Path("noises").rglob("*.wav"))`.

    Raises
    ------
    BadInput
        There is none, or all are silent.
    BadAudio
        A sound cannot be read.
    """
    return SoundBank(tuple(read_recording(Path(path), rate_hz=rate_hz).samples for path in paths), rate_hz)


def speech_bank(
    utterances: Sequence[Utterance], *, rate_hz: int = 16000, longest_s: float = 600.0, seed: int = 0
) -> SoundBank:
    """Read utterances in random order until `longest_s` seconds are together: talkers for babble.

    Ten minutes at 16 kHz take 38 MB of memory.

    Raises
    ------
    BadInput
        There is no utterance.
    BadAudio
        A sound cannot be read.
    """
    chosen: list[Utterance] = []
    together_s = 0.0
    for index in np.random.default_rng(seed).permutation(len(utterances)):
        chosen.append(utterances[index])
        together_s += utterances[index].duration_s
        if together_s >= longest_s:
            break
    return SoundBank(tuple(u.recording(rate_hz=rate_hz).samples for u in chosen), rate_hz)
