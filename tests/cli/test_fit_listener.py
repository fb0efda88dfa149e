"""`otoscope fit-listener`: simulated participants are seen through; databases in their layouts; what cannot be."""

from __future__ import annotations

import csv
import json

import numpy as np
import pytest

from otoscope.lexicon.mental_lexicon import MentalLexicon
from otoscope.listener.fitting.hearing import heard_for_fit
from otoscope.listener.fitting.predicting import DecisionTimes
from otoscope.listener.listening import WordListener
from otoscope.listener.stimuli.speaking import Speaker

TRUE = {"frequency_weight": 3.0, "acoustic_scale": 0.15, "threshold": 20.0, "beta_s": 0.15}
EXECUTION_S = 0.3


@pytest.fixture(scope="module")
def answered(tmp_path_factory):
    """Times of 36 words from known parameters, and the small lexicon they are from."""
    folder = tmp_path_factory.mktemp("fit")
    english = MentalLexicon.english()
    lexicon = english.only([w for w in english.words[:1500] if w.isalpha() and len(w) > 2])
    lines = [f"{w}\t{' '.join(p[0])}\t{f}" for w, p, f in
             zip(lexicon.words, lexicon.pronunciations, lexicon.per_million, strict=True)]  # fmt: skip
    (folder / "lexicon.tsv").write_text("\n".join(["word\tphones\tper_million", *lines]) + "\n", encoding="utf-8")
    listener = WordListener(MentalLexicon.read(folder / "lexicon.tsv"))
    words = list(listener.lexicon.words[100::36])[:36]
    items = [Speaker().word(word, listener.lexicon) for word in words]
    heard = [heard_for_fit(listener, i.sound, onset_s=i.onset_s, offset_s=i.offset_s) for i in items]
    return folder, words, DecisionTimes(heard)(TRUE) + EXECUTION_S, [item.duration_s for item in items]


def rows_of(words, times, n_listeners=16, spread=0.1):
    rng = np.random.default_rng(2)
    own = rng.normal(0, 0.15, n_listeners)
    own -= own.mean()
    return [(f"p{k}", words[i], 1000 * times[i] * np.exp(u + rng.normal(0, spread)), n)
            for k, u in enumerate(own) for n, i in enumerate(rng.permutation(len(words)))]  # fmt: skip


def write(path, header, rows, delimiter=","):
    with open(path, "w", encoding="utf-8", newline="") as file:
        csv.writer(file, delimiter=delimiter).writerows([header, *rows])


def test_parameters_of_simulated_participants_are_found(run, answered, tmp_path):
    folder, words, times, _ = answered
    write(tmp_path / "trials.csv", ("subject", "word", "rt_ms", "trial"), rows_of(words, times))
    done = run("fit-listener", "trials.csv", "--lexicon", folder / "lexicon.tsv", "--n-bootstrap", 12,
               "--fix", "frequency_weight=3", "--fix", "acoustic_scale=0.15", "--json")  # fmt: skip
    assert done.code == 0, done.err
    record = json.loads(done.out)
    found = {row["parameter"]: row for row in record["parameters"]}
    for name, true in (("threshold", 20.0), ("beta_s", 0.15), ("execution_s", EXECUTION_S)):
        low, high = found[name]["low"], found[name]["high"]
        slack = 0.5 * (high - low)  # twelve draws make narrow intervals
        assert low - slack <= true <= high + slack, name
    assert found["frequency_weight"] == {**found["frequency_weight"], "value": 3.0, "low": None, "fixed": True}
    held = record["held_out"]
    assert held["model"]["r_items"] > held["duration"]["r_items"]
    assert 0.5 < held["split_half"] <= 1
    assert json.loads((tmp_path / "fit.json").read_text(encoding="utf-8")) == record
    page = (tmp_path / "fit.html").read_text(encoding="utf-8")
    assert "predicted beside observed" in page
    assert "Reaction times" in page


@pytest.mark.parametrize("format", ["mald", "baldey", "aelp"])
def test_databases_in_their_layouts_are_fitted(run, answered, tmp_path, format):
    folder, words, times, lasts = answered
    rows, last = rows_of(words, times, 6), dict(zip(words, lasts, strict=True))
    if format == "mald":
        header = ("Subject", "Item", "RT", "ACC", "Trial", "IsWord", "Duration")
        table = [(who, word, round(rt), "TRUE", n, "TRUE", 1000 * last[word]) for who, word, rt, n in rows]
        write(tmp_path / "data.txt", header, table, "\t")
    elif format == "baldey":
        header = ("subject", "session", "trial", "word", "word_status", "response", "RT", "word_duration")
        table = [(who, 1, n, word, "word", "correct", round(rt), 1000 * last[word]) for who, word, rt, n in rows]
        write(tmp_path / "data.txt", header, table, " ")
    else:
        z = (times - times.mean()) / times.std()
        header = ("word_us", "us_ldt_acc", "us_ldt_zrt_m", "us_ldt_zrt_sd", "us_ldt_zrt_n")
        write(tmp_path / "data.txt", header, [(w, 0.9, v, 0.5, 30) for w, v in zip(words, z, strict=True)])
    done = run("fit-listener", "data.txt", "--format", format, "--lexicon", folder / "lexicon.tsv", "--json",
               "--n-bootstrap", 2, "--fix", "frequency_weight=3", "--fix", "acoustic_scale=0.15")  # fmt: skip
    assert done.code == 0, done.err
    held = json.loads(done.out)["held_out"]
    if format == "aelp":
        assert held["listener"] > 0.9 > held["duration only"]
        assert held["ceiling (reliability)"] > 0.9
    else:
        assert held["model"]["r_items"] > held["duration"]["r_items"]


@pytest.mark.parametrize(
    ("text", "arguments", "words"),
    [
        (None, [], "no file trials.csv"),
        ("subject,word,rt_ms\n", [], "no rows"),
        ("subject,word\na,cat\n", [], "no column rt_s or rt_ms"),
        ("word,rt_ms\ncat,500\n", [], "no column listener"),
        ("subject,word,rt\na,cat,500\n", [], "must say its unit"),
        ("subject,word,rt_ms\na,cat,500\n", [], "needs 10 words"),
        ("subject,word,rt_ms\na,cat,500\n", ["--format", "mlad"], "mald"),
        ("subject,word,rt_ms\na,cat,500\n", ["--fix", "thresold=3"], "threshold"),
        ("subject,word,rt_ms\na,cat,500\n", ["--fix", "threshold=much"], "no number"),
        ("subject,word,rt_ms\na,cat,500\n", ["--sounds", "nowhere"], "no folder of sounds"),
        ("subject,word,rt_ms\na,cat,500\n", ["-o", "nowhere/fit.json"], "nowhere"),
    ],
)
def test_what_cannot_be_done_is_one_line(run, tmp_path, text, arguments, words):
    if text is not None:
        (tmp_path / "trials.csv").write_text(text, encoding="utf-8")
    done = run("fit-listener", "trials.csv", *arguments)
    assert done.code == 2
    assert len(done.err.strip().splitlines()) == 1
    assert words in done.err
