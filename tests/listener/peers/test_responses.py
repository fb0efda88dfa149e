"""Criteria counted by hand, and what the listener makes of TRACE's input."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from otoscope.core import BadFormat, BadInput
from otoscope.listener.peers.idealised import IdealParameters, ideal_evidence, ideal_scores, listen_ideally
from otoscope.listener.peers.responses import leads, tisk_responses, trace_responses
from otoscope.listener.peers.simulated import Simulated
from otoscope.listener.peers.slex import FILES, read_slex


def curves(own, rival):
    made = np.stack([own, rival, np.full(len(own), -1.0)], axis=1)[None]
    return Simulated(("a",), ("a", "b", "c"), made)


def test_leads_are_of_the_word_said_over_the_best_other():
    own, rival = leads(np.array([[[1.0, 5.0, 3.0]]]), np.array([2]))
    assert (own[0, 0], rival[0, 0]) == (3.0, 5.0)


def test_tisk_criteria_by_hand():
    rival = np.zeros(40)
    own = np.zeros(40)
    own[3:8] = 0.01
    own[12:] = 0.02
    own[20:] = 0.06
    own[30:] = 0.4
    found = tisk_responses(curves(own, rival))
    assert (found.relative[0], found.held[0], found.absolute[0]) == (20, 12, 30)
    own[1:10] = 0.01
    assert tisk_responses(curves(own, rival)).held[0] == 12
    own[0:10] = 0.01
    assert tisk_responses(curves(own, rival)).held[0] == 0
    rival[39] = 0.36
    assert np.isnan(tisk_responses(curves(own, rival)).absolute[0])
    assert np.isnan(tisk_responses(curves(rival, own)).held[0])


def test_a_lead_of_trace_counts_from_its_end_and_choices_from_luce():
    own = np.concatenate([np.zeros(10), np.full(30, 0.1)])
    found = trace_responses(curves(own, np.zeros(40)), k=20.0, threshold=0.8)
    assert (found.held[0], found.relative[0], found.absolute[0]) == (20, 10, 10)
    assert np.isnan(trace_responses(curves(own, np.zeros(40)), k=20.0, threshold=0.9).absolute[0])


def test_frames_are_likeliest_under_their_own_phone():
    scores = ideal_scores(["bark"])[0]
    heard = [scores[6 * (k + 1)].argmax() for k in range(6)]
    assert ["pbtdkgsSrlaiu^-"[row] for row in heard] == list("-bark-")
    assert scores.max() == 0.0
    evidence = ideal_evidence("bark")
    np.testing.assert_allclose(evidence.scores, scores, atol=1e-5)
    assert evidence.models.states(None, "k", "a")[0].column == 4


def test_paths_are_the_best_of_all_alignments():
    made = listen_ideally(("pi", "ip"), ["pi"], parameters=IdealParameters(to_come=0.5))
    scores = ideal_scores(["pi"])[0][:14]
    path = [14, 0, 11, 14]
    best = -np.inf
    for ends in [(a, b, c) for a in range(1, 15) for b in range(a, 15) for c in range(b, 15)]:
        states = [int(np.searchsorted(ends, t, side="right")) for t in range(14)]
        if states[0] or any(b - a > 1 for a, b in itertools.pairwise(states)):
            continue
        steps = states[-1]
        score = sum(scores[t, path[s]] for t, s in enumerate(states))
        score += steps * np.log(1 / 6) + (13 - steps) * np.log(5 / 6) - 0.5 * max(2 - steps, 0)
        best = max(best, score)
    assert made.activations[0, 13, 0] == pytest.approx(best)


def test_phones_to_come_make_the_shorter_word_lead_before_silence_is_heard():
    words = ("bar", "bark", "barst", "pit")
    partial = listen_ideally(words, ["bar"], parameters=IdealParameters(to_come=0.0))
    owing = listen_ideally(words, words)
    middle_of_r = 6 * 4
    assert tisk_responses(partial).held[0] > middle_of_r > tisk_responses(owing).held[0]
    assert np.isfinite(tisk_responses(owing).held).all()


def test_reading_refuses_what_is_not_there(tmp_path):
    with pytest.raises(BadInput, match="missing"):
        read_slex(tmp_path)
    for name in FILES.values():
        (tmp_path / name).write_text("wrd\tlen\nad\t2\n")
    with pytest.raises(BadFormat, match="lacks the columns"):
        read_slex(tmp_path)
