"""The page as text: self-contained, escaped, complete without its script."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import re
import wave
from html.parser import HTMLParser

import numpy as np
import pytest

from otoscope.core import Explanation, Finding, Hypothesis, Provenance, Recording, Target, Trace
from otoscope.views.payload import items_of, script_json
from otoscope.views.report import report_html

HOSTILE = ["</script><script>alert(1)</script>", "<img src=x onerror=alert(2)>", "\"quoted'", "שלום", "🎧", "a&amp;b"]


class Page(HTMLParser):
    """What a browser would see: tags, visible text, the JSON block."""

    def __init__(self, html):
        super().__init__(convert_charrefs=True)
        self.tags, self.text, self.blocks, self._open = [], "", {}, None
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        self._open = (tag, dict(attrs)) if tag in ("script", "style") else None

    def handle_endtag(self, tag):
        self._open = None

    def handle_data(self, data):
        if self._open is None:
            self.text += data
        else:
            key = self._open[1].get("id", self._open[0])
            self.blocks.setdefault(key, []).append(data)

    @property
    def data(self):
        return json.loads("".join(self.blocks["otoscope-data"]))


@pytest.fixture(scope="module")
def page(explanation):
    return Page(report_html(explanation))


def test_the_three_questions_and_provenance_are_there(page):
    for heading in ("What was heard", "Why", "What a human listener would have heard", "Provenance"):
        assert heading in page.text
    assert "The simulated listener was not asked" in page.text
    assert "ab" * 32 in page.text


def test_what_a_listener_heard_answers_the_third_question(explanation):
    told = Finding("listener", "A listener would have heard: ask knot.", ({"recogniser": "not", "why": "ears"},))
    page = Page(report_html(explanation, listening=told))
    third = page.text.index("What a human listener would have heard")
    assert page.text.index("ask knot") > third
    assert "was not asked" not in page.text


def test_nothing_points_outside(explanation):
    html = report_html(explanation)
    assert not re.search(r"(?i)\b(?:https?|wss?|ftp):", html.replace("http://www.w3.org/2000/svg", ""))
    assert "//cdn" not in html
    assert "@import" not in html
    for _, attrs in Page(html).tags:
        for name in ("src", "href"):
            assert attrs.get(name, "#").startswith(("data:", "#"))


def test_the_policy_names_every_script_and_style_by_hash(page):
    policy = next(a["content"] for _, a in page.tags if a.get("http-equiv") == "Content-Security-Policy")
    assert policy.startswith("default-src 'none'; ")
    assert "unsafe" not in policy
    for text in page.blocks["script"] + page.blocks["style"]:
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"'sha256-{digest}'" in policy
    assert not [a for _, attrs in page.tags for a in attrs if a == "style" or a.startswith("on")]


def test_the_sound_is_the_recording(page, explanation):
    address = next(attrs["src"] for tag, attrs in page.tags if tag == "audio")
    with wave.open(io.BytesIO(base64.b64decode(address.removeprefix("data:audio/wav;base64,")))) as sound:
        assert sound.getframerate() == 16000
        samples = np.frombuffer(sound.readframes(sound.getnframes()), "<i2") / 32768
    np.testing.assert_allclose(samples, explanation.trace.recording.samples, atol=1 / 16384)


def test_the_data_are_the_relevances(page, explanation):
    data = page.data
    assert [item["label"] for item in data["items"]] == list(explanation.trace.hypothesis.words)
    assert len(data["grids"]) == 2
    for item, attribution, cells in zip(data["items"], explanation.attributions, explanation.cells, strict=True):
        np.testing.assert_allclose(item["why"]["relevance"], attribution.relevance, rtol=1e-4)
        np.testing.assert_allclose(item["cells"]["relevance"], cells.relevance, rtol=1e-4)
        assert len(item["why"]["curves"]) == 4


def test_hostile_labels_and_titles_stay_text(make):
    page = Page(report_html(make(HOSTILE), title="<b>&\"'</b>\udcff"))
    assert [item["label"] for item in page.data["items"]] == HOSTILE
    assert sum(tag == "script" for tag, _ in page.tags) == 3
    assert "img" not in [tag for tag, _ in page.tags]
    assert "<b>&\"'</b>?" in page.text
    for label in HOSTILE:
        assert label in page.text


def test_no_words_one_word_no_phones_no_cells(make):
    assert "No words: the recogniser heard nothing" in report_html(make([], cells=False))
    one = Page(report_html(make(["yes"], phones=False, cells=False)))
    assert [tier["name"] for tier in one.data["tiers"]] == ["words"]
    assert one.data["items"][0]["cells"] is None


def test_a_trace_without_alignment_still_has_its_words():
    hypothesis = Hypothesis(("some", "words"))
    trace = Trace(Recording(np.zeros(1600), 16000), (hypothesis,), Provenance("x", "1"))
    page = Page(report_html(Explanation(trace, ())))
    assert [(item["label"], item["start"]) for item in page.data["items"]] == [("some", None), ("words", None)]
    assert "Recording" in page.text


def test_failed_checks_are_counted_and_named(make):
    page = Page(report_html(make(failures={2: ("seeds disagree",)})))
    assert "1 failed a check" in page.text
    assert page.data["items"][2]["why"]["warning"] == "seeds disagree"


def test_contrasts_and_utterances_stand_behind_the_words(explanation):
    first = explanation[0]
    contrast = type(first)(**{**vars(first), "target": first.target.rather_than("hand")})
    whole = type(first)(**{**vars(first), "target": Target.utterance("and so")})
    items = items_of(Explanation(explanation.trace, (contrast, whole, explanation[1])))
    assert len(items) == 14
    assert items[0].attribution is None
    assert items[1].attribution is explanation[1]
    assert [(item.label, item.is_word, item.start_s is None) for item in items[12:]] == [
        ("and rather than hand", False, False),
        ("and so", False, True),
    ]


def test_the_title_is_the_file_name_not_the_folder(explanation):
    html = report_html(explanation)
    assert "<title>talk.wav · Otoscope</title>" in html
    assert "private" not in html


def test_a_sentence_of_eleven_seconds_stays_small(make):
    assert len(report_html(make(duration_s=11.0)).encode()) < 1_500_000


def test_json_escapes_what_could_end_a_script():
    value = {"x": ["</script>", "<!--", "\u2028", "&", float("inf"), np.float32(0.5), np.arange(2), True, None]}
    text = script_json(value)
    assert not set(text) & set("<>&\u2028")
    assert json.loads(text) == {"x": ["</script>", "<!--", "\u2028", "&", None, 0.5, [0, 1], True, None]}
