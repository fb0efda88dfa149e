"""`otoscope lexicon`: measures, what is near, pseudowords, and bad input in one line."""

from __future__ import annotations

import json

import pytest

from otoscope.cli.app import main

SMALL = "word\tphones\tper_million\ncat\tK AE T\t50\nbat\tB AE T\t20\ncats\tK AE T S\t5\ntack\tT AE K\t3\n"


@pytest.fixture
def small(tmp_path):
    path = tmp_path / "small.tsv"
    path.write_text(SMALL, "utf-8")
    return str(path)


def told(capsys, *arguments):
    assert main(["lexicon", *arguments]) == 0
    return capsys.readouterr().out


def test_measures_of_a_word_and_of_phones(small, capsys):
    rows = json.loads(told(capsys, "measure", "cat", "B AE K", "--lexicon", small, "--json"))
    assert [row["label"] for row in rows] == ["cat", "B AE K"]
    assert [row["is_word"] for row in rows] == [True, False]
    assert [row["density"] for row in rows] == [2, 2]  # bat and cats; bat and tack
    assert rows[0]["cohort_sizes"] == [1, 1, 1]  # cats
    assert rows[1]["zipf"] is None
    printed = told(capsys, "measure", "cat", "--lexicon", small)
    assert "unique at" in printed
    assert "cohort_sizes" not in printed


def test_a_table_is_given_back_with_measures_behind_its_columns(small, capsys, tmp_path):
    items, out = tmp_path / "items.csv", tmp_path / "out.csv"
    items.write_text("item,word,zipf,rt_ms\n1,cat,mine,300\n2,bat,mine,310\n1,cat,mine,290\n", "utf-8")
    told(capsys, "measure", "--table", str(items), "--lexicon", small, "-o", str(out))
    lines = [line.split(",") for line in out.read_text("utf-8").splitlines()]
    assert lines[0][:6] == ["item", "word", "zipf", "rt_ms", "phones", "is_word"]
    assert [line[:5] for line in lines[1:]] == [
        ["1", "cat", "mine", "300", "K AE T"],
        ["2", "bat", "mine", "310", "B AE T"],
        ["1", "cat", "mine", "290", "K AE T"],
    ]


def test_what_is_near(small, capsys):
    found = json.loads(told(capsys, "near", "cat", "--lexicon", small, "--json"))
    assert found["neighbours"] == {"n": 2, "words": ["bat", "cats"]}
    assert found["begin alike"]["words"] == ["cats"]
    assert found["rhymes"]["words"] == ["bat"]
    assert found["around"]["words"] == ["cats"]
    assert found["backwards"]["words"] == ["tack"]
    first = json.loads(told(capsys, "near", "cat", "-n", "1", "--lexicon", small, "--json"))
    assert first["neighbours"] == {"n": 2, "words": ["bat"]}


def test_pseudowords_of_english_words(capsys, tmp_path):
    made = json.loads(told(capsys, "pseudowords", "table", "elephant", "--position", "-1", "--json"))
    for row in made:
        base, phones = row["base"].split(), row["phones"].split()
        assert [a == b for a, b in zip(base, phones, strict=True)] == [True] * (len(base) - 1) + [False]
    out = tmp_path / "out.tsv"
    told(capsys, "pseudowords", "elephant", "--way", "recombine", "-o", str(out))
    header, row = (line.split("\t") for line in out.read_text("utf-8").splitlines())
    assert dict(zip(header, row, strict=True))["kind"] == "pseudoword"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("measure",), "name words, phones"),
        (("measure", "dog"), "unknown word"),
        (("measure", "cat", "--table", "items.csv"), "not both"),
        (("measure", "--table", "none.csv"), "there is no file none.csv"),
        (("near", "K XX"), "the phone 'XX'"),
        (("near", "cat", "-n", "0"), "must be 1 or more"),
        (("pseudowords", "cat", "--position", "3"), "has phones 0 to 2, got position 3"),
        (("pseudowords", "cat", "--way", "recombine", "--position", "1"), "belongs to --way change"),
    ],
)
def test_bad_input_is_one_line(arguments, said, small, capsys):
    assert main(["lexicon", *arguments, "--lexicon", small]) == 2
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1
