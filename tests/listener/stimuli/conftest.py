"""Spoken items, made once."""

from __future__ import annotations

import pytest

from otoscope.lexicon.mental_lexicon import MentalLexicon
from otoscope.listener.stimuli.items import Item
from otoscope.listener.stimuli.speaking import Speaker


@pytest.fixture(scope="session")
def lexicon() -> MentalLexicon:
    return MentalLexicon.english(20000)


@pytest.fixture(scope="session")
def speaker() -> Speaker:
    pytest.importorskip("espeakng_loader")
    return Speaker("gmw/en-US+f1")


@pytest.fixture(scope="session")
def bench(speaker, lexicon) -> Item:
    return speaker.word("bench", lexicon)
