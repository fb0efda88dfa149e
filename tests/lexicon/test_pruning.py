"""Pruning, mixing and storing models: what changes is what the papers say, and nothing else."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from otoscope.core import BadInput, CorruptWeights, UnknownName
from otoscope.lexicon.ngram import NGramModel, estimate, interpolate, load, prune, prune_to, save, tune_weights
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


def history_of(sentence: list[str], end: int, order: int) -> list[str]:
    return ["<s>", *sentence, "</s>"][max(0, end - order + 1) : end]


def mixed_log_prob(models: list[NGramModel], weights: list[float], text: list[list[str]], *, by_history: bool) -> float:
    """Log-probability of a text under weights that stay, or that follow Bayes' rule, by brute force."""
    total = 0.0
    for sentence in text:
        marked = [*sentence, "</s>"]
        for end, word in enumerate(marked, start=1):
            parts = [prob(m, history_of(sentence, end, m.order), word) if word in m.index else 0.0 for m in models]
            shares = [
                w * (likelihood(m, tuple(history_of(sentence, end, m.order))) if by_history else 1.0)
                for w, m in zip(weights, models, strict=True)
            ]
            total += math.log(sum(s * p for s, p in zip(shares, parts, strict=True)) / sum(shares))
    return total


@pytest.mark.parametrize("weighing", ["fixed", "history"])
def test_weights_are_the_best_of_a_grid(weighing: str) -> None:
    models = [estimate(made_up_text(150, 9, seed=seed), order=2, smoothing="witten-bell") for seed in (1, 2)]
    known = set(models[0].words) & set(models[1].words)
    held_out = [s for s in made_up_text(30, 9, seed=1) + made_up_text(20, 9, seed=2) if set(s) <= known][:25]
    weights = tune_weights(models, held_out, weighing=weighing, tolerance=1e-7)
    assert sum(weights) == pytest.approx(1)
    grid = np.linspace(0.02, 0.98, 49)
    by_history = weighing == "history"
    values = [mixed_log_prob(models, [w, 1 - w], held_out, by_history=by_history) for w in grid]
    assert 0.05 < weights[0] < 0.95
    assert weights[0] == pytest.approx(grid[int(np.argmax(values))], abs=0.021)


def test_weights_that_follow_the_history_obey_bayes() -> None:
    models = [estimate(made_up_text(80, 7, seed=seed), order=3, smoothing="witten-bell") for seed in (1, 2)]
    mixed = interpolate(models, [0.8, 0.2], weighing="history")
    assert np.abs(sums_after_histories(mixed) - 1).max() < 1e-5
    for node in range(1, mixed.word.size, 5):
        *history, word = gram(mixed, node)
        if word == "<s>" or not {*history, word} <= set(models[0].words) & set(models[1].words):
            continue
        shares = [w * likelihood(m, tuple(history)) for w, m in zip((0.8, 0.2), models, strict=True)]
        parts = [prob(m, history, word) for m in models]
        expected = sum(s * p for s, p in zip(shares, parts, strict=True)) / sum(shares)
        assert prob(mixed, history, word) == pytest.approx(expected, rel=1e-5)


def test_unknown_weighing_is_named(model: NGramModel) -> None:
    with pytest.raises(UnknownName, match="did you mean history"):
        interpolate([model], [1.0], weighing="histories")  # type: ignore[arg-type]


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 1.0])
def test_pruning_to_a_size_keeps_the_most_useful(model: NGramModel, share: float) -> None:
    n_longer = sum(model.counts[1:])
    wanted = round(share * n_longer)
    pruned = prune_to(model, wanted)
    kept = sum(pruned.counts[1:])
    assert kept <= wanted
    assert kept >= 0.98 * wanted - 2
    assert np.abs(sums_after_histories(pruned) - 1).max() < 1e-5
    if 0 < share < 1:
        assert pruned.perplexity(TEXT) < prune_to(model, wanted // 2).perplexity(TEXT)


def test_a_size_below_zero_is_refused(model: NGramModel) -> None:
    with pytest.raises(BadInput, match="cannot have -1"):
        prune_to(model, -1)


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
    for node in range(model.word.size):
        assert (np.diff(model.word[model.first_child[node] : model.first_child[node + 1]]) > 0).all()
