"""Items spoken by synthetic voices: words as the lexicon says them, pseudowords by their phones; true phone times."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from otoscope.core import BadInput, Interval, Tier, UnknownName
from otoscope.lexicon.mental_lexicon import MentalLexicon
from otoscope.lexicon.pronunciations import Phones
from otoscope.lexicon.pseudowords import Pseudoword
from otoscope.lexicon.syllables import is_vowel
from otoscope.listener.stimuli.items import FLOOR_DB, Item, Kind, padded
from otoscope.signal.espeak_phones import arpabet_tier, espeak_names
from otoscope.signal.synthesis import Synthesis, synthesize, synthesize_named, voice_identifier

AMERICAN = "gmw/en-US"
"""The accent whose phones are known by their ARPAbet names."""

FAINT = 1e-3
"""Re the largest sample: what is fainter after the last phone is cut off."""


@dataclass(frozen=True)
class Speaker:
    """A synthetic voice that speaks items.

    Parameters
    ----------
    voice
        As `otoscope.signal.synthesis.synthesize` takes it. American voices (`gmw/en-US`, any variant) give the times of
        phones; others speak words only, whose beginning and end are known.
    rate_wpm, pitch, pitch_range
        Settings of the voice.
    before_s, after_s, floor_db
        Pause around each item and noise under it (`otoscope.listener.stimuli.items.padded`).
    """

    voice: str = AMERICAN
    rate_wpm: int = 160
    pitch: int = 50
    pitch_range: int = 50
    before_s: float = 0.1
    after_s: float = 0.3
    floor_db: float | None = FLOOR_DB

    @cached_property
    def identifier(self) -> str:
        """espeak-ng's identifier of the voice."""
        return voice_identifier(self.voice)

    @property
    def is_american(self) -> bool:
        """Whether the voice's phones have ARPAbet names."""
        return self.identifier.partition("+")[0] == AMERICAN

    def word(self, word: str, lexicon: MentalLexicon | None = None, *, condition: str = "") -> Item:
        """Speak a word; an American voice says it in one of the ways the lexicon knows.

        Where espeak-ng reads it otherwise, it is spoken by the phones of its usual pronunciation, stressed as
        espeak-ng stresses it if the number of vowels is the same.

        Raises
        ------
        UnknownName
            The lexicon lacks the word.
        """
        lexicon = lexicon or MentalLexicon.english()
        ways = lexicon.pronunciations[lexicon.position(word)]
        read = synthesize(word, **self._settings)
        if not self.is_american:
            return self._item(read, word, ways[0], "word", condition, None)
        tier = _with_names(read.phones, ways)
        if tier is not None:
            return self._item(read, word, tier.labels, "word", condition, tier)
        stressed, secondary = _stress(read.phones, ways[0])
        return self._named(ways[0], stressed, secondary, label=word, kind="word", condition=condition)

    def phones(
        self,
        phones: Phones,
        *,
        label: str | None = None,
        kind: Kind = "pseudoword",
        condition: str = "",
        stressed: Sequence[int] | None = None,
    ) -> Item:
        """Speak a string of ARPAbet phones, the first vowel stressed unless `stressed` names other places.

        Raises
        ------
        BadInput
            The voice is not American, or makes other phones of them.
        """
        if not self.is_american:
            raise BadInput(f"{self.voice} speaks words only; pseudowords need an American voice ({AMERICAN}+variant)")
        first = next((place for place, phone in enumerate(phones) if is_vowel(phone)), None)
        places = [] if first is None else [first]
        name = label or "-".join(phones)
        return self._named(
            phones, places if stressed is None else stressed, (), label=name, kind=kind, condition=condition
        )

    def pseudoword(self, made: Pseudoword, base: str | None = None, *, condition: str = "") -> Item:
        """Speak a pseudoword, stressed as espeak-ng stresses the word it was made from."""
        stressed = None if base is None else _stress(synthesize(base, **self._settings).phones, made.base)[0]
        item = self.phones(made.phones, condition=condition, stressed=stressed)
        return item.with_details(base=base, deviation_point=made.deviation_point, changed=made.changed)

    @property
    def _settings(self) -> dict[str, Any]:
        return {"voice": self.voice, "rate_wpm": self.rate_wpm, "pitch": self.pitch, "pitch_range": self.pitch_range}

    def _named(
        self,
        phones: Phones,
        stressed: Sequence[int],
        secondary: Sequence[int],
        *,
        label: str,
        kind: Kind,
        condition: str,
    ) -> Item:
        names = espeak_names(phones, stressed=stressed, secondary=secondary)
        said = synthesize_named(names, **self._settings)
        tier = _with_names(said.phones, (phones,))
        if tier is None:
            made = " ".join(name for interval in said.phones for name in interval.label.split())
            raise BadInput(f"espeak-ng cannot say {' '.join(phones)} ({' '.join(names)}); it says {made}")
        return self._item(said, label, phones, kind, condition, tier)

    def _item(self, said: Synthesis, label: str, phones: Phones, kind: Kind, condition: str, tier: Tier | None) -> Item:
        whole = said.recording
        speech = (said.phones[0].start_s, min(said.phones[-1].end_s, whole.duration_s))
        # espeak-ng ends every utterance with a pause of its own; what still sounds after the last phone stays.
        loud = np.flatnonzero(np.abs(whole.samples) > FAINT * np.abs(whole.samples).max())
        sounding = (int(loud[-1]) + 1) / whole.rate_hz
        sound = whole.cut(0.0, max(speech[1] + 1 / whole.rate_hz, sounding))
        word = label if kind == "word" else None
        item = Item(label, word, phones, kind, condition, sound, tier, speech, self.identifier)
        return padded(item, before_s=self.before_s, after_s=self.after_s, floor_db=self.floor_db)


def spoken_items(
    items: Iterable[Item], speakers: Sequence[Speaker], *, lexicon: MentalLexicon | None = None, n_workers: int = 1
) -> tuple[Item, ...]:
    """Return each item spoken by each speaker, all of the first speaker first.

    Words are said as the lexicon says them; what has no word is said by its phones.

    Raises
    ------
    BadInput
        An item has neither a word nor phones.
    """
    lexicon = lexicon or MentalLexicon.english()
    jobs = [(speaker, item) for speaker in speakers for item in list(items)]

    def said(job: tuple[Speaker, Item]) -> Item:
        speaker, item = job
        if item.word is not None:
            found = speaker.word(item.word, lexicon)
        elif item.phones is not None:
            found = speaker.phones(item.phones)
        else:
            raise BadInput(f"{item.label!r} has neither a word nor phones to speak")
        details = {**item.details, **found.details}
        return replace(found, label=item.label, kind=item.kind, condition=item.condition, details=details)

    with ThreadPoolExecutor(n_workers) as pool:
        return tuple(pool.map(said, jobs))


def _with_names(tier: Tier, ways: Sequence[Phones]) -> Tier | None:
    """Return espeak-ng's phones as those of one of the pronunciations, or `None` where they are others.

    After ER, espeak-ng makes an R before a vowel, which dictionaries do not write: it counts to the ER.
    """
    try:
        plain = arpabet_tier(tier)
    except UnknownName:
        return None
    for candidate in (plain, _without_linking_r(plain)):
        if candidate.labels in ways:
            return candidate
    return None


def _without_linking_r(tier: Tier) -> Tier:
    found: list[Interval] = []
    for place, interval in enumerate(tier):
        follows = place + 1 < len(tier) and is_vowel(tier[place + 1].label)
        if interval.label == "R" and follows and found and found[-1].label == "ER":
            found[-1] = replace(found[-1], end_s=interval.end_s)
        else:
            found.append(interval)
    return Tier(tier.name, tuple(found))


def _stress(read: Tier, phones: Phones) -> tuple[list[int], list[int]]:
    """Return the places of primary and secondary stress, as espeak-ng reads the word if it has as many vowels."""
    vowels = [place for place, phone in enumerate(phones) if is_vowel(phone)]
    marks = [_mark(name) for interval in read for name in interval.label.split() if _is_vowel_name(name)]
    if len(marks) != len(vowels) or "'" not in marks:
        return vowels[:1], []
    places = {mark: [vowel for vowel, own in zip(vowels, marks, strict=True) if own == mark] for mark in "',"}
    return places["'"], places[","]


def _mark(name: str) -> str:
    return name[0] if name[0] in "'," else ""


def _is_vowel_name(name: str) -> bool:
    try:
        tier = arpabet_tier(Tier("phone", (Interval(0.0, 1.0, name),)))
    except UnknownName:
        return False
    return any(is_vowel(label) for label in tier.labels)
