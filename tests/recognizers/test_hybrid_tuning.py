"""The weights of the search are those that make the fewest errors on held-out speech."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace

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


def chosen_by(
    monkeypatch: pytest.MonkeyPatch, own: tuple[float, float], errors: Callable[[float, float], int]
) -> tuple[float, float]:
    """Return scale and penalty chosen where a search makes as many errors as a function of both says."""

    class KnownSearch:
        def __init__(self, graph, lm, *, lm_scale, word_penalty, **same):
            assert same == {"beam": 11.0, "max_active": 700, "acoustic_scale": 1.0}
            self.n_wrong = errors(lm_scale, word_penalty)

        def decode(self, scores):
            words = ["wrong"] * self.n_wrong + ["right"] * (60 - self.n_wrong)
            return SimpleNamespace(words=[SimpleNamespace(word=word) for word in words])

    monkeypatch.setattr(tuning, "TreeDecoder", KnownSearch)
    card = SimpleNamespace(lm_scale=own[0], word_penalty=own[1], beam=11.0, max_active=700, acoustic_scale=1.0)
    acoustic = SimpleNamespace(samples=lambda recording: recording, scores=lambda samples: samples)
    decoder = SimpleNamespace(graph=None, space=SimpleNamespace(lm=None))
    told = [(SimpleNamespace(recording=lambda: None), ("right",) * 60)] * 2
    chosen = chosen_weights(SimpleNamespace(card=card, acoustic=acoustic, decoder=decoder), told)
    return chosen["lm_scale"], chosen["word_penalty"]


@pytest.mark.parametrize("own", [(0.85, 0.1), (0.6, 0.6), (1.15, -0.6)])
@pytest.mark.parametrize("best", [(0.6, -0.6), (0.8, -0.3), (1.0, 0.3), (1.15, 0.6), (0.9, 0.0)])
def test_the_weights_of_fewest_errors_are_found(monkeypatch, own, best):
    def errors(scale, penalty):
        return round(30 * abs(scale - best[0])) + round(10 * abs(penalty - best[1]))

    assert chosen_by(monkeypatch, own, errors) == best


def test_the_scale_is_chosen_again_at_the_penalty_found(monkeypatch):
    def errors(scale, penalty):
        return round(20 * abs(scale - (0.7 if penalty == -0.3 else 1.0))) + round(30 * abs(penalty + 0.3))

    assert chosen_by(monkeypatch, (0.85, 0.1), errors) == (0.7, -0.3)


def test_of_equals_the_nearest_to_the_cards_own_stays(monkeypatch):
    assert chosen_by(monkeypatch, (0.85, 0.1), lambda scale, penalty: 5) == (0.85, 0.1)
    assert chosen_by(monkeypatch, (0.65, -0.5), lambda scale, penalty: (scale < 0.85) + (penalty < -0.1)) == (0.9, 0.0)
    assert chosen_by(monkeypatch, (1.1, 0.5), lambda scale, penalty: (scale > 0.85) + (penalty > 0.1)) == (0.8, 0.0)
