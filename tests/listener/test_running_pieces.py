"""A long recording heard in pieces: the words, times and decisions of the whole, cut in pauses."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from otoscope.core import BadInput, Emissions, Recording
from otoscope.lexicon.mental_lexicon import MentalLexicon
from otoscope.lexicon.ngram.estimation import estimate
from otoscope.listener.listening import WordListener
from otoscope.listener.running import SpokenForm
from otoscope.listener.running_pieces import AHEAD_S, pieces_of, where_to_cut
from otoscope.listener.running_speech import hear_running


def spoken(*spans):
    return [SpokenForm(0, first, behind, 0.0) for first, behind in spans]


@pytest.mark.parametrize(
    ("words", "cut"),
    [
        ([(0, 50), (100, 150), (210, 230), (240, 310)], 235),
        ([(0, 205), (205, 260), (280, 310)], 270),
        ([(0, 250), (260, 400)], 255),
        ([(0, 120)], 250),
        ([], 250),
        ([(10, 400)], 300),
        ([(0, 100), (220, 400)], 210),
        ([(0, 210), (220, 250), (260, 310)], 255),
    ],
)
def test_stretches_are_cut_in_the_longest_pause_of_their_last_third(words, cut):
    assert where_to_cut(spoken(*words), 300) == cut


@pytest.fixture(scope="module")
def speech():
    pytest.importorskip("espeakng_loader", reason="speech is synthesised with the extra synth")
    from otoscope.listener.ears.voices import VALIDATION
    from otoscope.listener.stimuli import Speaker

    names = ("beaker", "seven", "elephant", "beetle", "telephone", "there")
    speaker = Speaker(voice=VALIDATION[0])
    said = {name: speaker.word(name).recording.samples for name in names}
    order = [names[k] for k in np.random.default_rng(3).integers(0, len(names), 24)]
    quiet = np.zeros(3200, np.float32)
    parts = [part for k, name in enumerate(order) for part in ([said[name], quiet] if k % 3 == 2 else [said[name]])]
    listener = WordListener(MentalLexicon.english().only([*names, "their", "elegant", "the", "evident"]))
    return listener, Recording(np.concatenate(parts), 16000), order


@pytest.mark.parametrize("context", [False, True])
def test_pieces_hear_what_the_whole_hears(speech, context):
    listener, recording, order = speech
    model = None
    if context:
        model = estimate([order, ["their", "elegant", "evident", "the"]], order=3, smoothing="witten-bell")
    whole = hear_running(listener, listener.evidence(recording), context=model).percept
    pieces = list(pieces_of(listener, recording, context=model, piece_s=2 * AHEAD_S))
    assert len(pieces) >= 3
    heard = [word for piece in pieces for word in piece.speech.percept.heard]
    assert [word.label for word in heard] == [word.label for word in whole.heard]
    for one, other in zip(heard, whole.heard, strict=True):
        assert one.start_s == pytest.approx(other.start_s)
        assert one.end_s == pytest.approx(other.end_s)
        assert (one.decision_time_s is None) == (other.decision_time_s is None)
        assert one.decision_time_s is None or one.decision_time_s == pytest.approx(other.decision_time_s)
        assert one.confidence == pytest.approx(other.confidence, abs=0.02)


def test_pieces_lie_one_behind_the_other_and_hold_their_own_words(speech):
    listener, recording, _ = speech
    pieces = list(pieces_of(listener, recording, piece_s=5.0))
    assert pieces[0].start_s == 0
    assert pieces[-1].end_s == recording.duration_s
    assert all(one.end_s == other.start_s for one, other in pairwise(pieces))
    for piece in pieces[:-1]:
        assert piece.end_s - piece.start_s <= 5.0
        assert piece.evidence.grid.times_s()[0] == pytest.approx(piece.start_s, abs=0.011)
        assert all(piece.start_s <= word.start_s < word.end_s <= piece.end_s for word in piece.speech.percept.heard)


def test_other_ears_hear_stretch_by_stretch(speech):
    listener, recording, _ = speech
    asked = []

    def through(stretch):
        asked.append(stretch.duration_s)
        evidence = listener.ears.hear(stretch)
        return Emissions(evidence.scores, evidence.grid, tuple(listener.ears.card.columns), "scaled_log_likelihood")

    pieces = list(pieces_of(listener, recording, through=through, piece_s=5.0))
    assert len(asked) == len(pieces) > 2
    assert max(asked) <= 5.0 + AHEAD_S + 1e-6
    assert pieces[1].speech.percept.heard[0].start_s >= pieces[1].start_s


def test_pieces_too_short_are_refused(speech):
    listener, recording, _ = speech
    with pytest.raises(BadInput, match="pieces last"):
        next(pieces_of(listener, recording, piece_s=1.0))
