"""One item of a listening experiment: what is said, how it is filed, and its sound with the times of its phones."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from otoscope.core import BadInput, Interval, NotRecorded, Recording, Tier
from otoscope.core.arrays import ByValue, set_frozen
from otoscope.lexicon.pronunciations import Phones

FLOOR_DB = -75.0
"""Level of the noise under synthetic items, RMS re full scale."""

Kind = Literal["word", "pseudoword", "other"]


@dataclass(frozen=True, eq=False)
class Item(ByValue):
    """What a listener hears in one trial.

    Parameters
    ----------
    label
        Name of the item, unique within a list.
    word
        The word said; `None` for what is no word.
    phones
        How it is said; `None` where not known (a user's recording of a pseudoword without a transcription).
    kind
        `word`, `pseudoword` (the right answer in lexical decision) or `other`.
    condition
        Where it belongs in the design; free text.
    recording
        The sound, silence around it included; `None` until it is spoken or read.
    phone_times
        A tier with one interval for each of `phones`, in seconds from the start of the recording; `None` if not known.
    speech_s
        Where speech begins and ends in the recording; taken from `phone_times` where not given.
    voice
        Who speaks.
    details
        What was done to it: gate, step of a continuum, signal-to-noise ratio, measures of the item.

    Raises
    ------
    BadInput
        The tier has other phones than the item, or something lies outside the recording.
    """

    label: str
    word: str | None = None
    phones: Phones | None = None
    kind: Kind = "word"
    condition: str = ""
    recording: Recording | None = None
    phone_times: Tier | None = None
    speech_s: tuple[float, float] | None = None
    voice: str | None = None
    details: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.kind not in get_args(Kind):
            raise BadInput(f"kind must be {', '.join(get_args(Kind))}, got {self.kind!r}")
        set_frozen(self, details=MappingProxyType(dict(self.details)))
        if self.phone_times is not None:
            if self.phone_times.labels != self.phones:
                raise BadInput(
                    f"{self.label!r} has the phones {' '.join(self.phones or ())}, but times of "
                    f"{' '.join(self.phone_times.labels)}"
                )
            if self.speech_s is None and self.phone_times:
                set_frozen(self, speech_s=(self.phone_times[0].start_s, self.phone_times[-1].end_s))
        if self.recording is not None and self.speech_s is not None:
            start_s, end_s = self.speech_s
            if not 0 <= start_s <= end_s <= self.recording.duration_s + 1e-6:
                raise BadInput(
                    f"{self.label!r} speaks from {start_s:g} to {end_s:g} s, its recording lasts "
                    f"{self.recording.duration_s:g} s"
                )

    @property
    def sound(self) -> Recording:
        """The recording; raises `NotRecorded` where there is none yet."""
        if self.recording is None:
            raise NotRecorded(f"{self.label!r} has no recording; speak it (spoken_items) or read its file")
        return self.recording

    @property
    def times(self) -> Tier:
        """The times of its phones; raises `NotRecorded` where they are not known."""
        if self.phone_times is None:
            raise NotRecorded(
                f"the phones of {self.label!r} have no times; give them or let a synthetic voice speak it"
            )
        return self.phone_times

    @property
    def onset_s(self) -> float:
        """Where speech begins, seconds; the start of the recording where that is not known."""
        return 0.0 if self.speech_s is None else self.speech_s[0]

    @property
    def offset_s(self) -> float:
        """Where speech ends, seconds; the end of the recording where that is not known."""
        return self.sound.duration_s if self.speech_s is None else self.speech_s[1]

    @property
    def duration_s(self) -> float:
        """From onset to offset."""
        return self.offset_s - self.onset_s

    def boundary_s(self, position: int) -> float:
        """Return the time between two phones: where phone `position` begins; the number of phones gives the offset."""
        tier = self.times
        if not 0 <= position <= len(tier):
            raise BadInput(f"{self.label!r} has phone boundaries 0 to {len(tier)}, got {position}")
        return tier[position].start_s if position < len(tier) else tier[-1].end_s

    def with_details(self, **details: Any) -> Item:
        """Return the item with more said of it."""
        return replace(self, details={**self.details, **details})


def padded(
    item: Item, *, before_s: float = 0.1, after_s: float = 0.3, floor_db: float | None = FLOOR_DB, seed: int = 0
) -> Item:
    """Return an item with a pause before and after, and faint noise under all of it.

    Parameters
    ----------
    item
        What is spoken.
    before_s, after_s
        Seconds added.
    floor_db
        RMS level of white noise re full scale; `None` leaves digital silence, which no microphone gives.
    seed
        Of the noise.
    """
    recording = item.sound
    before, after = (round(seconds * recording.rate_hz) for seconds in (before_s, after_s))
    samples = np.pad(recording.samples, (before, after))
    if floor_db is not None:
        samples = samples + faint_noise(samples.size, floor_db=floor_db, seed=seed)
    shift_s = before / recording.rate_hz
    speech = (item.onset_s + shift_s, item.offset_s + shift_s)
    times = None if item.phone_times is None else later(item.phone_times, shift_s)
    return replace(item, recording=recording.with_samples(samples), phone_times=times, speech_s=speech)


def with_quiet_around(recording: Recording, seconds: float, *, seed: int = 0) -> Recording:
    """Return a recording between two stretches of faint noise (`FLOOR_DB`), as synthetic items have.

    After digital silence the noise of a room may be heard as a sound that begins; louder noise, at the level of the
    recording's own quietest frames, was tried on close-cut recordings and is itself heard as a sound.
    """
    n = round(seconds * recording.rate_hz)
    before, after = (faint_noise(n, seed=seed + k) for k in (0, 1))
    return recording.with_samples(np.concatenate([before, recording.samples, after]))


def faint_noise(n_samples: int, *, floor_db: float = FLOOR_DB, seed: int = 0) -> NDArray[np.float32]:
    """Return white noise of an RMS level re full scale: what a quiet room leaves, where digital silence would stand."""
    noise = np.random.default_rng(seed).standard_normal(n_samples, dtype=np.float32)
    return np.asarray(noise * np.float32(10 ** (floor_db / 20)))


def later(tier: Tier, by_s: float) -> Tier:
    """Return a tier moved in time."""
    moved = (Interval(i.start_s + by_s, i.end_s + by_s, i.label, i.score, i.origin) for i in tier)
    return Tier(tier.name, tuple(moved))
