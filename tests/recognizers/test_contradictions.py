"""What a hybrid recogniser hears against a text."""

from __future__ import annotations

import pytest

from otoscope.decoding.lattice import DecodedWord
from otoscope.recognizers.hybrid.contradictions import contradictions

LEXICON = {
    "two": (("T", "UW"),),
    "to": (("T", "UW"), ("T", "AH")),
    "tea": (("T", "IY"),),
    "see": (("S", "IY"),),
}


def heard(*words: tuple[str, float]) -> list[DecodedWord]:
    return [DecodedWord(word, k, k + 1, 0.0, 0.0, posterior) for k, (word, posterior) in enumerate(words)]


@pytest.mark.parametrize(
    ("text", "found", "contrary", "extra"),
    [
        ("see tea", [("see", 0.9), ("tea", 0.8)], [0, 0], [0, 0, 0]),
        ("see tea", [("see", 0.9), ("two", 0.7), ("tea", 0.8)], [0, 0], [0, 0.7, 0]),
        ("see tea", [("two", 0.3), ("two", 0.6), ("see", 0.9), ("tea", 0.8)], [0, 0], [0.6, 0, 0]),
        ("see tea", [("see", 0.9), ("tea", 0.8), ("see", 0.4)], [0, 0], [0, 0, 0.4]),
        ("see to", [("see", 0.9), ("two", 0.8)], [0, 0], [0, 0, 0]),  # they sound alike
        ("see tea", [("see", 0.9), ("two", 0.7)], [0, 0.7], [0, 0, 0]),
        ("see tea", [("see", 0.9)], [0, 1], [0, 0, 0]),
        ("see tea", [], [1, 1], [0, 0, 0]),
    ],
)
def test_what_has_no_counterpart_speaks_against_a_text(text, found, contrary, extra):
    against = contradictions(text.split(), heard(*found), LEXICON, known=LEXICON)
    assert (against.contrary.tolist(), against.extra.tolist()) == (contrary, extra)


def test_words_that_cannot_be_heard_are_not_contradicted():
    known = {"see", "tea", "two"}
    said = heard(("see", 0.9), ("tea", 0.8), ("two", 0.7), ("see", 0.6), ("two", 0.5))
    text = ["see", "zygote", "see"]
    against = contradictions(text, said, LEXICON, known={*known, "zygote"})
    assert (against.contrary.tolist(), against.extra.tolist()) == ([0, 0.7, 0], [0, 0.8, 0, 0.5])
    against = contradictions(text, said, LEXICON, known=known)
    assert (against.contrary.tolist(), against.extra.tolist()) == ([0, 0, 0], [0, 0, 0, 0.5])
