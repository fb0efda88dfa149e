"""Words, forms and priors; a user's own lexicon."""

from __future__ import annotations

import numpy as np
import pytest

from otoscope.core import BadFormat, BadInput, UnknownName
from otoscope.lexicon.mental_lexicon import MentalLexicon, pooled


def small() -> MentalLexicon:
    ways = (
        (("DH", "EH", "R"),),
        (("DH", "EH", "R"), ("DH", "EY", "R")),
        (("K", "AE", "T"),),
    )
    return MentalLexicon(("their", "there", "cat"), ways, np.array([1.0, 3.0, 4.0]))


def test_homophones_and_variants_are_pooled():
    forms = small().forms
    assert forms.phones == (("DH", "EH", "R"), ("DH", "EY", "R"), ("K", "AE", "T"))
    assert forms.words == ((1, 0), (1,), (2,))
    # P(their) + P(there)/2, P(there)/2, P(cat)
    assert np.exp(forms.log_prior) == pytest.approx([1 / 8 + 3 / 16, 3 / 16, 4 / 8])
    assert forms.label(0) == "there/their"
    assert not forms.are_rivals(0, 1)
    assert forms.are_rivals(0, 2)


def test_priors_of_a_context():
    lexicon = small()
    forms = pooled(lexicon, np.log([0.7, 0.2, 0.1]))
    assert np.exp(forms.log_prior) == pytest.approx([0.8, 0.1, 0.1])
    assert forms.phones == lexicon.forms.phones


def test_zipf_is_log10_per_billion():
    assert small().zipf("cat") == pytest.approx(np.log10(4000))
    assert np.exp(small().log_priors).sum() == pytest.approx(1)


@pytest.mark.parametrize(
    ("words", "ways", "per_million", "match"),
    [
        (("a", "a"), ((("AH",),),) * 2, [1, 1], "'a' is twice"),
        (("a", "b"), ((("AH",),), ()), [1, 1], "'b' has no phones"),
        (("a", "b"), ((("AH",),), ((),)), [1, 1], "'b' has no phones"),
        (("a", "b"), ((("AH",),),) * 2, [1, 0], "above 0.*'b'"),
        (("a", "b"), ((("AH",),),) * 2, [1, np.nan], "above 0.*'b'"),
        (("a",), ((("AH",),),), [1, 2], "equal number"),
    ],
)
def test_what_is_no_lexicon(words, ways, per_million, match):
    with pytest.raises(BadInput, match=match):
        MentalLexicon(words, ways, np.array(per_million, dtype=float))


def test_english_has_the_words_and_shares_sum_to_one():
    lexicon = MentalLexicon.english()
    assert len(lexicon) >= 60_000
    assert np.exp(lexicon.forms.log_prior).sum() == pytest.approx(1)
    assert {"their", "there"} <= set(lexicon.label(lexicon.forms_of("there")[0]).split("/"))
    assert np.all(np.diff(lexicon.per_million) <= 0)
    assert lexicon.zipf("the") > lexicon.zipf("bed") > lexicon.zipf("bell") > lexicon.zipf("otters")
    assert len(lexicon.phones) == 39
    assert not any("." in word for word in lexicon.words)


def test_english_subset_is_the_most_frequent():
    part = MentalLexicon.english(1000)
    assert part.words == MentalLexicon.english().words[:1000]
    with pytest.raises(BadInput, match="1 to"):
        MentalLexicon.english(10**7)


def test_added_words_are_said_and_as_rare_as_the_rarest():
    lexicon = MentalLexicon.english(500).with_words(["the", "otter", "zorvikly"])
    assert lexicon.words[500:] == ("otter", "zorvikly")
    assert lexicon.pronunciations[500] == (("AA", "T", "ER"),)
    assert lexicon.zipf("otter") == pytest.approx(MentalLexicon.english().zipf("otter"))
    assert lexicon.zipf("zorvikly") == pytest.approx(MentalLexicon.english(500).zipfs.min())


def test_added_words_need_phones_of_the_lexicon():
    added = small().with_words({"rat": ("R", "AE", "T")})
    assert added.forms_of("rat") == (3,)
    with pytest.raises(BadInput, match="'kuh' has the phone 'UU'"):
        small().with_words({"kuh": ("K", "UU")})


def test_only_and_unknown_words():
    assert small().only(["cat", "their", "cat"]).words == ("cat", "their")
    with pytest.raises(UnknownName, match=r"caz.*cat"):
        small().only(["caz"])


def test_read_ipa_with_variants(tmp_path):
    table = tmp_path / "de.csv"
    table.write_text("Wort;IPA;Zipf\nHase;ˈhaːzə;4\nzehn;t͡seːn;5\nzehn;t͡seːən;5\n", encoding="utf-8-sig")
    lexicon = MentalLexicon.read(table, phones="ipa", columns={"word": "Wort"})
    assert lexicon.words == ("Hase", "zehn")
    assert lexicon.pronunciations == ((("h", "aː", "z", "ə"),), (("t͡s", "eː", "n"), ("t͡s", "eː", "ə", "n")))
    assert lexicon.zipfs == pytest.approx([4, 5])


def test_read_counts_and_arpabet(tmp_path):
    table = tmp_path / "en.tsv"
    table.write_text("phones\tcount\tword\nB EH1 D\t30\tbed\n\nAH0\t70\ta\n", encoding="utf-8")
    lexicon = MentalLexicon.read(table)
    assert lexicon.pronunciations == ((("B", "EH", "D"),), (("AH",),))
    assert lexicon.per_million == pytest.approx([3e5, 7e5])


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("", "no header"),
        ("word\tphones\tzipf\n", "no rows"),
        ("word\tphones\nbed\tB EH D\n", "no column per_million or zipf or count; it has word, phones"),
        ("word\tzipf\nbed\t3\n", "no column phones or pronunciation"),
        ("word\tphones\tzipf\nbed\tB EH D\t3\nbat\tB AE T\n", "line 3: 2 fields, where the header has 3"),
        ("word\tphones\tzipf\nbed\tB EH D\tx\n", "line 2: a frequency must be a number, got 'x'"),
        ("word\tphones\tcount\nbed\tB EH D\t0\n", "line 2: .*above 0"),
        ("word\tphones\tcount\nbed\t\t1\n", "line 2: there are no phones"),
        ("word\tphones\tcount\n\tB EH D\t1\n", "line 2: the word is empty"),
        (
            "word\tphones\tcount\nbed\tB EH D\t1\nbed\tB AE D\t2\n",
            "line 3: 'bed' has another frequency.*line 2",
        ),
        ("word\tphones\tcount\nbed\tbɛd\t1\nbets\tbɛts\t2\n", "not parted by spaces.*'characters' or 'ipa'"),
    ],
)
def test_what_is_no_lexicon_table(tmp_path, text, match):
    table = tmp_path / "bad.tsv"
    table.write_text(text, encoding="utf-8")
    with pytest.raises(BadFormat, match=match):
        MentalLexicon.read(table)


def test_read_refuses_what_is_not_there(tmp_path):
    with pytest.raises(BadFormat, match=r"none\.tsv cannot be read"):
        MentalLexicon.read(tmp_path / "none.tsv")
    with pytest.raises(UnknownName, match="way of writing phones 'sampa'"):
        MentalLexicon.read(tmp_path / "none.tsv", phones="sampa")
