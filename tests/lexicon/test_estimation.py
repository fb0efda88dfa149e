"""Counting and smoothing, against dictionaries filled by the letter of the paper."""

from __future__ import annotations

import lzma
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from itertools import product
from pathlib import Path

import numpy as np
import pytest

from otoscope.core import BadInput, UnknownName
from otoscope.lexicon.ngram import NGramModel, estimate
from otoscope.lexicon.ngram.counting import count_ngrams

from .ngram_text import made_up_text, prob, sums_after_histories

Gram = tuple[str, ...]
TEXT = made_up_text()
CLOSED = [*sorted({word for sentence in TEXT for word in sentence} - {"w0", "w5", "r3"}), "never"]


def grams_of(sentences: Sequence[Sequence[str]], n: int) -> Counter[Gram]:
    marked = [["<s>", *words, "</s>"] for words in sentences]
    return Counter(tuple(s[i : i + n]) for s in marked for i in range(len(s) - n + 1))


def paper_kneser_ney(sentences: Sequence[Sequence[str]], order: int, n_words: int) -> Callable[[Gram, str], float]:
    """Chen and Goodman (1999), equations 24 to 27, word for word with dictionaries."""
    counts = {n: grams_of(sentences, n) for n in range(1, order + 1)}
    for n in range(order - 1, 0, -1):
        before = Counter(gram[1:] for gram in grams_of(sentences, n + 1))
        counts[n] = Counter({g: c if g[0] == "<s>" else before[g] for g, c in counts[n].items()})
    counts[1].pop(("<s>",))
    discounts = {}
    for n, table in counts.items():
        n1, n2, n3, n4 = (sum(c == k for c in table.values()) for k in (1, 2, 3, 4))
        y = n1 / (n1 + 2 * n2)
        discounts[n] = (0, 1 - 2 * y * n2 / n1, 2 - 3 * y * n3 / n2, 3 - 4 * y * n4 / n3)
    followers: dict[int, dict[Gram, list[int]]] = {n: defaultdict(list) for n in counts}
    for n, table in counts.items():
        for gram, count in table.items():
            followers[n][gram[:-1]].append(count)

    def p(history: Gram, word: str) -> float:
        n = len(history) + 1
        shorter = p(history[1:], word) if history else 1 / n_words
        seen = followers[n].get(history)
        if not seen:
            return shorter
        discount = discounts[n]
        count = counts[n].get((*history, word), 0)
        gamma = sum(discount[min(c, 3)] for c in seen) / sum(seen)
        return max(count - discount[min(count, 3)], 0) / sum(seen) + gamma * shorter

    return p


def paper_witten_bell(sentences: Sequence[Sequence[str]], order: int, n_words: int) -> Callable[[Gram, str], float]:
    counts = {n: grams_of(sentences, n) for n in range(1, order + 1)}
    counts[1].pop(("<s>",))

    def p(history: Gram, word: str) -> float:
        shorter = p(history[1:], word) if history else 1 / n_words
        seen = {g[-1]: c for g, c in counts[len(history) + 1].items() if g[:-1] == history}
        if not seen:
            return shorter
        return (seen.get(word, 0) + len(seen) * shorter) / (sum(seen.values()) + len(seen))

    return p


def histories(model: NGramModel, longest: int) -> list[Gram]:
    words = [word for word in model.words if word not in ("<s>", "</s>", "<unk>")][:6]
    plain = [h for n in range(longest + 1) for h in product(words, repeat=n)]
    return plain + [("<s>", *h) for h in plain if len(h) < longest]


@pytest.mark.parametrize("order", [1, 2, 3])
@pytest.mark.parametrize(("smoothing", "paper"), [("kneser-ney", paper_kneser_ney), ("witten-bell", paper_witten_bell)])
def test_every_probability_is_that_of_the_paper(smoothing: str, paper: Callable, order: int) -> None:
    model = estimate(TEXT, order=order, smoothing=smoothing)
    p = paper(TEXT, order, len(model.words) - 1)
    for history in histories(model, order - 1):
        for word in ("w0", "w7", "r5", "</s>", "<unk>"):
            assert prob(model, history, word) == pytest.approx(p(history, word), rel=1e-5), (history, word)


def test_four_words_deep_as_in_the_paper() -> None:
    model = estimate(TEXT, order=4)
    p = paper_kneser_ney(TEXT, 4, len(model.words) - 1)
    for sentence in TEXT[:40]:
        marked = ["<s>", *sentence, "</s>"]
        for end in range(1, len(marked)):
            history = tuple(marked[max(0, end - 3) : end])
            assert prob(model, history, marked[end]) == pytest.approx(p(history, marked[end]), rel=1e-5)


@pytest.mark.parametrize("smoothing", ["kneser-ney", "witten-bell"])
@pytest.mark.parametrize("min_counts", [(), (1, 2, 3)])
@pytest.mark.parametrize("vocabulary", [None, CLOSED])
def test_probabilities_sum_to_one_after_every_history(
    smoothing: str, min_counts: Sequence[int], vocabulary: Sequence[str] | None
) -> None:
    model = estimate(TEXT, smoothing=smoothing, min_counts=min_counts, vocabulary=vocabulary)
    assert np.abs(sums_after_histories(model) - 1).max() < 1e-5


def test_counts_are_those_of_a_dictionary() -> None:
    words = [*sorted({word for sentence in TEXT for word in sentence}), "</s>", "<s>"]
    tokens = np.array([words.index(w) for s in TEXT for w in ["<s>", *s, "</s>"]], np.int32)
    counts = count_ngrams(tokens, len(words), 4)
    grams: list[Gram] = [()]
    for node in range(1, counts.word.size):
        grams.append((*grams[counts.parent[node]], words[counts.word[node]]))
    for n in (1, 2, 3, 4):
        level = counts.level(n)
        table = dict(zip(grams[level], counts.count[level].tolist(), strict=True))
        assert table == grams_of(TEXT, n)
    assert all(grams[counts.suffix[i]] == grams[i][1:] for i in range(1, len(grams)))
    assert all(counts.starts[i] == (grams[i][0] == "<s>") for i in range(1, len(grams)))


def test_rare_ngrams_are_left_out_and_unigrams_never() -> None:
    model = estimate(TEXT, min_counts=(5, 2, 3))
    expected = [sum(c >= k for c in grams_of(TEXT, n).values()) for n, k in ((2, 2), (3, 3))]
    assert list(model.counts[1:]) == expected
    assert model.counts[0] == len(model.words)


def test_words_outside_the_vocabulary_count_as_unknown() -> None:
    model = estimate(TEXT, vocabulary=CLOSED, order=2)
    mapped = [[w if w in CLOSED else "<unk>" for w in sentence] for sentence in TEXT]
    p = paper_kneser_ney(mapped, 2, len(model.words) - 1)
    assert model.words == ("<unk>", "</s>", *CLOSED, "<s>")
    for word in ("<unk>", "w4", "never"):
        assert prob(model, ("w3",), word) == pytest.approx(p(("w3",), word), rel=1e-5)
    score = model.score([["w1", "w0", "w2"]])
    assert (score.n_words, score.n_unknown, score.n_sentences) == (3, 1, 1)
    assert score.log_prob_unknown == pytest.approx(np.log(prob(model, ("<s>", "w1"), "<unk>")), rel=1e-5)
    assert score.perplexity_known == pytest.approx(np.exp((score.log_prob_unknown - score.log_prob) / 3))


def test_text_comes_from_files_strings_and_lists_alike(tmp_path: Path) -> None:
    lines = [" ".join(sentence) for sentence in TEXT]
    plain, packed = tmp_path / "text.txt", tmp_path / "text.txt.xz"
    plain.write_text("\n".join(lines) + "\n\n", encoding="utf-8")
    packed.write_bytes(lzma.compress(plain.read_bytes()))
    model = estimate(TEXT)
    assert estimate(lines) == estimate(plain) == estimate(str(packed)) == model
    assert model.perplexity(plain) == model.perplexity(lines) == model.perplexity(TEXT)


@pytest.mark.parametrize(
    ("text", "options", "message"),
    [
        ([], {}, "no sentences"),
        (["a b"], {"order": 0}, "order of 1 to 8"),
        (["a b"], {"order": 9}, "order of 1 to 8"),
        (["a b", "a c"], {}, "needs 3-grams that stand|needs .-grams that stand"),
        (["a <s> b"], {"smoothing": "witten-bell"}, "leave them out"),
        (["a b"], {"min_counts": (1, 3, 2)}, "do not fall"),
        (["a b"], {"min_counts": (1, 1, 1, 1)}, "up to 3 numbers"),
        (["a b"], {"vocabulary": ["a b"]}, "no blanks"),
        (["a b"], {"vocabulary": [""]}, "no blanks"),
    ],
)
def test_what_cannot_be_estimated_is_refused(text: list[str], options: dict, message: str) -> None:
    with pytest.raises(BadInput, match=message):
        estimate(text, **options)


def test_unknown_smoothing_is_named() -> None:
    with pytest.raises(UnknownName, match="did you mean kneser-ney"):
        estimate(["a"], smoothing="knesser-ney")


def test_a_text_of_no_sentences_has_no_perplexity() -> None:
    with pytest.raises(BadInput, match="no perplexity"):
        estimate(["a"], smoothing="witten-bell").perplexity([])
