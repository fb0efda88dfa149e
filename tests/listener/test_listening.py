"""The whole listener on real sound: a synthetic voice says words, alone and in a row; silence; other front ends."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from otoscope.core import BadInput, Hypothesis, Interval, Provenance, Recording, Trace
from otoscope.lexicon.mental_lexicon import MentalLexicon
from otoscope.listener import Settings, WordListener
from otoscope.listener.beside import beside, listening_finding
from otoscope.listener.deciding import Criterion, DecisionRule, HickHyman
from otoscope.listener.ears.voices import VALIDATION
from otoscope.listener.listening import likeliest
from otoscope.listener.spans import speech_span

pytest.importorskip("espeakng_loader", reason="speech is synthesised with the extra synth")

RATE = 16000
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
def lexicon():
    return MentalLexicon.english().only(WORDS)


@pytest.fixture(scope="module")
def listener(lexicon):
    return WordListener(lexicon)


@pytest.fixture(scope="module")
def said():
    from otoscope.listener.stimuli import Speaker

    speaker = Speaker(voice=VALIDATION[0])
    return {word: speaker.word(word) for word in ("elephant", "beaker", "seven", "there")}


def test_a_word_is_heard_decided_and_answered(listener, said):
    item = said["elephant"]
    percept = listener(item.recording)
    (word,) = percept.heard
    assert percept.winner == "elephant"
    assert word.decision_time_s is not None
    assert item.speech_s[0] < word.decision_time_s < item.speech_s[1] + 0.5
    assert word.reaction_time_s == pytest.approx(word.decision_time_s + 0.2)
    assert abs(word.start_s - item.speech_s[0]) < 0.06
    assert abs(percept.offset_s - item.speech_s[1]) < 0.12
    assert 0 <= word.confidence <= 1


def test_pseudowords_that_could_be_meant_put_off_the_choice(listener, lexicon, said):
    def with_pseudowords(seconds):
        choosing = HickHyman(0.2, margin=20.0, beta_pseudo_s=seconds)
        rule = DecisionRule(Criterion(lead=1e6), choosing)  # no lead is enough: all is decided after the offset
        return WordListener(lexicon, settings=Settings(rule=rule))

    evidence = listener.evidence(said["beaker"].sound)
    offset_s = speech_span(evidence)[1]
    heard = listener.compete(evidence, offset_s=offset_s)
    times = [with_pseudowords(s).decide(heard, offset_s=offset_s, evidence=evidence).time_s for s in (0.0, 0.01)]
    left = with_pseudowords(0.01).pseudowords_left(evidence, offset_s)
    assert left.complete
    assert left.n > 1
    assert times[1] - times[0] == pytest.approx(0.01 * np.log2(1 + left.n))
    assert with_pseudowords(0.01)(evidence).heard[0].decision_time_s == pytest.approx(times[1])
    with pytest.raises(BadInput, match="give the evidence"):
        with_pseudowords(0.01).decide(heard, offset_s=offset_s)


def test_words_that_begin_alike_are_awake_before_the_winner_is_clear(listener, said):
    percept = listener(said["elephant"].recording)
    early = percept.grid.times_s() < said["elephant"].phone_times[1].end_s
    kin = [percept.words.index(word) for word in ("elegant", "element")]
    other = percept.words.index("beaker")
    assert np.nanmax(percept.posteriors[early][:, kin]) > 5 * np.nanmax(percept.posteriors[early][20:, other])


def test_homophones_are_one_word(listener, said):
    percept = listener(said["there"].recording)
    assert set(percept.winner.split("/")) == {"there", "their"}


def test_words_in_a_row_are_a_sequence_of_winners(listener, said):
    parts = [said[word].recording for word in ("beaker", "seven", "elephant")]
    row = Recording(np.concatenate([part.samples for part in parts]), parts[0].rate_hz)
    percept = listener.running(row)
    assert percept.text == "beaker seven elephant"
    assert [word.start_s for word in percept.heard] == sorted(word.start_s for word in percept.heard)
    assert sum(word.decision_time_s is not None for word in percept.heard) >= 2
    assert np.nanmax(percept.posteriors) <= 1


def test_silence_holds_no_word(listener):
    quiet = Recording(np.random.default_rng(0).normal(0, 1e-4, RATE).astype(np.float32), RATE)
    assert speech_span(listener.evidence(quiet)) is None
    assert listener(quiet).heard == ()
    assert listener.running(quiet).heard == ()


def test_frequency_moves_a_blurred_word(lexicon, said):
    rare = WordListener(lexicon, settings=Settings(frequency_weight=0.0)).compete(said["beaker"].recording)
    heavy = WordListener(lexicon, settings=Settings(frequency_weight=60.0)).compete(said["beaker"].recording)
    assert lexicon.forms.label(int(np.argmax(rare.final))) == "beaker"
    assert lexicon.forms.label(int(np.argmax(heavy.final))) == "the"


def test_other_front_ends_are_heard_through(lexicon, said):
    import otoscope

    trace = otoscope.load("otoscope-en").trace(said["elephant"].recording, record=["emissions"])
    through = WordListener(lexicon, settings=Settings(frequency_weight=0.2))
    assert through(trace).winner == "elephant"
    assert through(trace).provenance.parameters["ears"]["name"] == "otoscope-en"


def test_what_differs_from_the_recogniser_has_a_reason(listener, said):
    evidence = listener.evidence(said["elephant"].recording)
    percept = listener(evidence)
    start, end = percept.heard[0].start_s, percept.heard[0].end_s
    same = beside(listener, evidence, percept, [Interval(start, end, "Elephant")])
    assert [row["why"] for row in same] == ["same"]
    (other,) = beside(listener, evidence, percept, [Interval(start, end, "elegant")])
    assert other["sound_nats"] > 0.5
    assert other["why"] == "its ears hear the sound so"
    (unknown,) = beside(listener, evidence, percept, [Interval(start, end, "zyxt")])
    assert "does not know 'zyxt'" in unknown["why"]
    (elsewhere,) = beside(listener, evidence, percept, [Interval(start, start + 0.1, "the")])
    assert elsewhere["why"] == "cut otherwise: the listener heard 'elephant' there"
    nowhere, alone = beside(listener, evidence, percept, [Interval(end + 1, end + 2, "the")] * 2)
    assert "heard no word there" in nowhere["why"]
    assert alone["why"] == nowhere["why"]
    (mine,) = beside(listener, evidence, percept, [])
    assert mine["why"] == "the recogniser wrote no word there"
    (unpaired,) = beside(listener, evidence, percept, None)
    assert unpaired["why"] is None
    finding = listening_finding(listener, evidence, percept, None)
    assert "would have heard “elephant”" in finding.summary
    assert finding.table[0]["recogniser"] is None


def test_the_likeliest_at_any_time_are_shown_first(listener, said):
    competition = listener.compete(said["seven"].recording)
    forms = likeliest(competition, 3)
    assert listener.lexicon.label(forms[0]) == "seven"
    assert dataclasses.is_dataclass(competition)


def test_a_recogniser_without_times_is_told_but_not_compared(listener, said):
    recording = said["elephant"].recording
    evidence = listener.evidence(recording)
    trace = Trace(recording, (Hypothesis(("elegant",)),), Provenance("toy", "1"))
    finding = listening_finding(listener, evidence, listener(evidence), trace)
    assert [row["why"] for row in finding.table] == [None]
    assert "wrote “elegant”; it does not say when" in finding.summary
    assert "agree" not in finding.summary


def test_what_frequency_says_is_weighed_as_it_was_heard(listener, said):
    evidence = listener.evidence(said["elephant"].recording)
    percept = listener(evidence)
    written = [Interval(percept.heard[0].start_s, percept.heard[0].end_s, "elegant")]
    told = [beside(listener, evidence, percept, written, frequency_weight=weight)[0] for weight in (2.0, 3.0)]
    assert told[1]["prior_nats"] == pytest.approx(1.5 * told[0]["prior_nats"], abs=0.02)
    assert told[1]["sound_nats"] == told[0]["sound_nats"]
    assert beside(listener, evidence, percept, written) == (told[0],)
