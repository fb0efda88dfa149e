"""Neighbours, cohorts, embedded words, rhymes and anadromes against brute force and against published counts."""

from __future__ import annotations

import math

import numpy as np
import pytest

from otoscope.core import BadInput, UnknownName
from otoscope.lexicon.cohorts import cohorts
from otoscope.lexicon.embedding import anadromes, carriers, embedded, endings
from otoscope.lexicon.mental_lexicon import MentalLexicon
from otoscope.lexicon.neighbours import CHANGES, neighbourhood_probability, neighbours
from otoscope.lexicon.rhymes import rhymes

from .small_lexica import random_items, random_lexicon, slex

SEEDS = (0, 1, 2)


def cases(seed):
    lexicon = random_lexicon(seed)
    return lexicon, [*lexicon.words[:30], *random_items(seed)]


def rivals(item, lexicon):
    """Every form that shares no word with the item, by the words themselves."""
    phones = lexicon.pronunciations[lexicon.index[item]][0] if isinstance(item, str) else item
    own = {w for w, ways in enumerate(lexicon.pronunciations) if phones in ways}
    forms = lexicon.forms
    return phones, [f for f in range(len(forms)) if not own & set(forms.words[f])]


def frequency(lexicon, form):
    return sum(lexicon.per_million[w] / len(lexicon.pronunciations[w]) for w in lexicon.forms.words[form])


def edits(phones, other):
    """All ways to make `other` of `phones` by one change."""
    found = []
    for i in range(len(phones)):
        if len(other) == len(phones) and phones[:i] == other[:i] and phones[i + 1 :] == other[i + 1 :]:
            found.append(("substitution", i))
        if phones[:i] + phones[i + 1 :] == other:
            found.append(("deletion", i))
    for i in range(len(phones) + 1):
        if len(other) == len(phones) + 1 and phones[:i] == other[:i] and phones[i:] == other[i + 1 :]:
            found.append(("addition", i))
    return found


@pytest.mark.parametrize("seed", SEEDS)
def test_neighbours_are_those_of_brute_force(seed):
    lexicon, items = cases(seed)
    found = neighbours(items, lexicon)
    for i, item in enumerate(items):
        phones, others = rivals(item, lexicon)
        expected = {
            f: edits(phones, lexicon.forms.phones[f])[0] for f in others if edits(phones, lexicon.forms.phones[f])
        }
        assert {n.form: (n.change, n.position) for n in found.of(i)} == expected
        assert found.density[i] == len(expected)
        frequencies = [frequency(lexicon, f) for f in expected]
        assert found.per_million[i] == pytest.approx(sum(frequencies))
        assert found.weighted_density[i] == pytest.approx(sum(math.log10(1000 * f) for f in frequencies))
        for change in CHANGES:
            assert found.counts(change)[i] == sum(kind == change for kind, _ in expected.values())


@pytest.mark.parametrize("seed", SEEDS)
def test_cohorts_are_those_of_brute_force(seed):
    lexicon, items = cases(seed)
    found = cohorts(items, lexicon)
    forms = lexicon.forms.phones
    for i, item in enumerate(items):
        phones, others = rivals(item, lexicon)
        left = [[f for f in others if forms[f][:k] == phones[:k]] for k in range(1, len(phones) + 1)]
        assert found.sizes[i, : len(phones)].tolist() == [len(group) for group in left]
        expected = [sum(frequency(lexicon, f) for f in group) for group in left]
        assert found.per_million[i, : len(phones)] == pytest.approx(expected)
        assert np.isnan(found.sizes[i, len(phones) :]).all()
        assert found.uniqueness_point[i] == next((k for k, g in enumerate(left, 1) if not g), len(phones) + 1)
        assert found.onset_density[i] == sum(forms[f][: len(phones[:2])] == phones[:2] for f in others)


@pytest.mark.parametrize("seed", SEEDS)
def test_embedded_words_and_carriers_are_those_of_brute_force(seed):
    lexicon, items = cases(seed)
    inside, around = embedded(items, lexicon, shortest=1), carriers(items, lexicon)
    longer = embedded(items, lexicon)
    forms = lexicon.forms.phones
    for i, item in enumerate(items):
        phones, others = rivals(item, lexicon)
        text = "".join(phones)
        strings = {f: "".join(forms[f]) for f in others}
        within = [s for s in strings.values() if s in text and s != text]
        outside = [s for s in strings.values() if text in s and s != text]
        assert inside.counts[i] == len(within)
        assert inside.at_onset[i] == sum(text.startswith(s) for s in within)
        assert inside.at_offset[i] == sum(text.endswith(s) for s in within)
        assert longer.counts[i] == sum(len(s) > 1 for s in within)
        assert around.counts[i] == len(outside)
        assert around.at_onset[i] == sum(s.startswith(text) for s in outside)
        assert around.at_offset[i] == sum(s.endswith(text) for s in outside)
        assert set(inside.of(i)) == {lexicon.label(f) for f, s in strings.items() if s in within}


@pytest.mark.parametrize("seed", SEEDS)
def test_endings_and_anadromes_are_those_of_brute_force(seed):
    lexicon, items = cases(seed)
    counts, backwards = endings(items, lexicon, n_dropped=2), anadromes(items, lexicon)
    forms = lexicon.forms.phones
    for i, item in enumerate(items):
        phones, others = rivals(item, lexicon)
        tail = phones[2:] or phones
        assert counts[i] == sum(forms[f][-len(tail) :] == tail for f in others)
        assert backwards[i] == next((f for f in others if forms[f] == phones[::-1]), None)
    assert any(form is not None for form in backwards)


def test_slex_has_its_published_dimensions(shared_data):
    lexicon, published = slex(shared_data)
    words = lexicon.words
    found, ahead = neighbours(words, lexicon), cohorts(words, lexicon)
    inside, around = embedded(words, lexicon, shortest=1), carriers(words, lexicon)
    rhyme = {n: endings(words, lexicon, n_dropped=n) for n in (1, 2)}
    for i, word in enumerate(words):
        row = published[word]
        appended = sum(other[:-1] == word for other in words)
        assert row["adds"] == found.counts("addition")[i]
        assert row["dels"] == found.counts("deletion")[i]
        # The published table counts a word with one phone appended (bar, bark) as a substitution too.
        assert row["subs"] == found.counts("substitution")[i] + appended
        assert row["nbs"] == found.density[i] + appended
        assert row["embed"] == inside.counts[i]
        assert row["exembed"] == around.counts[i]
        if word == "x":  # the one word of one phone: the table counts the rhymes 1 and 0, and all words in x as cohort
            assert ahead.onset_density[i] == row["cohs"]
            continue
        assert row["cohs"] == ahead.onset_density[i]
        assert row["rhy1"] == rhyme[1][i]
        assert row["rhy2"] == rhyme[2][i]


def test_rhymes_share_all_from_the_first_vowel():
    lexicon = MentalLexicon.english(20000).with_words(["beaker", "seeker"])
    found = rhymes(["beaker", ("N", "IY", "K", "ER"), ("P", "S", "T")], lexicon)
    words = {lexicon.forms.spellings[w] for form in found[0] for w in lexicon.forms.words[form]}
    assert {"speaker", "seeker"} <= words
    assert "beaker" not in words
    assert set(found[0]) < set(found[1])
    assert found[2] == ()


def test_english_measures_are_plausible():
    lexicon = MentalLexicon.english(60000)
    found = neighbours(["cat", "catalog"], lexicon)
    assert found.density[0] > 25 > 5 > found.density[1]
    point = cohorts(lexicon.forms.phones, lexicon).uniqueness_point
    assert point.mean() == pytest.approx(6.1, abs=0.05)  # of 6.6 phones: most words are unique only near their end
    (backwards,) = anadromes(["bus"], lexicon)
    assert backwards is not None
    assert lexicon.label(backwards) == "sub"
    inside = "/".join(embedded(["catalog"], lexicon).of(0)).split("/")
    assert {"cat", "log"} <= set(inside)


def test_probability_of_a_neighbourhood():
    ways = ((("a", "b"),), (("a", "c"),), (("d", "d"),))
    lexicon = MentalLexicon(("x", "y", "z"), ways, np.array([10.0, 1.0, 1.0]))
    assert neighbourhood_probability(["x", "y", "z", ("c", "c")], lexicon) == pytest.approx([4 / 7, 3 / 7, 1, 0])


def test_uniqueness_in_seconds():
    ways = ((("a", "b"),), (("a", "b", "c"),), (("d", "b"),))
    found = cohorts(["x", "y", "z"], MentalLexicon(("x", "y", "z"), ways, np.ones(3)))
    assert found.uniqueness_times_s([[0.1, 0.2], [0.1, 0.2, 0.5], [0.3, 0.4]]) == (None, 0.5, 0.3)
    with pytest.raises(BadInput, match="a b has 2 phones, but 1 times"):
        found.uniqueness_times_s([[0.1], [0.1, 0.2, 0.5], [0.3, 0.4]])


def test_items_that_cannot_be_measured():
    lexicon = random_lexicon(0)
    with pytest.raises(UnknownName, match="'blick'"):
        neighbours(["blick"], lexicon)
    with pytest.raises(BadInput, match="a list of words"):
        cohorts("w1", lexicon)
    with pytest.raises(BadInput, match="item 2 has no phones"):
        embedded(["w1", ()], lexicon)
    with pytest.raises(BadInput, match="no item"):
        carriers([], lexicon)
