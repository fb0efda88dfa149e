"""Error rates against jiwer."""

from __future__ import annotations

import math

import jiwer
import numpy as np
import pytest

from otoscope.core import BadInput
from otoscope.metrics.error_rate import ErrorRate, bootstrap_interval, character_error_rate, error_rate


def random_pairs(n, seed=0):
    rng = np.random.default_rng(seed)
    vocabulary = ["ask", "not", "what", "your", "country", "can", "do"]
    return [tuple(" ".join(rng.choice(vocabulary, size=rng.integers(1, 14))) for _ in range(2)) for _ in range(n)]


def test_word_rates_equal_jiwer():
    for reference, hypothesis in random_pairs(300):
        ours, theirs = error_rate(reference, hypothesis), jiwer.process_words(reference, hypothesis)
        counts = (theirs.hits, theirs.substitutions, theirs.deletions, theirs.insertions)
        assert (ours.hits, ours.substitutions, ours.deletions, ours.insertions) == counts
        assert ours.rate == pytest.approx(theirs.wer)
        assert ours.match_error_rate == pytest.approx(theirs.mer)
        assert ours.information_lost == pytest.approx(theirs.wil)
        assert ours.information_preserved == pytest.approx(theirs.wip)


def test_character_rates_equal_jiwer():
    for reference, hypothesis in random_pairs(100, seed=1):
        theirs = jiwer.process_characters(reference, hypothesis)
        assert character_error_rate(reference, hypothesis).rate == pytest.approx(theirs.cer)


def test_pooled_rates_equal_jiwer_on_lists():
    references, hypotheses = zip(*random_pairs(40, seed=2), strict=True)
    pooled = ErrorRate.pooled(error_rate(r, h) for r, h in zip(references, hypotheses, strict=True))
    assert pooled.rate == pytest.approx(jiwer.wer(list(references), list(hypotheses)))
    assert len(pooled.alignments) == 40
    assert pooled.n_hypothesis == sum(len(h.split()) for h in hypotheses)


def test_empty_sides():
    assert error_rate("", "").rate == 0.0
    assert error_rate("", "a").rate == math.inf
    assert error_rate("a b", "").rate == 1.0
    assert error_rate("", "").information_preserved == 1.0
    assert error_rate("", "a").information_preserved == 0.0
    assert error_rate("", "").match_error_rate == 0.0


def test_bootstrap_interval_covers_as_often_as_it_says():
    rng = np.random.default_rng(3)
    covered = 0
    for trial in range(200):
        errors = rng.binomial(10, 0.2, size=60)
        rates = [ErrorRate(10 - e, e, 0, 0) for e in errors.tolist()]
        low, high = bootstrap_interval(rates, level=0.9, n_resamples=400, seed=trial)
        covered += low <= 0.2 <= high
    assert 0.83 <= covered / 200 <= 0.96


def test_bootstrap_is_repeatable_and_of_no_width_when_utterances_are_alike():
    rates = [error_rate(r, h) for r, h in random_pairs(30)]
    assert bootstrap_interval(rates, seed=5) == bootstrap_interval(rates, seed=5)
    assert bootstrap_interval(rates, seed=5) != bootstrap_interval(rates, seed=6)
    low, high = bootstrap_interval([error_rate("a b", "a c")] * 5)
    assert low == high == 0.5


@pytest.mark.parametrize("level", [0.0, 1.0, 95])
def test_bootstrap_level_is_checked(level):
    with pytest.raises(BadInput, match="level must lie in"):
        bootstrap_interval([error_rate("a", "a")], level=level)


def test_no_reference_words_are_named():
    for rates in ([], [error_rate("", "a")]):
        with pytest.raises(BadInput, match="without a reference word"):
            bootstrap_interval(rates)
