"""Utterance segments against the numbers in the tests of the ctc-segmentation package."""

from __future__ import annotations

import numpy as np
import pytest

from otoscope.core import BadInput
from otoscope.decoding.ctc import join_utterances, utterance_segments


def test_begin_indices_are_those_of_ctc_segmentation():
    tokens, begins = join_utterances([np.array([2, 1, 7]), np.array([3, 5, 4, 6])])
    assert begins.tolist() == [1, 5, 10]
    assert tokens.size == 11


def test_segments_are_those_of_ctc_segmentation():
    times_s = np.arange(10) + 0.5
    segments = utterance_segments(times_s, [1, 4, 9], np.full(10, -0.5), frame_s=1.0, window=2)
    assert segments == ((2.0, 4.0, -0.5), (5.0, 9.0, -0.5))


def test_boundaries_keep_within_reach_of_the_utterance():
    ((start_s, end_s, _),) = utterance_segments([0.0, 1.0, 5.0, 6.0, 12.0], [1, 4], np.zeros(200), frame_s=0.1)
    assert (start_s, end_s) == (4.5, 6.5)


def test_confidence_is_the_lowest_window_mean():
    log_probs = np.zeros(100)
    log_probs[40:44] = -1.0
    ((_, _, confidence),) = utterance_segments([0, 1, 2, 8, 9], [1, 4], log_probs, frame_s=0.1, window=8)
    assert confidence == pytest.approx(-0.5)
    ((_, _, confidence),) = utterance_segments([0, 1, 2, 8, 9], [1, 4], log_probs, frame_s=0.1, window=1000)
    assert confidence == pytest.approx(log_probs[15:85].mean())


def test_an_utterance_without_a_whole_frame_has_no_confidence():
    assert utterance_segments([0, 0, 0, 0, 0], [1, 4], np.zeros(9), frame_s=0.1)[0][2] == -np.inf


@pytest.mark.parametrize("begins", [[0, 4], [1, 5], [4, 4], [1]])
def test_begins_out_of_range_are_named(begins):
    with pytest.raises(BadInput, match="must lie inside 5 tokens"):
        utterance_segments([0, 1, 2, 8, 9], begins, np.zeros(9), frame_s=0.1)


def test_frames_and_windows_must_be_positive():
    with pytest.raises(BadInput, match="must be positive"):
        utterance_segments([0, 1, 2, 8, 9], [1, 4], np.zeros(9), frame_s=0.0)
