"""Pronunciations of words in the dictionary and out of it."""

from __future__ import annotations

import itertools
import math

import pytest

from otoscope.core import BadInput
from otoscope.lexicon import cmudict
from otoscope.lexicon.g2p import GraphoneModel, pronounce, pronunciations
from otoscope.lexicon.g2p.alignment import align, fits
from otoscope.lexicon.g2p.training import judge, split_by_word, train

REGULAR = {"c": "K", "a": "AE", "t": "T", "p": "P", "n": "N", "s": "S", "m": "M", "i": "IH"}


def regular_words() -> dict[str, list[tuple[str, ...]]]:
    """Words of a language whose letters are always said alike, but x is K S and e is silent."""
    words = {}
    for letters in itertools.product("ctpnsm", "ai", "ctpnsmx", ("", "e")):
        word = "".join(letters)
        phones = [p for letter in word for p in ({"x": ["K", "S"], "e": []}.get(letter) or [REGULAR.get(letter)]) if p]
        words[word] = [tuple(phones)]
    return words


def test_alignment_finds_which_letter_says_what() -> None:
    pairs = [(word, variants[0]) for word, variants in regular_words().items()]
    for (word, phones), graphones in zip(pairs, align(pairs), strict=True):
        assert "".join(letter for letter, _ in graphones) == word
        assert tuple(p for _, chunk in graphones for p in chunk) == phones
        for letter, chunk in graphones:
            assert chunk == {"x": ("K", "S"), "e": ()}.get(letter, (REGULAR.get(letter),))


@pytest.mark.parametrize(
    ("word", "phones", "so"), [("x", ("K", "S"), True), ("x", ("A", "B", "C"), False), ("", (), False)]
)
def test_words_with_too_many_phones_do_not_fit(word: str, phones: tuple[str, ...], so: bool) -> None:
    assert fits(word, phones) is so


@pytest.fixture(scope="module")
def small() -> GraphoneModel:
    words = {word: cmudict()[word] for word in sorted(cmudict()) if word.isalpha() and word.isascii()}
    return train(dict(itertools.islice(words.items(), 0, None, 12)), order=4)


def test_a_small_model_beats_letter_by_letter(small: GraphoneModel) -> None:
    _, held_back = split_by_word(cmudict())
    plain = {word: variants for word, variants in held_back.items() if word.isalpha()}
    errors = judge(small, dict(itertools.islice(plain.items(), 0, None, 60)))
    assert errors.phone_error_rate < 0.25
    assert 0 < errors.word_error_rate < 0.75


def test_guesses_are_ranked_probabilities(small: GraphoneModel) -> None:
    found = small.decode("bartholomeu", n_best=5)
    assert len(found) == 5
    logs = [log for _, log in found]
    assert logs == sorted(logs, reverse=True)
    assert sum(map(math.exp, logs)) <= 1 + 1e-9
    assert len({phones for phones, _ in found}) == 5
    assert small.decode("bartholomeu")[0][0] == found[0][0]


def test_split_by_word_is_disjoint_and_repeatable() -> None:
    seen, held_back = split_by_word(cmudict())
    assert not set(seen) & set(held_back)
    assert len(held_back) == pytest.approx(0.1 * (len(seen) + len(held_back)), abs=1)
    assert set(split_by_word(cmudict())[1]) == set(held_back)
    assert set(split_by_word(cmudict(), seed=1)[1]) != set(held_back)


@pytest.mark.parametrize(
    ("word", "phones", "origin"),
    [
        ("cat", "K AE T", "dictionary"),
        ("b.b.c.", "B IY B IY S IY", "spelled"),
        ("xqtz", "EH K S K Y UW T IY Z IY", "spelled"),
        ("Pangolin's", None, "guessed"),
        ("boxes's", "B AA K S AH Z IH Z", "inflected"),
        ("walkers's", "W AO K ER Z IH Z", "inflected"),
        ("table'll", "T EY B AH L AH L", "inflected"),
        ("'computer", "K AH M P Y UW T ER", "inflected"),
        ("cat-house", "K AE T HH AW S", "compound"),
        ("thinkengine", None, "guessed"),
    ],
)
def test_where_a_pronunciation_comes_from(word: str, phones: str | None, origin: str) -> None:
    first = pronunciations(word)[0]
    assert first.origin == origin
    assert (first.log_prob is not None) == (origin == "guessed")
    if phones is not None:
        assert " ".join(first.phones) == phones


def test_possessives_agree_with_the_dictionary() -> None:
    """Where the dictionary has both a word and its possessive, ours is put together alike, almost always."""
    entries = cmudict()
    words = [w for w in sorted(entries) if w.endswith("'s") and w[:-2] in entries and w[:-2].isalpha()][::20]
    from otoscope.lexicon.g2p.speaking import _inflected

    agree = sum(bool({p.phones for p in _inflected(word)} & set(entries[word])) for word in words)
    assert agree / len(words) > 0.9


def test_all_pronunciations_of_the_dictionary_come_and_guesses_up_to_n_best() -> None:
    assert pronounce("tomato") == cmudict()["tomato"]
    assert len(pronounce("blorfindle")) == 1
    assert len(pronounce("blorfindle", n_best=4)) == 4
    assert pronounce("blorfindle", n_best=4)[:1] == pronounce("blorfindle")


@pytest.mark.parametrize(
    "word", ["", " ", "3", "r2d2", "a b", "а́ы", "漢字", "-", "'", "...", "a" * 61, "b" * 200, "ab\n\ncd", "\0"]
)
def test_odd_words_are_refused_at_once(word: str) -> None:
    with pytest.raises(BadInput, match="cannot pronounce"):
        pronounce(word)


def test_n_best_must_be_positive() -> None:
    with pytest.raises(BadInput, match="n_best"):
        pronounce("cat", n_best=0)


@pytest.mark.parametrize("word", ["a" * 60, "strengths" * 6, "z" * 6 + "a" * 50, "q'q'q'q'a"])
def test_long_and_odd_words_get_some_phones(word: str) -> None:
    assert all(len(phones) >= 1 for phones in pronounce(word, n_best=3))


def test_every_phone_is_one_of_the_dictionary() -> None:
    phones = {phone for variants in cmudict().values() for spoken in variants for phone in spoken}
    for word in ("zyzzyvax", "thinkengine", "onword", "snowboy", "q.e.d.", "wuw's", "kwyjibo-fied"):
        assert set(pronounce(word)[0]) <= phones
