"""A recogniser whose layers hold what they hold by construction, and utterances with known phones and words."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field
from types import SimpleNamespace

import numpy as np
import pytest

from otoscope.core import (
    Activation,
    Alignment,
    DoesNotFit,
    FrameGrid,
    Hypothesis,
    Interval,
    Provenance,
    Recording,
    Site,
    Tier,
    Trace,
)

RATE_HZ = 16000
PHONES = ("S", "Z", "T", "D", "IY", "AA")
WORDS = {"zeesa": ("Z", "IY", "S", "AA"), "tadee": ("T", "AA", "D", "IY"), "sadi": ("S", "AA", "D", "IY")}
PHONE_S = 0.08


@dataclass(frozen=True)
class Spoken:
    """Words said by a speaker: a sample is the number of its phone, and its place, word and speaker beside it."""

    id: str
    words: tuple[str, ...]
    speaker: str
    annotated: bool = True

    @property
    def text(self):
        return " ".join(self.words)

    @property
    def annotation(self):
        return self.tiers() if self.annotated else None

    def tiers(self):
        phones, words, at = [], [], 0.1
        for word in self.words:
            first = at
            for phone in WORDS[word]:
                phones.append(Interval(at, at + PHONE_S, phone, origin="synthetic"))
                at += PHONE_S
            words.append(Interval(first, at, word, origin="synthetic"))
            at += 0.05
        return Tier("phones", tuple(phones)), Tier("words", tuple(words))

    def recording(self, *, rate_hz=None):
        phones, words = self.tiers()
        samples = np.zeros(round((words[-1].end_s + 0.1) * RATE_HZ))
        kinds = [(w, i) for w in WORDS for i in range(4)]
        for number, phone in enumerate(phones):
            word = words.at((phone.start_s + phone.end_s) / 2).label
            value = (1 + PHONES.index(phone.label)) + 10 * (1 + kinds.index((word, number % 4)))
            samples[round(phone.start_s * RATE_HZ) : round(phone.end_s * RATE_HZ)] = value / 10000
        samples += (int(self.speaker[1:]) + 1) / 10
        samples[0] = (sum(map(ord, self.id)) % 97) / 1e6
        return Recording(samples.astype(np.float32), RATE_HZ, source=self.id)


def corpus(n_speakers=4, n_each=4, *, annotated=True, seed=0):
    """Return utterances of three words each, in orders drawn at random."""
    rng = np.random.default_rng(seed)
    return [
        Spoken(f"u{s}-{k}", tuple(rng.choice(list(WORDS), 3)), f"s{s}", annotated)
        for s in range(n_speakers)
        for k in range(n_each)
    ]


@dataclass(frozen=True)
class ToyLayers:
    """Layers: `features` noise, `encoder.0` phone, `encoder.1` speaker, `encoder.2` place in the word; noise on all.

    `encoder.0` has a coarser grid than the others. `turned` rotates every layer, `hop` and `start` move its frames.
    """

    name: str = "toy-layers"
    noise: float = 0.3
    turned: int | None = None
    hop: int = 160
    start: int = 0
    sites_: tuple[str, ...] = field(default=("features", "encoder.0", "encoder.0.mlp", "encoder.1", "encoder.2"))

    @property
    def provenance(self):
        return Provenance(self.name, "0", parameters={"noise": self.noise})

    def sites(self):
        return tuple(Site(name, n_units=8) for name in self.sites_)

    @contextlib.contextmanager
    def edited(self, edits):
        yield self

    def score(self, recordings, targets, *, progress=None):
        raise NotImplementedError

    def trace(self, recording, *, record=()):
        found = {}
        for number, site in enumerate(self.sites_):
            if site not in record:
                continue
            grid = FrameGrid.over(
                recording.n_samples, RATE_HZ, hop=2 * self.hop if site == "encoder.0" else self.hop, window=320
            )
            grid = FrameGrid(RATE_HZ, self.start, grid.hop, 320, grid.n_frames)
            values = self._values(site, recording, grid)
            rng = np.random.default_rng([number, int(recording.samples[0] * 1e6), recording.n_samples])
            values = values + self.noise * rng.normal(size=values.shape)
            if self.turned is not None:
                values = values @ np.linalg.qr(np.random.default_rng(self.turned).normal(size=(14, 14)))[0]
            found[site] = Activation(Site(site, n_units=14), values, grid)
        return Trace(recording, (Hypothesis(()),), self.provenance, {"activations": found})

    @staticmethod
    def _values(site, recording, grid):
        middles = np.clip((grid.times_s() * RATE_HZ).astype(int), 1, recording.n_samples - 1)
        level = np.round(recording.samples[middles] * 10000).astype(int)
        speaker, rest = level // 1000 - 1, level % 1000
        which = {"encoder.0": rest % 10, "encoder.1": speaker, "encoder.2": rest // 10}.get(site)
        return np.zeros((grid.n_frames, 14)) if which is None else np.eye(14)[which]


@dataclass(frozen=True)
class ToyAligner(ToyLayers):
    """The same, that also knows where everything lies; it refuses utterances named in `refuses`."""

    refuses: str = ""

    def align(self, recording, transcript):
        spoken = Spoken(recording.source, tuple(transcript.split()), "s0")
        if self.refuses and recording.source.startswith(self.refuses):
            raise DoesNotFit("not what it says")
        phones, words = spoken.tiers()
        return Alignment(words, phones)


@pytest.fixture(scope="session")
def toys():
    """The toys of this module by name: `Layers`, `Aligner` and `corpus`."""
    return SimpleNamespace(Layers=ToyLayers, Aligner=ToyAligner, corpus=corpus)


@pytest.fixture(scope="session")
def utterances():
    return corpus()
