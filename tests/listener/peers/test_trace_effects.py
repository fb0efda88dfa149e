"""What TRACE is known for, on the words of its makers: Ganong's shift, phonemes restored, cohorts before rhymes."""

from __future__ import annotations

import numpy as np
import pytest

from otoscope.core import BadInput
from otoscope.listener.peers.features import PHONES, SILENCE, feature_table
from otoscope.listener.peers.slex import read_slex
from otoscope.listener.peers.trace import TraceModel
from otoscope.listener.peers.trace_parameters import TraceParameters
from otoscope.listener.peers.wiring import input_pattern

TABLE = feature_table()
FIRST = 4
"""The place of the first phone behind a silence."""
UNFED = TraceParameters(word_phone=0.0)


def sounds(*heard, between=("p", "b"), amounts=(0.5, 0.5)):
    """Patterns of strings between silences in which `?` is a mixture of two phones."""
    mixed = sum(a * TABLE[PHONES.index(phone)] for phone, a in zip(between, amounts, strict=True))
    table = np.concatenate([TABLE, mixed[None]])
    rows = [np.array([(PHONES + "?").index(c) for c in SILENCE + word + SILENCE]) for word in heard]
    return np.stack([input_pattern(row, 99, table, step=6) for row in rows])


@pytest.fixture(scope="module")
def words(shared_data):
    return read_slex(shared_data / "trace-tisk").words


def test_a_sound_between_two_phones_is_heard_as_that_which_makes_a_word(words):
    patterns = sounds("?l^g", "?l^d")
    p, b = PHONES.index("p"), PHONES.index("b")
    assert {"pl^g", "bl^d"} <= set(words)
    assert not {"bl^g", "pl^d"} & set(words)
    fed = TraceModel(words).hear_phones(patterns, n_cycles=80)[:, -1, :, FIRST]
    unfed = TraceModel(words, parameters=UNFED).hear_phones(patterns, n_cycles=80)[:, -1, :, FIRST]
    assert fed[0, p] > fed[0, b] + 0.05
    assert fed[1, b] > fed[1, p] + 0.05
    np.testing.assert_allclose(unfed[:, p], unfed[:, b], atol=1e-9)


def test_ganongs_shift_is_late_as_words_must_be_heard_first(words):
    made = TraceModel(words).hear_phones(sounds("?l^g"), n_cycles=70)[0, :, :, FIRST]
    lead = made[:, PHONES.index("p")] - made[:, PHONES.index("b")]
    assert abs(lead[15]) < 0.01
    assert lead[69] > lead[30] + 0.03


def test_a_clear_phone_is_heard_against_the_words(words):
    clear = sounds("?l^g", amounts=(0.0, 1.0))
    made = TraceModel(words).hear_phones(clear, n_cycles=60)[0, -1, :, FIRST]
    assert made.argmax() == PHONES.index("b")


def test_a_phone_under_noise_is_restored_by_its_word_only(words):
    noise = sounds("?ar", between=PHONES[:-1], amounts=(1 / 7,) * 14)
    phone = PHONES.index("p")
    fed = TraceModel(words).hear_phones(noise, n_cycles=41)[0, 40, phone, FIRST]
    unfed = TraceModel(words, parameters=UNFED).hear_phones(noise, n_cycles=41)[0, 40, phone, FIRST]
    assert {"par", "park", "part"} <= set(words)
    assert fed > 0 > unfed


def test_cohorts_compete_and_rhymes_hardly_do(words):
    said = ["bark", "tar", "bit", "kar"]
    made = TraceModel(words, silence=False).hear(said, n_cycles=80)
    for heard, now in zip(said, made.activations, strict=True):
        cohort = [i for i, w in enumerate(words) if w != heard and w[:2] == heard[:2]]
        rhyme = [i for i, w in enumerate(words) if len(w) == len(heard) and w[0] != heard[0] and w[1:] == heard[1:]]
        assert rhyme
        assert 0.25 < now[:, cohort].max() < now[:, words.index(heard)].max()
        assert now[:, rhyme].max() < 0.05


def test_rhymes_compete_later_than_cohorts_where_words_are_few():
    made = TraceModel(("bark", "badi", "park", "duti"), silence=False).hear(["bark"], n_cycles=80).activations[0]
    bark, cohort, rhyme, other = made.T
    assert bark[79] > cohort.max() > rhyme.max() > other.max() + 0.05
    assert cohort.argmax() < rhyme.argmax()


def test_patterns_of_another_shape_are_refused():
    with pytest.raises(BadInput, match="63, 99"):
        TraceModel(("bar", "bab")).hear_phones(np.zeros((1, 63, 20)))
