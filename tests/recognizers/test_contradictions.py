"""What a hybrid recogniser hears against a text."""

from __future__ import annotations

import pytest

from otoscope.decoding.lattice import DecodedWord
from otoscope.recognizers.hybrid.contradictions import contradictions

LEXICON = {
    "two": (("T", "UW"),),
    "to": (("T", "UW"), ("T", "AH")),
    "ta": (("T", "AH"),),
    "tea": (("T", "IY"),),
    "tee": (("T", "IY"),),
    "see": (("S", "IY"),),
}


def heard(*words: tuple[str, float | None]) -> list[DecodedWord]:
    return [DecodedWord(word, k, k + 1, 0.0, 0.0, posterior) for k, (word, posterior) in enumerate(words)]


@pytest.mark.parametrize(
    ("text", "found", "contrary", "extra"),
    [
        ("see tea", [("see", 0.9), ("tea", 0.8)], [0, 0], [0, 0, 0]),
        ("see tea", [("see", 0.9), ("two", 0.7), ("tea", 0.8)], [0, 0], [0, 0.7, 0]),
        ("see tea", [("two", 0.3), ("two", 0.6), ("see", 0.9), ("tea", 0.8)], [0, 0], [0.6, 0, 0]),
        ("see tea", [("two", 0.6), ("two", 0.3), ("see", 0.9), ("tea", 0.8)], [0, 0], [0.6, 0, 0]),
        ("see tea", [("see", 0.9), ("tea", 0.8), ("see", 0.4)], [0, 0], [0, 0, 0.4]),
        ("see tea", [("see", 0.9), ("tea", 0.8), ("hm", 0.4)], [0, 0], [0, 0, 0.4]),  # no pronunciation is known
        ("see to", [("see", 0.9), ("two", 0.8)], [0, 0], [0, 0, 0]),  # they sound alike
        ("see ta", [("see", 0.9), ("to", 0.8)], [0, 0], [0, 0, 0]),  # so do these, when "to" is weak
        ("to two", [("to", 0.9), ("two", 0.8)], [0, 0], [0, 0, 0]),
        ("two see to", [("to", 0.9), ("see", 0.8), ("to", 0.9)], [0, 0, 0], [0, 0, 0, 0]),  # nor where both are told
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
    assert (against.contrary.tolist(), against.extra.tolist()) == ([0, 0.5, 0], [0, 0, 0, 0.5])


def test_nothing_stands_beside_a_word_that_only_its_like_can_be_heard_for():
    text, said = ["see", "tee", "see"], heard(("see", 0.9), ("tea", 0.8), ("two", 0.7), ("see", 0.6))
    against = contradictions(text, said, LEXICON, known=LEXICON)
    assert (against.contrary.tolist(), against.extra.tolist()) == ([0, 0, 0], [0, 0, 0.7, 0])
    against = contradictions(text, said, LEXICON, known=set(LEXICON) - {"tee"})
    assert (against.contrary.tolist(), against.extra.tolist()) == ([0, 0.5, 0], [0, 0, 0, 0])


def test_words_of_no_posterior_contradict_nothing():
    against = contradictions(["see", "tea"], heard(("see", None), ("two", None), ("see", None)), LEXICON, known=LEXICON)
    assert (against.contrary.tolist(), against.extra.tolist()) == ([0, 0], [0, 0, 0])
    against = contradictions(["see", "tea"], heard(("see", None)), LEXICON, known=LEXICON)
    assert (against.contrary.tolist(), against.extra.tolist()) == ([0, 1], [0, 0, 0])
