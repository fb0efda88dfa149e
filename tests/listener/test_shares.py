"""Shares of phones sum to the lead, exactly."""

from __future__ import annotations

import numpy as np
import pytest

from otoscope.core import BadInput
from otoscope.listener.paths import form_path
from otoscope.listener.shares import Candidate, lead_shares

WINNER = Candidate("ab", ("A", "B"), -2.0)
RIVALS = (Candidate("ac", ("A", "C"), -5.0), Candidate("cab", ("C", "A", "B"), -1.0))


def test_shares_sum_to_the_acoustic_lead_and_the_prior_stands_apart(evidence):
    ev = evidence(15, seed=7)
    found = lead_shares(ev, WINNER, RIVALS)
    scores = [form_path(ev, each.phones).score for each in (WINNER, *RIVALS)]
    assert found.acoustic.sum(axis=1) == pytest.approx([scores[0] - scores[1], scores[0] - scores[2]], abs=1e-9)
    assert found.prior.tolist() == [3.0, -1.0]
    assert found.leads == pytest.approx(found.acoustic.sum(axis=1) + np.array([3, -1]))


def test_the_phone_that_differs_has_the_share(evidence):
    scores = np.full((9, 7), -6.0)
    for frame, column in enumerate([5, 0, 0, 1, 1, 2, 2, 2, 5]):
        scores[frame, column] = 0.0
    found = lead_shares(evidence(9, scores=scores), WINNER, RIVALS[:1])
    assert [piece.label for piece in found.segments] == ["SIL", "A", "B", "SIL"]
    assert found.segments[2].start_s == pytest.approx(0.05)
    assert found.segments[2].end_s == pytest.approx(0.08)
    assert found.acoustic[0].argmax() == 2
    assert found.acoustic[0, :2] == pytest.approx([0, 0])


def test_during_the_word_forms_need_not_be_complete(evidence):
    ev = evidence(15, seed=7)
    found = lead_shares(ev, WINNER, RIVALS, n_frames=4, whole=False)
    scores = [form_path(ev, each.phones, n_frames=4, whole=False).score for each in (WINNER, *RIVALS)]
    assert found.acoustic.sum(axis=1) == pytest.approx([scores[0] - scores[1], scores[0] - scores[2]], abs=1e-9)


def test_a_finding_with_a_row_for_each_share(evidence):
    found = lead_shares(evidence(15, seed=7), WINNER, RIVALS).finding()
    by_rival = {name: sum(row["share"] for row in found.table if row["rival"] == name) for name in ("ac", "cab")}
    assert found.panels[0].data["values"].sum(axis=1) == pytest.approx(list(by_rival.values()))
    assert "leads over" in found.summary
    with pytest.raises(BadInput, match="at least one rival"):
        lead_shares(evidence(5), WINNER, [])
