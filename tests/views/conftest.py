"""Synthetic explanations: a buzz that sounds a little like speech, with tiers, relevances, cells and curves."""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from otoscope.core import (
    Alignment,
    Attribution,
    Explanation,
    Hypothesis,
    Interval,
    PerturbationCurve,
    Provenance,
    Recording,
    Segment,
    Target,
    Tier,
    Trace,
    Trust,
)

RATE_HZ = 16000
SENTENCE = ["and", "so", "my", "fellow", "listeners", "ask", "not", "what", "your", "ear", "can", "do"]
BANDS_HZ = ((0, 500), (500, 1000), (1000, 2000), (2000, 4000), (4000, 8000))


def buzz(n_words: int, duration_s: float, seed: int) -> np.ndarray:
    """Return glottal pulses through moving resonances, a syllable a word, with pauses and hiss."""
    rng = np.random.default_rng(seed)
    time = np.arange(round(duration_s * RATE_HZ)) / RATE_HZ
    pitch = 120 + 25 * np.sin(2 * np.pi * 0.4 * time) + 8 * np.sin(2 * np.pi * 1.3 * time)
    phase = 2 * np.pi * np.cumsum(pitch) / RATE_HZ
    formants = [600 + 250 * np.sin(2 * np.pi * 1.1 * time), 1500 + 500 * np.sin(2 * np.pi * 0.7 * time + 1)]
    sound = np.zeros(time.size)
    for harmonic in range(1, 40):
        gain = sum(np.exp(-(((harmonic * pitch - f) / 180) ** 2)) for f in formants) + 0.25 / harmonic
        sound += gain * np.sin(harmonic * phase)
    rate = max(n_words, 1) / duration_s
    loud = np.clip(np.sin(np.pi * rate * time) ** 2 * 1.4 - 0.15, 0, 1)
    hiss = rng.standard_normal(time.size) * (0.02 + 0.6 * np.clip(np.sin(np.pi * rate * time + 1.2), 0.9, 1) - 0.54)
    return (0.12 * (sound * loud + hiss)).astype(np.float32).clip(-1, 1)


def word_tier(labels: list[str], duration_s: float) -> Tier:
    """Return the words, equally spaced with a pause between two."""
    step = duration_s / max(len(labels), 1)
    words = [Interval((i + 0.1) * step, (i + 0.92) * step, label) for i, label in enumerate(labels)]
    return Tier("words", tuple(words))


def phone_tier(words: Tier) -> Tier:
    """Return three phones for each word."""
    phones = []
    for word in words:
        edges = np.linspace(word.start_s, word.end_s, 4)
        phones += [Interval(edges[k], edges[k + 1], ("K", "AA1", "N")[k], -1.0 - k) for k in range(3)]
    return Tier("phones", tuple(phones))


def curve(direction: str, fill: str, score: float, rng: np.random.Generator) -> PerturbationCurve:
    """Return a curve that beats its random orders."""
    x = np.linspace(0, 1, 21)
    falling = score - 12 * (1 - np.exp(-6 * x)) / (1 - np.exp(-6))
    mine = falling if direction == "deletion" else (score - 12 - score) + score + 12 * (1 - np.exp(-6 * x))
    steps = rng.dirichlet(np.full(20, 0.8), size=12)
    lost = 12 * np.concatenate([np.zeros((12, 1)), np.cumsum(steps, axis=1)], axis=1)
    orders = score - lost if direction == "deletion" else score - 12 + lost
    return PerturbationCurve(direction, fill, x, mine, orders)


def trust(score: float, rng: np.random.Generator, *, chance: float, failures: tuple[str, ...]) -> Trust:
    """Return checks with all numbers there."""
    kinds = [(d, f) for d in ("deletion", "insertion") for f in ("silence", "noise")]
    return Trust(
        curves=tuple(curve(d, f, score, rng) for d, f in kinds),
        relevance_mass=float(rng.uniform(0.6, 0.95)),
        chance_mass=chance,
        pointing_hit=True,
        seed_agreement=float(rng.uniform(0.7, 0.98)),
        fill_agreement=float(rng.uniform(0.4, 0.9)),
        faithfulness_correlation=float(rng.uniform(0.5, 0.95)),
        failures=failures,
    )


def attribution(target: Target, segments: list[Segment], rng: np.random.Generator, **given: Any) -> Attribution:
    """Return relevance that peaks where the target lies, with some noise of both signs."""
    middle = (target.interval.start_s + target.interval.end_s) / 2
    width = target.interval.duration_s
    centres = np.array([(s.start_s + s.end_s) / 2 for s in segments])
    relevance = 4 * np.exp(-(((centres - middle) / (0.4 * width)) ** 2)) + 0.25 * rng.standard_normal(len(segments))
    if segments[0].low_hz is not None:
        bands = np.array([s.low_hz for s in segments])
        relevance *= np.exp(-(((np.log(bands + 300) - np.log(1200)) / 0.9) ** 2))
    score = float(-rng.uniform(0.2, 2))
    chance = width / segments[-1].end_s
    checks = trust(score, rng, chance=chance, failures=given.pop("failures", ()))
    return Attribution(
        target, tuple(segments), relevance, "shapley", "silence", score, score - 12, 512, 0, trust=checks, **given
    )


def make_explanation(
    labels: list[str] | None = None,
    *,
    duration_s: float = 6.0,
    seed: int = 0,
    phones: bool = True,
    cells: bool = True,
    failures: dict[int, tuple[str, ...]] | None = None,
) -> Explanation:
    """Return an explanation of every word; `failures` gives failed checks by word index."""
    labels = SENTENCE if labels is None else labels
    rng = np.random.default_rng(seed)
    words = word_tier(labels, duration_s)
    alignment = Alignment(
        words,
        phone_tier(words) if phones else None,
        text_confidence=tuple(rng.uniform(0.3, 1, len(labels))),
        time_confidence=tuple(rng.uniform(0.5, 1, len(labels))),
    )
    best = Hypothesis(tuple(labels), log_score=-812.5)
    second = Hypothesis((*labels[:-1], "dew"), log_score=-815.25)
    trace = Trace(
        Recording(buzz(len(labels), duration_s, seed), RATE_HZ, "/somewhere/private/talk.wav"),
        (best, second),
        Provenance("synthetic", "1.0", "ab" * 32, {"beam": 1e-48, "lw": 6.5}, seed=seed),
        {"alignment": alignment},
    )
    n = max(8, round(duration_s / 0.15))
    edges = np.linspace(0, duration_s, n + 1)
    frames = [Segment(a, b) for a, b in itertools.pairwise(edges)]
    grid = [Segment(a, b, lo, hi) for a, b in itertools.pairwise(edges) for lo, hi in BANDS_HZ]
    failures = failures or {}
    maps = [attribution(t, frames, rng, failures=failures.get(i, ())) for i, t in enumerate(trace.targets())]
    tf_maps = [attribution(t, grid, rng) for t in trace.targets()] if cells else []
    return Explanation(trace, tuple(maps), tuple(tf_maps))


@pytest.fixture(scope="session")
def make() -> Callable[..., Explanation]:
    """The factory of synthetic explanations."""
    return make_explanation


@pytest.fixture(scope="session")
def explanation() -> Explanation:
    """Twelve words over six seconds."""
    return make_explanation()


@pytest.fixture(scope="session")
def chromium() -> str:
    """A Chromium that is installed, or skip."""
    names = ("chromium", "chromium-browser", "google-chrome")
    found = next((path for path in map(shutil.which, names) if path), None)
    if found is None:
        pytest.skip(f"no browser: install one of {', '.join(names)} (Debian: apt install chromium)")
    return found
