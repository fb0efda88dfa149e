from __future__ import annotations

import pytest

from otoscope.core import BadFormat
from otoscope.lexicon import Pronunciations, cmudict, normalize_words
from otoscope.lexicon.normalization import cardinal
from otoscope.lexicon.pronunciations import base_form


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("And so, my fellow Americans:", "and so my fellow americans"),
        ("the dogs' “Rock ‘n’ Roll” — café", "the dogs' rock 'n roll cafe"),
        ("In 1,234 cases; No. 007", "in one thousand two hundred thirty four cases no zero zero seven"),
        ("the 21st, 12th, 30th and 2nd", "the twenty first twelfth thirtieth and second"),
        ("100% of 2.05 & more", "one hundred percent of two point zero five and more"),
        ("well-known_words/slashes", "well known words slashes"),
        (
            "1,2,3 and 1,234,567",
            "one two three and one million two hundred thirty four thousand five hundred sixty seven",
        ),
        ("the 2.5th", "the two point five th"),
        ("digits: 5 5 9", "five five nine"),
        ("spelled: H I N A / K A R P O V", "h i n a k a r p o v"),
        ("address: 5 Ocean Drive 432", "five ocean drive four hundred thirty two"),
        ("notwake: a cheddar Block", "a cheddar block"),
        ("He spelled: it; digits: two", "he spelled it digits two"),
        (
            "at ten o'clock, 3:00, 10:30, 7:05, 14:00",
            "at ten o'clock three o'clock ten thirty seven oh five fourteen hundred",
        ),
        (
            "in 1984, 1805, 1900 and 2024",
            "in nineteen eighty four eighteen oh five nineteen hundred and twenty twenty four",
        ),
        ("2000 or 1042 or 1,984", "two thousand or one thousand forty two or one thousand nine hundred eighty four"),
        ("the 1920s and the 1980's", "the nineteen twenties and the nineteen eighties"),
        ("the 1984th", "the one thousand nine hundred eighty fourth"),
        ("$1, $2.50 and $3.5", "one dollar two dollars and fifty cents and three point five"),
        ("£1,000.01 or £0.20", "one thousand pounds and one penny or twenty pence"),
        ("€4 million and $0.99", "four million euros and ninety nine cents"),
        ("Chapter XIV of Henry VIII, World War II", "chapter fourteen of henry the eighth world war two"),
        ("I mix; chapter I, Vivid XI", "i mix chapter i vivid xi"),
        ("Philip Steels, etc. vs. Capt. Cook", "philip steels et cetera versus captain cook"),
        ("wolf-dog's twenty-one to-day", "wolf dog's twenty one to day"),
        ("", ""),
        ("...?!", ""),
    ],
)
def test_text_becomes_words(text: str, words: str) -> None:
    assert normalize_words(text) == tuple(words.split())


def test_normalising_twice_changes_nothing() -> None:
    once = normalize_words("Mr. O’Neil paid $3.50 on the 3rd; 'twas the dogs' 1st 1000000!")
    assert normalize_words(" ".join(once)) == once


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (0, "zero"),
        (13, "thirteen"),
        (40, "forty"),
        (100, "one hundred"),
        (999_999, "nine hundred ninety nine thousand nine hundred ninety nine"),
        (2_000_001, "two million one"),
    ],
)
def test_cardinals(number: int, words: str) -> None:
    assert cardinal(number) == tuple(words.split())


def test_every_cardinal_below_ten_thousand_is_in_the_dictionary_and_unlike_all_others() -> None:
    spelled = [cardinal(n) for n in range(10_000)]
    assert len(set(spelled)) == 10_000
    assert not cmudict().unknown(word for words in spelled for word in words)


def test_dictionary_keeps_variants_in_order_and_drops_stress() -> None:
    parsed = Pronunciations.parse([";;; comment", "", "tomato T AH0 M EY1 T OW2", "tomato(2) T AH0 M AA1 T OW2"])
    assert parsed["tomato"] == (("T", "AH", "M", "EY", "T", "OW"), ("T", "AH", "M", "AA", "T", "OW"))
    assert len(parsed) == 1


def test_dictionary_line_without_phones_is_named() -> None:
    with pytest.raises(BadFormat, match="line 2"):
        Pronunciations.parse(["a AH", "broken"])


def test_unknown_words_are_named_once_in_order() -> None:
    assert cmudict().unknown(["qqz", "and", "blorf", "qqz"]) == ("qqz", "blorf")


def test_shipped_dictionary_has_only_the_phones_of_the_model() -> None:
    phones = {phone for variants in cmudict().values() for phones in variants for phone in phones}
    assert len(phones) == 39
    assert all(phone.isalpha() for phone in phones)


@pytest.mark.parametrize(("label", "base"), [("and(2)", "and"), ("and", "and"), ("(", "("), ("a(b)", "a(b)")])
def test_base_form(label: str, base: str) -> None:
    assert base_form(label) == base
