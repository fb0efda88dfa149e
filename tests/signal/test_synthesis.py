"""Synthetic speech says where everything is, and says the same thing twice."""

from __future__ import annotations

import re
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import numpy as np
import pytest

from otoscope.core import BadInput, MissingExtra, UnknownName
from otoscope.signal.espeak_phones import arpabet, arpabet_tier, espeak_names
from otoscope.signal.synthesis import synthesize, synthesize_named, variants, voice_identifier, voices

pytest.importorskip("espeakng_loader")

TEXTS = [
    "She had your dark suit in greasy wash water all year.",
    "Of the two, in the house: it's 42 -- don't you?",
    "it is going to be a well-known man. of the world. for the naïve",
    "Mr. Bingley said 'yes', and (he was in the house) all was well!",
]


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize(("voice", "rate_wpm"), [("en-us", 160), ("gmw/en+f2", 260)])
def test_times_partition_the_speech_and_lie_inside(text, voice, rate_wpm):
    said = synthesize(text, voice=voice, rate_wpm=rate_wpm)
    tokens = [re.sub(r"^[^\w']+|[^\w']+$", "", token) for token in text.split() if re.search(r"\w", token)]
    assert list(said.words.labels) == tokens
    assert said.words[-1].end_s <= said.recording.duration_s
    covered = 0
    for word in said.words:
        parts = said.phones.within(word.start_s, word.end_s)
        assert (parts[0].start_s, parts[-1].end_s) == (word.start_s, word.end_s)
        assert all(left.end_s == right.start_s for left, right in pairwise(parts))
        covered += len(parts)
    assert covered == len(said.phones)
    assert all(phone.duration_s > 0.004 and phone.origin == "synthetic" for phone in said.phones)


def test_every_word_has_its_own_time_even_where_espeak_joins_two():
    """Left alone, espeak-ng says "of the" and "in the" as one word."""
    text = "which of the two in the house is to be"
    assert " ".join(synthesize(text).words.labels) == text


def test_pauses_are_silent_gaps():
    said = synthesize("one, two", rate_hz=22050)
    one, two = said.words
    assert two.start_s - one.end_s > 0.1
    assert not said.recording.cut(one.end_s + 0.01, two.start_s - 0.01).samples.any()


def test_closure_belongs_to_the_stop():
    said = synthesize("a cat", rate_hz=22050)
    stop = next(phone for phone in said.phones if phone.label == "k")
    assert not said.recording.cut(stop.start_s, stop.start_s + 0.03).samples.any()
    assert said.recording.cut(stop.start_s, stop.end_s).samples.any()


def test_vowel_is_louder_than_closure_everywhere():
    said = synthesize("took keep cup top", rate_hz=22050)
    for phone in said.phones:
        level = np.std(said.recording.cut(phone.start_s, phone.end_s).samples)
        assert level > 0.005


def test_repeats_are_exact_also_in_threads():
    """espeak-ng itself differs between repeats in one process, and aborts when two threads call it."""
    with ThreadPoolExecutor(4) as pool:
        spoken = list(pool.map(lambda _: synthesize("go forward ten meters"), range(6)))
    assert all(other == spoken[0] for other in spoken[1:])


def test_breathy_voices_repeat_from_one_second_to_the_next():
    """espeak-ng seeds their noise by the clock unless it is told a seed."""
    first = synthesize("seven", voice="en-us+f2")
    time.sleep(1.1)
    assert synthesize("seven", voice="en-us+f2") == first


def test_rate_pitch_and_voice_change_what_is_heard():
    plain = synthesize("water")
    fast, high, other = (
        synthesize("water", rate_wpm=320),
        synthesize("water", pitch=90),
        synthesize("water", voice="de"),
    )
    assert fast.recording.duration_s < 0.7 * plain.recording.duration_s
    assert not np.array_equal(high.recording.samples[:4000], plain.recording.samples[:4000])
    assert other.voice == "gmw/de"


def test_voices_are_listed_and_found_by_identifier_language_and_name():
    assert {"gmw/en", "gmw/en-US", "gmw/de"} <= {voice.id for voice in voices()}
    assert "f2" in variants()
    assert {voice_identifier(v) for v in ("en-us", "gmw/en-US", "English (America)")} == {"gmw/en-US"}


def test_american_phones_have_arpabet_names():
    said = synthesize("The quick brown fox jumps over the lazy dog. All children hear the pure fire of our choir.")
    symbols = [symbol for phone in said.phones for symbol in arpabet(phone.label)]
    assert symbols[:8] == ["DH", "AH", "K", "W", "IH", "K", "B", "R"]
    assert all(re.fullmatch("[A-Z]{1,2}", symbol) for symbol in symbols)


def test_phones_made_in_one_piece_share_an_interval():
    """espeak-ng has no time for an l after a vowel; it must not be lost."""
    (phone,) = (p for p in synthesize("all year").phones if p.label.endswith(" l"))
    assert arpabet(phone.label) == ("AO", "L")


def test_bad_requests_are_named():
    with pytest.raises(UnknownName, match="voice 'en-uss'; did you mean"):
        synthesize("x", voice="en-uss")
    with pytest.raises(UnknownName, match="voice variant 'nonsense'"):
        synthesize("x", voice="en-us+nonsense")
    with pytest.raises(BadInput, match="no word to speak"):
        synthesize(" ... ")
    with pytest.raises(BadInput, match="rate_wpm must be 80 to 450, got 10"):
        synthesize("x", rate_wpm=10)
    with pytest.raises(BadInput, match="pitch must be"):
        synthesize("x", pitch=100)


def test_missing_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "espeakng_loader", None)
    with pytest.raises(MissingExtra, match=r"pip install 'otoscope\[synth\]'"):
        synthesize("x")


def test_the_pause_before_a_conjunction_is_no_phone():
    """espeak-ng puts 25 ms of the pause `_!` before some words; they belong to none."""
    spoken = synthesize("while they waited", voice="gmw/en-US")
    assert not [phone for phone in spoken.phones if "_" in phone.label]
    assert spoken.phones[0].label == "w"
    assert spoken.words[0].start_s == spoken.phones[0].start_s > 0.02


def test_a_word_given_by_its_phones_sounds_like_the_word():
    word, named = synthesize("bench"), synthesize_named(["b", "'E", "n", "tS"])
    assert np.array_equal(word.recording.samples, named.recording.samples)
    assert word.phones == named.phones
    with pytest.raises(BadInput, match="espeak-ng's names are needed, as b 'E n tS; got none"):
        synthesize_named([])
    with pytest.raises(BadInput, match="espeak-ng's names"):
        synthesize_named(["b", "E]] x"])
    with pytest.raises(BadInput, match="rate_wpm must be 80 to 450"):
        synthesize_named(["b"], rate_wpm=10)


@pytest.mark.parametrize("phones", ["B L IH K", "K AA R T AH N", "F UH R AH", "S T AO R", "ZH UH DH OY NG"])
def test_arpabet_is_spoken_and_read_back(phones):
    wanted = tuple(phones.split())
    vowels = [place for place, phone in enumerate(wanted) if phone[0] in "AEIOU"]
    names = espeak_names(wanted, stressed=vowels[:1])
    tier = arpabet_tier(synthesize_named(names).phones)
    assert tier.labels == wanted
    assert all(left.end_s == right.start_s for left, right in pairwise(tier))
    joined = {phone.origin for phone in tier if phone.label == "R" and "K AA R" in phones}
    assert joined <= {"interpolated"}


def test_names_of_phones():
    assert espeak_names(("P", "ER", "T", "ER"), stressed=[1]) == ["p", "'3:", "t", "3"]
    assert espeak_names(("AH", "R", "AH"), stressed=[], secondary=[2]) == ["V", "r", ",V"]
    assert espeak_names(("K", "EH", "R", "IY"), stressed=[1]) == ["k", "'E", "r", "i:"]
    assert espeak_names(("K", "EH", "R"), stressed=[1]) == ["k", "'e@"]
    with pytest.raises(UnknownName, match="ARPAbet phone 'XX'"):
        espeak_names(("XX",), stressed=[])
