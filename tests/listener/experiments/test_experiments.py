"""Each experiment's trials on a word or two, spoken: what must hold of them; and the runner that keeps them."""

from __future__ import annotations

import json
import math

import pytest

from otoscope.core import BadInput
from otoscope.core.errors import Interrupted, UnknownName
from otoscope.io.audio import write_recording
from otoscope.listener.experiments import running
from otoscope.listener.experiments.designs import EXPERIMENTS, experiment_named
from otoscope.listener.experiments.plans import plans_from
from otoscope.listener.experiments.running import JOURNAL, kept, run_experiment
from otoscope.listener.experiments.summaries import experiment_finding, interval, summarised

ROWS = {
    "gating": {"word": "kitchen"},
    "visual-world": {"word": "beaker", "cohort": "beetle", "rhyme": "speaker", "unrelated": "carriage"},
    "lexical-decision": {"word": "station"},
    "frequency-density": {"word": "task"},
    "uniqueness-point": {"word": "station"},
    "ganong": {"first": "D AE SH", "second": "T AE SH"},
    "restoration": {"word": "station", "position": "2"},
    "embedded": {"word": "catalog", "embedded": "cat"},
    "mispronunciation": {"word": "station", "pronunciation": "S T EY SH AH N"},
    "splice": {"word": "job", "first": "jog"},
    "noise": {"word": "kitchen"},
}


def trials_of(booth, name, *rows):
    make = experiment_named(name).made()
    return [trial for plan in plans_from(rows or (ROWS[name],)) for trial in make(booth, plan)]


def test_every_experiment_has_a_row_here():
    assert set(ROWS) == set(EXPERIMENTS)
    with pytest.raises(UnknownName, match="gating"):
        experiment_named("gatign")


@pytest.mark.parametrize("name", sorted(ROWS))
def test_trials_say_what_was_heard_and_a_page_can_be_made(booth, name):
    trials = trials_of(booth, name)
    assert all({"item", "condition", "voice", "heard", "recognised"} <= set(one) for one in trials)
    finding = experiment_finding(experiment_named(name), trials, ["x: why"], {"seed": 0})
    means = summarised(experiment_named(name), trials)
    assert {row["measure"] for row in means} <= {*experiment_named(name).measures, *experiment_named(name).once}
    assert finding.panels[-1].kind == "table"
    assert finding.failures == ("left out: x: why",)
    assert all("curves" not in row for row in finding.table)


@pytest.mark.parametrize("name", ["restoration", "splice"])
def test_log_odds_are_those_of_the_probability(booth, name):
    for one in trials_of(booth, name):
        assert 1 / (1 + math.exp(-one["log_odds"])) == pytest.approx(one["p_target"], abs=1e-3)


def test_a_covered_phone_is_neither_noise_nor_silence(booth):
    intact, noise, silence, covered = trials_of(booth, "restoration")
    assert [one["condition"] for one in (intact, noise, silence, covered)] == ["intact", "noise", "silence", "covered"]
    assert covered["replaced"] == noise["replaced"]
    assert covered["log_odds"] < intact["log_odds"]
    assert covered["log_odds"] not in (noise["log_odds"], silence["log_odds"])


def test_a_long_word_leaves_the_short_one_behind(booth):
    trials = trials_of(booth, "embedded")
    long, short = ([one for one in trials if one["condition"] == f"{name} word said"] for name in ("long", "short"))
    assert [one["phones_after"] for one in long] == [-2, -1, 0, 1, 2, 3]
    assert [one["phones_after"] for one in short] == [-2, -1, 0]
    assert long[-1]["lead_of_short"] < long[2]["lead_of_short"] - 1
    assert long[0]["log_odds_of_short"] < 0 < short[0]["log_odds_of_short"]
    assert len({one["log_odds_of_short"] for one in long}) == 1


def test_splices_are_decided_on_from_the_join(booth):
    rows = [ROWS["splice"], {"word": "job", "first": "job"}]
    trials = trials_of(booth, "splice", *rows)
    assert any(one["recognised"] for one in trials)
    for one in trials:
        later = one["t_decision_s"] - one["join_s"] if one["recognised"] else None
        assert one["after_join_s"] == (None if later is None else pytest.approx(later))


def test_gates_bring_the_word_nearer(booth):
    trials = trials_of(booth, "gating")
    assert trials[-1]["p_target"] > 0.5 > trials[0]["p_target"]
    at = trials[0]["isolation_s"]
    assert all(one["leads"] == (one["gate_s"] >= at) for one in trials[-3:])
    assert [one["gate"] for one in trials] == list(range(1, len(trials) + 1))


def test_noise_harms(booth):
    by = {one["snr_db"]: one["p_target"] for one in trials_of(booth, "noise")}
    assert by[18.0] > by[-6.0]
    assert [one["snr_db"] for one in trials_of(booth, "noise", {"word": "task", "snr_db": "3"})] == [3.0]


def test_reaction_time_is_decision_and_execution(booth):
    for one in trials_of(booth, "frequency-density", {"word": "task"}, {"word": "station"}):
        assert one["recognised"] is True
        assert one["rt_s"] == pytest.approx(one["t_decision_s"] + one["t_exec_s"])


def test_words_and_pseudowords_are_told_apart(booth):
    rows = {"word": "station", "kind": "word"}, {"pronunciation": "S T EY F AH N", "kind": "pseudoword"}
    word, pseudoword = trials_of(booth, "lexical-decision", *rows)
    assert word["gap"] > pseudoword["gap"]
    assert pseudoword["recognised"] is None
    assert pseudoword["correct"] == (not pseudoword["said_word"])


def test_looks_go_to_what_is_named(booth):
    (trial,) = trials_of(booth, "visual-world")
    looks = {role: trial[f"looks_{role}"] for role in ("target", "cohort", "rhyme", "unrelated")}
    assert max(looks, key=looks.get) == "target"
    assert looks["cohort"] > looks["unrelated"]


def test_a_continuum_goes_from_one_phone_to_the_other(booth):
    trials = trials_of(booth, "ganong", {"first": "task", "second": "D AE S K"})
    assert [one["step"] for one in trials] == list(range(1, 8))
    assert trials[0]["condition"] == "first is a word"
    with pytest.raises(BadInput, match="differ in one phone"):
        trials_of(booth, "ganong", {"first": "task", "second": "dash"})
    with pytest.raises(BadInput, match="neither a word"):
        trials_of(booth, "ganong", {"first": "tusk tusk", "second": "dash"})


def test_a_recording_is_heard_as_what_is_said_in_it(booth, tmp_path):
    spoken = booth.item(plans_from([{"word": "station"}])[0])
    write_recording(spoken.sound, tmp_path / "one.wav")
    row = {"word": "station", "sound": str(tmp_path / "one.wav")}
    (recorded,) = trials_of(booth, "uniqueness-point", row)
    (said,) = trials_of(booth, "uniqueness-point")
    assert recorded["recognised"] is True
    assert recorded["voice"] == "recording"
    assert recorded["uniqueness_s"] == pytest.approx(said["uniqueness_s"], abs=0.08)  # aligned beside known


def test_an_interrupted_run_goes_on(booth, tmp_path, monkeypatch):
    plans, design = plans_from([{"word": "task"}, {"word": "station"}, {"word": "cat"}]), experiment_named("noise")
    made, own = [], running._record

    def interrupted(experiment, booth, plan):
        made.append(plan.number)
        if len(made) == 2:
            raise KeyboardInterrupt
        return own(experiment, booth, plan)

    monkeypatch.setattr(running, "_record", interrupted)
    with pytest.raises(Interrupted, match="5 trials are kept"):
        run_experiment(design, booth, plans, tmp_path / "out")
    with open(tmp_path / "out" / JOURNAL, "a", encoding="utf-8") as file:
        file.write('{"number": 1, "tri')  # what a crash leaves
    outcome = run_experiment(design, booth, plans, tmp_path / "out")
    assert made == [0, 1, 1, 2]
    assert len(outcome.trials) == 15
    assert sorted(kept(tmp_path / "out" / JOURNAL)) == [0, 1, 2]
    with pytest.raises(BadInput, match=r"another experiment \(other n_items, items_sha256"):
        run_experiment(design, booth, plans[:2], tmp_path / "out")


def test_what_cannot_be_said_is_left_out_and_told(booth, tmp_path):
    rows = [{"word": "task", "voice": "gmw/en-GB-x-rp", "position": "2"}, {"word": "station"}]
    outcome = run_experiment(experiment_named("restoration"), booth, plans_from(rows), tmp_path / "out")
    assert {one["item"] for one in outcome.trials} | {one.partition(":")[0] for one in outcome.left_out} == {
        "task", "station"}  # fmt: skip
    bad = plans_from([{"word": "task", "position": "40"}])
    with pytest.raises(BadInput, match="none of the items could be heard: task"):
        run_experiment(experiment_named("restoration"), booth, bad, tmp_path / "other")
    assert json.loads((tmp_path / "other" / JOURNAL).read_text())["why"]


def test_intervals_hold_the_mean():
    import numpy as np

    values = np.random.default_rng(0).normal(1, 1, 50)
    low, high = interval(values, 0)
    assert low < values.mean() < high
    assert high - low == pytest.approx(2 * 1.96 * values.std() / np.sqrt(50), rel=0.15)
    assert interval(values[:1], 0) == (None, None)
