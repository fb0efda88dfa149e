"""Items are spoken as the lexicon says, and their phones lie where they say."""

from __future__ import annotations

import pickle
from itertools import pairwise

import numpy as np
import pytest

from otoscope.core import BadInput, Interval, NotRecorded, Recording, Tier, UnknownName
from otoscope.lexicon.pseudowords import PseudowordMaker
from otoscope.listener.stimuli.items import Item, padded
from otoscope.listener.stimuli.speaking import Speaker, spoken_items

from .tones import level, tone_item


@pytest.mark.parametrize("word", ["bench", "camera", "catalog", "record", "shark"])
def test_words_have_a_pronunciation_of_the_lexicon(word, speaker, lexicon):
    item = speaker.word(word, lexicon)
    assert item.phones in lexicon.pronunciations[lexicon.position(word)]
    assert item.times.labels == item.phones
    assert item.onset_s == pytest.approx(0.1)
    assert item.offset_s == item.times[-1].end_s
    assert all(left.end_s == pytest.approx(right.start_s) for left, right in pairwise(item.times))
    assert level(item.sound, item.onset_s, item.offset_s) > 100 * level(item.sound, 0, 0.09)
    assert item.sound.duration_s - item.offset_s < 0.6


def test_a_word_espeak_reads_otherwise_is_said_as_the_lexicon_says(speaker, lexicon):
    odd = lexicon.with_words({"wind": ("W", "AY", "N", "D")})  # there already, stays
    assert odd.pronunciations == lexicon.pronunciations
    strange = lexicon.with_words({"qwerp": ("K", "AE", "M", "OY", "L")})
    item = speaker.word("qwerp", strange)
    assert item.times.labels == ("K", "AE", "M", "OY", "L")


def test_pseudowords_are_said_by_their_phones(speaker, lexicon):
    (made, *_) = PseudowordMaker(lexicon).changed_at("catalog", 4)
    item = speaker.pseudoword(made, "catalog", condition="late")
    assert item.times.labels == made.phones
    assert (item.kind, item.word, item.condition) == ("pseudoword", None, "late")
    assert item.details["deviation_point"] == made.deviation_point
    assert item.details["base"] == "catalog"
    other = Speaker("gmw/en-US+m3").phones(made.phones)
    assert other.times.labels == made.phones
    assert other.sound != item.sound


def test_other_accents_speak_words_without_phone_times(lexicon):
    pytest.importorskip("espeakng_loader")
    scot = Speaker("gmw/en-GB-scotland")
    item = scot.word("bench", lexicon)
    assert item.phone_times is None
    assert item.phones == ("B", "EH", "N", "CH")
    assert 0.2 < item.duration_s < 0.8
    with pytest.raises(NotRecorded, match="'bench' have no times"):
        _ = item.times
    with pytest.raises(BadInput, match="words only"):
        scot.phones(("B", "AA"))


def test_lists_are_spoken_by_every_speaker(speaker, lexicon):
    wanted = [Item("a", "bench", condition="x"), Item("b", None, ("B", "AA", "P"), kind="pseudoword", details={"n": 3})]
    other = Speaker("gmw/en-US+m3", rate_wpm=200)
    found = spoken_items(wanted, [speaker, other], lexicon=lexicon, n_workers=2)
    assert [(i.label, i.word, i.kind, i.condition) for i in found[:2]] == [
        ("a", "bench", "word", "x"),
        ("b", None, "pseudoword", ""),
    ]
    assert [i.voice for i in found] == ["gmw/en-US+f1"] * 2 + ["gmw/en-US+m3"] * 2
    assert found[1].details["n"] == 3
    assert found[2].duration_s < found[0].duration_s
    assert found == spoken_items(wanted, [speaker, other], lexicon=lexicon)
    with pytest.raises(BadInput, match="'c' has neither"):
        spoken_items([Item("c")], [speaker], lexicon=lexicon)
    with pytest.raises(UnknownName, match="blickety"):
        speaker.word("blickety", lexicon)


def test_padding_moves_all_times():
    item = tone_item("x", (300, 600))
    later = padded(item, before_s=0.05, after_s=0.2, floor_db=-60, seed=3)
    assert later.onset_s == pytest.approx(item.onset_s + 0.05)
    assert later.boundary_s(1) == pytest.approx(item.boundary_s(1) + 0.05)
    assert later.sound.duration_s == pytest.approx(item.sound.duration_s + 0.25)
    assert 20 * np.log10(level(later.sound, 0, 0.05)) == pytest.approx(-60, abs=1)
    assert later == pickle.loads(pickle.dumps(later))
    assert not padded(item, floor_db=None).sound.cut(0, 0.1).samples.any()


def test_items_that_cannot_be():
    sound = Recording(np.zeros(1600), 16000)
    tier = Tier("phones", (Interval(0, 0.1, "a"),))
    with pytest.raises(BadInput, match="kind must be word"):
        Item("x", kind="noise")  # type: ignore[arg-type]
    with pytest.raises(BadInput, match="phones b, but times of a"):
        Item("x", phones=("b",), phone_times=tier)
    with pytest.raises(BadInput, match=r"from 0 to 0\.2 s, its recording lasts 0\.1"):
        Item("x", recording=sound, speech_s=(0, 0.2))
    with pytest.raises(NotRecorded, match="no recording"):
        _ = Item("x").sound
    with pytest.raises(BadInput, match="boundaries 0 to 1, got 2"):
        Item("x", phones=("a",), phone_times=tier).boundary_s(2)
