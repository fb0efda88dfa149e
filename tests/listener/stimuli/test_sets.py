"""Typed lists hold what they claim; chosen lists keep their rules."""

from __future__ import annotations

import numpy as np
import pytest

from otoscope.core import BadInput
from otoscope.lexicon.mental_lexicon import MentalLexicon
from otoscope.lexicon.neighbours import neighbours
from otoscope.lexicon.syllables import n_syllables, rhyming_part
from otoscope.listener.stimuli.sets.ambiguous import EMBEDDED, GANONG, MISMATCH, RESTORED
from otoscope.listener.stimuli.sets.chosen import (
    SUFFIXES,
    embedded_pairs,
    frequency_triples,
    ganong_pairs,
    mismatch_triples,
)
from otoscope.listener.stimuli.sets.designs import (
    CELLS,
    feature_distance,
    frequency_by_density,
    lexical_decision_list,
    mispronunciations,
)
from otoscope.listener.stimuli.sets.displays import ALLOPENNA_1998, DAHAN_2001, TOSCANO_2013


@pytest.fixture(scope="module")
def english() -> MentalLexicon:
    rare = [word for display in ALLOPENNA_1998 for word in display.words]
    return MentalLexicon.english(25000).with_words([*rare, "jog", "toot", "hamster"])


def ways(lexicon, word):
    return lexicon.pronunciations[lexicon.position(word)]


@pytest.mark.parametrize("display", ALLOPENNA_1998, ids=lambda d: d.target)
def test_pictures_are_cohorts_rhymes_and_unlike(display, english):
    target, cohort, rhyme, unrelated = (ways(english, word) for word in display.words)
    assert any(t[:2] == c[:2] for t in target for c in cohort)
    assert any(rhyming_part(t) == rhyming_part(r) for t in target for r in rhyme)
    assert all(t[0] != r[0] for t in target for r in rhyme)
    if display.target not in ("beaker", "carrot"):  # the paper's own sets
        assert all(t[0] != u[0] and rhyming_part(t)[0] != rhyming_part(u)[0] for t in target for u in unrelated)


def test_frequencies_and_anadromes_of_the_literature(english):
    (triple,) = DAHAN_2001
    assert english.zipf(triple.frequent) > english.zipf(triple.rare)
    assert len({ways(english, word)[0][:2] for word in (triple.target, triple.frequent, triple.rare)}) == 1
    target, anadrome, vowel, _ = (ways(english, word)[0] for word in TOSCANO_2013[0])
    assert anadrome == target[::-1]
    assert vowel[1] == target[1]


def test_carriers_of_continua_are_words_at_one_end_only(english):
    known = english.forms.index
    for pair in GANONG:
        assert [phones in known for phones in pair.first] == [True, False]
        assert [phones in known for phones in pair.second] == [False, True]
        assert pair.first[0] in ways(english, pair.words[0])
        assert pair.second[1] in ways(english, pair.words[1])
        assert [phones[pair.position] for phones in (*pair.first, *pair.second)] == [*pair.ends, *pair.ends]


def test_other_lists_of_the_literature(english):
    for triple in MISMATCH:
        assert triple.word in english.forms.index
        assert triple.rival in english.forms.index
        assert triple.pseudoword not in english.forms.index
        assert triple.word[:-1] == triple.rival[:-1] == triple.pseudoword[:-1]
    ((word, place),) = RESTORED
    assert ways(english, word)[0][place] == "S"
    for short, long in EMBEDDED:
        (said, *_) = ways(english, short)
        assert ways(english, long)[0][: len(said)] == said


def test_frequency_triples_follow_the_rule(english):
    found = frequency_triples(english, 12, seed=1)
    assert found == frequency_triples(english, 12, seed=1)
    assert found != frequency_triples(english, 12, seed=2)
    for triple in found:
        words = (triple.target, triple.frequent, triple.rare)
        said = [ways(english, word)[0] for word in words]
        onsets = {phones[: len(phones) - len(rhyming_part(phones)) + 1] for phones in said}
        assert len(onsets) == 1
        assert english.zipf(triple.frequent) - english.zipf(triple.rare) >= 1
        assert len(said[1]) == len(said[2])
        assert all(n_syllables(phones) == 1 for phones in said)
        assert len(set(said)) == 3
    with pytest.raises(BadInput, match=r"only .* triples, 10000 were asked for"):
        frequency_triples(english, 10000, seed=0)


@pytest.mark.parametrize("position", [0, 2, -1])
def test_ganong_pairs_follow_the_rule(english, position):
    for pair in ganong_pairs(english, 8, position=position, seed=3):
        assert [phones in english.forms.index for phones in pair.first] == [True, False]
        assert [phones in english.forms.index for phones in pair.second] == [False, True]
        assert len(pair.first[0]) == len(pair.second[0])
        assert pair.position == position % len(pair.first[0])
        assert pair.first[0][pair.position] == pair.second[0][pair.position] == pair.ends[0]


def test_mismatch_triples_follow_the_rule(english):
    for triple in mismatch_triples(english, 8, seed=4):
        assert triple.word in english.forms.index
        assert triple.rival in english.forms.index
        assert triple.pseudoword not in english.forms.index
        assert triple.word[:-1] == triple.rival[:-1] == triple.pseudoword[:-1]


def test_embedded_pairs_follow_the_rule(english):
    found = embedded_pairs(english, 10, seed=5)
    for short, long in found:
        (said, *_) = ways(english, short)
        assert any(way[: len(said)] == said and len(way) >= len(said) + 2 for way in ways(english, long))
        assert not (long.startswith(short[:-1]) and long.endswith(SUFFIXES))
    assert len({word for pair in found for word in pair}) == 20


def test_cells_of_frequency_by_density(english):
    lexicon = english
    found = frequency_by_density(lexicon, 15, seed=6)
    cells = {cell: [item for item in found if item.condition == cell] for cell in CELLS}
    assert [len(items) for items in cells.values()] == [15] * 4
    assert {len(item.phones or ()) for item in found} == {4}
    zipf = {cell: np.mean([item.details["zipf"] for item in items]) for cell, items in cells.items()}
    density = {cell: [item.details["density"] for item in items] for cell, items in cells.items()}
    assert zipf["high-sparse"] - zipf["low-sparse"] > 1
    assert zipf["high-dense"] == pytest.approx(zipf["high-sparse"], abs=0.1)
    assert zipf["low-dense"] == pytest.approx(zipf["low-sparse"], abs=0.1)
    assert min(density["high-dense"]) > max(density["high-sparse"])
    assert min(density["low-dense"]) > max(density["low-sparse"])
    labels = [item.label for item in cells["high-dense"]]
    assert neighbours(labels, lexicon).density.tolist() == density["high-dense"]
    with pytest.raises(BadInput, match=r"dense and .* sparse words of 4 phones"):
        frequency_by_density(lexicon, 5000, seed=0)


def test_words_and_pseudowords_of_lexical_decision(english):
    lexicon = MentalLexicon.english(10000)
    chosen = {"seed": 7, "known": english, "zipf": (4.0, 5.5)}
    found = lexical_decision_list(lexicon, 40, **chosen)
    words, others = found[:40], found[40:]
    assert [item.kind for item in words] == ["word"] * 40
    assert [item.kind for item in others] == ["pseudoword"] * 40
    for word, other in zip(words, others, strict=True):
        assert other.details["base"] == word.word
        assert other.phones not in english.forms.index
        assert sum(a != b for a, b in zip(word.phones or (), other.phones or (), strict=True)) == 1
    zipfs = [item.details["zipf"] for item in words]
    assert np.histogram(zipfs, 4, (4.0, 5.5))[0].min() >= 8
    assert len({item.label for item in found}) == 80
    with pytest.raises(BadInput, match="such words, 40 were asked for"):
        lexical_decision_list(lexicon, 40, seed=7, phones=(20, 30))


def test_mispronunciations_by_how_far_off(english):
    found = mispronunciations("service", english)
    distances = [distance for _, distance in found]
    assert distances == sorted(distances)
    assert distances[0] == 1
    assert distances[-1] == 3
    assert all(phones[1:] == found[0][0][1:] for phones, _ in found)
    assert feature_distance("S", "Z") == 1
    assert feature_distance("IY", "IY") == 0
