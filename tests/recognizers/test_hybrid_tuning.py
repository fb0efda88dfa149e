"""The weights of the search are those that make the fewest errors on held-out speech."""

from __future__ import annotations

import pytest

from otoscope.corpora import read_corpus
from otoscope.corpora.transcripts import said_in
from otoscope.recognizers import load
from otoscope.recognizers.hybrid import tuning
from otoscope.recognizers.hybrid.tuning import chosen_weights


def test_bad_weights_are_left_for_better_ones(shared_data, monkeypatch):
    monkeypatch.setattr(tuning, "LM_SCALES", (0.9,))
    monkeypatch.setattr(tuning, "WORD_PENALTIES", (0.0,))
    told = [(u, said_in(u)) for u in read_corpus(shared_data / "librispeech-mini", split="valid")[:4]]
    poor = load("otoscope-en").with_card(lm_scale=0.01, word_penalty=-20.0)
    assert chosen_weights(poor, told) == {"lm_scale": 0.9, "word_penalty": 0.0}


def test_without_speech_the_cards_own_weights_stay():
    recognizer = load("otoscope-en")
    own = {"lm_scale": recognizer.card.lm_scale, "word_penalty": recognizer.card.word_penalty}
    assert chosen_weights(recognizer, ()) == pytest.approx(own)
