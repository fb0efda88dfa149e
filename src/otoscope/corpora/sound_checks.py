"""What can be wrong with the sound of an utterance."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from otoscope.core import BadInput, Recording
from otoscope.corpora.findings import CorpusFault, Severity
from otoscope.corpora.utterance import Utterance
from otoscope.io.audio import audio_info
from otoscope.lexicon.normalization import normalize_words
from otoscope.signal.audibility import SHORTEST_S, SILENT_BELOW_DB
from otoscope.signal.levels import peak_db

DURATION_TOLERANCE_S = 0.05
"""Manifests round, and lossy codings pad."""
CLIPPED_SHARE = 0.001
CLIPPED_RUN = 4
"""So many neighbouring samples of the same extreme value are no peak of speech."""
CLIPPED_FROM = 0.5
"""A plateau below this is quiet coarse coding, not clipping."""
MOST_LETTERS_S = 35.0
"""Nobody speaks more letters a second: the fastest speakers reach some 25."""


@dataclass(frozen=True)
class SoundReport:
    """What decoding one utterance brought: what is wrong, and what is compared across the corpus."""

    utterance: Utterance
    findings: tuple[CorpusFault, ...]
    rate_hz: int = 0
    n_channels: int = 0
    digest: str = ""


def check_sound(utterance: Utterance) -> SoundReport:
    """Decode an utterance and say what is wrong with its sound."""
    try:
        info = audio_info(utterance.path)
        recording = utterance.recording(rate_hz=None)
    except BadInput as error:
        return SoundReport(utterance, (_finding(utterance, "error", "unreadable", str(error)),))
    found = [*_length(utterance, recording), *_loudness(utterance, recording), *_rate_of_speech(utterance, recording)]
    digest = hashlib.sha256(recording.samples.tobytes()).hexdigest()
    return SoundReport(utterance, tuple(found), info.rate_hz, info.n_channels, digest)


def clipped_share(samples: NDArray[np.float32]) -> float:
    """Return the share of samples that lie on flat tops: runs of `CLIPPED_RUN` or more at the largest magnitude.

    Examples
    --------
    >>> tone = np.sin(np.arange(16000) / 20, dtype=np.float32)
    >>> clipped_share(tone), clipped_share(np.clip(tone, -0.9, 0.9)) > 0.2
    (0.0, True)
    """
    share = 0
    for extreme in (float(samples.max()), float(samples.min())):
        if abs(extreme) < CLIPPED_FROM:
            continue
        flat = np.flatnonzero(np.diff(np.concatenate([[0], (samples == np.float32(extreme)).view(np.int8), [0]])))
        lengths = flat[1::2] - flat[::2]
        share += int(lengths[lengths >= CLIPPED_RUN].sum())
    return share / samples.size


def _length(utterance: Utterance, recording: Recording) -> list[CorpusFault]:
    found = []
    wrong_s = recording.duration_s - utterance.duration_s
    if abs(wrong_s) > DURATION_TOLERANCE_S:
        message = f"lasts {recording.duration_s:.3f} s, the corpus says {utterance.duration_s:.3f} s"
        found.append(_finding(utterance, "error", "wrong-duration", message))
    if recording.duration_s < SHORTEST_S:
        message = f"lasts {recording.duration_s:.3f} s; less than {SHORTEST_S} s holds no word"
        found.append(_finding(utterance, "error", "too-short", message))
    return found


def _loudness(utterance: Utterance, recording: Recording) -> list[CorpusFault]:
    level_db = peak_db(recording)
    if level_db < SILENT_BELOW_DB:
        message = f"is silent: its peak is {level_db:.0f} dB re full scale"
        return [_finding(utterance, "error", "silent", message)]
    share = clipped_share(recording.samples)
    if share > CLIPPED_SHARE:
        message = f"{share:.1%} of its samples are clipped; record it again, or lower the gain before it is coded"
        return [_finding(utterance, "warning", "clipped", message)]
    beyond = float(np.abs(recording.samples).max())
    if beyond > 1.5:
        message = f"reaches {beyond:.3g} times full scale; scale it to [-1, 1]"
        return [_finding(utterance, "warning", "beyond-full-scale", message)]
    return []


def _rate_of_speech(utterance: Utterance, recording: Recording) -> list[CorpusFault]:
    n_letters = sum(map(len, normalize_words(utterance.text)))
    rate = n_letters / recording.duration_s
    if rate <= MOST_LETTERS_S or recording.duration_s < SHORTEST_S:
        return []
    message = f"{n_letters} letters in {recording.duration_s:.2f} s cannot be spoken; is this its text?"
    return [_finding(utterance, "warning", "text-too-long", message)]


def _finding(utterance: Utterance, severity: Severity, code: str, message: str) -> CorpusFault:
    named = message if message.startswith(str(utterance.path)) else f"{utterance.path}: {message}"
    return CorpusFault(severity, code, named, utterance.where, utterance.id)
