"""A small text of a made-up language, and what every n-gram model must keep."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from otoscope.lexicon.ngram import NGramModel


def made_up_text(n_sentences: int = 400, n_words: int = 25, seed: int = 0) -> list[list[str]]:
    """Sentences of a Markov chain whose words follow Zipf's law, with some rare words strewn in."""
    rng = np.random.default_rng(seed)
    likely = 1.0 / np.arange(1, n_words + 1)
    table = rng.permuted(np.tile(likely**1.5, (n_words, 1)), axis=1) + 0.02 * likely
    table /= table.sum(axis=1, keepdims=True)
    sentences = []
    for _ in range(n_sentences):
        word, sentence = int(rng.integers(n_words)), []
        for _ in range(1 + rng.poisson(5)):
            sentence.append(f"w{word}")
            word = int(rng.choice(n_words, p=table[word]))
        sentences.append(sentence)
    for rare in range(24):
        for place in rng.integers(n_sentences, size=1 + rare % 6):
            sentences[place].insert(int(rng.integers(len(sentences[place]) + 1)), f"r{rare}")
    return sentences


def sums_after_histories(model: NGramModel) -> np.ndarray:
    """Sum of P(w | h) over all words but the sentence start, for every node as a history, by brute force."""
    ids = np.arange(len(model.words) - 1)
    nodes = [n for n in range(model.word.size) if model.word[n] != model.eos]
    return np.array([np.exp(model.advance(np.full(ids.size, node), ids)[0]).sum() for node in nodes])


def prob(model: NGramModel, history: Sequence[str], word: str) -> float:
    """P(word | history) by walking there from the start of the history."""
    node = np.zeros(1, np.int32)
    for previous in history:
        _, node = model.advance(node, np.array([model.index[previous]]))
    return float(np.exp(model.advance(node, np.array([model.index[word]]))[0][0]))
