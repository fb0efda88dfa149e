"""Who speaks in a synthetic corpus: voices of espeak-ng, each in one split only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from otoscope.core import BadInput
from otoscope.core.arrays import set_frozen
from otoscope.signal.synthesis import variants

ACCENTS = (
    "gmw/en-US",
    "gmw/en-US-nyc",
    "gmw/en",
    "gmw/en-GB-x-rp",
    "gmw/en-GB-scotland",
    "gmw/en-GB-x-gbclan",
    "gmw/en-GB-x-gbcwmd",
    "gmw/en-029",
)
"""espeak-ng's voices of English. Only the phones of the first have names in `otoscope.signal.espeak_phones`."""

UNNATURAL = ("whisper", "robo", "demonic", "croak", "tweaky", "storm", "fast", "announcer", " ")
"""Parts of the names of variants that sound like no talker; one with a blank in its name cannot be asked for."""


@dataclass(frozen=True)
class SyntheticPlan:
    """Who speaks what, and how, in a synthetic corpus. The same plan and texts give the same bytes.

    Parameters
    ----------
    n_voices
        How many speakers.
    texts_per_voice
        How many of the texts each says, spread evenly; `None`: all of them.
    accents
        Voices of espeak-ng to draw from; every voice gets one of espeak-ng's timbres (variants) on top.
    rate_wpm, pitch, pitch_range
        Least and most of each setting of `otoscope.signal.synthesis.synthesize`, drawn for each voice.
    pad_s
        Least and most silence before and after the speech, seconds.
    floor_snr_db
        Least and most ratio of the speech to the faint noise under it; `None` leaves digital silence in the pauses,
        which some recognisers take for a broken line.
    splits
        Names and shares of the voices. No timbre stands in two splits.
    seed
        Of everything random.
    rate_hz
        Samples per second.
    skip_unspeakable
        Leave out a text in which espeak-ng runs words together, and name it in `skipped.tsv`, instead of stopping.
    """

    n_voices: int = 20
    texts_per_voice: int | None = None
    accents: tuple[str, ...] = ACCENTS
    rate_wpm: tuple[int, int] = (120, 210)
    pitch: tuple[int, int] = (15, 85)
    pitch_range: tuple[int, int] = (20, 80)
    pad_s: tuple[float, float] = (0.1, 0.4)
    floor_snr_db: tuple[float, float] | None = (35.0, 50.0)
    splits: Mapping[str, float] = field(default_factory=lambda: {"train": 0.8, "valid": 0.1, "test": 0.1})
    seed: int = 0
    rate_hz: int = 16000
    skip_unspeakable: bool = False

    def __post_init__(self) -> None:
        set_frozen(self, splits=dict(self.splits))
        if not self.splits or min(self.splits.values()) <= 0 or abs(sum(self.splits.values()) - 1) > 1e-6:
            raise BadInput(f"the shares of the splits must be above 0 and sum to 1, got {dict(self.splits)}")
        if self.n_voices < len(self.splits):
            raise BadInput(f"{self.n_voices} voices cannot fill {len(self.splits)} splits: {', '.join(self.splits)}")
        if self.texts_per_voice is not None and self.texts_per_voice < 1:
            raise BadInput(f"texts_per_voice must be above 0, got {self.texts_per_voice}")


@dataclass(frozen=True)
class SyntheticVoice:
    """One speaker: an espeak-ng voice with its variant, the settings of `synthesize`, and the split."""

    speaker: str
    split: str
    voice: str
    rate_wpm: int
    pitch: int
    pitch_range: int

    @property
    def settings(self) -> dict[str, Any]:
        """Arguments for `synthesize`."""
        names = ("voice", "rate_wpm", "pitch", "pitch_range")
        return {name: getattr(self, name) for name in names}


def synthetic_voices(plan: SyntheticPlan) -> tuple[SyntheticVoice, ...]:
    """Draw the speakers of a plan: timbres are shared out to the splits first, then used in turn.

    Raises
    ------
    MissingExtra
        espeakng-loader is not installed.
    """
    rng = np.random.default_rng(plan.seed)
    timbres = [name for name in variants() if not any(part in name.lower() for part in UNNATURAL)]
    timbres = [timbres[i] for i in rng.permutation(len(timbres))]
    found: list[SyntheticVoice] = []
    n_timbres, n_voices = (_shares(n, plan.splits) for n in (len(timbres), plan.n_voices))
    for split in plan.splits:
        own, timbres = timbres[: n_timbres[split]], timbres[n_timbres[split] :]
        for number in range(n_voices[split]):
            accent = plan.accents[int(rng.integers(len(plan.accents)))]
            timbre = own[number % len(own)]
            speaker = f"v{len(found):03d}_{accent.rpartition('/')[2]}_{timbre}"
            bounds = (plan.rate_wpm, plan.pitch, plan.pitch_range)
            settings = [int(rng.integers(low, high + 1)) for low, high in bounds]
            found.append(SyntheticVoice(speaker, split, f"{accent}+{timbre}", *settings))
    return tuple(found)


def _shares(total: int, splits: Mapping[str, float]) -> dict[str, int]:
    """Share out a number, each part at least 1, by largest remainder."""
    counts = {split: max(1, int(total * share)) for split, share in splits.items()}
    while sum(counts.values()) != total:
        step = 1 if sum(counts.values()) < total else -1
        able = [split for split in splits if counts[split] + step >= 1]
        furthest = max(able, key=lambda split: step * (total * splits[split] - counts[split]))
        counts[furthest] += step
    return counts


def texts_of_voices(n_texts: int, plan: SyntheticPlan) -> tuple[Sequence[int], ...]:
    """Return which texts each voice says: all, or as many as asked, each text as often as any other (± 1)."""
    if plan.texts_per_voice is None or plan.texts_per_voice >= n_texts:
        return (tuple(range(n_texts)),) * plan.n_voices
    rng = np.random.default_rng((plan.seed, 1))
    waiting: list[int] = []
    shares = []
    for _ in range(plan.n_voices):
        while len(set(waiting)) < plan.texts_per_voice:
            waiting += rng.permutation(n_texts).tolist()
        chosen = list(dict.fromkeys(waiting))[: plan.texts_per_voice]
        for index in chosen:
            waiting.remove(index)
        shares.append(tuple(sorted(chosen)))
    return tuple(shares)
