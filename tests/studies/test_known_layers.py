"""Answers known in advance about layers are found, and a wrong one would be noticed."""

from __future__ import annotations

import pytest

from otoscope.studies import known_layers
from otoscope.studies.known_layers import sabotaged_layer, similarity_of_maps


@pytest.mark.parametrize("group", [similarity_of_maps, sabotaged_layer])
def test_known_answers_hold(group):
    checks = group()
    assert len(checks) >= 3
    assert [check.name for check in checks if not check.passed] == []


def test_a_measure_that_sees_general_maps_as_the_same_is_noticed(monkeypatch):
    monkeypatch.setattr(known_layers, "linear_cka", lambda x, y: 1.0)
    assert [check.passed for check in similarity_of_maps()] == [True, True, True, False]
