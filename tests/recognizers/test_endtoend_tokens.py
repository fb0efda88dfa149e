"""Tokens and shallow fusion: exact round trips, and sums of n-gram scores along a text."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from otoscope.core import BadInput
from otoscope.lexicon.ngram.automaton import BackoffAutomaton
from otoscope.recognizers.endtoend.fusion import UNKNOWN, Fusion, log_prob
from otoscope.recognizers.endtoend.tokens import BEGIN, Tokens, byte_pairs, characters

TEXTS = [["low", "lower", "newest", "low"], ["newest", "widest", "it's"]]
WORDS = st.lists(st.text(alphabet="lowernstid'", min_size=1, max_size=8), max_size=6)


@pytest.fixture(scope="module", params=["characters", "subwords"])
def tokens(request):
    return characters(TEXTS) if request.param == "characters" else byte_pairs(TEXTS, n_units=34)


@given(words=WORDS)
def test_any_text_comes_back_and_its_spans_are_its_words(tokens, words):
    indices = tokens.encode(words)
    assert tokens.decode(indices) == tuple(words)
    assert 0 not in indices
    spans = tokens.spans(indices)
    assert [tokens.decode(indices[a:b]) for a, b in spans] == [(word,) for word in words]
    assert all(tuple(indices[a:b]) == tokens.encode_word(w) for (a, b), w in zip(spans, words, strict=True))


def test_subwords_are_learnt_by_frequency_and_are_fewer_than_letters():
    tokens = byte_pairs(TEXTS, n_units=34)
    assert len(tokens.units) == 34
    assert tokens.merges[0] in {("e", "s"), ("s", "t"), (BEGIN + "l", "o"), ("o", "w")}
    assert len(tokens.encode(TEXTS[0])) < len(characters().encode(TEXTS[0]))
    assert byte_pairs(TEXTS, n_units=34) == tokens
    assert Tokens(**{k: tuple(map(tuple, v)) if k == "merges" else v for k, v in tokens.as_json().items()}) == tokens
    with pytest.raises(BadInput, match="need at least"):
        byte_pairs(TEXTS, n_units=10)


def test_what_cannot_be_written_is_refused():
    with pytest.raises(BadInput, match="'ä', which this recogniser cannot write"):
        characters().encode_word("ä")
    assert characters([["ä"]]).decode(characters([["ä"]]).encode(["ä"])) == ("ä",)
    with pytest.raises(BadInput, match="has no letters"):
        characters().encode_word("")


def bigrams(words, rng):
    """A bigram model with some arcs missing: words, end, and what it should say."""
    names = (*words, "</s>")
    n = len(names)
    unigram = np.log(rng.dirichlet(np.ones(n)))
    arcs = {0: dict(enumerate(unigram))}
    for state in range(1, n + 1):  # state w + 1 is the history w; state n is the sentence start
        arcs[state] = {w: float(np.log(rng.uniform(0.1, 0.4))) for w in range(n) if rng.random() < 0.5}
    backoff = np.log(rng.uniform(0.3, 0.9, n + 1))
    starts = np.cumsum([0] + [len(arcs[s]) for s in range(n + 1)])
    flat = [(w, p) for s in range(n + 1) for w, p in sorted(arcs[s].items())]
    model = BackoffAutomaton(
        names,
        starts.astype(np.int64),
        np.array([w for w, _ in flat], np.int32),
        np.array([p for _, p in flat], np.float32),
        np.array([0 if w == n - 1 else w + 1 for w, _ in flat], np.int32),
        np.array([-1] + [0] * n, np.int32),
        np.array([0.0, *backoff[1:]], np.float32),
        start=n,
        end_word=n - 1,
    )

    def total(text):
        state, score = n, 0.0
        for w in (*(names.index(word) for word in text), n - 1):
            score += arcs[state][w] if w in arcs[state] else backoff[state] + arcs[0][w]
            state = w + 1
        return score

    return model, total


def walked(fusion, labels):
    return sum(fusion(labels[:i])[k] for i, k in enumerate((*labels, 0)))


@pytest.mark.parametrize("weight", [1.0, 0.4])
def test_fusion_adds_up_to_the_score_of_the_text(tokens, weight):
    model, total = bigrams(["low", "it's", "newest"], np.random.default_rng(0))
    fusion = Fusion(model, tokens, weight=weight, bonus=0.7)
    for n in range(3):
        for text in itertools.product(["low", "it's", "newest"], repeat=n):
            expected = weight * total(text) + 0.7 * n
            assert walked(fusion, tokens.encode(text)) == pytest.approx(expected, abs=1e-5)
    assert fusion(tokens.encode(["wid"]))[list(tokens.closing)[1]] == pytest.approx(weight * UNKNOWN + 0.7)


def test_fusion_over_tokens_walks_in_any_order():
    tokens = Tokens((" ", "a", "b"))
    model, total = bigrams(["<space>", "a", "b"], np.random.default_rng(1))
    fusion = Fusion(model, tokens, unit="token", weight=1.0)
    assert walked(fusion, tokens.encode(["ab", "b"])) == pytest.approx(total(["a", "b", "<space>", "b"]), abs=1e-5)
    assert Fusion(model, tokens, unit="token", weight=1.0)((2, 3, 1))[3] == pytest.approx(fusion((2, 3, 1))[3])
    assert log_prob(model, model.start, 99) == (UNKNOWN, 0)
    with pytest.raises(BadInput, match="unit 'word' or 'token'"):
        Fusion(model, tokens, unit="phone")
