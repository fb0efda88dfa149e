"""Panels hold what is in the result, in its units, and say when a map failed."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field

import numpy as np
import pytest

from otoscope.core import (
    Alignment,
    Attribution,
    BadInput,
    Hypothesis,
    Interval,
    Panel,
    PerturbationCurve,
    Provenance,
    Recording,
    Segment,
    Target,
    Tier,
    Trace,
    Trust,
)
from otoscope.signal.mel import hz_to_mel
from otoscope.views.checking import checks
from otoscope.views.panels import panels_of
from otoscope.views.reading import flat_map, sentence, stretch_of
from otoscope.views.tables import differences


def kinds(obj):
    return [panel.kind for panel in panels_of(obj)]


def only(obj, kind):
    (panel,) = [panel for panel in panels_of(obj) if panel.kind == kind]
    return panel


def attribution(relevance, *, segments=None, **trust):
    relevance = list(relevance)
    segments = segments or [Segment(0.1 * i, 0.1 * (i + 1)) for i in range(len(relevance))]
    target = Target("word", "hi", Interval(0.1, 0.3, "hi"), 0, ("hi",))
    return Attribution(target, segments, relevance, "shapley", "silence", -1.0, -9.0, 64, 0, Trust(**trust))


def test_each_noun_has_its_panels(explanation):
    assert kinds(explanation.trace.recording) == ["waveform", "spectrogram", "facts"]
    assert kinds(explanation.trace) == ["text", "waveform", "spectrogram", "tiers", "table", "facts"]
    assert kinds(explanation[0]) == ["relevance", "curves", "table"]
    assert kinds(explanation.cells[0]) == ["relevance_map", "curves", "table"]
    assert kinds(explanation[0].trust.curves[0]) == ["curves"]
    assert kinds(explanation.trace.alignment) == ["tiers"]
    found = kinds(explanation)
    assert found[:6] == ["text", "waveform", "spectrogram", "tiers", "table", "relevance_matrix"]
    assert found.count("relevance") == found.count("relevance_map") == found.count("curves") == 12
    assert found[-2:] == ["table", "facts"]


def test_a_panel_is_its_own_panels():
    panel = Panel("text", "x", {"text": "y"})
    assert panels_of(panel) == (panel,)


def test_unknown_objects_are_refused_with_what_is_allowed():
    with pytest.raises(BadInput, match=r"showing a int; what can be shown: .*Recording.*Explanation"):
        panels_of(3)


def test_a_study_shows_summary_panels_table_and_provenance():
    @dataclass
    class Result:
        name: str = "planted-cue"
        summary: str = "found"
        table: list = field(
            default_factory=lambda: [{"method": "lime", "mass": 0.5}, {"method": "shapley", "extra": 1}]
        )
        panels: tuple = (Panel("bars", "b", {"labels": ["a"], "values": [1.0]}),)
        provenance: dict = field(default_factory=lambda: {"seed": 3})

    panels = panels_of(Result())
    assert [p.kind for p in panels] == ["text", "bars", "table", "facts"]
    assert panels[2].data["columns"] == ["method", "mass", "extra"]
    assert panels[2].data["rows"][1] == ["shapley", None, 1]
    assert panels[3].data["facts"] == [("seed", "3")]


def test_the_waveform_envelope_misses_no_sample():
    samples = np.zeros(50_000, np.float32)
    samples[[17, 49_999]] = [0.9, -0.8]
    data = only(Recording(samples, 16000), "waveform").data
    assert data["maximum"].max() == np.float32(0.9)
    assert data["minimum"][-1] == np.float32(-0.8)
    assert data["step_s"] * len(data["minimum"]) == pytest.approx(50_000 / 16000)


@pytest.mark.parametrize("frequency_hz", [440.0, 3000.0])
def test_a_tone_is_brightest_at_its_time_and_frequency(frequency_hz):
    time = np.arange(16000) / 16000
    tone = np.where((time >= 0.4) & (time < 0.6), np.sin(2 * np.pi * frequency_hz * time), 0)
    data = only(Recording(tone, 16000), "spectrogram").data
    levels = data["levels"]
    assert levels.dtype == np.uint8
    assert (levels.min(), levels.max()) == (0, 255)
    frames, bands = np.nonzero(levels >= 250)
    times = data["start_s"] + (frames + 0.5) * data["hop_s"]
    assert times.min() > 0.38
    assert times.max() < 0.62
    mels = hz_to_mel(data["low_hz"]) + (bands / (levels.shape[1] - 1)) * np.ptp(hz_to_mel([0, data["high_hz"]]))
    assert np.abs(mels - hz_to_mel(frequency_hz)).max() < 60


@pytest.mark.parametrize("n_samples", [1, 160, 8000])
def test_short_recordings_have_a_spectrogram_that_covers_them(n_samples):
    data = only(Recording(np.full(n_samples, 0.1), 16000), "spectrogram").data
    assert data["start_s"] <= 0
    assert data["start_s"] + data["levels"].shape[0] * data["hop_s"] >= n_samples / 16000


def test_long_recordings_are_pooled_and_keep_their_loudest_frames():
    samples = np.zeros(8000 * 300, np.float32)
    samples[8000 * 45 : 8000 * 45 + 40] = 0.5
    data = only(Recording(samples, 8000), "spectrogram").data
    assert data["levels"].shape[0] <= 6000
    frame = int(data["levels"].max(axis=1).argmax())
    assert data["start_s"] + frame * data["hop_s"] == pytest.approx(45, abs=0.06)


def test_tiers_carry_origin_confidence_and_score(explanation):
    words, phones = only(explanation, "tiers").data["tiers"]
    first = words["intervals"][0]
    assert first["label"] == "and"
    assert first["origin"] == "aligned"
    assert first["confidence"] == explanation.trace.alignment.text_confidence[0]
    assert phones["intervals"][1]["score"] == -2.0
    assert phones["intervals"][1]["confidence"] is None


def test_interpolated_times_are_called_so():
    tier = Tier("words", (Interval(0, 1, "a", origin="interpolated"),))
    assert "interpolated, not measured" in only(Alignment(tier), "tiers").caption


def test_the_sentence_names_stretch_share_and_chance():
    found = attribution([0, 1, 6, 3, 0, 0, 0, 0, -5, 0])
    assert sentence(found) == "“hi” rests on 0.20–0.40 s (90 % of its positive relevance, chance 20 %)."


def test_the_stretch_does_not_cross_a_gap():
    segments = [Segment(0, 0.1), Segment(0.1, 0.2), Segment(0.5, 0.6)]
    stretch = stretch_of(attribution([4, 5, 5], segments=segments))
    assert (stretch.start_s, stretch.end_s) == (0, 0.2)


def test_the_stretch_of_cells_sums_over_frequency():
    cells = [Segment(t, t + 1, low, low + 1000) for t in (0, 1, 2) for low in (0, 1000)]
    stretch = stretch_of(attribution([3, -3, 2, 2, 0, 0], segments=cells))
    assert (stretch.start_s, stretch.end_s, stretch.share, stretch.chance) == (1, 2, 1.0, pytest.approx(1 / 3))


def test_a_map_without_positive_relevance_says_so():
    assert stretch_of(attribution([-1, 0, -2])) is None
    assert sentence(attribution([-1, 0, -2])).startswith("No stretch of the recording spoke for “hi”")


def test_the_flat_map_spreads_all_positive_relevance_over_the_area():
    segments = [Segment(0, 1), Segment(1, 4)]
    assert flat_map(attribution([8, -2], segments=segments)).tolist() == [2, 6]
    cells = [Segment(0, 1, 0, 1000), Segment(0, 1, 1000, 4000)]
    assert flat_map(attribution([8, 0], segments=cells)).tolist() == [2, 6]


def test_what_was_not_measured_is_never_shown_as_fine():
    texts = {check.name: check.text for check in checks(attribution([1, 2]))}
    assert texts["Agreement between seeds"] == "not measured"
    assert texts["Relevance inside the word"] == "not measured"
    assert texts["Completeness gap"] == "5 nats"
    assert all(not check.chance_text for check in checks(attribution([1, 2])) if check.value is None)


def test_every_check_stands_under_its_question_with_chance_and_reason():
    curves = [
        PerturbationCurve("deletion", "silence", [0, 0.5, 1], [0, -9, -10], [[0, -2, -10], [0, -6, -10]]),
        PerturbationCurve("insertion", "silence", [0, 0.5, 1], [-10, -3, 0], [[-10, -8, 0]]),
    ]
    measured = attribution(
        [1, 2],
        curves=curves,
        infidelity=0.5,
        chance_infidelity=4.0,
        rank_accuracy=0.5,
        chance_rank_accuracy=0.25,
        time_auc=0.75,
        gini=0.4,
        size_auc=0.3,
        random_weights_agreement=0.1,
        other_target_agreement=-0.2,
        not_measured=("colours: nobody looked",),
    )
    found = {check.name: (check.text, check.chance_text) for check in checks(measured)}
    assert found["Loss without the strongest segments"] == ("9 nats", "4 nats")
    assert found["Loss with the strongest segments only"] == ("3 nats", "8 nats")
    assert found["Error on held-out masks"] == ("0.5 nats²", "4 nats²")
    assert found["The word's segments rank first"] == ("50 %", "25 %")
    assert found["Moments of the word before others"] == ("0.75", "0.50")
    assert found["Compactness"] == ("0.40", "0")
    assert found["Likeness to shuffled weights"] == ("0.10", "0")
    assert found["Likeness to another word's map"] == ("−0.20", "0")
    assert checks(measured)[-1].remark.startswith("Not measured: nobody looked. ")
    groups = [check.group for check in checks(measured)]
    assert [group for group, _ in itertools.groupby(groups)] == [
        "Does it matter?",
        "Is it in the word?",
        "Is it stable?",
    ]
    assert "size AUC 0.30" in {check.name: check.remark for check in checks(measured)}["Compactness"]
    left_out = attribution([1, 2], not_measured=("shuffled weights: it costs one more map",))
    (likeness,) = [check for check in checks(left_out) if check.name == "Likeness to shuffled weights"]
    assert (likeness.text, likeness.remark[:42]) == ("not measured", "Not measured: it costs one more map. Rank ")


def test_a_failed_map_carries_its_reasons_as_warning():
    failed = attribution([1, 2], failures=("seeds disagree", "no better than chance"))
    assert [p.warning for p in panels_of(failed)] == ["seeds disagree; no better than chance"] * 2
    assert all(p.warning == "" for p in panels_of(attribution([1, 2])))


def test_curves_hold_the_range_of_the_random_orders():
    curve = PerturbationCurve("deletion", "noise", [0, 0.5, 1], [0, -9, -10], [[0, -2, -10], [0, -6, -10]])
    (drawn,) = only(curve, "curves").data["curves"]
    assert drawn["random_low"].tolist() == [0, -6, -10]
    assert drawn["random_high"].tolist() == [0, -2, -10]
    assert drawn["random_mean"].tolist() == [0, -4, -10]
    assert (drawn["auc"], drawn["random_auc"], drawn["n_orders"]) == (-7.0, -4.5, 2)


def test_facts_name_everything_needed_to_repeat_but_no_folder(explanation):
    facts = dict(only(explanation, "facts").data["facts"])
    assert facts["recording"] == "talk.wav"
    assert facts["recogniser"] == "synthetic 1.0"
    assert facts["weights, SHA-256"] == "ab" * 32
    assert facts["attribution"] == "shapley, fill silence, 512 evaluations, seed 0, 40 segments"
    assert facts["time-frequency map"].endswith("200 segments")
    assert facts["sound, SHA-256"] == explanation.trace.recording.digest
    assert "private" not in str(facts)
    assert facts["otoscope"]


def test_n_best_gives_the_distance_from_the_best():
    best, other = Hypothesis(("a", "b"), log_score=-3.0), Hypothesis((), log_score=-5.5)
    trace = Trace(Recording(np.zeros(800), 8000), (best, other), Provenance("x", "1"))
    rows = next(p for p in panels_of(trace) if p.title == "n-best").data["rows"]
    assert rows == [[1, "a b", -3.0, 0.0], [2, "(no words)", -5.5, -2.5]]


def test_differences_mark_changed_and_missing_words():
    best = ("so", "my", "fellow", "friends")
    assert differences(("so", "yellow", "friends"), best) == [("so", False), ("yellow", True), ("friends", False)]
    assert differences(("so", "my", "friends"), best) == [("so my", False), ("·", True), ("friends", False)]


def test_the_table_of_all_words_has_a_row_for_each(make):
    explanation = make(failures={1: ("seeds disagree",)})
    table = next(p for p in panels_of(explanation) if p.title == "All words")
    assert len(table.data["rows"]) == 12
    assert [row[-1] for row in table.data["rows"]][:3] == ["passed", "seeds disagree", "passed"]
