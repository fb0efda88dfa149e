"""Tiers of a forced path: times, names, scores and what is sure of them."""

from __future__ import annotations

import numpy as np
import pytest

from otoscope.core import FrameGrid, Recording
from otoscope.decoding.gaussians import Mixtures
from otoscope.decoding.tree.forced import ForcedPath, forced
from otoscope.recognizers.forced_tiers import alignment_of, with_times_at_changes
from otoscope.recognizers.hmm.features import FrameTransform, FrontEnd
from otoscope.recognizers.hmm.model import HmmModel
from otoscope.recognizers.hmm.topology import UntiedStates

GRID = FrameGrid(1000, 0, 100, 100, 7)
TYING = UntiedStates({"SIL": 1, "S": 2, "T": 1})


@pytest.fixture
def path() -> ForcedPath:
    mixtures = Mixtures(np.ones(4), np.zeros((4, 1)), np.ones((4, 1)), np.arange(5))
    model = HmmModel(FrontEnd(), FrameTransform(), TYING, mixtures, np.full(4, np.log(0.5)))
    scores = np.full((7, 4), -50.0, np.float32)
    scores[np.arange(7), [0, 1, 2, 3, 3, 0, 0]] = [-1, -2, -4, -3, -1, -1, -1]
    return forced(scores, ["is", "t"], {"is": [("S",)], "t": [("T",)]}, model)


def test_words_phones_and_states_lie_at_their_frames(path: ForcedPath) -> None:
    found = alignment_of(path, GRID, TYING.names, duration_s=0.65)
    assert [(w.label, w.start_s, w.end_s) for w in found.words] == [("is", 0.1, 0.3), ("t", 0.3, 0.5)]
    assert found.phones is not None
    assert found.phones.labels == ("S", "T")
    assert found.states is not None
    assert found.states.labels == ("SIL.1", "S.1", "S.2", "T.1", "SIL.1")
    assert [s.end_s for s in found.states] == pytest.approx([0.1, 0.2, 0.3, 0.5, 0.65])
    assert found.path.tolist() == [0, 1, 2, 3, 3, 0, 0]


def test_scores_are_means_of_frames_less_their_gains(path: ForcedPath) -> None:
    plain = alignment_of(path, GRID, TYING.names, duration_s=1, text_confidence=[0.5, 1])
    assert [w.score for w in plain.words] == [-3, -2]
    assert plain.time_confidence is None
    assert plain.text_confidence == (0.5, 1)
    gains = np.array([0.0, -1, -1, -4, -4, 0, 0])
    relative = alignment_of(path, GRID, TYING.names, duration_s=1, gains=gains)
    assert [w.score for w in relative.words] == [-2, 2]
    assert relative.time_confidence == pytest.approx((np.exp(-2), 1))
    assert relative.text_confidence is None


def test_words_phones_and_states_move_together_to_where_the_sound_changes(path: ForcedPath) -> None:
    white = np.random.default_rng(0).standard_normal(11200)
    change = np.arange(white.size) / 16000 >= 0.312
    samples = np.where(change, np.diff(white, append=0.0), np.convolve(white, np.ones(6) / 3, "same"))
    placed = alignment_of(path, GRID, TYING.names, duration_s=0.7)
    found = with_times_at_changes(placed, Recording((0.05 * samples).astype(np.float32), 16000))
    moved = found.words[0].end_s
    assert moved == pytest.approx(0.312, abs=0.0076)
    assert found.words[1].start_s == moved
    assert found.phones is not None
    assert (found.phones[0].end_s, found.phones[1].start_s) == (moved, moved)
    assert found.states is not None
    assert (found.states[2].end_s, found.states[3].start_s) == (moved, moved)
    before, after = placed.phones[0], found.phones[0]
    share = (placed.states[1].end_s - before.start_s) / before.duration_s
    assert found.states[1].end_s == pytest.approx(after.start_s + share * after.duration_s)
    assert all(state.duration_s > 0 for state in found.states)
    assert [tier.labels for tier in found.tiers] == [tier.labels for tier in placed.tiers]
    assert found.path.tolist() == placed.path.tolist()
