"""Lhotse manifests in and out, with lhotse's own loaders as oracle."""

from __future__ import annotations

import dataclasses
import gzip
import json
import sys

import numpy as np
import pytest

from otoscope.core import BadFormat, BadInput, Interval, MissingExtra, Tier
from otoscope.corpora import convert, from_lhotse, read_corpus, to_lhotse, write_manifest

lhotse = pytest.importorskip("lhotse")

TIERS = (
    Tier("words", (Interval(0.05, 0.2, "so", -0.5, "synthetic"), Interval(0.2, 0.35, "my", -1.0, "synthetic"))),
    Tier("phones", (Interval(0.05, 0.1, "s", None, "synthetic"), Interval(0.1, 0.2, "oU", None, "synthetic"))),
)


def plain(utterances):
    """Utterances without where they come from; times to the microsecond, as Lhotse rounds."""
    return [
        dataclasses.replace(
            u, duration_s=round(u.duration_s, 6), end_s=None if u.end_s is None else round(u.end_s, 6), where=""
        )
        for u in utterances
    ]


def same_sound(cut, utterance):
    theirs = cut.load_audio().mean(axis=0)
    ours = utterance.recording(rate_hz=None).samples
    return theirs.shape == ours.shape and np.allclose(theirs, ours, atol=1e-6)


@pytest.mark.parametrize("corpus", ["kaldi", "librispeech", "common_voice"])
def test_cuts_hold_the_same_sound_and_come_back_the_same(corpus, request):
    utterances = read_corpus(request.getfixturevalue(corpus))
    cuts = to_lhotse(utterances)
    assert [cut.id for cut in cuts] == [u.id for u in utterances]
    assert [cut.supervisions[0].text for cut in cuts] == [u.text for u in utterances]
    assert all(same_sound(cut, u) for cut, u in zip(cuts, utterances, strict=True))
    assert plain(from_lhotse(cuts)) == plain(utterances)


def test_the_mean_of_two_channels_is_a_multi_cut(tmp_path, sound, write_lines):
    sound(tmp_path / "a.wav", 1.0, n_channels=2)
    write_lines(tmp_path / "manifest.tsv", "id\tpath\tspeaker\ttext\tduration_s\tsplit", "a\ta.wav\tann\tso\t1\ttest")
    utterances = read_corpus(tmp_path)
    (cut,) = to_lhotse(utterances)
    assert isinstance(cut, lhotse.MultiCut)
    assert same_sound(cut, utterances[0])
    assert plain(from_lhotse([cut])) == plain(utterances)


def test_written_cuts_open_in_lhotse_and_here(tmp_path, kaldi):
    written = convert(kaldi, tmp_path / "out", to="lhotse")
    assert [path.name for path in written] == ["cuts_test.jsonl.gz", "cuts_train.jsonl.gz"]
    cuts = lhotse.CutSet.from_file(written[0])
    utterances = read_corpus(written[0])
    assert all(same_sound(cut, u) for cut, u in zip(cuts, utterances, strict=True))
    assert plain(read_corpus(tmp_path / "out")) == plain(read_corpus(kaldi))
    written[0].rename(tmp_path / "elsewhere.jsonl.gz")
    assert plain(read_corpus(tmp_path / "elsewhere.jsonl.gz")) == plain(read_corpus(kaldi, split="test"))
    assert plain(read_corpus(tmp_path / "out", split="train")) == plain(read_corpus(kaldi, split="train"))


def test_recordings_and_supervisions_as_recipes_write_them(tmp_path, sound):
    sides = [sound(tmp_path / "audio" / name, 3.0, rate_hz=8000) for name in ("left.wav", "right.wav")]
    sources = [lhotse.AudioSource("file", [i], f"audio/{path.name}") for i, path in enumerate(sides)]
    recording = lhotse.Recording("call", sources, 8000, 24000, 3.0)
    supervisions = [
        lhotse.SupervisionSegment("u1", "call", 0.5, 1.0, channel=0, text="so  my", speaker="ann"),
        lhotse.SupervisionSegment("u2", "call", 1.25, 1.75, channel=1),
    ]
    lhotse.RecordingSet.from_recordings([recording]).to_file(tmp_path / "calls_recordings_dev.jsonl.gz")
    lhotse.SupervisionSet.from_segments(supervisions).to_file(tmp_path / "calls_supervisions_dev.jsonl.gz")
    first, second = read_corpus(tmp_path)
    assert (first.text, first.speaker, first.split, first.start_s, first.end_s) == ("so my", "ann", "dev", 0.5, 1.5)
    assert (second.path, second.channel, second.start_s, second.end_s) == (sides[1], None, 1.25, None)
    right = lhotse.AudioSource("file", [0], str(sides[1])).load_audio(offset=1.25, duration=1.75)[0]
    assert np.allclose(second.recording(rate_hz=None).samples, right)
    (tmp_path / "calls_recordings_dev.jsonl.gz").unlink()
    with pytest.raises(BadInput, match=r"needs its recordings beside it, in calls_recordings_dev.jsonl.gz"):
        read_corpus(tmp_path)


def test_a_cut_with_two_supervisions_is_two_utterances(tmp_path, sound):
    recording = lhotse.Recording.from_file(sound(tmp_path / "talk.wav", 4.0))
    cut = lhotse.MonoCut(
        "c", 1.0, 2.5, 0, recording=recording,
        supervisions=[
            lhotse.SupervisionSegment("s1", "talk", 0.0, 1.0, text="one", speaker="ann"),
            lhotse.SupervisionSegment("s2", "talk", 1.5, 1.0, text="two", speaker="bob"),
        ],
    )  # fmt: skip
    trimmed = lhotse.CutSet.from_cuts([cut]).trim_to_supervisions()
    utterances = from_lhotse([cut], split="train")
    assert [(u.id, u.text, u.start_s, u.end_s, u.split) for u in utterances] == [
        ("s1", "one", 1.0, 2.0, "train"),
        ("s2", "two", 2.5, 3.5, "train"),
    ]
    assert all(same_sound(part, u) for part, u in zip(trimmed, utterances, strict=True))
    (bare,) = from_lhotse([cut.drop_supervisions()])
    assert (bare.id, bare.text, bare.start_s, bare.end_s) == ("c", "", 1.0, 3.5)


def test_what_is_no_plain_sound_file_is_refused(tmp_path, sound):
    recording = lhotse.Recording.from_file(sound(tmp_path / "talk.wav", 1.0))
    cut = recording.to_cut()
    for changed, message in (
        (cut.pad(duration=2.0), "a MixedCut has no one sound file"),
        (cut.perturb_speed(1.1), "is changed on the fly"),
        (cut.move_to_memory(), "is of type 'memory'"),
        (lhotse.MonoCut("f", 0.0, 1.0, 0), "holds features alone"),
    ):
        with pytest.raises(BadInput, match=message):
            from_lhotse([changed])


def test_a_bad_line_is_named(tmp_path, kaldi):
    (path, *_) = convert(kaldi, tmp_path / "out", to="lhotse")
    with gzip.open(path, "at") as file:
        file.write("{not json\n")
    with pytest.raises(BadFormat, match=r"cuts_test.jsonl.gz:4: no Lhotse item"):
        read_corpus(path)
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(BadFormat, match="cannot be read"):
        read_corpus(path)


def test_words_and_phones_travel_as_alignments(tmp_path, kaldi):
    timed = [dataclasses.replace(read_corpus(kaldi, split="train")[0], annotation=TIERS)]
    (cut,) = to_lhotse(timed)
    assert [item.symbol for item in cut.supervisions[0].alignment["word"]] == ["so", "my"]
    assert cut.supervisions[0].alignment["phone"][1].end == pytest.approx(0.2)
    lhotse.CutSet.from_cuts([cut]).to_file(tmp_path / "cuts_train.jsonl")
    (back,) = read_corpus(tmp_path / "cuts_train.jsonl")
    assert back.tiers() == TIERS
    (manifest,) = write_manifest([back], tmp_path / "out")
    (again,) = read_corpus(manifest)
    assert again.annotation == tmp_path / "out" / "tiers" / "ann-a.json"
    assert again.tiers() == TIERS


def test_kaldi_folders_agree_with_lhotse(tmp_path, kaldi):
    from lhotse.kaldi import export_to_kaldi, load_kaldi_data_dir

    convert(kaldi, tmp_path / "out", to="kaldi")
    recordings, _, _ = load_kaldi_data_dir(tmp_path / "out" / "train", sampling_rate=16000)
    ours = {u.id: u for u in read_corpus(kaldi, split="train")}
    assert {r.id: r.duration for r in recordings} == {name: u.duration_s for name, u in ours.items()}
    for recording in recordings:
        assert np.allclose(recording.load_audio()[0], ours[recording.id].recording().samples)
    cuts = to_lhotse(read_corpus(kaldi, split="train"))
    recordings, supervisions, _ = cuts.decompose()
    theirs = tmp_path / "theirs"
    theirs.mkdir()
    export_to_kaldi(recordings, supervisions, theirs)
    found = read_corpus(theirs)
    assert [(u.id, u.text, u.speaker) for u in found] == [(u.id, u.text, u.speaker) for u in ours.values()]
    for utterance in found:
        assert np.allclose(utterance.recording().samples, ours[utterance.id].recording().samples)


def test_without_lhotse_the_extra_is_named(kaldi, monkeypatch):
    utterances = read_corpus(kaldi)
    monkeypatch.setitem(sys.modules, "lhotse", None)
    with pytest.raises(MissingExtra, match=r"needs lhotse, which is not installed: pip install 'otoscope\[corpora\]'"):
        to_lhotse(utterances)


@pytest.mark.filterwarnings("ignore:You are using DynamicBucketingSampler:UserWarning")
def test_samplers_take_our_cuts(kaldi):
    from lhotse.dataset import DynamicBucketingSampler

    cuts = to_lhotse(read_corpus(kaldi))
    batches = list(DynamicBucketingSampler(cuts, max_duration=2.0, num_buckets=2, shuffle=False))
    assert sorted(cut.id for batch in batches for cut in batch) == sorted(cut.id for cut in cuts)
    assert json.dumps(next(iter(cuts)).to_dict())
