"""Robustness, boundaries, the ladder, deep against classical: with recognisers whose answers are known."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from otoscope.core import (
    Alignment,
    BadInput,
    DoesNotFit,
    Hypothesis,
    Interrupted,
    Interval,
    Provenance,
    Recording,
    Tier,
    Trace,
)
from otoscope.io.audio import write_recording
from otoscope.recognizers.evaluation import Entrant
from otoscope.signal.levels import active_level_db, rms_db
from otoscope.studies import boundaries, boundary_speech, deep_vs_classical, ladder, robustness
from otoscope.studies.boundary_speech import Spoken
from otoscope.studies.entrants import entrants_of

TEXT = "so my fellow listeners"


class Ear:
    """Hears the text where the recording is as short and loud as it was; loses the last words otherwise."""

    def __init__(self, name: str, n_lost: int) -> None:
        self.name, self.n_lost = name, n_lost

    @property
    def provenance(self) -> Provenance:
        return Provenance(self.name, "1", None, {"n_lost": self.n_lost})

    def trace(self, recording: Recording, *, record: Sequence[str] = ()) -> Trace:
        noisy = rms_db(recording.cut(0, 0.3)) > -60  # the corpus begins with silence
        words = TEXT.split()
        heard = tuple(words[: len(words) - self.n_lost * noisy])
        return Trace(recording, (Hypothesis(heard),), self.provenance)

    def score(self, recordings, targets, *, progress=None):
        return np.zeros((len(recordings), len(targets)))


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    folder = tmp_path / "corpus"
    folder.mkdir()
    rows = ["id\tpath\tspeaker\ttext\tduration_s\tsplit"]
    rng = np.random.default_rng(0)
    for index in range(6):
        tone = np.concatenate([np.zeros(8000), 0.2 * rng.normal(size=8000)])
        write_recording(Recording(tone, 16000), folder / f"{index}.wav")
        split = ("train", "valid", "test")[index % 3]
        rows.append(f"{index}\t{index}.wav\t{split}{index}\t{TEXT}\t1.0\t{split}")
    (folder / "manifest.tsv").write_text("\n".join(rows) + "\n")
    return folder


def test_robustness_has_a_row_for_every_condition_and_recogniser(corpus, tmp_path):
    ears = [Ear("sharp", 0), Ear("dull", 2)]
    told = []
    result = robustness.run(corpus, ears, split="test", noises="white,pink", progress=lambda *n: told.append(n))
    rows = {(row["recognizer"], row["condition"]): row["wer"] for row in result.table}
    assert len(rows) == 2 * len(robustness.conditions_of(["white"], seed=0)) == 28
    assert rows["sharp", "0.0 dB SNR"] == 0.0
    assert rows["dull", "clean"] == 0.0
    assert rows["dull", "20.0 dB SNR"] == rows["dull", "0.0 dB SNR"] == 0.5
    assert told[-1][0] == told[-1][1]
    noise, *_ = result.panels
    assert noise.data["x"] == [0.0, 5.0, 10.0, 15.0, 20.0, 25]
    assert [series["y"][-1] for series in noise.data["series"]] == [0.0, 0.0]
    from otoscope.views.figures import figure

    assert len(figure(result).axes) >= 4


def test_robustness_goes_on_from_its_folder_and_needs_noises(corpus, tmp_path):
    ear = Ear("sharp", 0)
    robustness.run(corpus, [ear], split="test", noises="white", out=tmp_path / "kept")
    lines = (tmp_path / "kept" / "sharp" / "answers.jsonl").read_text().count('"answer"')
    assert lines == 14 * 2
    robustness.run(corpus, [ear], split="test", noises="white", out=tmp_path / "kept")
    assert (tmp_path / "kept" / "sharp" / "answers.jsonl").read_text().count('"answer"') == lines
    with pytest.raises(BadInput, match="there are no noises at"):
        robustness.run(corpus, [ear], split="test")
    beside = tmp_path / "esc10-noise"
    beside.mkdir()
    write_recording(Recording(np.random.default_rng(1).normal(scale=0.1, size=4000), 16000), beside / "n.wav")
    (beside / "manifest.tsv").write_text(
        "id\tpath\tspeaker\ttext\tduration_s\tsplit\nn\tn.wav\tnoise\train\t0.25\ttest\n"
    )
    assert robustness.noise_files(corpus, None) == (str(beside / "n.wav"),)


def spoken(n: int) -> tuple[Spoken, ...]:
    """Speech with phones every 0.1 s; `O: l` is one piece."""
    found = []
    for index in range(n):
        labels = ["s", "oU", "m", "aI", "k", "'O: l"]
        phones = [Interval(0.2 + 0.1 * i, 0.3 + 0.1 * i, label, origin="synthetic") for i, label in enumerate(labels)]
        words = [
            Interval(0.2 + 0.2 * i, 0.4 + 0.2 * i, w, origin="synthetic") for i, w in enumerate(["so", "my", "call"])
        ]
        rng = np.random.default_rng(index)
        recording = Recording(0.1 * rng.normal(size=16000), 16000)
        text = "so my call" if index % 2 == 0 else "such odd weather"
        found.append(Spoken(recording, text, Tier("words", tuple(words)), Tier("phones", tuple(phones))))
    return tuple(found)


class Aligner(Ear):
    """Aligns what it was told to, always late by the same time; refuses what is not in its list."""

    late_s = 0.02

    def __init__(self, name: str, known: set[str]) -> None:
        super().__init__(name, 0)
        self.known = known

    def align(self, recording: Recording, transcript: str) -> Alignment:
        if transcript not in self.known:
            raise DoesNotFit(f"not what is said: {transcript}")
        words = Tier(
            "words",
            tuple(
                Interval(0.2 + 0.2 * i + self.late_s, 0.4 + 0.2 * i + self.late_s, w)
                for i, w in enumerate(transcript.split())
            ),
        )
        phones = Tier(
            "phones",
            tuple(
                Interval(0.2 + 0.1 * i + self.late_s, 0.3 + 0.1 * i + self.late_s, p)
                for i, p in enumerate(["S", "OW1", "M", "AY1", "K"])
            ),
        )
        phones = Tier(
            "phones", (*phones, Interval(0.72, 0.77, "AO1"), Interval(0.77, 0.82, "L"), Interval(0.9, 1, "SIL"))
        )
        return Alignment(words, phones)


@pytest.fixture
def known_speech(monkeypatch):
    monkeypatch.setattr(boundaries, "synthetic_speech", lambda texts, n, seed: spoken(n))
    monkeypatch.setattr("otoscope.recognizers.transcription._speech_at", lambda words, recording: 1.0)


def test_boundaries_are_measured_and_wrong_texts_flagged(known_speech):
    strict = Aligner("strict", {"so my call", "such odd weather"})
    row = boundaries.run([strict], n_utterances=4).table[0]
    for unit in ("word", "phone"):
        assert row[f"{unit}_median_s"] == pytest.approx(0.02)
        assert row[f"{unit}_within_10_ms"] == 0.0
        assert row[f"{unit}_within_25_ms"] == 1.0
        assert row[f"{unit}_coverage"] == 1.0
    assert row["refused"] == 0.0
    assert row["flagged_replaced"] == row["flagged_swapped"] == 1.0
    assert row["flagged_another"] == 0.0  # the other sentence is one it knows


def test_refused_transcripts_cost_coverage(known_speech):
    half = Aligner("half", {"so my call"})
    row = boundaries.run([half], n_utterances=4).table[0]
    assert row["refused"] == 0.5
    assert row["word_coverage"] == row["phone_coverage"] == 0.5
    assert row["why_refused"].startswith("not what is said")
    deaf = boundaries.run([Ear("deaf", 0)], n_utterances=2).table[0]
    assert not deaf["aligns"]
    assert deaf["word_median_s"] is None
    assert deaf["word_coverage"] == 0.0
    assert deaf["flagged_another"] is None
    assert deaf["why_refused"].startswith("recogniser 'deaf' cannot align")


def test_phones_of_another_english_are_not_judged(monkeypatch, known_speech):
    def british(one):
        return dataclasses.replace(one, phones=Tier("phones", (Interval(0.2, 0.3, "'aI2"),)))

    def mixed(texts, n, seed):
        return tuple(british(one) if i % 2 else one for i, one in enumerate(spoken(n)))

    strict = Aligner("strict", {"so my call", "such odd weather"})
    monkeypatch.setattr(boundaries, "synthetic_speech", mixed)
    result = boundaries.run([strict], n_utterances=4)
    american = boundaries.run([strict], n_utterances=2).table[0]
    row = result.table[0]
    assert result.provenance["n_phones"] == sum(len(one.phones) for one in spoken(4)[::2])
    assert (row["phone_coverage"], row["word_coverage"]) == (1.0, 1.0)
    assert row["phone_median_s"] == american["phone_median_s"] == pytest.approx(0.02)
    monkeypatch.setattr(boundaries, "synthetic_speech", lambda texts, n, seed: tuple(map(british, spoken(n))))
    row = boundaries.run([strict], n_utterances=2).table[0]
    assert (row["phone_coverage"], row["phone_median_s"], row["word_coverage"]) == (None, None, 1.0)


def test_wrong_texts_are_wrong():
    speech = spoken(6)
    rng = np.random.default_rng(0)
    for one in speech:
        texts = boundaries.wrong_texts(one, speech, rng)
        assert set(texts) == set(boundaries.WRONG)
        assert all(text != one.text for text in texts.values())
        assert sorted(texts["swapped"].split()) == sorted(one.text.split())
        assert sum(a != b for a, b in zip(texts["replaced"].split(), one.text.split(), strict=True)) == 1


def test_synthetic_speech_repeats_and_has_its_times():
    pytest.importorskip("espeakng_loader", reason="needs espeak-ng: pip install 'otoscope[synth]'")
    one, again = (boundary_speech.synthetic_speech("digits", 1, seed=4)[0] for _ in range(2))
    assert np.array_equal(one.recording.samples, again.recording.samples)
    assert one.words[0].start_s == pytest.approx(boundary_speech.PAD_S, abs=0.02)
    assert " ".join(one.words.labels) == one.text
    inside = one.recording.cut(one.words[0].start_s, one.words[-1].end_s)
    assert active_level_db(inside) > rms_db(one.recording.cut(0, boundary_speech.PAD_S)) + 30
    with pytest.raises(BadInput, match="sentences"):
        boundary_speech.synthetic_speech("poems", 1, seed=0)


def test_the_ladder_trains_evaluates_reports_failures_and_goes_on(corpus, tmp_path, monkeypatch):
    calls, chosen = [], {}

    def trainer(preset, corpus, *, out, seed, features="own", **options):
        calls.append((preset, features))
        chosen.update({preset: options} if options else {})
        if preset == "rnnt":
            raise ValueError("lattice too small")
        if preset == "las" and calls.count(("las", "own")) == 1:
            raise Interrupted("stopped")
        Path(out).mkdir(exist_ok=True)

    def evaluate(entrant, corpus, *, split, limit, seed, out):
        name = Path(entrant.name).name if isinstance(entrant, Entrant) else entrant.name
        return ladder_evaluate(Ear(name, 0), corpus, split=split, limit=limit, seed=seed, out=out)

    ladder_evaluate = ladder.evaluate
    monkeypatch.setattr(ladder, "evaluate", evaluate)
    asked = {
        "presets": 'hmm-word,las,rnnt,conformer{"epochs": 2, "streaming": true}',
        "recognizers": [Ear("other", 0)],
        "out": tmp_path / "l",
        "trainer": trainer,
    }
    with pytest.raises(Interrupted):
        ladder.run(corpus, **asked)
    before = json.loads((tmp_path / "l" / "hmm-word.seconds.json").read_text())["seconds"]
    result = ladder.run(corpus, **asked)
    rows = {row["preset"]: row for row in result.table}
    streaming = "conformer (epochs 2, streaming True)"
    assert [row["preset"] for row in result.table] == ["hmm-word", "las", "rnnt", streaming, "other"]
    assert chosen == {"conformer": {"epochs": 2, "streaming": True}}
    assert rows[streaming]["family"] == "connectionist temporal classification"
    assert rows[streaming]["test_latency_s"] is None
    assert len({tuple(row) for row in result.table}) == 1
    assert rows["las"]["status"] == "done"
    assert rows["las"]["test_wer"] == 0.0
    assert rows["rnnt"]["status"] == "failed: ValueError: lattice too small"
    assert rows["rnnt"]["test_wer"] is None
    assert rows["hmm-word"]["train_s"] == before
    assert result.summary.endswith("rnnt failed.")
    assert [panel.kind for panel in result.panels] == ["bars"]
    crossed = ladder.run(corpus, **{**asked, "presets": "las,rnnt"}, features="own,mfcc").panels[1].data
    assert crossed == {"columns": ["preset", "own", "mfcc"], "rows": [["las", "0.0", "0.0"], ["rnnt", "–", "–"]]}
    with pytest.raises(BadInput, match="no such preset: hmm"):
        ladder.run(corpus, presets="hmm", out=tmp_path / "l")
    with pytest.raises(BadInput, match="seed are the ladder's own"):
        ladder.run(corpus, presets='las{"seed": 1}', out=tmp_path / "l")


def test_parameters_are_counted(tmp_path):
    from safetensors.numpy import save_file

    save_file({"a": np.zeros((3, 4)), "b": np.zeros(5)}, tmp_path / "w.safetensors")
    assert ladder.n_parameters(tmp_path) == 17
    assert ladder.n_parameters(tmp_path / "none") is None


def test_deep_against_classical(corpus, monkeypatch):
    class Deaf(Ear):
        def trace(self, recording, *, record=()):
            heard = tuple(TEXT.split()[: 4 - self.n_lost])
            return Trace(recording, (Hypothesis(heard),), self.provenance)

    result = deep_vs_classical.run(
        corpus, classical=[Deaf("mono", 3), Deaf("tri", 2)], deep=[Deaf("mlp", 1), Deaf("lstm", 2)]
    )
    assert [row["recognizer"] for row in result.table if row["best_of_kind"]] == ["tri", "mlp"]
    assert result.provenance["relative_reduction"][0] == pytest.approx(0.5)
    assert result.provenance["same_training_data"] is None
    assert "50.0 % fewer word errors than tri" in result.summary
    with pytest.raises(BadInput, match="have one name"):
        deep_vs_classical.run(corpus, classical=[Deaf("a", 1)], deep=[Deaf("a", 2)])


def test_same_training_is_read_from_the_runs(tmp_path):
    for name, train in (("a", "x"), ("b", "x"), ("c", "y")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "run.json").write_text(json.dumps({"train": train, "valid": "v"}))
    folders = {name: str(tmp_path / name) for name in "abc"}
    assert deep_vs_classical.same_training([folders["a"], folders["b"]]) is True
    assert deep_vs_classical.same_training([folders["a"], folders["c"]]) is False
    assert deep_vs_classical.same_training([folders["a"], "pocketsphinx"]) is None


def test_recognisers_of_a_study():
    assert [each.name for each in entrants_of("a, b")] == ["a", "b"]
    with pytest.raises(BadInput, match="no recogniser is named"):
        entrants_of(" ,")
