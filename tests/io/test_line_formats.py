"""CTM, STM, RTTM, SRT and WebVTT to the letter, and what each refuses."""

from __future__ import annotations

import pytest

from otoscope.core import BadFormat, Interval, Tier
from otoscope.io.annotation import Annotation
from otoscope.io.formats import dumps, loads

_WORDS = Tier("words", (Interval(0.5, 0.75, "so", 0.875), Interval(0.75, 1.25, "it", -3.5), Interval(2, 2.5, "is")))
_TALK = Annotation("my talk", 3.0, (_WORDS, Tier("phones", (Interval(0.5, 0.6, "S"),))), speaker="Anna Lee")


def test_ctm_to_the_letter():
    assert dumps(_TALK, "ctm") == "my_talk 1 0.500 0.250 so 0.875\nmy_talk 1 0.750 0.500 it\nmy_talk 1 2.000 0.500 is\n"


def test_stm_to_the_letter():
    assert dumps(_TALK, "stm") == "my_talk 1 Anna_Lee 0.500 1.250 so it\nmy_talk 1 Anna_Lee 2.000 2.500 is\n"


def test_rttm_to_the_letter():
    assert dumps(_TALK, "rttm") == (
        "SPEAKER my_talk 1 0.500 0.750 <NA> <NA> Anna_Lee <NA> <NA>\n"
        "SPEAKER my_talk 1 2.000 0.500 <NA> <NA> Anna_Lee <NA> <NA>\n"
    )


def test_srt_to_the_letter():
    text = dumps(_TALK, "srt")
    assert text == "1\n00:00:00,500 --> 00:00:01,333\nso it\n\n2\n00:00:02,000 --> 00:00:02,500\nis\n"


def test_webvtt_to_the_letter():
    text = dumps(_TALK, "vtt")
    assert text.startswith("WEBVTT\n\n00:00:00.500 --> 00:00:01.333\n<v Anna Lee>so it\n\n")


def test_hours():
    late = Annotation("", 7300, (Tier("captions", (Interval(7261.0625, 7290.5, "x"),)),))
    assert "02:01:01,062 --> 02:01:30,500" in dumps(late, "srt")


def test_markup_in_users_text_stays_text():
    talk = Annotation("", 2, (Tier("captions", (Interval(0, 1, "<b>1 < 2</b> & AT&T\n\na --> b &lt; &nbsp;"),)),))
    srt, vtt, eaf = (dumps(talk, name) for name in ("srt", "vtt", "eaf"))
    assert "&lt;b>1 &lt; 2&lt;/b> & AT&T\na --&gt; b &amp;lt; &nbsp;" in srt
    assert "&lt;b&gt;1 &lt; 2&lt;/b&gt; &amp; AT&amp;T\na --&gt; b &amp;lt; &amp;nbsp;" in vtt
    assert "&lt;b&gt;1 &lt; 2&lt;/b&gt; &amp; AT&amp;T\n\na" in eaf
    assert [text.count("-->") for text in (srt, vtt)] == [1, 1]


def test_overlapping_speakers_keep_their_tiers():
    tiers = (Tier("Anna", (Interval(0, 2, "yes"),)), Tier("Bo", (Interval(1, 3, "no"), Interval(3, 4, "well"))))
    talk = Annotation("m", 4, tiers)
    assert loads(dumps(talk, "vtt"), "vtt")[0].tier("Bo").labels == ("no", "well")
    assert [t.labels for t in loads(dumps(talk, "srt"), "srt")[0].tiers] == [("yes", "well"), ("no",)]
    assert loads(dumps(talk, "rttm"), "rttm")[0].tiers[1].name == "Bo"


def test_several_recordings_in_one_file():
    text = ";; from two\ntalk 1 1.0 0.5 b\n\ntalk 2 0.0 0.5 c\nother A 0.1 0.2 d NA\ntalk 1 0.0 0.5 a 0.25\n"
    found = loads(text, "ctm")
    assert [(a.recording_id, a.channel, a.tiers[0].labels) for a in found] == [
        ("talk", "1", ("a", "b")),
        ("talk", "2", ("c",)),
        ("other", "A", ("d",)),
    ]
    assert found[0].tiers[0][0].score == 0.25
    assert found[0].duration_s == 1.5


def test_peculiarities_are_read():
    stm = "talk A Anna 0.0 1.5 <o,f0,female> so it is\ntalk A Bo 1.5 2.0\n"
    (found,) = loads(stm, "stm")
    assert (found.tier("Anna").labels, found.tier("Bo").labels) == (("so it is",), ("",))
    rttm = "SPKR-INFO m 1 <NA> <NA> <NA> unknown A <NA> <NA>\nSPEAKER m 1 0.1 0.2 <NA> <NA> A 0.5 <NA>\n"
    assert loads(rttm, "rttm")[0].tiers[0][0] == Interval(0.1, 0.3, "A", 0.5, "annotated")
    vtt = (
        "WEBVTT - a title\nKind: captions\n\nNOTE\nnot shown\n\nSTYLE\n::cue {}\n\n"
        "1\n00:01.000 --> 00:02.500 align:start\n"
        "<v.loud Bo>so <i>it</i> <00:01.500>is &amp; was</v>\n"
    )
    assert loads(vtt, "vtt")[0].tiers == (Tier("Bo", (Interval(1, 2.5, "so it is & was", origin="annotated"),)),)
    srt = "\ufeff1\n00:00:01.5 --> 00:00:02,500 X1:1\n<i>so</i>\n<font color=red>it\n"
    assert loads(srt.removeprefix("\ufeff"), "srt")[0].tiers[0][0].label == "so\nit"


@pytest.mark.parametrize(
    ("name", "text", "match"),
    [
        ("ctm", "talk 1 0.0 0.5", "line 1: CTM has 5 or 6 fields"),
        ("ctm", ";; x\ntalk 1 zero 0.5 a", "line 2: start must be seconds from 0 on, got 'zero'"),
        ("ctm", "talk 1 0.0 -0.5 a", "duration must be seconds"),
        ("ctm", "talk 1 nan 0.5 a", "start must be seconds"),
        ("ctm", "talk 1 0.0 0.5 a high", "confidence must be a number or NA"),
        ("ctm", "talk 1 * * <ALT_BEGIN>", "alternatives"),
        ("ctm", "talk 1 0.0 0.5 a\ntalk 1 0.4 0.5 b", "talk channel 1: words overlap"),
        ("stm", "talk 1 Anna 0.0", "line 1: STM has at least 5 fields"),
        ("stm", "talk 1 Anna 2.0 1.0 so", r"the end 1\.0 lies before the start 2\.0"),
        ("stm", "talk 1 Anna 0 2 so\ntalk 1 Anna 1 3 it", "one speaker's stretches overlap"),
        ("rttm", "SPEAKERS m 1 0 1 <NA> <NA> A <NA> <NA>", "line 1: unknown type 'SPEAKERS'"),
        ("rttm", "SPEAKER m 1 0 1 <NA> <NA> A", "9 or 10 fields, got 8"),
        ("srt", "1\n00:00:01,000 -> 00:00:02,000\nso", "line 1: a caption begins with its number"),
        ("srt", "1\n00:00:03,000 --> 00:00:02,000\nso", "line 2: the cue ends before it starts"),
        ("srt", "1\n00:61:03,000 --> 00:62:02,000\nso", "run to 59"),
        ("vtt", "00:01.000 --> 00:02.000\nso", "the first line must be WEBVTT"),
        ("vtt", "WEBVTTX\n", "the first line must be WEBVTT"),
        ("vtt", "WEBVTT\n\n00:01,000 --> 00:02,000\nso", "line 3: a cue needs a line like"),
        ("eaf", "<a>", "not XML"),
        ("eaf", "<a/>", "not an ELAN document"),
        ("json", "{", "not JSON"),
        ("json", "{}", "not an annotation"),
        ("json", '{"type": "Annotation", "schema": 2}', "schema 2, this version reads up to 1: upgrade"),
        ("json", '{"type": "Annotation", "schema": 1}', "lacks 'tiers'"),
    ],
)
def test_broken_files_name_the_line(name, text, match):
    with pytest.raises(BadFormat, match=match):
        loads(text, name)


@pytest.mark.parametrize(
    ("name", "tiers", "match"),
    [
        ("ctm", (Tier("words", (Interval(0, 1, "so it"),)),), "one word an interval, got 'so it'"),
        ("ctm", (Tier("words", (Interval(0, 1, ""),)),), "one word an interval, got ''"),
        ("ctm", (Tier("A"), Tier("B")), "CTM holds one tier"),
        ("stm", (Tier("A b"), Tier("A_b")), "tells tiers by their speaker"),
        ("rttm", (Tier("A"), Tier("A")), "tells tiers by their speaker"),
        ("eaf", (Tier("A"), Tier("A")), "tells tiers by their name"),
        ("eaf", (Tier("A", (Interval(0, 1, "bell \a"),)),), r"XML cannot hold the character '\\x07'"),
        ("vtt", (Tier("A", (Interval(1, 1.0001, "so"),)),), "has no length"),
        ("json", (Tier("A", (Interval(0, 1, "so", float("nan")),)),), "JSON cannot hold the score nan"),
    ],
)
def test_what_a_format_cannot_hold_is_refused(name, tiers, match):
    with pytest.raises(BadFormat, match=match):
        dumps(Annotation("a", 2, tiers), name)


def test_stm_text_that_looks_like_labels_stays_text():
    talk = Annotation("a", 1, (Tier("Anna", (Interval(0, 1, "<laugh>", origin="annotated"),)),))
    assert dumps(talk, "stm") == "a 1 Anna 0.000 1.000 <o> <laugh>\n"
    assert loads(dumps(talk, "stm"), "stm") == (talk,)
