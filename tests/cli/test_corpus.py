"""`otoscope corpus`: the same names and defaults as the library, JSON, one clear line for bad input."""

from __future__ import annotations

import dataclasses
import inspect
import json
import subprocess
import sys

import numpy as np
import pytest
import soundfile

from otoscope import corpora
from otoscope.cli import corpus as verbs
from otoscope.corpora import SoundAugmentation, SyntheticPlan

VERBS = ("info", "validate", "convert", "synthesize")


@pytest.fixture
def small(tmp_path):
    """A corpus of two utterances in a folder of its own."""
    folder = tmp_path / "small"
    folder.mkdir()
    rng = np.random.default_rng(0)
    for name in ("a", "b"):
        soundfile.write(folder / f"{name}.flac", rng.uniform(-0.3, 0.3, 8000), 16000)
    heading = "id\tpath\tspeaker\ttext\tduration_s\tsplit"
    rows = [heading, "a\ta.flac\tann\tso\t0.5\ttrain", "b\tb.flac\tbob\tso my\t0.5\ttest"]
    (folder / "manifest.tsv").write_text("\n".join(rows) + "\n")
    return folder


@pytest.mark.parametrize("verb", VERBS)
def test_same_defaults_as_the_library(verb):
    library = inspect.signature(getattr(corpora, verb)).parameters
    command = inspect.signature(getattr(verbs, verb)).parameters
    shared = [name for name in command if name in library and library[name].default is not inspect.Parameter.empty]
    assert verb == "info" or shared
    for name in shared:
        assert command[name].default == library[name].default, name


def test_synthesize_has_the_defaults_of_its_plan():
    command = inspect.signature(verbs.synthesize).parameters
    plan = SyntheticPlan()
    for field in dataclasses.fields(plan):
        if field.name in command and field.name != "splits":
            assert command[field.name].default == getattr(plan, field.name), field.name
    assert verbs._shares(command["splits"].default) == plan.splits
    assert command["snr_db"].default == SoundAugmentation().noise_snr_db


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_json_and_help(run, verb):
    result = run("corpus", verb, "--help")
    assert result.code == 0
    assert "--json" in result.out
    assert verb in run("corpus", "--help").out


def test_info(run, small):
    result = run("corpus", "info", small)
    assert (result.code, result.err) == (0, "")
    assert "manifest" in result.out
    told = json.loads(run("corpus", "info", small, "--json").out)
    assert told["kind"] == "manifest"
    assert [(s["split"], s["n_utterances"], s["n_words"]) for s in told["splits"]] == [("train", 1, 1), ("test", 1, 2)]


def test_validate_ends_with_code_1_where_there_is_an_error(run, small):
    assert run("corpus", "validate", small).code == 0
    assert "0 errors, 0 warnings" in run("corpus", "validate", small).out
    (small / "a.flac").unlink()
    result = run("corpus", "validate", small)
    assert result.code == 1
    assert "unreadable" in result.out
    told = run("corpus", "validate", small, "--json")
    assert told.code == 1
    (finding,) = json.loads(told.out)["findings"]
    assert finding["where"].endswith("manifest.tsv:2")
    assert run("corpus", "validate", small, "--no-sound").code == 0


def test_validate_knows_a_lexicon(run, small, tmp_path):
    (tmp_path / "words.txt").write_text("SO(2) S OW\n")
    told = json.loads(run("corpus", "validate", small, "--lexicon", tmp_path / "words.txt", "--json").out)
    assert told["warnings"] == 1
    assert "1 words are not in the lexicon: my" in told["findings"][0]["message"]
    missing = run("corpus", "validate", small, "--lexicon", tmp_path / "none.txt")
    assert (missing.code, missing.err.count("\n")) == (2, 1)


@pytest.mark.parametrize(("to", "n_files"), [("lhotse", 2), ("manifest", 1), ("kaldi", 10)])
def test_convert(run, small, tmp_path, to, n_files):
    result = run("corpus", "convert", small, tmp_path / "out", "--to", to, "--json")
    assert result.code == 0, result.err
    assert len(json.loads(result.out)["written"]) == n_files
    assert corpora.info(tmp_path / "out").kind == to
    shorter = run("corpus", "convert", small, tmp_path / "one", "--to", to, "--split", "test")
    assert shorter.code == 0
    assert corpora.info(tmp_path / "one").total.n_utterances == 1


def test_synthesize(run, tmp_path):
    pytest.importorskip("espeakng_loader")
    (tmp_path / "texts.txt").write_text("one\n\n…\n")
    arguments = ("corpus", "synthesize", tmp_path / "texts.txt", tmp_path / "made", "--n-voices", 2)
    options = ("--splits", "train=0.5,test=0.5", "--skip-unspeakable", "--rooms", 1, "--telephone")
    result = run(*arguments, *options, "--json")
    assert result.code == 0, result.err
    told = json.loads(result.out)
    assert told["n_utterances"] == 2
    assert told["skipped"].endswith("skipped.tsv")
    assert run("corpus", "validate", tmp_path / "made").code == 0
    refused = run(*arguments, *options, "--seed", 9)
    assert refused.code == 2
    assert "made from other texts or settings" in refused.err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("info", "absent"), "there is no corpus at absent"),
        (("validate", "."), "no kind of corpus that can be read"),
        (("convert", "small", "out", "--to", "csv"), "unknown kind of corpus to write 'csv'"),
        (("convert", "small", "out", "--split", "dev"), "it has test, train"),
        (("convert", "small", "small/a.flac"), "a file is in the way"),
        (("synthesize", "absent.txt", "out"), "cannot read absent.txt"),
        (("synthesize", "small/manifest.tsv", "out", "--splits", "train"), "--splits needs names and shares"),
        (("synthesize", "small/manifest.tsv", "out", "--n-voices", "1"), "1 voices cannot fill 3 splits"),
    ],
)
def test_bad_input_is_one_line_and_code_2(run, small, arguments, message):
    result = run("corpus", *arguments)
    assert result.code == 2
    assert result.err.count("\n") == 1
    assert message in result.err


def test_reading_loads_neither_torch_nor_lhotse(small):
    read = f"from otoscope import corpora; corpora.read_corpus({str(small)!r}); import sys; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", read], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert not {"torch", "lhotse", "scipy", "matplotlib"} & loaded
    assert "otoscope.corpora.reading" in loaded
