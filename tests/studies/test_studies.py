"""The registry of studies, the known answers, and the planted cue."""

import subprocess
import sys
from itertools import pairwise

import numpy as np
import pytest

from otoscope.core import BadInput, Interval, Recording, UnknownName
from otoscope.explainers.masked_scores import MaskedScores
from otoscope.studies import STUDIES, known_answers, planted_cue, study
from otoscope.studies.known_answers import GROUPS, Check
from otoscope.studies.planted_cue import oracle_order, stretches
from otoscope.studies.self_check import METHODS
from otoscope.testing import AdditiveRecognizer
from otoscope.testing.planted import PlantedUtterance, planted_cue_corpus


def test_listing_studies_loads_nothing_heavy():
    code = (
        "import sys; from otoscope.studies import STUDIES, study; from otoscope.explainers import EXPLAINERS; "
        "print([m for m in ('torch', 'matplotlib') if m in sys.modules])"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


def test_unknown_study_and_wrong_parameters_are_refused():
    with pytest.raises(UnknownName, match="did you mean planted-cue"):
        study("planted-clue")
    with pytest.raises(BadInput, match="takes no corpus; it takes methods, seed, n_utterances, progress"):
        study("planted-cue", corpus="folder")
    with pytest.raises(BadInput, match="needs corpus"):
        study("digits")
    assert {"planted-cue", "digits"} <= set(STUDIES)


@pytest.mark.parametrize("group", GROUPS, ids=lambda group: group.__name__)
def test_known_answers_come_out(group):
    checks = group()
    assert checks
    assert [check.name for check in checks if not check.passed] == []


def test_a_wrong_answer_is_noticed(monkeypatch):
    """A kernel that is off by a little, and a mask that is a sample too long, must turn a row red."""
    from otoscope.decoding import ctc

    right = ctc.log_likelihood
    monkeypatch.setattr(ctc, "log_likelihood", lambda *args, **named: right(*args, **named) + 1e-3)
    assert any(not check.passed for check in known_answers.ctc_vectors())
    assert not Check("half", 0.5, 0.6, 0.05).passed
    assert not Check("not a number", 0.5, float("nan"), 0.05).passed


def test_one_stretch_is_the_burst_and_all_cover_the_sound():
    for utterance in planted_cue_corpus(3, n_utterances=9):
        segments = stretches(utterance)
        assert segments[0].start_s == 0.0
        assert segments[-1].end_s == utterance.sound.duration_s
        assert all(a.end_s == b.start_s for a, b in pairwise(segments))
        burst = utterance.segment
        assert sum(abs(s.start_s - burst.start_s) < 1e-9 and abs(s.end_s - burst.end_s) < 1e-9 for s in segments) == 1


def test_oracle_starts_with_the_burst_and_then_falls_fastest():
    sound = Recording(np.random.default_rng(0).normal(scale=0.1, size=8000), 8000)
    utterance = PlantedUtterance(sound, "toy", Interval(0.4, 0.5, "toy"))
    segments = stretches(utterance)
    weights = np.linspace(-500, 500, len(segments))
    toy = AdditiveRecognizer(segments, {"toy": weights})
    score = MaskedScores(toy, sound, segments, [toy.trace(sound).target(0)])
    share = np.zeros(len(segments))
    share[4] = 1.0
    order = oracle_order(score, share)
    rest = [i for i in np.argsort(-toy.exact_shapley(sound, score.targets[0])) if i != 4]
    assert order.tolist() == [4, *rest]


@pytest.fixture(scope="module")
def planted():
    return planted_cue.run(methods=METHODS, n_utterances=6)


@pytest.mark.slow
def test_every_method_finds_the_planted_cue(planted):
    assert [row["method"] for row in planted.table][:4] == list(METHODS[:4])
    for row in planted.table:
        assert row["mass_low"] >= 3 * row["chance_mass"], row
        assert row["finds_cue"]
    for row in planted.table[:4]:
        assert row["oracle_auc"] < row["deletion_auc"] < row["random_auc"], row
        assert row["ordered"]


@pytest.mark.slow
def test_result_can_be_drawn_and_traced(planted):
    assert [panel.kind for panel in planted.panels] == ["bars", "lines"]
    bars, lines = planted.panels
    assert len(bars.data["labels"]) == len(bars.data["values"]) == len(METHODS) + 1
    assert all(len(series["y"]) == len(lines.data["x"]) for series in lines.data["series"])
    assert planted.provenance["weights_sha256"]
    assert len({tuple(row) for row in planted.table}) == 1
