"""The study of planted circuits finds what was planted, and says so where it does not."""

from __future__ import annotations

import pytest

from otoscope.studies import planted_circuits
from otoscope.studies.planted_circuits import Plan, run


@pytest.fixture(scope="module")
def result():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(planted_circuits, "PLANS", (Plan(2, 2, 6), Plan(2, 2, 6, True)))
        yield run(n_seeds=1, seed=5)


def test_everything_is_found_exactly_and_the_lens_names_the_block(result):
    assert len(result.table) == 4
    assert all(row["exact"] for row in result.table)
    assert [row["right_until"] for row in result.table] == [None, None, "encoder.blocks.1", "encoder.blocks.1"]
    assert [row["lens_right"] for row in result.table] == [None, None, True, True]
    assert "4 of 4 searches" in result.summary


def test_circuits_keep_the_score_and_random_ones_do_not(result):
    assert all(row["faithfulness"] > 0.9 and row["completeness"] > 0.9 for row in result.table)
    assert all(row["random_faithfulness"] < 0.5 for row in result.table)


def test_panels_can_be_drawn(result):
    assert [panel.kind for panel in result.panels] == ["bars", "bars", "relevance_matrix"]


def test_leaking_bystanders_are_found_too(monkeypatch):
    monkeypatch.setattr(planted_circuits, "PLANS", (Plan(2, 2, 6),))
    result = run(n_seeds=1, seed=5, leak=0.2, threshold=0.01)
    assert not any(row["exact"] for row in result.table)
    assert "0 of 2 searches" in result.summary


@pytest.mark.slow
def test_the_whole_study():
    result = run()
    assert all(row["exact"] for row in result.table)
    assert all(row["lens_right"] for row in result.table if row["lens_right"] is not None)
