"""Fragments hold what was heard, escape it, and stay small."""

from __future__ import annotations

from html.parser import HTMLParser

import numpy as np
import pytest

from otoscope.core import BadInput, Recording
from otoscope.studies.result import StudyResult
from otoscope.views.notebook import html

HOSTILE = ["<script>alert(1)</script>", '" onload="alert(2)', "שלום", "🎧", "a&b"]


class Tags(HTMLParser):
    def __init__(self):
        super().__init__()
        self.names, self.attributes, self.text = [], [], ""

    def handle_starttag(self, tag, attrs):
        self.names.append(tag)
        self.attributes += attrs

    def handle_data(self, data):
        self.text += data


def parsed(fragment):
    tags = Tags()
    tags.feed(fragment)
    return tags


def test_core_objects_show_themselves(explanation):
    for obj in (explanation, explanation[0], explanation.trace, explanation.trace.recording):
        assert obj._repr_html_() == html(obj)


def test_alignments_and_studies_show_themselves_as_tables(explanation):
    alignment = explanation.trace.alignment
    fragment = alignment._repr_html_()
    assert parsed(fragment).names.count("tr") == sum(len(tier) + 1 for tier in alignment.tiers)
    assert alignment.words._repr_html_() in fragment or alignment.words[0].label in parsed(fragment).text
    result = StudyResult("a<b", "It went well & quickly.", ({"method": "<script>", "mass": 0.123456},))
    tags = parsed(result._repr_html_())
    assert "script" not in tags.names
    assert "0.1235" in tags.text
    assert "It went well & quickly." in tags.text


def test_a_recording_can_be_played_and_seen(explanation):
    tags = parsed(html(explanation.trace.recording))
    assert {"audio", "svg"} <= set(tags.names)
    assert dict(tags.attributes)["src"].startswith("data:audio/wav;base64,")
    assert "6.00 s at 16000 Hz" in tags.text


def test_an_explanation_lists_every_target_beside_chance(explanation):
    tags = parsed(html(explanation))
    assert tags.names.count("tr") == 13
    assert "1.65–1.95 s" in tags.text


def test_a_failed_map_is_marked(make):
    fragment = html(make(failures={0: ("seeds <disagree>",)})[0])
    assert "Do not read this map:" in fragment
    assert "seeds &lt;disagree&gt;" in fragment
    assert "#c8500a" not in fragment


def test_hostile_labels_stay_text(make):
    explanation = make(HOSTILE)
    for obj in (explanation, explanation.trace, explanation[0], explanation[1]):
        tags = parsed(html(obj))
        assert "script" not in tags.names
        assert not [name for name, _ in tags.attributes if name.startswith("on")]
    assert "<script>alert(1)</script>" in parsed(html(explanation.trace)).text


def test_nothing_heard_and_long_recordings(make):
    assert "(no words)" in html(make([], cells=False))
    long = html(Recording(np.zeros(61 * 8000), 8000))
    assert "not embedded" in long
    assert len(long) < 50_000


def test_other_objects_are_refused():
    with pytest.raises(BadInput, match="a list has no notebook view; what has one: Recording, Trace"):
        html([])
