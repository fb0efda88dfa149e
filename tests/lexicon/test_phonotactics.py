"""Phonotactic probability by brute force, syllables, and pseudowords."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest

from otoscope.core import BadInput, UnknownName
from otoscope.lexicon.form_index import index_of
from otoscope.lexicon.item_measures import measured
from otoscope.lexicon.mental_lexicon import MentalLexicon
from otoscope.lexicon.phonotactics import Phonotactics
from otoscope.lexicon.pseudowords import PseudowordMaker, blurred
from otoscope.lexicon.syllable_chains import SyllableChains
from otoscope.lexicon.syllables import is_vowel, legal_onsets, n_syllables, rhyming_part, syllabified

from .small_lexica import random_items, random_lexicon


@pytest.fixture(scope="module")
def english() -> MentalLexicon:
    return MentalLexicon.english(20000)


@pytest.fixture(scope="module")
def known() -> MentalLexicon:
    return MentalLexicon.english(40000)


@pytest.fixture(scope="module")
def maker(english, known) -> PseudowordMaker:
    return PseudowordMaker(english, known=known)


@pytest.fixture(scope="module")
def rules(english) -> Phonotactics:
    return Phonotactics(english)


@pytest.mark.parametrize("size", [1, 2])
def test_probabilities_are_those_of_the_definition(size):
    lexicon = random_lexicon(3)
    items = random_items(3)
    found = Phonotactics(lexicon).probabilities(items)
    values = found.segments if size == 1 else found.biphones
    weight = [math.log10(1 + 1000 * p) for p in index_of(lexicon).per_million]
    forms = list(zip(lexicon.forms.phones, weight, strict=True))
    for i, item in enumerate(items):
        places = range(len(item) - size + 1)
        for place in places:
            unit = item[place : place + size]
            there = sum(w for phones, w in forms if len(phones) >= place + size)
            with_it = sum(w for phones, w in forms if phones[place : place + size] == unit)
            assert values[i, place] == pytest.approx(with_it / there if there else 0)
        assert np.isnan(values[i, len(places) :]).all()
    sums, means = (found.segment_sum, found.segment_mean) if size == 1 else (found.biphone_sum, found.biphone_mean)
    np.testing.assert_allclose(sums, np.nansum(values, axis=1))
    lengths = np.array([len(item) - size + 1 for item in items])
    np.testing.assert_allclose(means[lengths > 0], sums[lengths > 0] / lengths[lengths > 0])


def test_what_is_legal(rules):
    assert rules.is_legal(("B", "L", "IH", "K"))
    assert not rules.is_legal(("NG", "AE", "T"))
    assert not rules.is_legal(("T", "L", "AE", "T"), least=50)
    assert not rules.is_legal(("K", "AE", "HH"))
    # each two phones in a row are legal, the coda is not
    assert rules.is_legal(("S", "T", "R", "IH", "P"))
    assert not rules.is_legal(("S", "T", "R", "IH", "K", "S", "T", "R"))


def test_syllables_of_english(english):
    onsets = legal_onsets(english.forms.phones[:3000])
    cut = syllabified(("IH", "N", "S", "T", "R", "AH", "K", "T"), onsets)
    assert [s.phones for s in cut] == [("IH", "N"), ("S", "T", "R", "AH", "K", "T")]
    assert cut[1].onset == ("S", "T", "R")
    assert cut[1].coda == ("K", "T")
    assert syllabified(("S", "T"), onsets) == ()
    for phones in english.forms.phones[:500]:
        assert tuple(p for s in syllabified(phones, onsets) for p in s.phones) == (
            phones if n_syllables(phones) else ()
        )
    assert rhyming_part(("S", "T")) == ()
    assert is_vowel("x", vowels="xai")
    assert not is_vowel("x")


@pytest.mark.parametrize("position", [0, 1, 2, 3])
def test_one_phone_changed(english, maker, rules, known, position):
    (base,) = english.pronunciations[english.index["bench"]][:1]
    made = maker.changed_at("bench", position)
    assert made
    assert [p.mismatch for p in made] == sorted(p.mismatch for p in made)
    for pseudoword in made:
        assert pseudoword.changed == (position,)
        assert pseudoword.base == base
        assert pseudoword.phones not in known.forms.index
        assert is_vowel(pseudoword.phones[position]) == is_vowel(base[position])
        assert rules.is_legal(pseudoword.phones)
        assert pseudoword.deviation_point > position


@pytest.mark.parametrize(
    ("one", "other", "alike"),
    [
        ("F IH R", "F IY R", True),
        ("L EH V ER IH JH", "L EH V ER AH JH", True),
        ("R AY T ER", "R AY D ER", True),
        ("F AH R", "F ER", True),
        ("K AO T", "K AA T", True),
        ("F ER", "F IH R", False),
        ("B IH T", "B IY T", False),
        ("T IH P", "D IH P", False),
    ],
)
def test_what_ears_cannot_tell_apart_is_no_new_word(one, other, alike):
    assert (blurred(tuple(one.split())) == blurred(tuple(other.split()))) == alike


def test_no_phone_stands_twice_and_no_pseudoword_blurs_into_a_word(english, maker, known):
    words = {blurred(form) for form in known.forms.phones}
    for word in ("leverage", "artery", "basket", "far"):
        for position in range(len(english.pronunciations[english.index[word]][0])):
            for made in maker.changed_at(word, position):
                assert blurred(made.phones) not in words
                assert all(a != b for a, b in pairwise(made.phones))


def test_recombined_parts_keep_length_and_syllables(english, maker, known):
    chains = SyllableChains(english)
    for word in ("otter", "catalog", "string"):
        base = english.pronunciations[english.index[word]][0]
        made = maker.recombined(word, seed=1)
        assert len(made) > 4
        own = chains.parts(base)
        wanted = -(-len(own) // 3)
        for pseudoword in made:
            assert len(pseudoword.phones) == len(base)
            assert n_syllables(pseudoword.phones) == n_syllables(base)
            assert pseudoword.phones not in known.forms.index
            assert 1 <= len(pseudoword.changed) <= sum(sorted(map(len, own))[-wanted:])
        assert made == maker.recombined(word, seed=1)


def test_transition_counts_of_chains():
    ways = ((("b", "a", "d"),), (("b", "i", "d"),), (("b", "i", "t"),), (("t", "i", "d"),))
    lexicon = MentalLexicon(tuple("wxyz"), ways, np.ones(4))
    chains = SyllableChains(lexicon)
    found = dict(chains.near((("b",), ("i",), ("d",)), n_changed=1, rng=np.random.default_rng(0)))
    logs = {n: math.log10(n) for n in (1, 2, 3)}
    expected = {
        ("t", "i", "d"): (logs[3] - logs[1] + logs[2] - logs[1]) / 3,  # b 3 times, b-i 2 times; t once, t-i once
        ("b", "a", "d"): (logs[2] - logs[1] + logs[2] - logs[1]) / 3,
        ("b", "i", "t"): (logs[2] - logs[1]) / 3,
    }
    assert found == pytest.approx(expected)


def test_one_for_each_is_seeded_and_different(english, maker):
    words = [word for word in english.words[1000:1100] if len(english.pronunciations[english.index[word]][0]) > 3][:25]
    made = maker.one_for_each(words, seed=5)
    assert made == maker.one_for_each(words, seed=5)
    assert made != maker.one_for_each(words, seed=6)
    assert len({p.phones for p in made}) == len(words)
    last = maker.one_for_each(words, seed=5, position=-1)
    assert np.mean([p.changed == (len(p.phones) - 1,) for p in last]) > 0.8


def test_pseudowords_that_cannot_be_made(maker):
    with pytest.raises(BadInput, match="phones 0 to 2, got position 3"):
        maker.changed_at("cat", 3)
    with pytest.raises(BadInput, match="no vowel"):
        maker.recombined(("S", "T"), seed=0)
    with pytest.raises(BadInput, match="1 to 3 parts to exchange, got 4"):
        maker.recombined("cat", seed=0, n_changed=4)
    with pytest.raises(BadInput, match="no phone of AH can be changed"):
        maker.one_for_each([("AH",)], seed=0)


def test_measures_in_one_table(english):
    cat, other = measured(["cat", ("B", "L", "IH", "G")], english)
    assert (cat.is_word, other.is_word, other.zipf, other.label) == (True, False, None, "B-L-IH-G")
    assert cat.zipf == pytest.approx(english.zipf("cat"), abs=0.05)
    assert (cat.n_phones, cat.n_syllables, cat.uniqueness_point) == (3, 1, 4)
    assert cat.cohort_sizes[0] > cat.cohort_sizes[1] > cat.cohort_sizes[2] > 0
    assert cat.onset_density == cat.cohort_sizes[1]
    assert cat.density > other.density > 0
    assert cat.row()["n_rhymes"] > 10
    with pytest.raises(UnknownName, match="blig"):
        measured(["blig"], english)
