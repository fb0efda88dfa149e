"""`otoscope listen`: a page, JSON, files, and one line for what cannot be."""

from __future__ import annotations

import json

import numpy as np
import pytest

from otoscope.cli import listen_long
from otoscope.cli.app import main
from otoscope.cli.listen import BORROWED_WEIGHT
from otoscope.corpora.sample import sample_recording
from otoscope.io.audio import write_recording
from otoscope.listener.ears.ears import Ears

TABLE = "word\tphones\tper_million\nboy\tB OY\t100\nwas\tW AA Z\t900\nthere\tDH EH R\t700\nsun\tS AH N\t80\n"


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_recording(sample_recording().cut(3.3, 4.6), tmp_path / "talk.wav")
    (tmp_path / "words.tsv").write_text(TABLE, encoding="utf-8")
    return tmp_path


def test_a_page_says_what_a_listener_would_have_heard(here, capsys):
    assert main(["listen", "talk.wav", "--recognizer", "ctc-digits", "--lexicon", "words.tsv", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert "would have heard" in told["summary"]
    assert told["provenance"]["n_words"] == 4
    assert {"recogniser", "listener", "why"} <= set(told["table"][0])
    page = (here / "talk.listen.html").read_text(encoding="utf-8")
    assert "Words compete" in page
    assert "<audio" in page


def test_alone_or_running_can_be_told(here, capsys):
    arguments = ["listen", "talk.wav", "--recognizer", "none", "--lexicon", "words.tsv", "--json"]
    assert main([*arguments, "--alone"]) == 0
    alone = json.loads(capsys.readouterr().out)
    assert main([*arguments, "--running", "--export", "out"]) == 0
    running = json.loads(capsys.readouterr().out)
    assert len(alone["table"]) <= 1 < len(running["table"])
    assert any((here / "out").iterdir())
    assert {row["why"] for row in (*alone["table"], *running["table"])} == {None}, "there is nothing to compare with"
    rates = running["rates"]
    assert rates["n_words"] == len(running["table"])
    assert rates["n_decided"] == sum(row["decided_s"] is not None for row in running["table"])
    assert rates["winners_per_s"] == pytest.approx(rates["n_decided"] / rates["speech_s"], abs=1e-3)
    assert f"{rates['winners_per_s']:.1f} winners a second" in running["summary"]


def test_other_ears_are_heard_through(here, capsys):
    Ears.load().save(here / "mine")
    common = ["listen", "talk.wav", "--recognizer", "none", "--lexicon", "words.tsv", "--json"]
    assert main([*common, "--ears", "mine"]) == 0
    own = json.loads(capsys.readouterr().out)["provenance"]
    assert main([*common, "--ears", "otoscope-en"]) == 0
    borrowed = json.loads(capsys.readouterr().out)["provenance"]
    assert (own["ears"]["name"], borrowed["ears"]["name"]) == ("listener-en", "otoscope-en")
    assert borrowed["frequency_weight"] == BORROWED_WEIGHT < own["frequency_weight"]


def test_letters_are_heard_as_words_are_written(here, capsys):
    pytest.importorskip("espeakng_loader", reason="speech is synthesised with the extra synth")
    from otoscope.listener.ears.voices import VALIDATION
    from otoscope.listener.stimuli import Speaker

    write_recording(Speaker(voice=VALIDATION[0]).word("nine").sound, here / "nine.wav")
    arguments = ["listen", "nine.wav", "--recognizer", "none", "--alone", "--json", "--ears", "ctc-digits"]
    assert main(arguments) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["provenance"]["n_words"] > 90_000
    assert [row["listener"] for row in told["table"]] == ["nine"]
    assert main([*arguments, "--lexicon", "words.tsv"]) == 2
    assert "the front end has no phones" in capsys.readouterr().err


@pytest.fixture
def long(here, monkeypatch):
    """Twelve seconds are long, and pieces last four."""
    sample = sample_recording()
    samples = np.concatenate([sample.cut(3.3, 4.6).samples, np.zeros(sample.rate_hz // 5, np.float32)])
    write_recording(sample.with_samples(np.tile(samples, 8)), here / "long.wav")
    monkeypatch.setattr("otoscope.cli.listen.AT_ONCE_S", 5.0)
    monkeypatch.setattr("otoscope.listener.running_pieces.PIECE_S", 4.0)
    return here


def test_a_long_recording_is_told_in_pieces(long, capsys):
    arguments = ["listen", "long.wav", "--recognizer", "ctc-digits", "--lexicon", "words.tsv", "--json"]
    assert main([*arguments, "--export", "out"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert len(told["pages"]) == len(told["pieces"]) >= 3
    overview = (long / told["page"]).read_text(encoding="utf-8")
    for name, piece in zip(told["pages"], told["pieces"], strict=True):
        assert f'href="{name}"' in overview
        assert "Words compete" in (long / name).read_text(encoding="utf-8")
        assert piece["end_s"] - piece["start_s"] < 6.1
    assert [one["end_s"] for one in told["pieces"][:-1]] == [other["start_s"] for other in told["pieces"][1:]]
    heard = [row for row in told["table"] if row["listener"] is not None]
    assert told["rates"]["n_words"] == len(heard) == sum(piece["n_words"] for piece in told["pieces"])
    starts = [row["start_s"] for row in heard]
    assert starts[-1] > 9, "times are those of the whole recording"
    assert f"{told['rates']['winners_per_s']:.1f} winners a second" in told["summary"]
    assert sum(piece["same"] for piece in told["pieces"]) == sum(row["why"] == "same" for row in told["table"])
    exported = json.loads((long / "out" / "listener.json").read_text(encoding="utf-8"))
    assert exported["table"] == told["table"]
    assert (long / "out" / "piece-02" / "listener.json").is_file()


def test_what_was_heard_before_ctrl_c_is_kept(long, capsys, monkeypatch):
    kept = listen_long._keep

    def stopped(asked, told, piece, finding):
        if told.pages:
            raise KeyboardInterrupt
        kept(asked, told, piece, finding)

    monkeypatch.setattr(listen_long, "_keep", stopped)
    arguments = ["listen", "long.wav", "--recognizer", "none", "--lexicon", "words.tsv"]
    assert main(arguments) == 130
    err = capsys.readouterr().err
    assert "kept in long.listen.html" in err
    assert "Stopped at 0:0" in (long / "long.listen.html").read_text(encoding="utf-8")
    assert [path.name for path in long.glob("long.listen-*")] == ["long.listen-01.html"]
    monkeypatch.setattr(listen_long, "_keep", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    assert main(arguments) == 130
    assert "nothing was heard yet" in capsys.readouterr().err


def test_other_ears_hear_a_long_recording(long, capsys):
    arguments = ["listen", "long.wav", "--recognizer", "none", "--lexicon", "words.tsv", "--json"]
    assert main([*arguments, "--ears", "otoscope-en"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["provenance"]["ears"]["name"] == "otoscope-en"
    assert len(told["pieces"]) >= 3
    assert all(row["why"] is None for row in told["table"])
    assert told["pieces"][0]["same"] is None


def test_one_word_alone_is_not_long(long, capsys):
    assert main(["listen", "long.wav", "--alone", "--recognizer", "none"]) == 2
    assert "one word said alone" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["none.wav"], "none.wav"),
        (["talk.wav", "--lexicon", "nowhere.tsv"], "nowhere.tsv"),
        (["talk.wav", "--frequency-weight", "-3", "--recognizer", "none"], "between 0 and 100"),
        (["talk.wav", "--ears", "nobody", "--recognizer", "none"], "nobody"),
        (["talk.wav", "--output", "nowhere/page.html"], "nowhere"),
    ],
)
def test_what_cannot_be_done_is_one_line(here, capsys, arguments, words):
    assert main(["listen", *arguments]) == 2
    err = capsys.readouterr().err.strip().splitlines()
    assert len(err) == 1
    assert words in err[0]
