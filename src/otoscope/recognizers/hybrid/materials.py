"""What `otoscope-en` learns from: transcripts that are certain, sound with and without speech, and its changes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from otoscope.core import DoesNotFit
from otoscope.corpora.augmentation import SoundAugmentation
from otoscope.corpora.rooms import random_rooms
from otoscope.corpora.sound_bank import noise_bank, speech_bank
from otoscope.corpora.utterance import Utterance
from otoscope.decoding.mmi import PhoneTrigrams, TranscriptLattice, numerator_graph
from otoscope.recognizers.hybrid.mmi_task import Example, Place

Told = Sequence[tuple[Utterance, tuple[str, ...]]]
"""Utterances, each with its words."""


def key_of(utterance: Utterance) -> str:
    """Return what tells an utterance from those of other corpora, whose ids may be the same."""
    return f"{utterance.id} {utterance.speaker} {utterance.duration_s:g} {utterance.text}"


def changing_sound(utterances: Sequence[Utterance], noise: str | None, seed: int) -> SoundAugmentation:
    """Return rooms, babble, telephone lines, levels, and the noises where there are any; speed is changed before."""
    return SoundAugmentation(
        speeds=(1.0,),
        noise=None if noise is None else noise_bank(noise),
        noise_share=0.2,
        babble=speech_bank(utterances, seed=seed),
        rooms=random_rooms(60, seed=seed),
        room_share=0.15,
        telephone_share=0.25,
    )


def unspoken_sound(noise: str | None, rate_hz: int) -> list[NDArray[np.int16]]:
    """Return sound in which nobody speaks: the noises, some of them very soft, and digital silence."""
    sounds = [np.zeros(rate_hz * seconds, np.int16) for seconds in (1, 2, 4)]
    if noise is None:
        return sounds
    for k, sound in enumerate(noise_bank(noise, rate_hz=rate_hz).sounds):
        sounds.append(_whole(sound * np.float32((1.0, 0.1, 0.003)[k % 3])))
    return sounds


def examples_of(
    part: Told,
    lattices: Sequence[TranscriptLattice],
    graphs: tuple[PhoneTrigrams, Mapping[tuple[str, str], tuple[int, int]]],
    places: Mapping[str, tuple[Place, ...]],
    rate_hz: int,
) -> list[Example]:
    """Return utterances with the graphs of their transcripts, and their phones' places where these are known.

    A held-out transcript with a succession of phones that no training transcript has is left out.
    """
    found = []
    for (utterance, _), lattice in zip(part, lattices, strict=True):
        try:
            graph = numerator_graph(lattice, *graphs)
        except DoesNotFit:
            continue
        samples = utterance.recording(rate_hz=rate_hz).samples
        found.append(Example(_whole(samples), graph, places.get(key_of(utterance))))
    return found


def _whole(samples: NDArray[np.float32]) -> NDArray[np.int16]:
    return np.clip(np.round(samples * 32767), -32768, 32767).astype(np.int16)
