"""`otoscope experiment`: the list, a run with its files, going on, and one line for what cannot be."""

from __future__ import annotations

import csv
import json

import pytest

from otoscope.listener.experiments.designs import EXPERIMENTS

LEXICON = "word\tphones\tper_million\nsun\tS AH N\t80\nsea\tS IY\t90\nboy\tB OY\t100\nwas\tW AA Z\t900\n"


@pytest.fixture
def here(run, tmp_path):
    (tmp_path / "lexicon.tsv").write_text(LEXICON, encoding="utf-8")
    (tmp_path / "items.csv").write_text("word,condition,rt_ms\nsun,a,600\nboy,b,650\nsea,b,700\n", encoding="utf-8")
    return tmp_path


def test_the_list_tells_every_experiment_with_its_columns(run):
    shown = run("experiment", "--list", "--json")
    told = json.loads(shown.out)
    assert [one["experiment"] for one in told["experiments"]] == list(EXPERIMENTS)
    assert all(one["needs"] and one["asks"] for one in told["experiments"])
    assert "gating" in run("experiment").out


def test_table_in_table_out(run, here):
    arguments = ("experiment", "noise", "items.csv", "--lexicon", "lexicon.tsv", "-o", "out")
    done = run(*arguments)
    assert done.code == 0, done.err
    with open(here / "out" / "trials.csv", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 15
    assert {row["item"] for row in rows} == {"sun", "boy", "sea"}
    assert {row["human_rt_s"] for row in rows if row["item"] == "sun"} == {"0.6"}
    assert "Beside people" in (here / "out" / "index.html").read_text(encoding="utf-8")
    before = (here / "out" / "trials.jsonl").read_text(encoding="utf-8")
    assert run(*arguments).code == 0
    assert (here / "out" / "trials.jsonl").read_text(encoding="utf-8") == before
    again = run("experiment", "noise", "out/items.csv", "--lexicon", "lexicon.tsv", "-o", "other", "--json")
    assert len(json.loads(again.out)["trials"]) == 15


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["gatin"], "gating"),
        (["noise", "nowhere.csv"], "no file nowhere.csv"),
        (["noise", "items.csv", "--sounds", "nowhere"], "no folder of sounds"),
        (["noise", "--sounds", "."], "--sounds needs an item table"),
        (["embedded", "items.csv"], "no column embedded"),
        (["noise", "items.csv", "--voices", "nobody"], "nobody"),
        (["noise", "items.csv", "--voices", ","], "names no voice"),
        (["gating", "items.csv", "--gate-ms", "1"], "between 10 and 1000"),
        (["noise", "empty.csv"], "no rows"),
        (["noise", "new.csv", "--lexicon", "lexicon.tsv"], "no word 'blick'"),
        (["noise", "items.csv", "-o", "items.csv"], "is a file"),
    ],
)
def test_what_cannot_be_done_is_one_line(run, here, arguments, words):
    (here / "empty.csv").write_text("word\n", encoding="utf-8")
    (here / "new.csv").write_text("word\nblick\n", encoding="utf-8")
    done = run("experiment", *arguments)
    assert done.code == 2
    assert len(done.err.strip().splitlines()) == 1
    assert words in done.err
