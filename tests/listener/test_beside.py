"""Why listener and recogniser differ: what the sound says, what frequency says, what a context says."""

from __future__ import annotations

import numpy as np
import pytest

from otoscope.core import FrameGrid, HeardWord, Interval, Percept, Recording
from otoscope.lexicon.mental_lexicon import MentalLexicon
from otoscope.lexicon.ngram.estimation import estimate
from otoscope.listener.beside import Expecting, beside, summary_of
from otoscope.listener.listening import WordListener
from otoscope.listener.running_speech import hear_running

WORDS = ("beaker", "beetle", "seven", "elephant", "elegant", "speaker", "the")
SENTENCES = [["the", "beetle", "seven", "elephant"]] * 20 + [["the", "beaker", "the"], ["seven", "elegant", "speaker"]]


@pytest.fixture(scope="module")
def listener():
    return WordListener(MentalLexicon.english().only(WORDS))


@pytest.mark.parametrize("order", [1, 2, 3])
@pytest.mark.parametrize("place", [0, 1, 3])
def test_a_context_says_what_the_whole_sentence_gains(listener, order, place):
    model = estimate(SENTENCES, order=order, smoothing="witten-bell")
    heard, before = ["beetle", "seven", "beaker", "seven", "elephant"], ("the",)
    expecting = Expecting(model, before)
    found = {word: expecting.nats(listener, heard, place, word) for word in ("beaker", "beetle")}
    whole = {word: model.log_prob([*before, *heard[:place], word, *heard[place + 1 :]], eos=False) for word in found}
    gain = listener.settings.context_weight * (whole["beetle"] - whole["beaker"])
    assert found["beetle"] - found["beaker"] == pytest.approx(gain, abs=1e-4)


def test_words_that_the_model_lacks_share_the_unknown_word_by_frequency(listener):
    model = estimate([*SENTENCES, ["the", "<unk>"]], order=2, smoothing="witten-bell")
    expecting, lexicon = Expecting(model), listener.lexicon
    assert "beaker" in model.index
    lacking = WordListener(MentalLexicon.english().only([*WORDS, "carriage", "telephone"]))
    found = {word: Expecting(model).nats(lacking, ["the"], 1, word) for word in ("carriage", "telephone")}
    rarer = lacking.lexicon.log_priors[[lacking.lexicon.position(word) for word in found]]
    weight = lacking.settings.context_weight
    assert found["carriage"] - found["telephone"] == pytest.approx(weight * (rarer[0] - rarer[1]), abs=1e-4)
    assert expecting.nats(listener, ["the"], 1, "beetle") > found["carriage"]
    assert lexicon.position("beetle") >= 0


@pytest.fixture(scope="module")
def compared(listener):
    """Return rows for "beaker" heard as "beetle" because a context insists, by frequency and by the context."""
    pytest.importorskip("espeakng_loader", reason="speech is synthesised with the extra synth")
    from otoscope.listener.ears.voices import VALIDATION
    from otoscope.listener.stimuli import Speaker

    speaker = Speaker(voice=VALIDATION[0])
    parts = [speaker.word(word).recording.samples for word in ("the", "beaker", "seven")]
    evidence = listener.evidence(Recording(np.concatenate(parts), 16000))
    model = estimate([*SENTENCES * 50], order=2, smoothing="witten-bell")
    insisting = WordListener(listener.lexicon, settings=settings_of(listener, 60.0))
    percept = hear_running(insisting, evidence, context=model).percept
    heard = percept.heard[1]
    assert [word.label for word in percept.heard] == ["the", "beetle", "seven"]
    said = [Interval(word.start_s, word.end_s, name)
            for word, name in zip(percept.heard, ("the", "beaker", "seven"), strict=True)]  # fmt: skip
    in_context = beside(insisting, evidence, percept, said, expecting=Expecting(model))
    return insisting, model, heard, in_context, beside(insisting, evidence, percept, said)


def settings_of(listener, weight):
    from dataclasses import replace

    return replace(listener.settings, context_weight=weight)


def test_why_names_the_context_and_its_nats(compared):
    insisting, model, _, in_context, by_frequency = compared
    row, plain = in_context[1], by_frequency[1]
    assert (row["recogniser"], row["listener"]) == ("beaker", "beetle")
    assert row["sound_nats"] < 0, "the sound speaks for the recogniser's word"
    assert row["why"] == "the likelier word among its neighbours, against the sound"
    mine, theirs = (model.log_prob(["the", word, "seven"], eos=False) for word in ("beetle", "beaker"))
    assert row["prior_nats"] == pytest.approx(60.0 * (mine - theirs), abs=0.01)
    assert plain["sound_nats"] == row["sound_nats"]
    assert plain["prior_nats"] != row["prior_nats"]
    assert "frequent" in plain["why"] or plain["why"] == "the words around it"
    assert [other["why"] for other in (in_context[0], in_context[2])] == ["same", "same"]
    assert insisting.settings.context_weight == 60.0


def test_of_words_that_sound_alike_the_most_frequent_stands_in_the_sentence():
    grid = FrameGrid(16000, 0, 160, 160, 100)
    heard = (HeardWord("their/there/they're", 0.0, 0.4, 0.3), HeardWord("elephant", 0.4, 1.0))
    told = summary_of((), Percept((), np.zeros((100, 0)), grid, heard=heard), None)
    assert "would have heard “their elephant”." in told
    assert "nothing" in summary_of((), Percept((), np.zeros((100, 0)), grid), None)
