"""Our files in the hands of Praat, praatio and pympi, and theirs in ours."""

from __future__ import annotations

import dataclasses

import annotation_strategies as our
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from otoscope.core import BadFormat, Interval, Tier
from otoscope.io import textgrid
from otoscope.io.annotation import Annotation
from otoscope.io.formats import dumps, loads, read_annotations, write_annotation

parselmouth = pytest.importorskip("parselmouth", reason="pip install 'otoscope[praat]'")

_WORDS = Tier(
    "words",
    (Interval(0.1, 0.35, 'the "ear"', origin="annotated"), Interval(0.35, 1 / 3 + 0.5, "hört été", origin="annotated")),
)
_TALK = Annotation(
    "talk",
    2.0,
    (
        _WORDS,
        Tier("empty"),
        Tier("whole", (Interval(0, 2, "two\nlines", origin="annotated"),)),
        Tier("clicks", (Interval(0.25, 0.25, "a", origin="annotated"), Interval(1.5, 1.5, "", origin="annotated"))),
    ),
)


@pytest.mark.parametrize("name", ["textgrid", "textgrid-short"])
def test_praat_reads_our_textgrid(tmp_path, name):
    path = tmp_path / "talk.TextGrid"
    write_annotation(_TALK, path, name)
    grid = parselmouth.Data.read(str(path))
    ask = parselmouth.praat.call
    assert (ask(grid, "Get total duration"), ask(grid, "Get number of tiers")) == (2.0, 4)
    assert [ask(grid, "Get tier name", n) for n in (1, 2, 3, 4)] == ["words", "empty", "whole", "clicks"]
    assert ask(grid, "Get number of intervals", 1) == 4, "gap, two words, gap"
    assert [ask(grid, "Get label of interval", 1, n) for n in (1, 2, 3, 4)] == ["", 'the "ear"', "hört été", ""]
    assert ask(grid, "Get start time of interval", 1, 3) == 0.35
    assert ask(grid, "Get end time of interval", 1, 3) == 1 / 3 + 0.5
    assert ask(grid, "Get number of intervals", 2) == 1
    assert ask(grid, "Get label of interval", 3, 1) == "two\nlines"
    assert ask(grid, "Get time of point", 4, 2) == 1.5


@pytest.mark.parametrize("command", ["Save as text file", "Save as short text file"])
@pytest.mark.parametrize("encoding", ["UTF-8", "UTF-16"])
def test_we_read_what_praat_saves(tmp_path, command, encoding):
    write_annotation(_TALK, tmp_path / "ours.TextGrid")
    grid = parselmouth.Data.read(str(tmp_path / "ours.TextGrid"))
    try:
        parselmouth.praat.run(f'Text writing preferences: "{encoding}"')
        parselmouth.praat.call(grid, command, str(tmp_path / "talk.TextGrid"))
    finally:
        parselmouth.praat.run('Text writing preferences: "try ASCII, then UTF-16"')
    data = (tmp_path / "talk.TextGrid").read_bytes()
    assert data.startswith(b"\xfe\xff") == (encoding == "UTF-16"), "Praat wrote another encoding than asked for"
    assert read_annotations(tmp_path / "talk.TextGrid") == (_TALK,)


def test_we_read_a_textgrid_that_praat_made(tmp_path):
    sound = parselmouth.praat.call("Create Sound from formula", "s", 1, 0, 1, 8000, "0")
    grid = parselmouth.praat.call(sound, "To TextGrid", "words beats", "beats")
    parselmouth.praat.call(grid, "Insert boundary", 1, 0.3)
    parselmouth.praat.call(grid, "Set interval text", 1, 2, "so")
    parselmouth.praat.call(grid, "Insert point", 2, 0.6, "x")
    parselmouth.praat.call(grid, "Save as text file", str(tmp_path / "s.TextGrid"))
    (found,) = read_annotations(tmp_path / "s.TextGrid")
    words, beats = (Interval(0.3, 1, "so", origin="annotated"),), (Interval(0.6, 0.6, "x", origin="annotated"),)
    assert found == Annotation("s", 1.0, (Tier("words", words), Tier("beats", beats)))


@settings(max_examples=40, derandomize=True, deadline=None)
@given(our.annotations(min_tiers=1, per_second=our.MS), st.sampled_from(["textgrid", "textgrid-short"]))
def test_praatio_reads_what_we_read(tmp_path_factory, annotation, name):
    praatio = pytest.importorskip("praatio.textgrid")
    if annotation.duration_s == 0:
        return
    clean = dataclasses.replace(
        annotation,
        tiers=tuple(
            Tier(f"t{n}", tuple(dataclasses.replace(i, label=" ".join(i.label.split()) or "x") for i in tier))
            for n, tier in enumerate(annotation.tiers)
        ),
    )
    path = tmp_path_factory.mktemp("praatio") / "a.TextGrid"
    write_annotation(clean, path, name)
    theirs = praatio.openTextgrid(str(path), includeEmptyIntervals=False)
    assert theirs.maxTimestamp == clean.duration_s
    for tier in clean.tiers:
        assert [tuple(entry) for entry in theirs.getTier(tier.name).entries] == [
            (i.start_s, i.end_s, i.label) for i in tier
        ]
    for form in ("long_textgrid", "short_textgrid"):
        theirs.save(str(path), format=form, includeBlankSpaces=True)
        (found,) = read_annotations(path)
        assert found == dataclasses.replace(clean, recording_id="a")


def test_pympi_and_elan_rules(tmp_path):
    elan = pytest.importorskip("pympi.Elan")
    tiers = (
        Tier("Anna & <Bo>", (Interval(0.1, 0.5, "a < b & c --> d\nnext"), Interval(0.5, 1.25, "été"))),
        Tier("empty"),
    )
    write_annotation(Annotation("talk", 1.5, tiers, speaker="Anna"), tmp_path / "a.eaf")
    theirs = elan.Eaf(str(tmp_path / "a.eaf"))
    assert set(theirs.get_tier_names()) == {"Anna & <Bo>", "empty"}
    assert sorted(theirs.get_annotation_data_for_tier("Anna & <Bo>")) == [
        (100, 500, "a < b & c --> d\nnext"),
        (500, 1250, "été"),
    ]
    assert ("otoscope.recording_id", "talk") in theirs.properties
    theirs.add_annotation("empty", 200, 300, "new")
    theirs.to_file(str(tmp_path / "b.eaf"))
    (found,) = read_annotations(tmp_path / "b.eaf")
    assert found.tier("empty")[0] == Interval(0.2, 0.3, "new", origin="annotated")
    assert found.tier("Anna & <Bo>").labels == tiers[0].labels
    assert (found.duration_s, found.speaker, found.recording_id) == (1.5, "Anna", "talk")


def test_pympi_referring_annotations(tmp_path):
    elan = pytest.importorskip("pympi.Elan")
    theirs = elan.Eaf()
    theirs.remove_tier("default")
    theirs.add_linguistic_type("ref", constraints="Symbolic_Association", timealignable=False)
    theirs.add_tier("words")
    theirs.add_tier("glosses", ling="ref", parent="words")
    theirs.add_annotation("words", 0, 400, "ik")
    theirs.add_annotation("words", 400, 900, "hoor")
    theirs.add_ref_annotation("glosses", "words", 410, "hear")
    theirs.to_file(str(tmp_path / "a.eaf"))
    (found,) = read_annotations(tmp_path / "a.eaf")
    assert found.tier("glosses").intervals == (Interval(0.4, 0.9, "hear", origin="annotated"),)


def test_elan_spreads_what_was_not_aligned():
    head = '<ANNOTATION_DOCUMENT><HEADER TIME_UNITS="milliseconds"/><TIME_ORDER>'
    slots = '<TIME_SLOT TIME_SLOT_ID="a" TIME_VALUE="100"/><TIME_SLOT TIME_SLOT_ID="b"/><TIME_SLOT TIME_SLOT_ID="c"/>'
    slots += '<TIME_SLOT TIME_SLOT_ID="d" TIME_VALUE="400"/></TIME_ORDER><TIER TIER_ID="w">'
    rows = "".join(
        f'<ANNOTATION><ALIGNABLE_ANNOTATION ANNOTATION_ID="{x}" TIME_SLOT_REF1="{x}" TIME_SLOT_REF2="{y}">'
        f"<ANNOTATION_VALUE>{x}</ANNOTATION_VALUE></ALIGNABLE_ANNOTATION></ANNOTATION>"
        for x, y in ("ab", "bc", "cd")
    )
    parts = '</TIER><TIER TIER_ID="p">' + "".join(
        f'<ANNOTATION><REF_ANNOTATION ANNOTATION_ID="{x}" ANNOTATION_REF="a">'
        f"<ANNOTATION_VALUE>{x}</ANNOTATION_VALUE></REF_ANNOTATION></ANNOTATION>"
        for x in ("p1", "p2")
    )
    (found,) = loads(head + slots + rows + parts + "</TIER></ANNOTATION_DOCUMENT>", "eaf")
    assert [i.start_s for i in found.tier("w")] == pytest.approx([0.1, 0.2, 0.3])
    assert {i.origin for i in found.tier("w")} == {"interpolated"}
    assert [i.end_s for i in found.tier("p")] == pytest.approx([0.15, 0.2])
    assert [i.start_s for i in found.tier("p")] == pytest.approx([0.1, 0.15])
    with pytest.raises(BadFormat, match="refers to no time slot 'z'"):
        loads((head + slots + rows + parts).replace('REF2="b"', 'REF2="z"') + "</TIER></ANNOTATION_DOCUMENT>", "eaf")
    with pytest.raises(BadFormat, match="refer to annotations that are not there"):
        loads((head + slots + rows + parts).replace('_REF="a"', '_REF="q"') + "</TIER></ANNOTATION_DOCUMENT>", "eaf")
    with pytest.raises(BadFormat, match="begins or ends with annotations that have no time"):
        loads((head + slots + rows).replace(' TIME_VALUE="400"', "") + "</TIER></ANNOTATION_DOCUMENT>", "eaf")


def test_textgrids_by_hand_follow_praats_rule_for_text():
    text = """File type = "ooTextFile"
    "TextGrid" ! the class
    0 seconds 1.5 seconds <exists> 1 tier
    "IntervalTier" named "a ""b"" c" from 0 to 1.5 with 2 intervals
    0 to 0.5: "" ! a 7 that does not count
    0.5 to 1.5 : "so
it is" """
    (found,) = loads(text.replace("0.5:", "0.5 :"), "textgrid")
    assert found.tiers == (Tier('a "b" c', (Interval(0.5, 1.5, "so\nit is", origin="annotated"),)),)


@pytest.mark.parametrize(
    ("old", "new", "match"),
    [
        ("ooTextFile", "ooBinaryFile", "not a TextGrid"),
        ('"IntervalTier"', '"SpellingTier"', r"line 10: unknown class of tier 'SpellingTier'"),
        (
            "intervals: size = 4",
            "intervals: size = 5",
            r"line 32: a time should stand here, got the string 'IntervalTier'",
        ),
        ("size = 4", "size = 2.5", "whole number"),
        (
            "intervals: size = 4",
            "intervals: size = 3",
            "line 28: the class of a tier should stand here, got the number",
        ),
        ("xmax = 0.35 ", "xmax = 0.05 ", "needs start_s <= end_s"),
        ("xmin = 0.1 ", "xmin = -1 ", "outside the recording"),
        ('text = "hört été" ', 'text = "hört ', "a time should stand here|quote|label"),
        ("<exists> \nsize = 4 ", "<absent> ", "after the last tier"),
    ],
)
def test_broken_textgrids(old, new, match):
    with pytest.raises(BadFormat, match=match):
        loads(dumps(_TALK, "textgrid").replace(old, new, 1), "textgrid")


def test_cut_off_textgrids_are_refused():
    for text in (dumps(_TALK, "textgrid"), dumps(_TALK, "textgrid-short")):
        last = text.rindex('"', 0, text.rindex('"'))  # the label of the last point
        for at in range(0, last, 29):
            with pytest.raises(BadFormat):
                loads(text[:at], "textgrid")


def test_what_a_textgrid_cannot_hold():
    mixed = Tier("t", (Interval(0, 1, "a"), Interval(1, 1, "b")))
    with pytest.raises(BadFormat, match=r"'b' at 1\.0 s in tier 't' has no length"):
        textgrid.dumps(Annotation("", 2, (mixed,)))
    with pytest.raises(BadFormat, match=r"one point a time, tier 't' has two at 1\.0 s"):
        textgrid.dumps(Annotation("", 2, (Tier("t", (Interval(1, 1, "a"), Interval(1, 1, "b"))),)))
    with pytest.raises(BadFormat, match="longer than 0 s"):
        textgrid.dumps_short(Annotation("", 0, ()))
    silent = Tier("t", (Interval(0, 1, "a"), Interval(1, 1, "")))
    assert loads(textgrid.dumps(Annotation("", 2, (silent,))), "textgrid")[0].tiers[0].labels == ("a",)
