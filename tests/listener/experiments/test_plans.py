"""A user's item table: columns, files, reaction times; and one line for what is wrong with it."""

from __future__ import annotations

import pytest

from otoscope.core import BadInput
from otoscope.lexicon.mental_lexicon import MentalLexicon
from otoscope.listener.experiments.plans import checked, read_plans


def table(tmp_path, text):
    path = tmp_path / "items.csv"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def lexicon():
    return MentalLexicon.english(2000)


def test_rows_of_one_item_are_its_trials(tmp_path):
    text = "subject,word,rt_ms,condition\n1,Cat,500,a\n2,cat,600,a\n1,dog,700,b\n"
    plans = read_plans(table(tmp_path, text), ("word",))
    assert [plan.label for plan in plans] == ["cat", "dog"]
    assert plans[0].human_rt_s == pytest.approx((0.5, 0.6))
    assert plans[1].fields == {"word": "dog", "condition": "b"}


def test_recordings_are_found_beside_the_table_or_in_a_folder(tmp_path):
    (tmp_path / "sounds").mkdir()
    for name in ("a.wav", "cat.wav"):
        (tmp_path / "sounds" / name).write_bytes(b"")
    given = read_plans(table(tmp_path, "word,sound\ncat,sounds/a.wav\n"), ("word",))
    assert given[0].get("sound") == str(tmp_path / "sounds" / "a.wav")
    named = read_plans(table(tmp_path, "word\ncat\n"), ("word",), sounds=tmp_path / "sounds")
    assert named[0].get("sound") == str(tmp_path / "sounds" / "cat.wav")
    with pytest.raises(BadInput, match="has no recording dog"):
        read_plans(table(tmp_path, "word\ndog\n"), ("word",), sounds=tmp_path / "sounds")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("word\n", "no rows"),
        ("", "no header"),
        ("item\ncat\n", "no column word"),
        ("word,sound\ncat,none.wav\n", "line 2: there is no file"),
        ("word,rt\ncat,5\n", "rt_ms or rt_s"),
        ("word,snr_db\ncat,loud\n", "line 2: snr_db must be a number"),
        ("word,kind\ncat,perhaps\n", "line 2: kind must be"),
        ("word,condition\n,a\n", "line 2: word is empty"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(tmp_path, text, words):
    with pytest.raises(BadInput, match=words):
        read_plans(table(tmp_path, text), ("word",))


def test_unknown_words_need_a_pronunciation(tmp_path, lexicon):
    with pytest.raises(BadInput, match="line 2: the lexicon has no word 'blick'; give its pronunciation"):
        checked(read_plans(table(tmp_path, "word\nblick\n"), ("word",)), lexicon)
    plans = read_plans(table(tmp_path, "word,pronunciation\nblick,B L IH1 K\n"), ("word",))
    assert checked(plans, lexicon).pronunciations[-1] == (("B", "L", "IH", "K"),)
    with pytest.raises(BadInput, match="'Q' is no phone"):
        checked(read_plans(table(tmp_path, "word,pronunciation\ncat,Q AE T\n"), ("word",)), lexicon)
