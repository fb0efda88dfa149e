"""Sequences of words: against every sequence, and what competes while they are said."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from tests.listener.test_competing import FORMS, PRIORS, Models, evidence, tree_of

from otoscope.core import BadInput
from otoscope.listener.competing import relative_to_best
from otoscope.listener.running import compete_running


def word_score(rows, form, models):
    """Return the best way through all states of a form in these frames, leaving it at the end."""
    chain = [state for k, phone in enumerate(form) for state in models.states(None, phone, None)]
    v = np.full(len(chain), -np.inf)
    for t, row in enumerate(rows):
        come, new = (0.0 if t == 0 else -np.inf), np.empty_like(v)
        for s, state in enumerate(chain):
            new[s] = max(v[s] + state.log_loop, come) + row[state.column]
            come = max(v[s] + state.log_leave, come + state.log_skip)
        v = new
    best, over = -np.inf, 0.0
    for s in range(len(chain) - 1, -1, -1):
        best, over = max(best, v[s] + chain[s].log_leave + over), over + chain[s].log_skip
    return best


def best_sequence(rows, forms, models, priors):
    """Try every way to cut the frames into words and silence."""
    n, silent = len(rows), rows[:, 0]
    best = {0: (0.0, ())}
    for end in range(1, n + 1):
        ways = [(best[end - 1][0] + silent[end - 1], best[end - 1][1])]
        for start, (form, prior) in itertools.product(range(end), enumerate(priors)):
            score = best[start][0] + word_score(rows[start:end], forms[form], models) + prior
            ways.append((score, (*best[start][1], (form, start, end))))
        best[end] = max(ways, key=lambda way: way[0])
    return best[n]


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("models", [Models(1), Models(2, skips=True)])
def test_the_best_of_all_sequences_is_found(models, seed):
    heard = evidence(models, 14, seed=seed)
    score, words = best_sequence(relative_to_best(heard.scores).astype(float), FORMS, models, 0.8 * PRIORS - 0.5)
    _, found = compete_running(heard, tree_of(models), frequency_weight=0.8, word_penalty=0.5)
    assert [(word.form, word.first, word.behind) for word in found] == list(words)
    behind = relative_to_best(heard.scores)[found[-1].behind if found else 0 :, 0].sum()
    assert sum(word.score for word in found) + behind == pytest.approx(score, abs=1e-3)


def said(models, forms, n_each=4, pause=3):
    """Return evidence in which forms are said one after the other, clearly."""
    rows = []
    for form in forms:
        rows += [0] * pause
        for phone in FORMS[form]:
            rows += [state.column for state in models.states(None, phone, None) for _ in range(n_each)]
    rows += [0] * pause
    scores = np.full((len(rows), models.n_columns), -6.0, np.float32)
    scores[np.arange(len(rows)), rows] = 0.0
    heard = evidence(models, len(rows))
    return type(heard)(scores, heard.grid, models, heard.origin, heard.kind)


def test_words_said_clearly_are_heard_where_they_are():
    models = Models(2)
    competition, words = compete_running(said(models, [0, 4, 2]), tree_of(models))
    assert [word.form for word in words] == [0, 4, 2]
    first = words[0]
    assert (first.first, first.behind) == (3, 3 + 24)
    middle = (first.first + first.behind) // 2 + 8
    assert competition.forms[middle, 0] in (0, 1, 5), "words that begin so lead while it is said"
    assert words[1].first >= first.behind


def test_long_speech_stays_exact():
    models = Models(2)
    order = [0, 4, 2, 3, 1] * 40
    noisy = said(models, order)
    scores = noisy.scores + np.random.default_rng(0).normal(0, 1.2, noisy.scores.shape).astype(np.float32)
    heard = type(noisy)(scores, noisy.grid, models, noisy.origin, noisy.kind)
    competition, words = compete_running(heard, tree_of(models))
    assert [word.form for word in words] == order
    assert np.isfinite(competition.activations[:, 0]).all()
    lowest = competition.activations.min(initial=0, where=np.isfinite(competition.activations))
    assert lowest > -3000, "scores were brought back"


def test_silence_holds_no_words_and_nothing_is_refused():
    models = Models(2)
    scores = np.full((30, models.n_columns), -9.0, np.float32)
    scores[:, 0] = 0
    heard = evidence(models, 30)
    quiet = type(heard)(scores, heard.grid, models, heard.origin, heard.kind)
    competition, words = compete_running(quiet, tree_of(models))
    assert words == ()
    assert (competition.forms[:, 0] == 0).all(), "the most frequent word is expected"
    with pytest.raises(BadInput, match="one frame or more"):
        compete_running(evidence(models, 0), tree_of(models))


def test_forms_may_be_tracked():
    models = Models(2)
    heard = said(models, [0, 4, 2])
    got, _ = compete_running(heard, tree_of(models), n_kept=1, track=(4, 1))
    full, _ = compete_running(heard, tree_of(models))
    np.testing.assert_array_equal(got.tracked, np.stack([full.kept(4), full.kept(1)], axis=1))
    with pytest.raises(BadInput, match="tracked"):
        compete_running(heard, tree_of(models), track=(6,))
