"""Recipes for language models of recognisers, and models by the name of their file."""

from __future__ import annotations

from pathlib import Path

import pytest

from otoscope.core import BadInput
from otoscope.lexicon.ngram import estimate
from otoscope.lexicon.ngram.files import read_model, write_model
from otoscope.lexicon.ngram.recipes import choose_vocabulary, mix_texts, most_frequent

from .ngram_text import made_up_text

BOOKS, CALLS = made_up_text(600, 25, seed=1), made_up_text(160, 25, seed=2)


def test_vocabulary_is_the_most_frequent_words_and_all_of_the_transcripts() -> None:
    assert most_frequent(["b a a", "c b a d"], 3) == ("a", "b", "c")
    assert choose_vocabulary(["b a a", "c b a d"], [["z b"], ["y"]], size=2) == ("a", "b", "y", "z")
    with pytest.raises(BadInput, match="1 word or more"):
        most_frequent([], 0)


def test_a_mixture_foretells_the_transcripts_better_and_the_books_hardly_worse() -> None:
    vocabulary, unheard = choose_vocabulary(BOOKS, [CALLS], size=100), [*CALLS[120:], *BOOKS[:40]]
    books = estimate(BOOKS[40:], vocabulary=vocabulary)
    mixed = mix_texts(BOOKS[40:], [CALLS[:120]], vocabulary=vocabulary, held_out=unheard, n_background=1500)
    assert sum(mixed.weights) == pytest.approx(1)
    assert len(mixed.weights) == 2
    assert mixed.histories.words == mixed.model.words
    assert mixed.model.perplexity(CALLS[120:]) < 0.6 * books.perplexity(CALLS[120:])
    assert mixed.model.perplexity(BOOKS[:40]) < 1.3 * books.perplexity(BOOKS[:40])


def test_a_mixture_needs_weights_or_a_text_to_find_them() -> None:
    with pytest.raises(BadInput, match="needs weights, or held-out"):
        mix_texts(BOOKS, [CALLS], vocabulary=choose_vocabulary(BOOKS, [CALLS]))


@pytest.mark.parametrize("name", ["lm.arpa", "lm.arpa.gz", "lm.otoscope"])
def test_the_name_of_a_file_says_its_format(tmp_path: Path, name: str) -> None:
    model = estimate(["a b", "a c"], order=2, smoothing="witten-bell")
    write_model(model, tmp_path / name)
    assert (tmp_path / name).read_bytes().startswith(b"\\data\\") == (name == "lm.arpa")
    assert read_model(tmp_path / name).perplexity(["a b"]) == pytest.approx(model.perplexity(["a b"]), rel=1e-5)
