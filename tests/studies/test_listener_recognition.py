"""The study of recognition: ranks by hand on toy scores, and a run on synthetic words of a small lexicon."""

from __future__ import annotations

import numpy as np
import pytest

from otoscope.core import BadInput
from otoscope.lexicon.mental_lexicon import MentalLexicon
from otoscope.listener.ears.voices import VALIDATION
from otoscope.studies.listener_recognition import MAIN, run
from otoscope.studies.listener_speech import Vocabulary, drawn_words
from otoscope.views.figures import figure

WAYS = {
    "bar": ("B AA R",),
    "barr": ("B AA R",),
    "bus": ("B AH S",),
    "data": ("D EY T AH", "D AE T AH"),
    "pa": ("P AA",),
}


@pytest.fixture
def toy():
    """Five words and five forms: two words sound alike, one is said in two ways."""
    said = tuple(tuple(tuple(way.split()) for way in ways) for ways in WAYS.values())
    return MentalLexicon(tuple(WAYS), said, np.array([20.0, 1.0, 50.0, 30.0, 0.05]))


def scores_of(lexicon, by_form):
    return np.array([by_form.get(" ".join(phones), -99.0) for phones in lexicon.forms.phones])


def test_words_that_sound_alike_are_one_when_pooled_and_two_as_spelled(toy):
    whole = Vocabulary(toy, toy)
    heard = scores_of(toy, {"B AA R": 0.0, "B AH S": -5.0})
    assert [whole.pooled_rank(heard, word, 1.0) for word in ("bar", "barr", "bus")] == [1, 1, 2]
    assert [whole.word_rank(heard, word, 1.0) for word in ("bar", "barr", "bus")] == [1, 2, 3]
    # without frequency the more frequent of two that sound alike is still the one that is heard
    assert [whole.word_rank(heard, word, 0.0) for word in ("bar", "barr")] == [1, 2]


def test_a_word_may_be_said_in_any_of_its_ways(toy):
    whole = Vocabulary(toy, toy)
    heard = scores_of(toy, {"D AE T AH": 0.0, "D EY T AH": -1.0, "P AA": -2.0})
    assert whole.pooled_rank(heard, "data", 0.0) == 1
    assert whole.pooled_rank(heard, "pa", 0.0) == 3


def test_frequency_may_turn_the_ranking(toy):
    whole = Vocabulary(toy, toy)
    heard = scores_of(toy, {"B AH S": -3.0, "P AA": 0.0})
    assert whole.pooled_rank(heard, "pa", 0.0) == 1
    assert whole.pooled_rank(heard, "pa", 1.0) == 2


def test_fewer_words_rank_as_a_search_among_them_alone(toy):
    part = Vocabulary.most_frequent(toy, 1, ["pa"])
    assert set(part.part.words) == {"bus", "pa"}
    heard = scores_of(toy, {"B AA R": 0.0, "B AH S": -1.0, "P AA": -2.0})
    assert part.pooled_rank(heard, "pa", 0.0) == 2
    assert Vocabulary(toy, toy).pooled_rank(heard, "pa", 0.0) == 3


def test_a_word_that_cannot_have_been_said_is_last(toy):
    whole = Vocabulary(toy, toy)
    heard = np.where(scores_of(toy, {"P AA": 1.0}) > 0, -np.inf, 0.0)
    assert whole.pooled_rank(heard, "pa", 1.0) == len(toy.forms)


def test_words_drawn(toy):
    rng = np.random.default_rng(0)
    assert set(drawn_words(toy, 9, "known", rng)) == {"bar", "barr", "bus", "data"}
    assert len(set(drawn_words(toy, 9, "any", rng))) == 5
    firsts = [drawn_words(toy, 1, "frequency", rng)[0] for _ in range(60)]
    assert firsts.count("bus") > firsts.count("barr")
    with pytest.raises(BadInput, match="drawing"):
        drawn_words(toy, 1, "rare", rng)


@pytest.fixture(scope="module")
def result():
    pytest.importorskip("espeakng_loader", reason="speech is synthesised with the extra synth")
    steps = []
    lexicon = MentalLexicon.english(2000)
    found = run(
        n_words=6, n_others=3, n_otoscope=0, sizes=(100, 5000), lexicon=lexicon, voices=VALIDATION[:2], seed=3,
        progress=lambda done, n: steps.append((done, n)),
    )  # fmt: skip
    n_said = 12 - len(found.provenance["not_said"])
    assert steps[-1] == (n_said, n_said)
    assert n_said >= 10
    return found


def test_a_row_for_each_sample_lexicon_and_way_of_counting(result):
    main = [row for row in result.table if row["words"] == MAIN]
    # a lexicon of 5,000 words there is not
    assert [(row["lexicon"], row["pooled"]) for row in main] == [
        (100, True),
        (100, False),
        (2000, True),
        (2000, False),
    ]
    for row in result.table:
        assert row["low"] <= row["top_1"] <= row["high"]
        assert row["top_1"] <= row["top_10"] <= row["top_200"]
    by = {(row["lexicon"], row["pooled"]): row["top_1"] for row in main}
    assert by[100, True] >= by[2000, True] >= 0.8


def test_it_can_be_drawn_and_says_what_was_left_out(result):
    assert "fsdd was left out: no folder was given" in result.summary
    assert result.provenance["voices"] == list(VALIDATION[:2])
    for panel in result.panels:
        figure(panel)


def test_people_are_heard_too(shared_data, tmp_path):
    pytest.importorskip("espeakng_loader", reason="speech is synthesised with the extra synth")
    source = shared_data / "misc-smoke"
    head, *lines = (source / "manifest.tsv").read_text(encoding="utf-8").splitlines()
    kept = [line for line in lines if line.startswith(("az_109865", "az_109881", "az_109886", "librivox_0890"))]
    folder = tmp_path / "misc-smoke"
    folder.mkdir()
    (folder / "manifest.tsv").write_text("\n".join([head, *kept]) + "\n", encoding="utf-8")
    (folder / "test").symlink_to(source / "test")
    lexicon = MentalLexicon.english().only(["bear", "glass", "ice", "cream", "frog", "pair"])
    found = run(
        n_words=2, n_others=2, n_otoscope=0, sizes=(), lexicon=lexicon, voices=VALIDATION[:1], data=tmp_path
    )  # fmt: skip
    (row,) = (row for row in found.table if row["speech"] == "people")
    assert (row["n"], row["words"]) == (2, "misc-smoke: 2 words")  # "ice cream" is two, the sentence many
    assert row["top_10"] == 1
    assert found.provenance["corpora_left_out"] == dict.fromkeys(
        ("fsdd", "wuw-corpus-ii"), "not in the folder that was given"
    )
