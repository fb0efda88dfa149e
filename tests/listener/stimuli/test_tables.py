"""A user's item list in, the same list with results out."""

from __future__ import annotations

import numpy as np
import pytest

from otoscope.core import BadFormat, BadInput, Recording
from otoscope.io.audio import write_recording
from otoscope.io.delimited import read_delimited
from otoscope.listener.stimuli.tables import read_items

TRIALS = """Item,Word,Phones,File,Is_Word,Condition,Onset_ms,Offset_ms,Subject,RT_ms,Response,ACC,myown
i1,bed,B EH1 D,bed.wav,TRUE,hf,10,90,s1,812.5,word,1,x
i2,,B EH G,beg.wav,FALSE,lf,0,100,s1,NA,nonword,0,y
i1,bed,B EH1 D,bed.wav,TRUE,hf,10,90,s2,640,word,1,z
"""


@pytest.fixture
def folder(tmp_path):
    for name in ("bed", "beg"):
        write_recording(Recording(np.full(1600, 0.1), 16000), tmp_path / f"{name}.wav")
    (tmp_path / "items.csv").write_text(TRIALS)
    return tmp_path


def test_trials_of_items(folder):
    found = read_items(folder / "items.csv")
    bed, beg = found.items
    assert (bed.label, bed.word, bed.phones, bed.kind, bed.condition) == ("i1", "bed", ("B", "EH", "D"), "word", "hf")
    assert bed.speech_s == pytest.approx((0.01, 0.09))
    assert bed.sound.duration_s == pytest.approx(0.1)
    assert (beg.word, beg.phones, beg.kind) == (None, ("B", "EH", "G"), "pseudoword")
    assert found.item_of_row == (0, 1, 0)
    assert [(t.item, t.listener, t.rt_s, t.answer, t.correct) for t in found.trials] == [
        (0, "s1", pytest.approx(0.8125), "word", True),
        (1, "s1", None, "nonword", False),
        (0, "s2", pytest.approx(0.64), "word", True),
    ]


def test_results_are_written_behind_the_own_columns(folder):
    found = read_items(folder / "items.csv", sounds=False)
    assert found.items[0].recording is None
    found.write(folder / "out.csv", {"i1": {"listener_rt_s": 0.75, "winner": "bed"}, "i2": {"winner": "beg"}})
    out = read_delimited(folder / "out.csv")
    assert out.header == (*found.table.header, "listener_rt_s", "winner")
    assert [row[-3:] for row in out.rows] == [("x", "0.75", "bed"), ("y", "", "beg"), ("z", "0.75", "bed")]
    assert tuple(row[:-2] for row in out.rows) == found.table.rows
    with pytest.raises(BadInput, match="'i3' is no item"):
        found.write(folder / "out.csv", {"i3": {"rt": 1}})
    with pytest.raises(BadInput, match="'myown' is already"):
        found.write(folder / "out.csv", {"i1": {"myown": 1}})


def test_words_alone_are_enough(tmp_path):
    (tmp_path / "w.tsv").write_text("word\nbed\nbell\n")
    found = read_items(tmp_path / "w.tsv")
    assert [(i.label, i.kind) for i in found.items] == [("bed", "word"), ("bell", "word")]
    assert found.trials == ()


def test_ipa_items(tmp_path):
    (tmp_path / "w.tsv").write_text("ipa\tkind\nˈhaːzə\tfiller\n")
    (item,) = read_items(tmp_path / "w.tsv", phones="ipa").items
    assert item.phones == ("h", "aː", "z", "ə")
    assert (item.label, item.kind) == ("ˈhaːzə", "other")


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("rt_ms,myown\n1,2\n", "no column item or label or stimulus"),
        ("word,rt\nbed,500\n", "'rt' must say its unit: rt_ms or rt_s"),
        ("word,kind\nbed,wort\n", "line 2: kind must be word, pseudoword or other, got 'wort'"),
        ("word,rt_ms\nbed,fast\n", "line 2: rt_ms must be a number, got 'fast'"),
        ("word,correct\nbed,2\n", "line 2: correct must be 1 or 0"),
        ("word,condition\nbed,a\nbed,b\n", "line 3: 'bed' differs from its row in line 2"),
        ("word,onset_s\nbed,0.1\n", "line 2: onset and offset"),
        ("word,item\nNA,\n", "line 2: nothing says what the item is"),
        ("word,file\nbed,none.wav\n", r"line 2: .*none\.wav"),
        ("word,ipa\nbed,ˈ\n", "line 2: there are no phones"),
    ],
)
def test_what_is_no_item_table(tmp_path, text, match):
    (tmp_path / "w.csv").write_text(text)
    with pytest.raises(BadFormat, match=match):
        read_items(tmp_path / "w.csv", phones="ipa")
