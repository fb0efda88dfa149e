"""Hums, and recognisers that know by heart what to say of each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from otoscope.core import Alignment, BadAudio, Hypothesis, Interval, Provenance, Recording, Tier, Trace

RATE_HZ = 16000
TEXTS = {
    "u1": ("ann", "So my fellow listeners."),
    "u2": ("ann", "ask not what your ear can do"),
    "u3": ("bob", "twenty 2 ears"),
    "u4": ("bob", "for you"),
    "u5": ("cid", "and so on and on"),
}


def hum(duration_s: float, seed: int) -> Recording:
    rng = np.random.default_rng(seed)
    samples = 0.1 * np.sin(np.arange(round(duration_s * RATE_HZ)) / (5 + seed)) + rng.normal(
        scale=0.003, size=round(duration_s * RATE_HZ)
    )
    return Recording(samples, RATE_HZ)


@dataclass
class Parrot:
    """Says what it was taught for each file, its words equally spaced in time; refuses what it was not taught."""

    name: str
    says: dict[str, str]
    n_heard: int = 0
    stop_after: int | None = None
    timed: bool = True
    parameters: dict[str, object] = field(default_factory=dict)

    @property
    def provenance(self) -> Provenance:
        return Provenance(self.name, "1", None, {"says": self.says, **self.parameters})

    def trace(self, recording: Recording, *, record: Sequence[str] = ()) -> Trace:
        self.n_heard += 1
        if self.stop_after is not None and self.n_heard > self.stop_after:
            raise KeyboardInterrupt
        name = Path(recording.source or "").stem
        if name not in self.says:
            raise BadAudio(f"nothing is known of {name}")
        words = self.says[name].split()
        step = recording.duration_s / max(len(words), 1)
        tier = Tier("words", tuple(Interval(i * step, (i + 1) * step, word) for i, word in enumerate(words)))
        parts = {"alignment": Alignment(tier)} if self.timed else {}
        return Trace(recording, (Hypothesis(tuple(words)),), self.provenance, parts)

    def score(self, recordings, targets, *, progress=None):
        return np.zeros((len(recordings), len(targets)))


class StreamingParrot(Parrot):
    """Says each word a fixed time after it has ended, and takes a wrong guess back."""

    LATE_S = 0.15

    def stream(self, chunks):
        samples: list[np.ndarray] = []
        text = next(iter(self.says.values()))
        for chunk in chunks:
            samples.append(chunk)
            recording = Recording(np.concatenate(samples), RATE_HZ, "stream")
            words = text.split()
            whole_s = self.parameters["whole_s"]
            step = whole_s / len(words)
            n = int(max(0.0, recording.duration_s - self.LATE_S) / step + 1e-9)
            tier = Tier("words", tuple(Interval(i * step, (i + 1) * step, w) for i, w in enumerate(words[:n])))
            guess = (*words[:n], "er") if n < len(words) else tuple(words)
            yield Trace(recording, (Hypothesis(guess),), self.provenance, {"alignment": Alignment(tier)})
        n = len(words)
        tier = Tier("words", tuple(Interval(i * step, (i + 1) * step, w) for i, w in enumerate(words)))
        yield Trace(recording, (Hypothesis(tuple(words)),), self.provenance, {"alignment": Alignment(tier)})


HEARD = {
    "u1": "so my yellow listeners",
    "u2": "as not what ear can do now",
    "u3": "twenty two years",
    "u4": "",
    "u5": "and so on and on",
}
