"""`otoscope lm`: from text to a measured, pruned and mixed model."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from otoscope.lexicon.ngram import estimate, prune
from otoscope.lexicon.ngram.files import read_model

TEXT = ["the cat sat on the mat", "the dog sat on the cat", "a cat ran", "the dog ran to the mat", "a dog sat"] * 3


@pytest.fixture
def text(tmp_path: Path) -> Path:
    path = tmp_path / "text.txt"
    path.write_text("\n".join(TEXT) + "\n", encoding="utf-8")
    return path


def made(run, text: Path, *options: object) -> dict:
    result = run("lm", "estimate", text, "--out", "lm.arpa", "--smoothing", "witten-bell", "--json", *options)
    assert result.code == 0, result.err
    return json.loads(result.out)


def test_estimate_is_the_librarys(run, text: Path) -> None:
    found = made(run, text)
    model = estimate(text, smoothing="witten-bell")
    assert found["n_ngrams"] == list(model.counts)
    assert found["size_bytes"] == Path("lm.arpa").stat().st_size
    assert read_model("lm.arpa").perplexity(TEXT) == pytest.approx(model.perplexity(TEXT), rel=1e-5)


def test_estimate_prunes_and_takes_a_vocabulary(run, text: Path) -> None:
    found = made(run, text, "--prune", "1e-2", "--order", "2")
    assert found["n_ngrams"] == list(prune(estimate(text, order=2, smoothing="witten-bell"), 1e-2).counts)
    Path("words").write_text("cat\ndog\n", encoding="utf-8")
    made(run, text, "--vocabulary", "words")
    assert set(read_model("lm.arpa").words) == {"cat", "dog", "<s>", "</s>", "<unk>"}
    made(run, text, "--vocabulary-size", "1")
    assert set(read_model("lm.arpa").words) == {"the", "<s>", "</s>", "<unk>"}


def test_text_can_be_normalised_first(run, tmp_path: Path) -> None:
    (tmp_path / "raw.txt").write_text("Take 2 cats!\n...\nTake 1 dog.\n", encoding="utf-8")
    made(run, tmp_path / "raw.txt", "--normalize")
    assert {"take", "two", "cats", "one", "dog"} < set(read_model("lm.arpa").words)


def test_perplexity_prunes_and_mixes_as_the_library(run, text: Path, tmp_path: Path) -> None:
    made(run, text)
    model = read_model("lm.arpa")
    result = run("lm", "perplexity", "lm.arpa", text, "--json")
    (row,) = json.loads(result.out)
    assert row["perplexity"] == pytest.approx(model.perplexity(text))
    assert (row["n_sentences"], row["unknown_rate"]) == (15, 0.0)
    assert "text.txt" in run("lm", "perplexity", "lm.arpa", text).out
    result = run("lm", "prune", "lm.arpa", "--out", "small.otoscope", "--n-ngrams", "8", "--json")
    assert sum(json.loads(result.out)["n_ngrams"][1:]) <= 8
    result = run("lm", "prune", "lm.arpa", "--out", "small2.arpa", "--threshold", "1e-2", "--histories", "lm.arpa")
    assert "3-grams" in result.out
    result = run("lm", "interpolate", "lm.arpa", "small2.arpa", "--out", "m.arpa", "--held-out", text, "--json")
    assert sum(json.loads(result.out)["weights"]) == pytest.approx(1)
    options = ["--weight", "0.5", "--weight", "0.5", "--weighing", "history"]
    assert run("lm", "interpolate", "lm.arpa", "small2.arpa", "--out", "m.arpa", *options).code == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["estimate", "none.txt", "--out", "lm.arpa"], "cannot read none.txt"),
        (["estimate", "text.txt", "--out", "no/lm.arpa"], "there is no folder"),
        (["estimate", "text.txt", "--out", "lm.arpa", "--smoothing", "x"], "unknown smoothing"),
        (["estimate", "text.txt", "--out", "lm.arpa"], "witten-bell"),
        (["estimate", "text.txt", "--out", "a", "--vocabulary", "text.txt", "--vocabulary-size", "3"], "not both"),
        (["perplexity", "none.arpa", "text.txt"], "cannot read none.arpa"),
        (["perplexity", "text.txt", "text.txt"], "damaged or no otoscope n-gram model"),
        (["prune", "lm.arpa", "--out", "a"], "give one of"),
        (["interpolate", "lm.arpa", "--out", "a"], "give --weight"),
        (["interpolate", "lm.arpa", "--out", "a", "--weight", "1", "--weighing", "x"], "unknown weighing"),
    ],
)
def test_mistakes_are_one_line_and_exit_code_2(run, text: Path, arguments: list[str], message: str) -> None:
    result = run("lm", *arguments)
    assert result.code == 2
    assert message in result.err
    assert len(result.err.splitlines()) == 1


@pytest.mark.parametrize("verb", ["estimate", "perplexity", "prune", "interpolate"])
def test_every_verb_explains_its_options(run, verb: str) -> None:
    result = run("lm", verb, "--help")
    assert result.code == 0
    assert "--json" in result.out
