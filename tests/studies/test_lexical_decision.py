"""The study of lexical decision: its measures by hand, the rule on toy gaps, and a run on a few items."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from scipy.stats import norm

from otoscope.core import BadInput, FrameGrid
from otoscope.lexicon.mental_lexicon import MentalLexicon
from otoscope.listener.ears.voices import JUDGED, VALIDATION
from otoscope.listener.stimuli.items import Item
from otoscope.studies.lexical_decision import MARGINS, Trial, american, answered, fitted_rule, run
from otoscope.studies.lexical_decision_measures import MEASURES, Answers, d_prime, measure_rows
from otoscope.views.figures import figure

GRID = FrameGrid(16000, 0, 160, 160, 100)


def made_up(n=60, *, seed=0):
    """Answers in which all effects are those of people: half words, one in ten wrong."""
    rng = np.random.default_rng(seed)
    is_word = np.arange(2 * n) < n
    duration = rng.uniform(0.3, 0.9, 2 * n)
    zipf = np.where(is_word, rng.uniform(2, 6, 2 * n), np.nan)
    after = 0.3 - 0.2 * duration + np.where(is_word, -0.05 * np.nan_to_num(zipf), 0.0) + rng.normal(0, 0.01, 2 * n)
    said = np.where(np.arange(2 * n) % 10 == 0, ~is_word, is_word)
    return Answers(
        is_word=is_word, said_word=said, rt_s=duration + after, after_s=after, duration_s=duration,
        n_phones=np.round(10 * duration), zipf=zipf, right_word=is_word,
    )  # fmt: skip


def test_d_prime_by_hand():
    answers = made_up(60)
    expected = norm.ppf(54.5 / 61) - norm.ppf(6.5 / 61)
    assert d_prime(answers) == pytest.approx(expected)
    perfect = dataclasses.replace(answers, said_word=answers.is_word)
    assert np.isfinite(d_prime(perfect))
    assert d_prime(perfect) > d_prime(answers)
    assert d_prime(dataclasses.replace(answers, said_word=~answers.is_word)) == pytest.approx(-d_prime(perfect))


def test_measures_find_the_effects_that_were_put_in():
    answers = made_up()
    rows = {row["measure"]: row for row in measure_rows(answers, 0)}
    assert rows["accuracy, words"]["value"] == pytest.approx(0.9)
    own = answers.correct & answers.is_word
    assert rows["slope of frequency"]["value"] == pytest.approx(np.polyfit(answers.zipf[own], answers.rt_s[own], 1)[0])
    assert rows["nonwords later"]["value"] == pytest.approx(
        rows["time, nonwords"]["value"] - rows["time, words"]["value"]
    )
    assert rows["after offset × duration, words"]["value"] < 0
    assert [name for name, row in rows.items() if row["met"] is False] == []
    assert all(row["low"] <= row["value"] <= row["high"] for row in rows.values())


def test_what_is_not_as_expected_is_told():
    answers = made_up()
    turned = dataclasses.replace(answers, rt_s=3 - answers.rt_s, after_s=-answers.after_s)
    rows = {row["measure"]: row for row in measure_rows(turned, 0)}
    assert rows["slope of frequency"]["met"] is False
    assert rows["after offset × duration, words"]["met"] is False
    assert rows["nonwords later"]["met"] is False
    assert rows["time, words"]["met"] is None


def test_wrong_answers_have_no_part_in_times():
    answers = made_up()
    wrong = ~answers.correct
    late = dataclasses.replace(answers, rt_s=np.where(wrong, 99.0, answers.rt_s))
    for measure in MEASURES:
        if measure.name.startswith(("time", "nonwords", "slope")):
            assert measure.of(late) == pytest.approx(measure.of(answers)), measure.name


def trial(*, word, lost=0.0, falls_at=10):
    """An item from 0 to 0.6 s whose word path loses nats a frame from a frame on; words are identified at 0.55 s."""
    n = np.minimum(np.arange(100) + 1, 60)
    gaps = -lost * np.clip(n - falls_at, 0, None) / n
    name = "kept" if word else None
    item = Item("kept", name, ("K",), "word" if word else "pseudoword", speech_s=(0.0, 0.6), details={"zipf": 4.0})
    return Trial(item, gaps, GRID, (0.0, 0.6), 0.55, word)


def test_a_rule_from_trials():
    rng = np.random.default_rng(1)
    trials = [trial(word=True, lost=0.1 * rng.random()) for _ in range(30)]
    trials += [trial(word=False, lost=0.5 + rng.random(), falls_at=int(rng.integers(5, 40))) for _ in range(30)]
    rule, tried = fitted_rule(trials)
    assert 0.05 < rule.threshold < 0.5
    assert [one["margin"] for one in tried] == list(MARGINS)
    held = [one["checked_frames"] for one in tried]
    assert held == sorted(held, reverse=True)  # the larger the margin, the later is "no" of itself
    at = MARGINS.index(rule.margin)
    assert rule.checked_frames == held[at] > 0
    assert tried[at]["later_s"] == pytest.approx(0.115, abs=0.011)
    best = max(one["correct"] for one in tried)
    assert tried[at]["correct"] == best
    assert all(one["correct"] < best for one in tried[:at])
    answers = answered(trials, rule, 0.2)
    assert answers.correct.mean() > 0.9
    assert answers.rt_s - answers.after_s == pytest.approx(0.6 + 0.2)


def test_pseudowords_need_american_voices():
    assert len(american(JUDGED)) == 15
    assert american(("gmw/en-US+f1", "gmw/en-US-nyc+benjamin", "gmw/en+m4")) == ("gmw/en-US+f1",)
    assert len(american(VALIDATION)) >= 3


def test_a_few_items():
    pytest.importorskip("espeakng_loader", reason="speech is synthesised with the extra synth")
    steps = []
    found = run(
        n_words=6, n_fitting=10, lexicon=MentalLexicon.english(3000), voices=VALIDATION[:2], seed=1,
        progress=lambda done, n: steps.append((done, n)),
    )  # fmt: skip
    rows = {row["measure"]: row for row in found.table}
    assert rows["d prime"]["value"] > 1
    assert rows["right word identified"]["value"] > 0.6
    n_said = 32 - len(found.provenance["not_said"])
    assert steps[-1] == (n_said, n_said)
    assert n_said >= 28
    assert f"d' {rows['d prime']['value']:.2f}" in found.summary
    for panel in found.panels:
        figure(panel)


def test_too_few_items():
    with pytest.raises(BadInput, match="two words"):
        run(n_words=1, lexicon=MentalLexicon.english(1000))
