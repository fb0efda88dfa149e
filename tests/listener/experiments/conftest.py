"""A booth with a small lexicon: every experiment's words, and a few hundred frequent ones."""

from __future__ import annotations

import pytest

from otoscope.lexicon.mental_lexicon import MentalLexicon
from otoscope.listener.experiments.booth import Booth
from otoscope.listener.listening import WordListener

WORDS = (
    "beaker",
    "beetle",
    "speaker",
    "carriage",
    "cat",
    "catalog",
    "job",
    "jog",
    "task",
    "dash",
    "station",
    "kitchen",
)


@pytest.fixture(scope="session")
def booth():
    english = MentalLexicon.english()
    return Booth(WordListener(english.only((*english.words[:300], *WORDS))))
