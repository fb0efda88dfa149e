"""What every effect of listening needs: voices in turn, the competition under any weight of frequency, rows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from otoscope.core import BadInput, Recording
from otoscope.lexicon.mental_lexicon import MentalLexicon
from otoscope.lexicon.pronunciations import Phones
from otoscope.listener.competing import Competition, compete
from otoscope.listener.evidence import Evidence
from otoscope.listener.listening import WordListener
from otoscope.listener.spans import speech_span
from otoscope.listener.stimuli.items import Item
from otoscope.listener.stimuli.speaking import Speaker
from otoscope.listener.word_tree import WordTree

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Laboratory:
    """A listener, the voices that speak to it, and how many items an effect is measured on.

    Parameters
    ----------
    listener
        With the settings it is judged by.
    voices
        American voices; items are spoken by each in turn.
    n_items
        Items of an effect.
    seed
        Of every draw.
    """

    listener: WordListener
    voices: Sequence[str]
    n_items: int
    seed: int = 0

    @cached_property
    def usual(self) -> MentalLexicon:
        """Words as usually said."""
        return self.listener.lexicon.as_usually_said()

    def word(self, word: str, nth: int) -> Item:
        """Return a word said by the nth voice."""
        return Speaker(self.voices[nth % len(self.voices)]).word(word, self.listener.lexicon)

    def phones(self, phones: Phones, nth: int) -> Item:
        """Return a string of phones said by the nth voice."""
        return Speaker(self.voices[nth % len(self.voices)]).phones(phones)

    def form(self, phones: Phones) -> int:
        """Return the form that a string of phones is."""
        return self.listener.forms.index[phones]

    def compete(
        self,
        sound: Recording | Evidence,
        forms: Sequence[int] = (),
        *,
        frequency_weight: float | None = None,
        tree: WordTree | None = None,
    ) -> Competition:
        """Return the competition for a recording, or for what is heard of one.

        It goes on under the listener's λ and in its tree of words, or under others.
        """
        evidence, settings = self.listener.evidence(sound), self.listener.settings
        weight = settings.frequency_weight if frequency_weight is None else frequency_weight
        span = speech_span(evidence)
        return compete(
            evidence, self.listener.tree(evidence.models) if tree is None else tree, frequency_weight=weight,
            acoustic_scale=settings.acoustic_scale, search=settings.search, track=tuple(forms),
            offset_s=None if span is None else span[1],
        )  # fmt: skip


def spoken(make: Callable[[], Item]) -> Item | None:
    """Return an item, or `None` where espeak-ng cannot say it."""
    try:
        return make()
    except BadInput:
        return None


def bootstrap(
    statistic: Callable[..., float], *samples: Floats, seed: int = 0, n_resamples: int = 1000
) -> tuple[float, float, float]:
    """Return a statistic of samples of items (rows) and its 95 % percentile interval, items drawn again in each."""
    if any(len(sample) < 2 for sample in samples):
        raise BadInput("an effect needs two items or more in each condition; ask for more items")
    rng = np.random.default_rng(seed)
    drawn = [statistic(*(s[rng.integers(0, len(s), len(s))] for s in samples)) for _ in range(n_resamples)]
    low, high = np.nanquantile(drawn, [0.025, 0.975])
    return float(statistic(*samples)), float(low), float(high)


def effect_row(
    effect: str,
    measure: str,
    people: str,
    found: tuple[float, float, float],
    *,
    n_items: int,
    control: str = "",
    note: str = "",
) -> dict[str, Any]:
    """Return a row; a measure is written so that people's direction is above 0.

    `direction` says whether the value is above 0, `holds` whether its whole interval is.
    """
    value, low, high = found
    return {
        "effect": effect, "measure": measure, "people": people, "value": value, "low": low, "high": high,
        "n_items": n_items, "direction": value > 0, "holds": low > 0, "control": control, "note": note,
    }  # fmt: skip
