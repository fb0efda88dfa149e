"""Winners of running speech, their rivals and rates, by frequency and in context, on a synthetic voice."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from otoscope.core import FrameGrid, HeardWord, Percept, Recording
from otoscope.lexicon.mental_lexicon import MentalLexicon
from otoscope.lexicon.ngram.estimation import estimate
from otoscope.listener.deciding import Criterion, DecisionRule
from otoscope.listener.ears.voices import VALIDATION
from otoscope.listener.listening import WordListener
from otoscope.listener.rates import rates_of
from otoscope.listener.running_speech import hear_running, race_of_slot

pytest.importorskip("espeakng_loader", reason="speech is synthesised with the extra synth")
WORDS = (
    "elephant",
    "elegant",
    "element",
    "telephone",
    "seven",
    "beaker",
    "beetle",
    "carriage",
    "the",
    "there",
    "their",
)


@pytest.fixture(scope="module")
def listener():
    return WordListener(MentalLexicon.english().only(WORDS))


@pytest.fixture(scope="module")
def evidence(listener):
    from otoscope.listener.stimuli import Speaker

    speaker = Speaker(voice=VALIDATION[0])
    parts = [speaker.word(word).recording.samples for word in ("beaker", "there", "elephant")]
    return listener.evidence(Recording(np.concatenate(parts), 16000))


def test_winners_their_decisions_and_rivals(listener, evidence):
    speech = hear_running(listener, evidence)
    labels = [word.label for word in speech.percept.heard]
    assert labels == ["beaker", listener.name(listener.lexicon.forms_of("there")[0]), "elephant"]
    for word, slot, shown in zip(speech.percept.heard, speech.slots, speech.shown, strict=True):
        assert word.decision_time_s is not None
        assert word.start_s < word.decision_time_s < word.end_s + 0.3
        assert word.reaction_time_s == pytest.approx(word.decision_time_s + listener.settings.execution.mean_s)
        assert shown[0][0] == word.label
        certain = 1 / (1 + listener.settings.running_doubt)
        assert 0.95 * certain < shown[0][1].max() <= certain + 1e-9
        assert word.confidence == pytest.approx(shown[0][1].max())
        assert all(len(posterior) == len(slot.activations) for _, posterior in shown)
    assert {"elegant", "element"} & {label for label, _ in speech.shown[2]}


def test_the_percept_holds_the_posteriors_of_places(listener, evidence):
    speech = hear_running(listener, evidence)
    percept = speech.percept
    column = percept.posteriors[:, percept.words.index("elephant")]
    slot = speech.slots[2]
    np.testing.assert_allclose(column[slot.spoken.first :][: len(slot.activations)], speech.shown[2][0][1], atol=1e-6)
    assert np.isnan(column[: slot.spoken.first]).all()
    assert percept.provenance.parameters["ears"]["name"] == "listener-en"


def test_what_was_said_before_decides_between_words_that_sound_alike(listener, evidence):
    told = {}
    for expected in ("there", "their"):
        model = estimate([["beaker", expected, "elephant"]] * 5 + [["the", "seven"]], order=2, smoothing="witten-bell")
        speech = hear_running(listener, evidence, context=model)
        told[expected] = [word.label for word in speech.percept.heard]
        assert speech.percept.provenance.parameters["context_model"]["order"] == 2
    assert told == {word: ["beaker", word, "elephant"] for word in ("there", "their")}


def test_an_expected_word_is_decided_sooner(listener, evidence):
    model = estimate([["beaker", "there", "elephant"]] * 9 + [["elegant", "element"]], order=2, smoothing="witten-bell")
    plain, expected = hear_running(listener, evidence), hear_running(listener, evidence, context=model)
    assert expected.percept.heard[2].decision_time_s < plain.percept.heard[2].decision_time_s


def deciding(listener, rule):
    return WordListener(listener.lexicon, settings=replace(listener.settings, running=rule))


def test_a_word_that_won_first_and_was_given_up_is_told(listener, evidence):
    hasty = WordListener(
        listener.lexicon, settings=replace(listener.settings, running=DecisionRule(Criterion(lead=0.01)))
    )
    speech = hear_running(hasty, evidence)
    assert len(speech.before) == len(speech.slots)
    words = hasty.tree(evidence.models).words
    for word, slot, before in zip(speech.percept.heard, speech.slots, speech.before, strict=True):
        race = race_of_slot(slot, evidence.grid, words)
        first = hasty.name(int(race.leaders[np.flatnonzero(race.leads >= 0.01)[0]]))
        assert before == (None if first == word.label else first)
    assert any(before is not None for before in speech.before), "the first frames favour another word somewhere"
    patient = WordListener(
        listener.lexicon, settings=replace(listener.settings, running=DecisionRule(Criterion(lead=60.0)))
    )
    assert not any(hear_running(patient, evidence).before)


def test_patience_ends_after_a_word(listener, evidence):
    """A lead that is not enough while a word lasts is enough some time after its end."""
    decided = {}
    for urgency_s in (None, 0.2):
        rule = DecisionRule(Criterion(lead=300.0, hold_frames=2), urgency_s=urgency_s)
        decided[urgency_s] = hear_running(deciding(listener, rule), evidence).percept.heard
    assert [word.decision_time_s for word in decided[None]] == [None] * 3
    for word in decided[0.2]:
        assert word.end_s < word.decision_time_s <= word.end_s + 0.23
    assert [word.label for word in decided[0.2]] == [word.label for word in decided[None]]


def test_silence_has_no_winners(listener):
    quiet = Recording(np.random.default_rng(0).normal(0, 1e-4, 16000).astype(np.float32), 16000)
    speech = hear_running(listener, listener.evidence(quiet))
    assert (speech.slots, speech.percept.heard, speech.percept.words) == ((), (), ())
    assert rates_of(speech.percept).as_json()["winners_per_s"] is None


def test_rates_count_winners_and_seconds():
    heard = (
        HeardWord("a", 0.5, 1.0, 0.9, 1.1), HeardWord("b", 1.0, 1.5), HeardWord("c", 2.0, 2.5, 2.7, 2.9),
    )  # fmt: skip
    grid = FrameGrid(16000, 0, 160, 160, 300)
    rates = rates_of(Percept((), np.zeros((300, 0)), grid, heard=heard))
    assert (rates.n_words, rates.n_decided, rates.n_early, rates.speech_s) == (3, 2, 1, 2.0)
    assert (rates.words_per_s, rates.winners_per_s) == (1.5, 1.0)
    assert rates.as_json()["winners_per_s"] == 1.0
