"""Pruning, mixing and storing models: what changes is what the papers say, and nothing else."""

from __future__ import annotations

import math
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from otoscope.core import BadInput, CorruptWeights
from otoscope.lexicon.ngram import NGramModel, estimate, interpolate, load, prune, save, tune_weights
from otoscope.lexicon.ngram.pruning import divergence
from otoscope.lexicon.ngram.trie import renormalized, subset

from .ngram_text import made_up_text, prob, sums_after_histories

TEXT = made_up_text()
SHORT = [sentence[:6] for sentence in made_up_text(60, 6, seed=3)]


@pytest.fixture(scope="module")
def model() -> NGramModel:
    return estimate(TEXT)


@pytest.fixture(scope="module")
def small() -> NGramModel:
    return estimate(SHORT, order=3, smoothing="witten-bell")


def gram(model: NGramModel, node: int) -> tuple[str, ...]:
    words: list[str] = []
    while node:
        words.insert(0, model.words[model.word[node]])
        node = int(model.parent[node])
    return tuple(words)


def likelihood(model: NGramModel, history: tuple[str, ...]) -> float:
    """P(h) as the model walks it; a sentence start is as likely as a sentence end."""
    p = 1.0
    for i, word in enumerate(history):
        p *= prob(model, (), "</s>") if word == "<s>" else prob(model, history[:i], word)
    return p


@pytest.mark.parametrize("order", [2, 3])
def test_divergence_is_the_kullback_leibler_distance_by_brute_force(small: NGramModel, order: int) -> None:
    """Drop one n-gram, renormalise, and sum P(h) P(w | h) log(P / P') over all words after its history."""
    level = small.level(order)
    likely = np.log([likelihood(small, gram(small, node)) for node in range(small.word.size)])
    found = divergence(small, order, likely)
    has_children = np.diff(small.first_child) > 0
    nodes = [node for node in range(level.start, level.stop) if not has_children[node]][::5]
    for node in nodes:
        kept = np.ones(small.word.size, bool)
        kept[node] = False
        smaller = renormalized(subset(small, kept))
        history = gram(small, node)[:-1]
        distance = 0.0
        for word in small.words[:-1]:
            p, q = prob(small, history, word), prob(smaller, history, word)
            distance += likelihood(small, history) * p * math.log(p / q)
        assert found[node - level.start] == pytest.approx(distance, rel=2e-3, abs=1e-9)
    assert len(nodes) > 3


def test_pruned_models_sum_to_one_and_shrink_with_the_threshold(model: NGramModel) -> None:
    sizes, perplexities = [], []
    for threshold in (0.0, 1e-5, 1e-4, 1e-3):
        pruned = prune(model, threshold)
        assert np.abs(sums_after_histories(pruned) - 1).max() < 1e-5
        sizes.append(sum(pruned.counts))
        perplexities.append(pruned.perplexity(TEXT))
    assert sizes[0] == sum(model.counts)
    assert sizes == sorted(sizes, reverse=True)
    assert perplexities == sorted(perplexities)
    assert sizes[-1] < sizes[0] / 2


def test_pruning_keeps_what_is_kept_as_it_was(model: NGramModel) -> None:
    pruned = prune(model, 1e-4)
    before = {gram(model, node): model.log_probs[node] for node in range(model.word.size)}
    for node in range(1, pruned.word.size):
        assert pruned.log_probs[node] == before[gram(pruned, node)]


def test_another_model_may_weigh_the_histories(model: NGramModel) -> None:
    plain = estimate(TEXT, smoothing="witten-bell")
    assert prune(model, 1e-4, histories=plain) != prune(model, 1e-4)
    assert prune(model, 1e-4, histories=model) == prune(model, 1e-4)


@pytest.mark.parametrize("threshold", [-1e-9, float("nan")])
def test_odd_thresholds_are_refused(model: NGramModel, threshold: float) -> None:
    with pytest.raises(BadInput, match="0 or more"):
        prune(model, threshold)


def test_a_mixture_gives_each_listed_ngram_the_weighted_mean(model: NGramModel) -> None:
    other = estimate(made_up_text(100, 30, seed=5), order=2, smoothing="witten-bell")
    mixed = interpolate([model, other], [0.7, 0.3])
    assert mixed.order == 3
    assert set(mixed.words) == set(model.words) | set(other.words)
    assert np.abs(sums_after_histories(mixed) - 1).max() < 1e-5
    for node in range(1, mixed.word.size, 11):
        *history, word = gram(mixed, node)
        if word != "<s>" and {*history, word} <= set(model.words) & set(other.words):
            expected = 0.7 * prob(model, history, word) + 0.3 * prob(other, history, word)
            assert prob(mixed, history, word) == pytest.approx(expected, rel=1e-5)


def test_a_mixture_of_a_model_with_itself_is_that_model(model: NGramModel) -> None:
    mixed = interpolate([model, model], [0.4, 0.6])
    assert mixed.words == model.words
    assert np.array_equal(mixed.parent, model.parent)
    assert np.allclose(mixed.log_probs, model.log_probs, atol=1e-6)
    assert np.allclose(mixed.backoffs, model.backoffs, atol=1e-4)


def test_weights_are_the_best_of_a_fine_grid(model: NGramModel) -> None:
    other = estimate(made_up_text(200, 25, seed=5), smoothing="witten-bell")
    held_out = TEXT[::5] + made_up_text(200, 25, seed=5)[::3]
    weights = tune_weights([model, other], held_out)
    assert sum(weights) == pytest.approx(1)

    def log_prob(weight: float) -> float:
        total = 0.0
        for sentence in held_out[::4]:
            marked = ["<s>", *sentence, "</s>"]
            for end in range(1, len(marked)):
                history = marked[max(0, end - 2) : end]
                p = [prob(m, history, marked[end]) if set(marked) <= set(m.words) else 0.0 for m in (model, other)]
                total += math.log(weight * p[0] + (1 - weight) * p[1]) if sum(p) else 0.0
        return total

    subset_weights = tune_weights([model, other], [s for s in held_out[::4] if set(s) <= set(other.words)])
    assert 0.05 < weights[0] < 0.95
    usable = [s for s in held_out[::4] if set(s) <= set(other.words)]
    held_out = [s for s in usable for _ in range(4)]
    best = max(np.linspace(0.01, 0.99, 99), key=log_prob)
    assert subset_weights[0] == pytest.approx(best, abs=0.011)


@pytest.mark.parametrize("weights", [[1.0], [0.5, 0.6], [1.0, 0.0], [1.5, -0.5]])
def test_weights_that_do_not_fit_are_refused(model: NGramModel, weights: list[float]) -> None:
    with pytest.raises(BadInput, match="sum to 1"):
        interpolate([model, model], weights)


def test_weights_need_a_text_of_known_words(model: NGramModel) -> None:
    with pytest.raises(BadInput, match="weights need"):
        tune_weights([model], [])


@pytest.mark.parametrize(("bits", "tolerance"), [(8, 0.005), (12, 0.0005), (16, 1e-6)])
def test_a_stored_model_foretells_as_before(model: NGramModel, tmp_path: Path, bits: int, tolerance: float) -> None:
    save(model, tmp_path / "lm.bin", bits=bits)
    again = load(tmp_path / "lm.bin")
    assert again.words == model.words
    assert np.array_equal(again.parent, model.parent)
    assert np.array_equal(again.word, model.word)
    assert again.perplexity(TEXT) == pytest.approx(model.perplexity(TEXT), rel=tolerance)


def test_few_values_are_stored_exactly(tmp_path: Path) -> None:
    model = estimate(["a b", "a c"], order=2, smoothing="witten-bell")
    save(model, tmp_path / "lm.bin")
    assert load(tmp_path / "lm.bin") == model


def test_saving_is_reproducible(model: NGramModel, tmp_path: Path) -> None:
    save(model, tmp_path / "a")
    save(model, tmp_path / "b")
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


@pytest.mark.parametrize("place", [0, 9, 300, -1500, -3])
def test_damage_is_found(model: NGramModel, tmp_path: Path, place: int) -> None:
    path = tmp_path / "lm.bin"
    save(model, path)
    data = bytearray(path.read_bytes())
    data[place] ^= 0x15
    path.write_bytes(bytes(data))
    with pytest.raises(CorruptWeights, match="damaged"):
        load(path)


def test_what_is_no_model_is_refused(model: NGramModel, tmp_path: Path) -> None:
    path = tmp_path / "lm.bin"
    save(model, path)
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(CorruptWeights, match="damaged"):
        load(path)
    save_file({"a": np.zeros(3)}, path)
    with pytest.raises(CorruptWeights, match="format None"):
        load(path)
    assert load_file(path)
    with pytest.raises(BadInput, match="no n-gram model at"):
        load(tmp_path / "none")
    with pytest.raises(BadInput, match="4 to 16 bits"):
        save(model, path, bits=3)


def test_words_after_a_history_are_kept_in_order() -> None:
    model = estimate(["b a", "a b", "b b", "a a"], order=2, smoothing="witten-bell")
    for node, _ in product(range(model.word.size), range(1)):
        assert (np.diff(model.word[model.first_child[node] : model.first_child[node + 1]]) > 0).all()
