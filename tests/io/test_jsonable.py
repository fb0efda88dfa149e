"""Core nouns as JSON that every reader accepts."""

from __future__ import annotations

import json
from pathlib import Path
from types import MappingProxyType

import numpy as np
import pytest

from otoscope.core import BadInput, Emissions, FrameGrid, Interval, Panel, Recording, Tier
from otoscope.io.jsonable import dumps, to_jsonable


def test_nested_nouns():
    tier = Tier("words", (Interval(0, 0.5, "så", np.float32(0.25)),))
    assert to_jsonable({"t": (tier,)}) == {
        "t": [
            {
                "type": "Tier",
                "name": "words",
                "intervals": [
                    {
                        "type": "Interval",
                        "start_s": 0.0,
                        "end_s": 0.5,
                        "label": "så",
                        "score": 0.25,
                        "origin": "aligned",
                    }
                ],
            }
        ]
    }


def test_arrays_and_what_json_cannot_hold():
    grid = FrameGrid(100, 0, 1, 1, 2)
    value = to_jsonable(Emissions(np.array([[0, -np.inf], [np.nan, 1.5]]), grid, ("a", "b"), "log_posterior"))
    assert value["scores"] == [[0.0, None], [None, 1.5]]
    assert value["grid"] == {"type": "FrameGrid", "rate_hz": 100, "start": 0, "hop": 1, "window": 1, "n_frames": 2}
    assert to_jsonable(Panel("curves", "t", {"x": np.arange(2), "ok": np.bool_(True)}))["data"] == {
        "x": [0, 1],
        "ok": True,
    }
    assert to_jsonable([float("nan"), float("inf"), np.int16(3), {"b", "a"}, Path("a/b"), None]) == [
        None,
        None,
        3,
        ["a", "b"],
        "a/b",
        None,
    ]
    json.loads(dumps({"x": np.array([np.nan])}), parse_constant=pytest.fail)


def test_float32_is_written_as_its_value():
    assert to_jsonable(Recording(np.array([0.1], np.float32), 8000))["samples"] == [float(np.float32(0.1))]


def test_dumps_keeps_letters_and_ends_the_line():
    assert dumps(MappingProxyType({"a": "é"}), indent=None) == '{"a": "é"}\n'


def test_what_has_no_place():
    with pytest.raises(BadInput, match="cannot write complex as JSON"):
        to_jsonable([1j])
    with pytest.raises(BadInput, match="text as keys, got 1"):
        to_jsonable({1: 2})
    with pytest.raises(BadInput, match="cannot write type as JSON"):
        to_jsonable(Interval)
