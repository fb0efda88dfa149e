"""Lattices against a list of all their paths."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
from tree_cases import CONTEXTS, LM_SCALE, WORD_PENALTY, random_world
from tree_oracle import lm_score, random_lm

from otoscope.core import BadInput
from otoscope.decoding.edit_distance import edit_distance
from otoscope.decoding.lattice import Lattice

SEEDS = range(4)


def made(seed: int, *, beam: float = 12.0) -> Lattice:
    world = random_world(seed, context=CONTEXTS[seed % 4], topology="hmm", n_frames=20)
    return world.decoder(lattice_beam=beam).lattice(world.scores)


def paths(lattice: Lattice, node: int = 0) -> Iterator[tuple[tuple[int, ...], float]]:
    """Every path from a node to an end: its arcs and its score."""
    final = lattice.final_scores()
    if np.isfinite(final[node]):
        yield (), final[node]
    for arc in np.flatnonzero(lattice.source == node).tolist():
        for rest, score in paths(lattice, int(lattice.target[arc])):
            yield (arc, *rest), score + lattice.arc_scores()[arc]


def words_of(lattice: Lattice, arcs: tuple[int, ...]) -> tuple[str, ...]:
    return tuple(lattice.vocabulary[lattice.word[a]] for a in arcs if lattice.word[a] >= 0)


@pytest.mark.parametrize("seed", SEEDS)
def test_n_best_are_the_best_of_all_paths(seed):
    lattice = made(seed)
    best: dict[tuple[str, ...], float] = {}
    for arcs, score in paths(lattice):
        words = words_of(lattice, arcs)
        best[words] = max(score, best.get(words, -np.inf))
    ranked = sorted(best.values(), reverse=True)
    assert len(ranked) > 3
    found = lattice.n_best(10**6)
    assert [h.log_score for h in found] == pytest.approx(ranked)
    assert {tuple(w.word for w in h.words): pytest.approx(h.log_score) for h in found} == best
    assert lattice.n_best(3) == found[:3]
    assert lattice.best() == found[0]


@pytest.mark.parametrize("seed", SEEDS)
def test_no_reading_scores_above_its_exact_score_and_the_best_reaches_it(seed):
    world = random_world(seed, context=CONTEXTS[seed % 4], topology="hmm", n_frames=20)
    found = world.decoder(lattice_beam=6.0).lattice(world.scores).n_best(5)
    exact = [world.exact_with_lm(tuple(w.word for w in h.words)) for h in found]
    assert found[0].log_score == pytest.approx(exact[0], abs=1e-4)
    assert all(h.log_score <= e + 1e-4 for h, e in zip(found, exact, strict=True))


@pytest.mark.parametrize("seed", SEEDS)
def test_posteriors_are_shares_of_all_paths(seed):
    lattice, scale = made(seed), 0.6
    shares, everything = np.zeros(lattice.n_arcs), 0.0
    all_paths = list(paths(lattice))
    for arcs, score in all_paths:
        share = np.exp(scale * (score - all_paths[0][1]))
        shares[list(arcs)] += share
        everything += share
    np.testing.assert_allclose(lattice.posteriors(scale=scale), shares / everything, rtol=1e-9)
    best = lattice.best(scale=scale)
    start, end = lattice.node_frame[lattice.source], lattice.node_frame[lattice.target]
    for word in best.words:
        alike = lattice.word == lattice.vocabulary.index(word.word)
        frames = range(word.start_frame, word.end_frame)
        sums = [shares[alike & (start <= t) & (t < end)].sum() / everything for t in frames]
        assert word.posterior == pytest.approx(min(1.0, max(sums)))


def test_default_scale_of_posteriors_undoes_the_language_model_weight():
    lattice = made(1)
    np.testing.assert_allclose(lattice.posteriors(), lattice.posteriors(scale=1 / LM_SCALE))
    np.testing.assert_allclose(
        replace(lattice, lm_scale=0.5).posteriors(), replace(lattice, lm_scale=0.5).posteriors(scale=1.0)
    )


@pytest.mark.parametrize("seed", SEEDS)
def test_rescoring_gives_every_path_the_score_of_the_other_model(seed):
    lattice = made(seed)
    other = random_lm(np.random.default_rng(100 + seed), list(lattice.vocabulary), order=3)
    expected: dict[tuple[str, ...], float] = {}
    for arcs, _ in paths(lattice):
        words = words_of(lattice, arcs)
        end = lattice.target[arcs[-1]] if arcs else 0
        acoustic = lattice.acoustic[list(arcs)].sum() + lattice.final_acoustic[end]
        score = acoustic + 2.5 * lm_score(other, words) - 0.1 * len(words)
        expected[words] = max(score, expected.get(words, -np.inf))
    found = lattice.rescore(other, lm_scale=2.5, word_penalty=-0.1).n_best(10**6)
    assert {tuple(w.word for w in h.words): pytest.approx(h.log_score, abs=1e-4) for h in found} == expected


def test_rescoring_with_the_same_model_changes_nothing():
    world = random_world(3, context=(True, True), topology="hmm", n_frames=20)
    lattice = world.decoder(lattice_beam=6.0).lattice(world.scores)
    same = lattice.rescore(world.lm)
    assert (same.lm_scale, same.word_penalty) == (LM_SCALE, WORD_PENALTY)
    assert [h.log_score for h in same.n_best(9)] == pytest.approx([h.log_score for h in lattice.n_best(9)], abs=1e-4)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("reference", [("u",), ("v", "w", "x"), ("nobody", "u", "y", "v", "u"), ()])
def test_oracle_is_the_nearest_path(seed, reference):
    lattice = made(seed)
    nearest = min(edit_distance(reference, words_of(lattice, arcs)) for arcs, _ in paths(lattice))
    assert lattice.oracle_errors(reference) == nearest
    if reference:
        assert lattice.oracle_error_rate(reference) == nearest / len(reference)


@pytest.mark.parametrize("seed", SEEDS)
def test_pruning_keeps_all_paths_within_the_beam(seed):
    lattice = made(seed)
    small = lattice.pruned(2.0)
    best = lattice.best().log_score
    near = sorted(score for _, score in paths(lattice) if score >= best - 2.0)
    kept = sorted(score for _, score in paths(small) if score >= best - 2.0)
    assert kept == pytest.approx(near)
    assert small.n_arcs < lattice.n_arcs
    assert np.all(small.source < small.target)
    assert np.all(np.diff(small.target) >= 0)


def test_bad_input_is_refused():
    lattice = made(0)
    with pytest.raises(BadInput, match="n of at least 1"):
        lattice.n_best(0)
    with pytest.raises(BadInput, match="must be above 0"):
        lattice.posteriors(scale=0.0)
    with pytest.raises(BadInput, match="one word at least"):
        lattice.oracle_error_rate(())
    with pytest.raises(BadInput, match="not in the language model"):
        lattice.rescore(random_lm(np.random.default_rng(0), ["nobody"], order=1))
