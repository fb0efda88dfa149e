"""Manifests are read whole or refused with file and line."""

from __future__ import annotations

import pytest

from otoscope.core import BadFormat, BadInput
from otoscope.corpora.manifest import check_speakers_disjoint, read_manifest

HEADING = "id\tpath\tspeaker\ttext\tduration_s\tsplit"


def write(folder, *lines, heading=HEADING):
    (folder / "manifest.tsv").write_text("\n".join([heading, *lines]) + "\n", encoding="utf-8")
    return folder


def test_lines_become_utterances_in_order(tmp_path):
    write(tmp_path, "b\tx/b.flac\tann\t so  my \t1.5\ttrain", "", "a\ta.wav\tbob\tdag, allemaal\t0.2\ttest")
    first, second = read_manifest(tmp_path)
    assert (first.id, first.path, first.text, first.speaker, first.duration_s) == (
        "b",
        tmp_path / "x" / "b.flac",
        "so my",
        "ann",
        1.5,
    )
    assert second.text == "dag, allemaal"
    assert read_manifest(tmp_path, split="test") == (second,)
    assert read_manifest(tmp_path / "manifest.tsv") == (first, second)


def test_further_columns_and_their_order_do_not_matter(tmp_path):
    write(tmp_path, "train\ty\ta\tann\tso\ta.wav\t1", heading="split\textra\tid\tspeaker\ttext\tpath\tduration_s")
    assert read_manifest(tmp_path)[0].text == "so"


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("a\ta.wav\tann\tso\t1.5", r"manifest.tsv:3: 5 columns, the heading has 6"),
        ("a\ta.wav\tann\tso\tlong\ttrain", r"manifest.tsv:3: duration_s must be .* got 'long'"),
        ("a\ta.wav\tann\tso\tnan\ttrain", r"manifest.tsv:3: duration_s"),
        ("a\ta.wav\tann\tso\t0\ttrain", r"manifest.tsv:3: duration_s"),
        ("a\t\tann\tso\t1\ttrain", r"manifest.tsv:3: column path is empty"),
        ("ok\ta.wav\tann\tso\t1\ttrain", r"manifest.tsv:3: utterance 'ok' stands in the manifest twice"),
    ],
)
def test_a_bad_line_is_named(tmp_path, line, message):
    write(tmp_path, "ok\tok.wav\tann\tso\t1\ttrain", line)
    with pytest.raises(BadFormat, match=message):
        read_manifest(tmp_path)


def test_what_is_not_a_manifest_is_refused(tmp_path):
    with pytest.raises(BadInput, match="no corpus manifest at"):
        read_manifest(tmp_path)
    write(tmp_path, heading="id\tpath")
    with pytest.raises(BadFormat, match=r"manifest.tsv:1: no column speaker, text, duration_s, split"):
        read_manifest(tmp_path)
    (tmp_path / "manifest.tsv").write_bytes(b"\xff\xfe\x00\x80")
    with pytest.raises(BadInput, match="cannot be read"):
        read_manifest(tmp_path)


def test_an_unknown_split_names_those_there_are(tmp_path):
    write(tmp_path, "a\ta.wav\tann\tso\t1\ttrain", "b\tb.wav\tbob\tso\t1\tvalid")
    with pytest.raises(BadInput, match="split 'dev'; it has train, valid"):
        read_manifest(tmp_path, split="dev")


def test_a_speaker_in_two_splits_is_found(tmp_path):
    write(tmp_path, "a\ta.wav\tann\tso\t1\ttrain", "b\tb.wav\tunknown\tso\t1\ttrain", "c\tc.wav\tunknown\tso\t1\ttest")
    check_speakers_disjoint(read_manifest(tmp_path))
    write(tmp_path, "a\ta.wav\tann\tso\t1\ttrain", "b\tb.wav\tann\tso\t1\ttest")
    with pytest.raises(BadInput, match="'ann' stands in splits train and test"):
        check_speakers_disjoint(read_manifest(tmp_path))


def test_real_manifests_are_read_and_keep_speakers_apart(shared_data):
    folders = [path.parent for path in sorted(shared_data.glob("*/manifest.tsv"))]
    assert folders
    for folder in folders:
        utterances = read_manifest(folder)
        assert all(u.path.is_file() for u in utterances[:3])
    digits = read_manifest(shared_data / "fsdd")
    assert len(digits) == 1250
    check_speakers_disjoint(digits)
