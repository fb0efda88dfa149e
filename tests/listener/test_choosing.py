"""Choice among what is shown, and looks."""

from __future__ import annotations

import numpy as np
import pytest

from otoscope.core import BadFormat, BadInput
from otoscope.listener.choosing import (
    Looks,
    certainty,
    choice,
    choose,
    looks_by_fixations,
    looks_by_saccades,
    looks_by_strength,
    mean_looks,
    read_looks,
    taken_in,
)
from otoscope.listener.deciding import Criterion, DecisionRule, HickHyman

TIMES = np.arange(100) / 100


def test_luce_by_hand_even_where_nothing_is_known():
    shares = choice(np.log([[1.0, 3.0], [2.0, 2.0]]), scale=1.0)
    assert shares == pytest.approx(np.array([[0.25, 0.75], [0.5, 0.5]]))
    assert choice([[-np.inf, -np.inf]], scale=1.0).tolist() == [[0.5, 0.5]]
    assert certainty([[0.5, 0.5], [1.0, 0.0]]) == pytest.approx([0.0, 1.0])


def test_a_choice_among_four():
    a = np.zeros((100, 4))
    a[30:, 2] = 5
    made = choose(a, TIMES, DecisionRule(Criterion(lead=4, hold_frames=3)), scale=1.0)
    assert (made.form, made.time_s) == (2, pytest.approx(0.32))
    forced = choose(a * 0.1, TIMES, DecisionRule(Criterion(lead=4), HickHyman(0.1)), scale=1.0, offset_s=0.5)
    assert forced.how == "hick-hyman"
    assert 0.5 < forced.time_s < 0.7


def test_looks_wait_for_the_delay_and_for_a_reason():
    shares = np.tile([0.75, 0.25], (100, 1))
    strength = np.where(TIMES < 0.3, 0.0, 2.0)
    looks = looks_by_strength(shares, TIMES, strength, delay_s=0.2)
    assert looks[TIMES < 0.49].max() == 0
    assert looks[TIMES > 0.51] == pytest.approx(shares[TIMES > 0.51])


def test_saccades_leave_the_cross_at_their_rate():
    looks = looks_by_saccades(np.tile([1.0, 0.0], (100, 1)), TIMES, rate_hz=4.0, delay_s=0.0)
    assert looks[:, 0] == pytest.approx(1 - np.exp(-4 * TIMES))
    late = looks_by_saccades(np.tile([1.0, 0.0], (100, 1)), TIMES, rate_hz=4.0, delay_s=0.2)
    assert late[TIMES > 0.2, 0] == pytest.approx(1 - np.exp(-4 * (TIMES[TIMES > 0.2] - 0.19)), abs=1e-6)
    still = looks_by_saccades(np.tile([1.0, 0.0], (100, 1)), TIMES, strengths=np.zeros(100))
    assert still.max() == 0


def test_looks_stay_for_a_fixation():
    """Fixations of hardly any spread: a look has any age up to the mean, so looks rise evenly over that time."""
    wanted = np.stack([TIMES >= 0.3, TIMES < 0.3], axis=1).astype(float)
    looks = looks_by_fixations(wanted, TIMES, mean_s=0.2, spread=0.02, delay_s=0.1)[:, 0]
    assert looks[TIMES < 0.395].max() == pytest.approx(0, abs=1e-6)
    assert looks[TIMES > 0.65] == pytest.approx(1.0)
    rising = (TIMES > 0.42) & (TIMES < 0.58)
    assert looks[rising] == pytest.approx((TIMES[rising] - 0.4) / 0.2, abs=0.06)
    with pytest.raises(BadInput, match="mean_s and spread"):
        looks_by_fixations(wanted, TIMES, mean_s=0.0)


def test_what_is_heard_is_taken_in_over_time():
    step = np.stack([np.where(TIMES >= 0.1, 6.0, 0.0), np.zeros(100)], axis=1)
    found = taken_in(step + 100 * TIMES[:, None], TIMES, constant_s=0.05)
    lead = found[:, 0] - found[:, 1]
    after = TIMES >= 0.1
    assert lead[~after] == pytest.approx(0)
    assert lead[after] == pytest.approx(6 * (1 - np.exp(-(TIMES[after] - 0.09) / 0.05)))
    assert taken_in(step, TIMES, constant_s=0).tolist() == step.tolist()
    with pytest.raises(BadInput, match="finite activations"):
        taken_in(np.full((100, 2), -np.inf), TIMES)


def test_human_looks_are_read(shared_data):
    human = read_looks(shared_data / "visual-world" / "allopenna1998.tsv")
    assert human.times_s.size == 31
    assert human.curves["cohort"].max() == pytest.approx(0.1843)
    assert human.times_s[human.curves["rhyme"].argmax()] == pytest.approx(0.5)
    assert human.against(human).rmse == 0
    assert human.against(human).r == pytest.approx(1)


def test_means_and_refusals(tmp_path):
    one, two = Looks([0.0, 1.0], {"target": [0.0, 1.0]}), Looks([0.0, 1.0], {"target": [1.0, 1.0]})
    assert mean_looks([one, two], times_s=[0, 0.5]).curves["target"].tolist() == [0.5, 0.75]
    (tmp_path / "looks.tsv").write_text("time_s\ttarget\tcohort\tunrelated\n0\t0\t0\t0\n")
    with pytest.raises(BadFormat, match="no column rhyme"):
        read_looks(tmp_path / "looks.tsv")
    with pytest.raises(BadInput, match="no trials"):
        mean_looks([], times_s=[0])
