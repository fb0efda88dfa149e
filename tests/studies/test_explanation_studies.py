"""Studies of explanations on a corpus of two files and on single words: the tables they promise, and where cues lie."""

from __future__ import annotations

import numpy as np
import pytest
import soundfile

from otoscope.core import BadInput
from otoscope.corpora.manifest import manifest_text
from otoscope.corpora.utterance import Utterance
from otoscope.explainers.gradients import FineMap
from otoscope.signal.synthesis import synthesize
from otoscope.studies import acoustic_cues, attribution_methods, study


@pytest.fixture
def corpus(tmp_path):
    rows = []
    for name, text in (("a", "three five nine"), ("b", "seven one six")):
        spoken = synthesize(text, rate_wpm=120).recording
        soundfile.write(tmp_path / f"{name}.wav", spoken.samples, spoken.rate_hz)
        rows.append(Utterance(name, tmp_path / f"{name}.wav", text, name, "valid", spoken.duration_s))
    (tmp_path / "manifest.tsv").write_text(manifest_text(rows, tmp_path), encoding="utf-8")
    return tmp_path


def test_methods_are_compared_on_the_words_of_a_corpus(corpus):
    methods = "leave-one-out,random"
    result = study(
        "attribution-methods", corpus=corpus, recognizer="ctc-digits", split="valid", methods=methods, n_words=2
    )
    rows = {row["method"]: row for row in result.table}
    assert set(rows) == {"leave-one-out", "random"}
    assert result.provenance["corpus"] == corpus.name
    assert result.provenance["n_words"] == 2
    assert len({tuple(row) for row in result.table}) == 1


def test_a_comparison_goes_on_from_what_was_measured(corpus, tmp_path, monkeypatch):
    def compared(**asked):
        return study("attribution-methods", corpus=corpus, recognizer="ctc-digits", split="valid", **asked)

    out = tmp_path / "kept"
    first = compared(methods="random", n_words=1, out=out)
    (file,) = out.iterdir()
    file.write_text(file.read_text() + '["cut off')
    measured = []
    real = attribution_methods.measure
    monkeypatch.setattr(attribution_methods, "measure", lambda *a, **k: measured.append(a[2]) or real(*a, **k))
    second = compared(methods="random", n_words=2, out=out)
    again = compared(methods="random", n_words=1, out=out)
    assert measured == ["random"]
    assert again.table == first.table
    assert second.table[0]["n_words"] == 2
    compared(methods="random", n_words=1, out=out, seed=1)
    assert len(measured) == 2
    assert len(list(out.iterdir())) == 2
    with pytest.raises(BadInput, match="is a file"):
        compared(methods="random", n_words=1, out=file)


def test_questions_ask_for_the_phone_that_differs():
    items = {(item.kind, item.said): item for item in acoustic_cues.questions(["en-us"])}
    sip, bit, tie = items["sibilant", "sip"], items["vowel", "bit"], items["plosive", "tie"]
    assert sip.phone.start_s == pytest.approx(sip.word.start_s, abs=0.02)
    assert sip.bands_hz == ((4000.0, 8000.0),)
    assert bit.word.start_s < bit.phone.start_s < bit.phone.end_s < bit.word.end_s
    assert len(bit.bands_hz) == 4
    (low, high), (low2, high2) = bit.bands_hz[:2]
    assert low < 400 < high
    assert low2 < 1900 < high2
    assert tie.target.rival == "pie"
    assert ("sibilant", "ship") not in items


def test_relevance_on_the_cue_is_all_of_it_and_a_flat_map_is_chance(monkeypatch):
    item = next(item for item in acoustic_cues.questions(["en-us"]) if item.said == "sip")
    from otoscope.core import FrameGrid

    n_frames = int(item.recording.duration_s * 100)
    grid = FrameGrid(16000, 0, 160, 160, n_frames)
    bands = np.linspace(50, 7950, 80)
    times_s = grid.times_s()
    on_cue = (times_s >= item.phone.start_s)[:, None] & (times_s < item.phone.end_s)[:, None] & (bands >= 4000)
    for values, wanted in ((on_cue.astype(float), 1.0), (np.ones((n_frames, 80)), None)):
        found = FineMap(values, grid, bands, 1.0, 0.0, "planted")
        monkeypatch.setattr(acoustic_cues, "fine_maps", lambda *_, found=found, **__: (found,))
        shares = acoustic_cues._shares(None, item, "planted", 0)
        expected = shares["cue_chance"] if wanted is None else wanted
        assert shares["cue"] == pytest.approx(expected, rel=0.05)
