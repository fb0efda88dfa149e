"""What a format promises to hold comes back equal, for any Annotation."""

from __future__ import annotations

import dataclasses
import json

import annotation_strategies as our
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from otoscope.core import BadFormat, BadInput, CannotWrite, Interval, Tier, UnknownName
from otoscope.io.annotation import Annotation
from otoscope.io.formats import FORMATS, SUFFIXES, dumps, format_of, loads, read_annotations, write_annotation

settings.register_profile("otoscope", max_examples=30, derandomize=True, deadline=None)
settings.load_profile("otoscope")


def _only(text: str, name: str) -> Annotation:
    (annotation,) = loads(text, name)
    return annotation


@given(
    our.annotations(
        ids=our.TEXT, speakers=st.none() | our.TEXT, scores=st.none() | st.floats(-1e9, 1), origins=our.ORIGINS
    )
)
def test_json_keeps_everything(annotation):
    text = dumps(annotation, "json")
    assert _only(text, "json") == annotation
    json.loads(text, parse_constant=pytest.fail)


@pytest.mark.parametrize("name", ["textgrid", "textgrid-short"])
@given(annotation=our.annotations(min_tiers=1))
def test_textgrid_keeps_tiers_times_and_labels(name, annotation):
    if annotation.duration_s > 0:
        assert _only(dumps(annotation, name), name) == annotation


@given(our.annotations(ids=our.TEXT, speakers=st.none() | our.TEXT, per_second=our.MS))
def test_eaf_keeps_tiers_and_header(annotation):
    assert _only(dumps(annotation, "eaf"), "eaf") == annotation


@given(
    our.annotations(
        min_tiers=1,
        max_tiers=1,
        names=st.just("words"),
        labels=our.FIELD,
        per_second=our.US,
        scores=our.SCORES,
        ids=our.FIELD,
        spare=False,
    )
)
def test_ctm_keeps_words_times_and_confidences(annotation):
    found = loads(dumps(annotation, "ctm"), "ctm")
    assert found == ((annotation,) if annotation.tiers[0].intervals else ())


def _without_empty_tiers(annotation: Annotation) -> Annotation:
    return dataclasses.replace(annotation, tiers=tuple(tier for tier in annotation.tiers if tier.intervals))


def _by_name(annotation: Annotation) -> Annotation:
    return dataclasses.replace(annotation, tiers=tuple(sorted(annotation.tiers, key=lambda tier: tier.name)))


_SPEAKERS = our.FIELD.filter(lambda name: name != "words")


@given(
    our.annotations(min_tiers=1, names=_SPEAKERS, labels=our.ONE_LINE, per_second=our.US, ids=our.FIELD, spare=False)
)
def test_stm_keeps_speakers_times_and_text(annotation):
    annotation = _without_empty_tiers(annotation)
    found = loads(dumps(annotation, "stm"), "stm")
    assert tuple(map(_by_name, found)) == ((_by_name(annotation),) if annotation.tiers else ())


@given(our.annotations(min_tiers=1, names=_SPEAKERS, per_second=our.US, scores=our.SCORES, ids=our.FIELD, spare=False))
def test_rttm_keeps_speakers_times_and_confidences(annotation):
    annotation = _without_empty_tiers(annotation)
    named = tuple(Tier(t.name, tuple(dataclasses.replace(i, label=t.name) for i in t)) for t in annotation.tiers)
    found = loads(dumps(annotation, "rttm"), "rttm")
    expected = dataclasses.replace(annotation, tiers=named)
    assert tuple(map(_by_name, found)) == ((_by_name(expected),) if named else ())


@given(
    our.annotations(
        min_tiers=1, max_tiers=1, names=st.just("captions"), labels=our.LINES, per_second=our.MS, spare=False
    )
)
def test_srt_keeps_captions(annotation):
    assert _only(dumps(annotation, "srt"), "srt") == _without_empty_tiers(annotation)


@given(
    our.annotations(
        min_tiers=1,
        names=our.ONE_LINE.filter(lambda n: n not in ("words", "unknown")),
        labels=our.LINES,
        per_second=our.MS,
        spare=False,
    )
)
def test_webvtt_keeps_captions_and_voices(annotation):
    annotation = _without_empty_tiers(annotation)
    assert _by_name(_only(dumps(annotation, "vtt"), "vtt")) == _by_name(annotation)


@pytest.mark.parametrize("name", sorted(FORMATS))
@given(annotation=our.annotations(min_tiers=1, names=our.FIELD, labels=our.FIELD, max_tiers=1))
def test_any_times_come_back_within_what_the_format_promises(name, annotation):
    """Floats that are no multiple of anything: each format's own rounding, never more."""
    if annotation.duration_s == 0 or not annotation.tiers[0].intervals:
        return
    (found,) = loads(dumps(annotation, name), name)
    tolerance = {"json": 0, "textgrid": 0, "textgrid-short": 0, "ctm": 5.01e-7, "stm": 5.01e-7, "rttm": 5.01e-7}
    spoken = annotation.tiers[0].intervals
    read = sorted((i for tier in found.tiers for i in tier), key=lambda i: (i.start_s, i.end_s))
    assert len(read) == len(spoken)
    for a, b in zip(spoken, read, strict=True):
        assert a.start_s == pytest.approx(b.start_s, rel=0, abs=tolerance.get(name, 5.01e-4))
        assert a.end_s == pytest.approx(b.end_s, rel=0, abs=tolerance.get(name, 5.01e-4))


def _read_or_refuse(text: str, name: str) -> None:
    refusal = ""
    try:
        loads(text, name)
    except BadFormat as error:
        refusal = str(error)
    assert "\n" not in refusal


@pytest.mark.parametrize("name", sorted(FORMATS))
@given(text=st.text(max_size=200) | st.binary(max_size=200).map(lambda b: b.decode("latin1")))
def test_nonsense_is_refused_or_read_but_never_a_crash(name, text):
    _read_or_refuse(text, name)


@pytest.mark.parametrize("name", sorted(FORMATS))
@given(data=st.data())
def test_damaged_files_are_refused_or_read_but_never_a_crash(name, data):
    annotation = Annotation("a", 3.0, (Tier("A", (Interval(0, 1, "so"), Interval(1, 2.5, "it", 0.5))),))
    text = dumps(annotation, name)
    at = data.draw(st.integers(0, len(text)))
    n = data.draw(st.integers(0, 20))
    junk = data.draw(st.sampled_from(["", '"', "<", "nan", "-1", "1e999", " ", "\n\n", "[", "{", "00:99"]))
    _read_or_refuse(text[:at] + junk + text[at + n :], name)


@pytest.mark.parametrize("name", sorted(FORMATS))
def test_files_by_suffix(tmp_path, name):
    annotation = Annotation("talk", 2.0, (Tier("words", (Interval(0.5, 1.5, "so"),)),))
    path = tmp_path / f"talk{SUFFIXES[name]}"
    write_annotation(annotation, path, name)
    (found,) = read_annotations(path)
    assert found.recording_id == "talk"
    assert [i.label for i in found.tiers[0]] == (["unknown"] if name == "rttm" else ["so"])


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("name", sorted(FORMATS))
def test_encodings_and_line_ends(tmp_path, name, encoding, newline):
    annotation = Annotation("talk", 2.0, (Tier("Åsa", (Interval(0.5, 1.5, "東京"),)),))
    text = dumps(annotation, name)
    path = tmp_path / "talk.txt"
    path.write_bytes(text.replace("\n", newline).encode(encoding))
    (plain,) = loads(text, name)
    assert read_annotations(path, name) == (dataclasses.replace(plain, recording_id="talk"),)


def test_files_that_cannot_be_read(tmp_path):
    (tmp_path / "latin.srt").write_bytes("1\n00:00:00,000 --> 00:00:01,000\nété\n".encode("latin1"))
    (tmp_path / "bad.ctm").write_text("talk 1 0.0\n")
    with pytest.raises(BadFormat, match=r"latin\.srt: not UTF-8 text at byte 32; save it as UTF-8"):
        read_annotations(tmp_path / "latin.srt")
    with pytest.raises(BadFormat, match=r"bad\.ctm: line 1: CTM has 5 or 6 fields"):
        read_annotations(tmp_path / "bad.ctm")
    with pytest.raises(BadFormat, match="no such file"):
        read_annotations(tmp_path / "none.ctm")
    with pytest.raises(BadFormat, match="is a folder"):
        read_annotations(tmp_path, "ctm")
    with pytest.raises(UnknownName, match=r"unknown suffix of a tier file '\.doc'"):
        format_of("a.doc")
    with pytest.raises(UnknownName, match="unknown format 'textgird'; did you mean textgrid"):
        dumps(Annotation("", 1, ()), "textgird")
    with pytest.raises(CannotWrite, match="there is no folder"):
        write_annotation(Annotation("", 1, ()), tmp_path / "none" / "a.json")


def test_an_annotation_stays_inside_its_recording():
    with pytest.raises(BadInput, match=r"outside the recording of 1\.0 s"):
        Annotation("a", 1.0, (Tier("words", (Interval(0, 1.1, "so"),)),))
    with pytest.raises(BadInput, match="outside the recording"):
        Annotation("a", 1.0, (Tier("words", (Interval(-0.1, 0.5, "so"),)),))
    with pytest.raises(BadInput, match="duration of 0 s or more"):
        Annotation("a", float("nan"), ())
    with pytest.raises(BadInput, match="no tier 'phones'; there are 'words'"):
        Annotation("a", 1.0, (Tier("words"),)).tier("phones")
