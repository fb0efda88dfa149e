"""Echoes of phonetics: do attributions lie where phonetics says that the cues are?

Words that differ in one phone are synthesised, so that the time of that phone is known, and the recogniser is asked why
it hears the word that was said rather than the other. Phonetics has an answer for each class of phones (Stevens 1998):
vowels differ in their first two formants, sibilants in noise above 4 kHz, plosives in closure and burst. No method is
told any of this. A flat map has a share in each of these regions too; what counts is how many times more a method has.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from otoscope.core import BadInput, Interval, Panel, Recognizer, Recording, Target
from otoscope.core.protocols import Progress
from otoscope.explainers.gradients import FineMap, fine_maps
from otoscope.metrics.agreement import bootstrap_interval
from otoscope.recognizers.registry import DEFAULT, load
from otoscope.signal.formants import formants
from otoscope.signal.mel import hz_to_mel
from otoscope.signal.synthesis import Synthesis, synthesize
from otoscope.studies.result import StudyResult

PAIRS = {
    "vowel": ("bit bet", "bet bat", "bed bad", "cat cut", "hot hat", "dock duck", "pick peck", "pin pen"),
    "sibilant": ("sip ship", "see she", "sue shoe", "sell shell", "sin fin", "sick thick", "sink think", "save shave"),
    "plosive": ("tie pie", "tea key", "pat cat", "tall call", "bad dad", "gate bait", "dot got", "bow go"),
}
"""Words that differ in one phone; of a pair of sibilants only the first is asked about, it has the s."""
VOICES = ("en-us", "en-us+m3", "en-us+f2", "en-us+f4")
METHODS = "expected-gradients,integrated-gradients,input-x-gradient,saliency"
SIBILANT_HZ = 4000.0
FORMANT_REACH = 0.2
"""A cue of a vowel reaches this share below and above a formant of either vowel."""
AROUND_S = 0.02
"""Windows of the front end smear the edges of a phone by so much."""
LONGEST_S = 3.0


@dataclass(frozen=True)
class Item:
    """One question: the word that was said, the other, where the phone lies in which they differ, and its bands."""

    kind: str
    said: str
    rival: str
    voice: str
    recording: Recording
    word: Interval
    phone: Interval
    bands_hz: tuple[tuple[float, float], ...]

    @property
    def target(self) -> Target:
        """Why this word rather than the other?"""
        return Target("word", self.said, self.word, 0, (self.said,), self.rival)


def run(
    *,
    recognizer: str = DEFAULT,
    methods: str | Sequence[str] = METHODS,
    voices: str | Sequence[str] = VOICES,
    seed: int = 0,
    progress: Progress | None = None,
) -> StudyResult:
    """Ask for the cues of vowels, sibilants and plosives in synthetic minimal pairs.

    Parameters
    ----------
    recognizer
        A name or folder; one that gradient methods can look into.
    methods
        Names of gradient methods, with commas between.
    voices
        espeak-ng voices with their variants.
    seed
        Of methods that draw.
    progress
        Called with (maps made, all).
    """
    began = time.perf_counter()
    engine = load(recognizer)
    names = methods.split(",") if isinstance(methods, str) else list(methods)
    items = questions(voices.split(",") if isinstance(voices, str) else voices)
    rows: list[dict[str, Any]] = []
    for name in names:
        shares = []
        for item in items:
            shares.append(_shares(engine, item, name, seed))
            if progress is not None:
                progress(len(rows) // len(PAIRS) * len(items) + len(shares), len(names) * len(items))
        rows += [_row(name, kind, [s for s, i in zip(shares, items, strict=True) if i.kind == kind]) for kind in PAIRS]
    provenance = {
        "recognizer": engine.name,
        "weights_sha256": engine.provenance.weights_sha256,
        "voices": list(voices.split(",") if isinstance(voices, str) else voices),
        "n_questions": len(items),
        "seed": seed,
    }
    return StudyResult(
        "acoustic-cues", _summary(rows), tuple(rows), _panels(rows), provenance, time.perf_counter() - began
    )


def questions(voices: Sequence[str]) -> list[Item]:
    """Return every question in every voice."""
    found: list[Item] = []
    for kind, pairs in PAIRS.items():
        for pair in pairs:
            first, second = pair.split()
            for voice in voices:
                made = {word: synthesize(word, voice=voice) for word in (first, second)}
                found.append(_item(kind, first, second, voice, made))
                if kind != "sibilant":
                    found.append(_item(kind, second, first, voice, made))
    return found


def _item(kind: str, said: str, rival: str, voice: str, made: dict[str, Synthesis]) -> Item:
    own = made[said]
    phone = _differing(own, made[rival])
    bands: tuple[tuple[float, float], ...] = ((0.0, own.recording.rate_hz / 2),)
    if kind == "sibilant":
        bands = ((SIBILANT_HZ, own.recording.rate_hz / 2),)
    if kind == "vowel":
        bands = tuple(
            (hz * (1 - FORMANT_REACH), hz * (1 + FORMANT_REACH))
            for word, other in ((said, rival), (rival, said))
            for hz in _formants(made[word], made[other])
        )
    return Item(kind, said, rival, voice, own.recording, own.words.intervals[0], phone, bands)


def _differing(own: Synthesis, other: Synthesis) -> Interval:
    """Return the first phone that the other word does not have at its place; stress does not count."""
    for mine, its in zip(own.phones.intervals, other.phones.intervals, strict=False):
        if mine.label.strip("',") != its.label.strip("',"):
            return mine
    raise BadInput(f"{own.text!r} and {other.text!r} have the same phones")


def _formants(own: Synthesis, other: Synthesis) -> tuple[float, ...]:
    vowel = _differing(own, other)
    edge = min(vowel.duration_s / 4, (vowel.duration_s - 0.03) / 2)
    return formants(own.recording, vowel.start_s + edge, vowel.end_s - edge)


def _shares(engine: Recognizer, item: Item, method: str, seed: int) -> dict[str, float]:
    """Return the shares of positive relevance in the cue's time, in its bands within that time, and of a flat map."""
    (found,) = fine_maps(engine, item.recording, [item.target], method=method, seed=seed)
    positive = np.maximum(found.values, 0.0)
    rows, columns = _rows(found, item), _columns(found, item)
    word = _between(found, item.word.start_s - AROUND_S, item.word.end_s + AROUND_S)
    whole, there = positive[word].sum(), positive[rows].sum()
    both = positive[np.ix_(rows, columns)].sum()
    return {
        "time": float(there / whole) if whole > 0 else float("nan"),
        "time_chance": float(rows.sum() / word.sum()),
        "band": float(both / there) if there > 0 else float("nan"),
        "band_chance": float(columns.mean()),
        "cue": float(both / whole) if whole > 0 else float("nan"),
        "cue_chance": float(rows.sum() / word.sum() * columns.mean()),
    }


def _between(found: FineMap, start_s: float, end_s: float) -> NDArray[np.bool_]:
    times_s = found.grid.times_s()
    return np.asarray((times_s >= start_s) & (times_s < end_s))


def _rows(found: FineMap, item: Item) -> NDArray[np.bool_]:
    return _between(found, item.phone.start_s - AROUND_S, item.phone.end_s + AROUND_S)


def _columns(found: FineMap, item: Item) -> NDArray[np.bool_]:
    if found.frequencies_hz is None:
        raise BadInput("acoustic cues need a recogniser whose features are bands of a spectrum")
    inside = np.zeros(found.frequencies_hz.size, dtype=bool)
    for low_hz, high_hz in item.bands_hz:
        inside |= (found.frequencies_hz >= low_hz) & (found.frequencies_hz < high_hz)
        nearest = np.argmin(np.abs(hz_to_mel(found.frequencies_hz) - hz_to_mel((low_hz + high_hz) / 2)))
        inside[nearest] = True
    return inside


def _row(method: str, kind: str, shares: Sequence[dict[str, float]]) -> dict[str, Any]:
    times = [s["cue"] / s["cue_chance"] for s in shares if np.isfinite(s["cue"])]
    low, high = bootstrap_interval(times)

    def mean(name: str) -> float:
        return round(float(np.nanmean([s[name] for s in shares])), 3)

    return {
        "class": kind,
        "method": method,
        "cue": {"vowel": "F1 and F2 in the vowel", "sibilant": "above 4 kHz in the sibilant"}.get(
            kind, "closure and burst"
        ),
        "n": len(times),
        "in_phone": mean("time"),
        "in_phone_chance": mean("time_chance"),
        "in_band": mean("band"),
        "in_band_chance": mean("band_chance"),
        "in_cue": mean("cue"),
        "in_cue_chance": mean("cue_chance"),
        "times_chance": round(float(np.mean(times)), 2),
        "low": round(low, 2),
        "high": round(high, 2),
    }


def _summary(rows: Sequence[dict[str, Any]]) -> str:
    best = max({row["method"] for row in rows}, key=lambda m: min(r["times_chance"] for r in rows if r["method"] == m))
    told = ", ".join(
        f"{row['class']}s {row['times_chance']:.1f} ({row['low']:.1f} to {row['high']:.1f})"
        for row in rows
        if row["method"] == best
    )
    return f"Relevance in the cue, in multiples of chance, by {best}: {told}."


def _panels(rows: Sequence[dict[str, Any]]) -> tuple[Panel, ...]:
    data = {
        "labels": [f"{row['class']}, {row['method']}" for row in rows],
        "values": [row["times_chance"] for row in rows],
        "low": [row["low"] for row in rows],
        "high": [row["high"] for row in rows],
        "y_label": "relevance in the cue / of a flat map",
        "chance": 1.0,
    }
    caption = "Share of positive relevance in the cue's time and bands over that of a flat map, with 95 % intervals."
    return (Panel("bars", "Do attributions lie on the cues of phonetics?", data, caption),)
