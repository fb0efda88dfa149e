"""Corpora of each kind are recognised and read, or refused with file and line."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
import soundfile

from otoscope.core import BadAudio, BadFormat, BadInput
from otoscope.corpora import read_corpus
from otoscope.corpora.converting import convert
from otoscope.corpora.reading import KINDS, kind_of
from otoscope.corpora.stretches import read_stretch


def test_each_kind_is_told_from_the_others(tmp_path, kaldi, common_voice, librispeech, shared_data):
    assert kind_of(kaldi) == kind_of(kaldi / "test") == "kaldi"
    assert kind_of(common_voice) == kind_of(common_voice / "other.tsv") == "common-voice"
    assert kind_of(librispeech) == kind_of(librispeech / "dev-clean") == kind_of(librispeech.parent) == "librispeech"
    assert kind_of(shared_data / "fsdd") == kind_of(shared_data / "fsdd" / "manifest.tsv") == "manifest"
    assert all(kind_of(path) in KINDS for path in shared_data.glob("*/manifest.tsv"))


def test_what_is_no_corpus_is_refused(tmp_path):
    with pytest.raises(BadInput, match="no such file or folder"):
        read_corpus(tmp_path / "absent")
    with pytest.raises(BadInput, match=r"no kind of corpus that can be read: a folder with manifest.tsv; Lhotse"):
        read_corpus(tmp_path)


def test_kaldi_folders(kaldi):
    train = read_corpus(kaldi, split="train")
    assert [(u.id, u.text, u.speaker, u.split, u.duration_s) for u in train] == [
        ("ann-a", "so my", "ann", "train", 0.4),
        ("bob-b", "well", "bob", "train", 0.7),
    ]
    assert len(read_corpus(kaldi)) == 5
    assert read_corpus(kaldi / "train") == train
    with pytest.raises(BadInput, match="no utterance of split 'dev'; it has test, train"):
        read_corpus(kaldi, split="dev")


def test_kaldi_segments_are_stretches_of_one_channel(kaldi):
    both, _ = soundfile.read(kaldi.parent / "wav" / "call.wav", dtype="float32")
    first, second, last = read_corpus(kaldi, split="test")
    assert (first.start_s, first.end_s, first.channel, first.duration_s) == (0.5, 1.25, 0, 0.75)
    assert np.array_equal(first.recording(rate_hz=None).samples, both[4000:10000, 0])
    assert np.array_equal(second.recording(rate_hz=None).samples, both[8000:20000, 1])
    assert (last.end_s, last.duration_s, last.text) == (None, 0.5, "")
    assert np.array_equal(last.recording(rate_hz=None).samples, both[20000:, 1])
    assert first.recording().rate_hz == 16000
    assert first.recording().duration_s == pytest.approx(0.75)
    assert pickle.loads(pickle.dumps(first)) == first


@pytest.mark.parametrize(
    ("file", "line", "message"),
    [
        ("wav.scp", "x sph2pipe -f wav x.sph |", r"wav.scp:3: commands are not run"),
        ("wav.scp", "x feats.ark:123", r"wav.scp:3: a sound file is needed, got 'feats.ark:123'"),
        ("wav.scp", "x absent.wav", r"wav.scp:3: utterance 'x' is not in text"),
        ("wav.scp", "ann-a other.wav", r"wav.scp:3: 'ann-a' stands in wav.scp twice"),
        ("text", "y who", r"text:3: utterance 'y' has no sound"),
        ("utt2spk", "z who", r"utt2spk:3: utterance 'z' has no sound"),
        ("segments", "ann-a ann-a 0.1", r"segments:1: a segment is an id, a recording, start and end"),
        ("segments", "ann-a ann-a 0.1 nan", r"segments:1: a segment is an id"),
        ("segments", "ann-a ann-a 0 1 1.5", r"segments:1: a segment is an id"),
        ("segments", "ann-a ann-a 0.3 0.2", r"segments:1: a segment must end after it begins, got 0.3 to 0.2 s"),
        ("segments", "ann-a ann-a 3 -1", r"segments:1: the segment begins at 3 s, its file ends at 0.400 s"),
        ("segments", "ann-a who 0 1", r"segments:1: recording 'who' is not in wav.scp"),
        ("utt2dur", "ann-a long", r"wav.scp:1: utt2dur says 'long'"),
    ],
)
def test_a_bad_kaldi_line_is_named(kaldi, file, line, message):
    path = kaldi / "train" / file
    path.write_text((path.read_text() if path.exists() else "") + line + "\n")
    with pytest.raises(BadFormat, match=message):
        read_corpus(kaldi / "train")


def test_kaldi_needs_its_three_files(kaldi):
    (kaldi / "train" / "utt2spk").unlink()
    with pytest.raises(BadInput, match="has no utt2spk; a Kaldi data folder needs"):
        read_corpus(kaldi)


def test_common_voice(common_voice):
    first, second, third = read_corpus(common_voice)
    assert (first.text, first.speaker, first.split, first.id) == ('She said "no.', "aa", "train", "c1")
    assert (second.text, third.split, third.text) == ("It's late", "dev", "Étude, please")
    assert second.duration_s == pytest.approx(0.6, abs=0.1)
    assert second.recording().duration_s == pytest.approx(second.duration_s, abs=1e-3)
    assert [u.id for u in read_corpus(common_voice / "other.tsv")] == ["c4"]
    with pytest.raises(BadInput, match="has no utterance of split 'test'; it has dev, train"):
        read_corpus(common_voice, split="test")


def test_common_voice_lengths_are_taken_from_their_table(common_voice, write_lines):
    write_lines(common_voice / "clip_durations.tsv", "clip\tduration[ms]", "c1.mp3\t4321", "c2.mp3\t100")
    assert read_corpus(common_voice)[0].duration_s == 4.321
    write_lines(common_voice / "clip_durations.tsv", "clip\tduration[ms]", "c1.mp3\tlong")
    with pytest.raises(BadFormat, match=r"clip_durations.tsv:2: a clip and its length"):
        read_corpus(common_voice)


def test_bad_common_voice_lines_are_named(common_voice):
    with (common_voice / "train.tsv").open("a") as file:
        file.write("aa\tc3.mp3\tfew\n")
    with pytest.raises(BadFormat, match=r"train.tsv:4: 3 columns, the heading has 5"):
        read_corpus(common_voice)
    (common_voice / "train.tsv").write_text("client_id\tpath\n")
    with pytest.raises(BadFormat, match=r"train.tsv:1: no column sentence"):
        read_corpus(common_voice)


def test_librispeech_trees(librispeech):
    everything = read_corpus(librispeech)
    assert [(u.id, u.text, u.speaker, u.split) for u in everything] == [
        ("84-121123-0000", "GO DO YOU HEAR", "84", "dev-clean"),
        ("84-121123-0001", "BUT IN LESS", "84", "dev-clean"),
        ("1088-134315-0000", "AS YOU KNOW", "1088", "train-clean-5"),
    ]
    assert everything[1].duration_s == 0.4
    assert read_corpus(librispeech.parent) == read_corpus(librispeech)
    assert read_corpus(librispeech / "dev-clean") == read_corpus(librispeech, split="dev-clean") == everything[:2]


def test_a_librispeech_line_without_its_sound_is_named(librispeech):
    (librispeech / "dev-clean" / "84" / "121123" / "84-121123-0001.flac").unlink()
    with pytest.raises(BadFormat, match=r"84-121123.trans.txt:2: utterance '84-121123-0001' has no sound file"):
        read_corpus(librispeech)


def test_our_manifest_knows_places_and_tiers(tmp_path, sound, write_lines):
    sound(tmp_path / "a.flac", 2.0, n_channels=2)
    heading = "id\tpath\tspeaker\ttext\tduration_s\tsplit\tstart_s\tend_s\tchannel"
    rows = ("x\ta.flac\tann\tso\t0.5\ttest\t1\t1.5\t1", "y\ta.flac\tann\tso\t2\ttest\t\t\t")
    write_lines(tmp_path / "manifest.tsv", heading, *rows)
    x, y = read_corpus(tmp_path)
    both = soundfile.read(tmp_path / "a.flac", dtype="float32")[0]
    assert np.array_equal(x.recording().samples, both[16000:24000, 1])
    assert np.allclose(y.recording().samples, both.mean(axis=1))
    with pytest.raises(BadInput, match="utterance 'x' has no tiers"):
        x.tiers()
    write_lines(tmp_path / "manifest.tsv", heading, "x\ta.flac\tann\tso\t0.5\ttest\tsoon\t1.5\t1")
    with pytest.raises(BadFormat, match=r"start_s must be a number of seconds of 0 or more, got 'soon'"):
        read_corpus(tmp_path)


@pytest.mark.parametrize("suffix", [".wav", ".flac", ".ogg", ".mp3"])
def test_a_stretch_is_the_same_as_a_cut_of_the_whole(tmp_path, suffix):
    path = tmp_path / f"tone{suffix}"
    rng = np.random.default_rng(1)
    soundfile.write(path, 0.1 * rng.standard_normal((66000, 2)), 22050)
    whole, rate = soundfile.read(path, dtype="float32")
    found = read_stretch(path, (0.7, 2.1), channel=1, rate_hz=None)
    expected = whole[round(0.7 * rate) : round(2.1 * rate), 1]
    assert np.allclose(found.samples, expected, atol=1e-6)


def test_a_stretch_that_is_not_there_is_refused(tmp_path, sound):
    path = sound(tmp_path / "a.flac", 1.0)
    assert read_stretch(path, (0.5, 1.03), rate_hz=None).n_samples == 8000
    with pytest.raises(BadAudio, match=r"a.flac: ends at 1.000 s, the utterance lies from 0.5 s to 1.2 s"):
        read_stretch(path, (0.5, 1.2))
    with pytest.raises(BadAudio, match=r"a.flac: ends at 1.500 s, the utterance lies from 1.5 s to its end"):
        read_stretch(path, (1.5, None))
    with pytest.raises(BadAudio, match="has no channel 1; it has 1, counted from 0"):
        read_stretch(path, (0.0, 0.5), channel=1)


def test_manifests_that_are_written_read_back_the_same(tmp_path, kaldi, librispeech):
    for corpus in (kaldi, librispeech):
        (path,) = convert(corpus, tmp_path / "out", to="manifest")
        assert read_corpus(path) == read_corpus(corpus)
    (path,) = convert(librispeech, librispeech, to="manifest")
    assert "\tdev-clean/84/121123/84-121123-0000.flac\t" in path.read_text()


def test_kaldi_folders_that_are_written_read_back_the_same(tmp_path, kaldi):
    written = convert(kaldi, tmp_path / "out", to="kaldi")
    assert {path.name for path in written} == {"wav.scp", "text", "utt2spk", "spk2utt", "utt2dur", "segments"}
    assert read_corpus(tmp_path / "out") == read_corpus(kaldi)
    assert (tmp_path / "out" / "test" / "spk2utt").read_text() == "cy cy-1\ndi di-1 di-2\n"


def test_kaldi_ids_get_their_speaker_in_front_where_the_order_needs_it(tmp_path, sound, write_lines):
    sound(tmp_path / "s.wav")
    rows = ("1\ts.wav\tzoe\tso\t0.5\ttrain", "2\ts.wav\tann\tso\t0.5\ttrain")
    write_lines(tmp_path / "manifest.tsv", "id\tpath\tspeaker\ttext\tduration_s\tsplit", *rows)
    convert(tmp_path, tmp_path / "out", to="kaldi")
    assert (tmp_path / "out" / "train" / "utt2spk").read_text() == "ann-2 ann\nzoe-1 zoe\n"
    write_lines(tmp_path / "manifest.tsv", "id\tpath\tspeaker\ttext\tduration_s\tsplit", rows[0].replace("zoe", "z o"))
    with pytest.raises(BadFormat, match="'z o' cannot be a name"):
        convert(tmp_path, tmp_path / "out", to="kaldi")
