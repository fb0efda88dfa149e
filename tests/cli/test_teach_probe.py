"""`otoscope teach-probe`: a probe of a corpus's speakers, saved, judged, and explained by the next command."""

from __future__ import annotations

import json

import numpy as np
import pytest
import soundfile

from otoscope.cli.app import main
from otoscope.corpora.manifest import manifest_text
from otoscope.corpora.utterance import Utterance

TONES = {"low": 300, "high": 2500}


@pytest.fixture
def corpus(tmp_path):
    """Twelve sounds by each of two speakers, whose voices are a tone in noise."""
    rng, made = np.random.default_rng(0), []
    for n in range(24):
        speaker = ("low", "high")[n % 2]
        t = np.arange(4000) / 8000
        samples = 0.3 * np.sin(2 * np.pi * TONES[speaker] * t) + 0.02 * rng.standard_normal(4000)
        path = tmp_path / f"s{n}.wav"
        soundfile.write(path, samples, 8000)
        split = "test" if n >= 16 else "train"
        made.append(Utterance(f"s{n}", path, "one", speaker, split, 0.5))
    (tmp_path / "manifest.tsv").write_text(manifest_text(made, tmp_path))
    return tmp_path


def test_a_probe_is_taught_judged_and_explained(corpus, tmp_path, capsys):
    probe = tmp_path / "speaker.probe.json"
    asked = ["teach-probe", str(corpus), "-o", str(probe), "--recognizer", "ctc-digits"]
    assert main([*asked, "--split", "train", "--held-out", "test", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["labels"] == ["high", "low"]
    assert (told["accuracy"], told["n_taught"], told["n_held_out"], told["failures"]) == (1.0, 16, 8, [])
    page = tmp_path / "page.html"
    sound = str(corpus / "s23.wav")
    explained = ["explain", sound, "--recognizer", "ctc-digits", "--probe", str(probe), "--no-listener"]
    assert main([*explained, "--output", str(page), "--json"]) == 0
    assert "high" in capsys.readouterr().out
    assert page.stat().st_size > 10000


def test_labels_from_a_table_and_utterances_held_out(corpus, tmp_path, capsys):
    table = tmp_path / "drinks.csv"
    table.write_text("id,label\n" + "".join(f"s{n},{('tea', 'mocha')[n % 2]}\n" for n in range(24)))
    asked = ["teach-probe", str(corpus), "-o", str(tmp_path / "p.json"), "--recognizer", "ctc-digits"]
    assert main([*asked, "--labels", str(table)]) == 0
    assert "100.0% of 6 utterances" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--label", "sex"], "no table"),
        (["--split", "test", "--held-out", "test"], "cannot both be taught and judge"),
        (["--held-out", "valid"], "no utterance of split"),
        (["--label", "text"], "two labels at least"),
        (["--strength", "0"], "--strength"),
    ],
)
def test_what_cannot_be_taught_is_one_line(corpus, tmp_path, capsys, more, said):
    asked = ["teach-probe", str(corpus), "-o", str(tmp_path / "p.json"), "--recognizer", "ctc-digits", *more]
    assert main(asked) == 2
    err = capsys.readouterr().err
    assert said in err
    assert err.count("\n") == 1
    assert not (tmp_path / "p.json").exists()
