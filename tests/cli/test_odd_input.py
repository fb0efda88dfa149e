"""Odd but usable recordings: heard like the plain one."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest
import soundfile
import soxr

from otoscope.recognizers import load
from otoscope.recognizers.registry import DEFAULT


@pytest.fixture(scope="module")
def heard(talk):
    from otoscope.core import Recording

    return load(DEFAULT).trace(Recording.read(talk)).text


def transcript(run, path) -> str:
    result = run("transcribe", path)
    assert result.code == 0, result.err
    return result.out.strip()


def test_24_bit_float_and_flac(run, tmp_path, speech, heard):
    for name, subtype in [("a.wav", "PCM_24"), ("b.wav", "FLOAT"), ("c.flac", "PCM_16")]:
        soundfile.write(tmp_path / name, speech, 16000, subtype=subtype)
        assert transcript(run, tmp_path / name) == heard


def test_stereo_is_averaged(run, tmp_path, speech, heard):
    soundfile.write(tmp_path / "stereo.wav", np.stack([speech, speech], axis=1), 16000)
    assert transcript(run, tmp_path / "stereo.wav") == heard


def test_8_bit_and_96_khz_are_understood(run, tmp_path, speech, heard):
    soundfile.write(tmp_path / "coarse.wav", speech, 16000, subtype="PCM_U8")
    soundfile.write(tmp_path / "fine.wav", soxr.resample(speech, 16000, 96000), 96000)
    assert set(transcript(run, tmp_path / "coarse.wav").split()) & set(heard.split())
    assert set(transcript(run, tmp_path / "fine.wav").split()) & set(heard.split())


def test_json_says_where_each_word_lies(run, talk, heard):
    result = run("transcribe", talk, "--json")
    tiers = {tier["name"]: tier["intervals"] for tier in json.loads(result.out)["tiers"]}
    assert [interval["label"] for interval in tiers["words"]] == heard.split()
    assert all(0 <= i["start_s"] < i["end_s"] for i in tiers["words"])


def test_a_folder_for_transcripts_is_made(run, talk, tmp_path):
    result = run("transcribe", talk, "--recognizer", "ctc-digits", "--format", "ctm", "--output", "made/tiers")
    assert result.code == 0, result.err
    assert (tmp_path / "made" / "tiers" / "talk.ctm").read_text().startswith("talk 1 ")


def test_names_that_the_terminal_cannot_show_are_escaped(spawn, talk, tmp_path, monkeypatch):
    shutil.copy(talk, tmp_path / "café.flac")
    monkeypatch.setenv("PYTHONIOENCODING", "ascii:strict")
    process = spawn("transcribe", "café.flac", "--recognizer", "ctc-digits", "--format", "ctm", cwd=tmp_path)
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    assert out.startswith("caf\\xe9 1 ")


def test_studies_are_listed_as_json(run):
    assert "planted-cue" in json.loads(run("study", "list", "--json").out)
    listed = run("study", "list").out
    assert "n_utterances" in listed
    assert "features" in listed
    assert "progress" not in listed


def test_a_word_asked_for_twice_is_explained_once(run, talk):
    words = ("--word", "one", "--word", "one")
    result = run("explain", talk, "--recognizer", "ctc-digits", "--method", "leave-one-out", *words, "--json")
    assert [row["word"] for row in json.loads(result.out)["words"]] == ["one"]


def test_json_of_several_recordings_is_a_line_each_and_a_bad_one_keeps_the_others(run, talk, tmp_path):
    broken = tmp_path / "broken.wav"
    broken.write_bytes(b"no sound")
    result = run("transcribe", talk, talk, broken, "--json")
    assert result.code == 2
    assert [json.loads(line)["recording_id"] for line in result.out.splitlines()] == ["talk", "talk"]
    assert "broken.wav" in result.err
    assert "2 of 3 recordings were finished and are kept" in result.err
