"""Bad input: one clear line on stderr, exit code 2, nothing on stdout, nothing half-written."""

from __future__ import annotations

import os
import resource
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile


def write(path: Path, samples: np.ndarray, rate: int = 16000, **options: str) -> Path:
    soundfile.write(path, samples, rate, **options)
    return path


def refused(result, *parts: str) -> None:
    """The one line starts with the program's name and says what was given."""
    assert result.code == 2, result
    assert result.out == ""
    assert result.err.count("\n") == 1, result.err
    assert result.err.startswith("otoscope: ")
    for part in parts:
        assert part in result.err, result.err


VERBS = [("explain",), ("transcribe",), ("align", "--text", "go forward")]


@pytest.fixture(params=VERBS, ids=[verb[0] for verb in VERBS])
def verb(request: pytest.FixtureRequest) -> tuple[str, ...]:
    return request.param


def with_file(verb: tuple[str, ...], path: Path) -> tuple[object, ...]:
    return (verb[0], path, *verb[1:])


def test_missing_file(run, verb, tmp_path):
    refused(run(*with_file(verb, tmp_path / "nothing.wav")), "nothing.wav", "no such file")


def test_folder(run, verb, tmp_path):
    (tmp_path / "folder.wav").mkdir()
    refused(run(*with_file(verb, tmp_path / "folder.wav")), "folder.wav", "folder")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"These are words, not sound.\n" * 50,
        bytes(np.random.default_rng(0).integers(0, 256, 5000, dtype=np.uint8)),
        b"RIFF\x24\x00\x00\x00WAVEfmt ",
    ],
    ids=["empty", "text", "random", "truncated header"],
)
def test_not_audio(run, verb, tmp_path, content):
    path = tmp_path / "talk.wav"
    path.write_bytes(content)
    refused(run(*with_file(verb, path)), "talk.wav")


def test_nan(run, verb, tmp_path, speech):
    broken = speech.copy()
    broken[1000:1010] = np.nan
    path = write(tmp_path / "nan.wav", broken, subtype="FLOAT")
    refused(run(*with_file(verb, path)), "nan.wav", "NaN")


def test_silence(run, verb, tmp_path):
    path = write(tmp_path / "silence.wav", np.zeros(32000))
    refused(run(*with_file(verb, path)), "silence.wav", "silent")


def test_ten_milliseconds(run, verb, tmp_path, speech):
    path = write(tmp_path / "blip.wav", speech[8000:8160])
    refused(run(*with_file(verb, path)), "blip.wav", "0.010 s")


def test_two_hours_are_too_long_to_explain_at_once(run, tmp_path):
    path = tmp_path / "long.flac"
    with soundfile.SoundFile(path, "w", 16000, 1) as file:
        for _ in range(120):
            file.write(np.zeros(60 * 16000, dtype=np.float32))
    refused(run("explain", path), "2.0 h", "--start")
    refused(result := run("align", path, "--text", "go"), "2.0 h", "shorter")
    assert "--start" not in result.err, "align has no such option"


def test_a_text_that_does_not_fit(run, talk):
    text = "colourless green ideas sleep furiously beside the harbour while nobody listens to the orchestra " * 3
    refused(run("align", talk, "--text", text))


def test_no_text(run, talk):
    refused(run("align", talk), "--text")


def test_unknown_recognizer(run, verb, talk):
    refused(run(*with_file(verb, talk), "--recognizer", "poketsphinx"), "poketsphinx", "did you mean pocketsphinx")


def test_unknown_format(run, talk):
    refused(run("transcribe", talk, "--format", "texgrid"), "texgrid", "did you mean textgrid")


def test_unknown_method(run, talk):
    refused(run("explain", talk, "--method", "shaply", "--recognizer", "ctc-digits"), "shaply", "did you mean shapley")


def test_unknown_verb_and_option(run, talk):
    refused(run("explian", talk), "explian")
    refused(run("explain", talk, "--colour", "red"), "--colour")


def test_unknown_study(run):
    refused(run("study", "planted-clue"), "planted-clue", "did you mean planted-cue")


def test_corrupt_weights(run, talk, tmp_path):
    import otoscope as oto

    folder = tmp_path / "mine"
    oto.load("ctc-digits").save(folder)
    weights = next(folder.glob("*.safetensors"))
    content = bytearray(weights.read_bytes())
    content[-100] ^= 0xFF
    weights.write_bytes(bytes(content))
    refused(run("transcribe", talk, "--recognizer", folder), "mine")


@pytest.mark.parametrize("verb", ["explain", "align"])
def test_output_where_there_is_no_folder(run, talk, verb):
    text = ("--text", "go") if verb == "align" else ()
    refused(run(verb, talk, *text, "--output", "nowhere/talk.out"), "nowhere")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_output_without_permission(run, talk, tmp_path):
    (tmp_path / "locked").mkdir(mode=0o500)
    refused(run("explain", talk, "--output", "locked/talk.html"), "locked", "permission")


def test_output_is_a_folder(run, talk, tmp_path):
    (tmp_path / "taken").mkdir()
    refused(run("explain", talk, "--output", "taken"), "taken", "folder")


def test_words_out_of_range(run, talk):
    refused(run("explain", talk, "--recognizer", "ctc-digits", "--word", "99"), "99")


@pytest.mark.parametrize("verb", [("explain", "talk.flac"), ("study", "planted-cue")], ids=["explain", "study"])
def test_negative_seed(run, verb):
    refused(run(*verb, "--seed", "-1"), "--seed", "0")


def test_a_word_that_only_looks_like_a_number(run, talk):
    refused(run("explain", talk, "--recognizer", "ctc-digits", "--word", "²"), "²")


def test_output_of_transcribe_names_a_file(run, talk, tmp_path):
    refused(run("transcribe", talk, "--recognizer", "ctc-digits", "--output", "talk.srt"), "talk.srt", "folder")
    assert not (tmp_path / "talk.srt").exists()


@pytest.mark.skipif(sys.platform != "linux", reason="uses RLIMIT_FSIZE in a child process")
def test_no_room_for_the_page_keeps_the_work(spawn, talk, tmp_path):
    """A file-size limit stands for a full disk: the same error comes out of the same write."""

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, 60_000))

    arguments = ("explain", talk, "--recognizer", "ctc-digits", "--n-masks", "16", "--output", tmp_path / "talk.html")
    process = spawn(*arguments, cwd=tmp_path, preexec_fn=limit)
    out, err = process.communicate(timeout=120)
    assert process.returncode == 2, (out, err)
    assert err.startswith("otoscope: cannot ")
    assert err.count("\n") == 1
    assert not (tmp_path / "talk.html").exists()
    assert not list(tmp_path.glob("*.tmp")), "a partial page was left behind"
