"""Articulatory features: every phone of the dictionary has them, and phones that differ in one feature do so."""

from __future__ import annotations

from otoscope.lexicon.phone_features import PHONE_FEATURES, feature_of
from otoscope.lexicon.pronunciations import cmudict


def test_every_phone_of_the_dictionary_has_features():
    words = ("the", "measure", "judge", "boy", "house", "thing", "church", "you", "foot", "yawn")
    phones = {phone for word in words for variant in cmudict()[word] for phone in variant}
    assert len(PHONE_FEATURES) == 39
    assert phones <= set(PHONE_FEATURES)


def test_vowels_have_height_and_consonants_place():
    for phone, known in PHONE_FEATURES.items():
        vowel = known.manner in ("vowel", "diphthong")
        assert (known.place is None) == vowel == (known.height is not None) == (known.backness is not None), phone
        assert known.voicing in ("voiced", "voiceless")
    assert sum(known.place is None for known in PHONE_FEATURES.values()) == 15


def test_voiced_partners_differ_in_voicing_alone():
    for voiceless, voiced in ("PB", "TD", "KG", "FV", "SZ", ("TH", "DH"), ("SH", "ZH"), ("CH", "JH")):
        a, b = PHONE_FEATURES[voiceless], PHONE_FEATURES[voiced]
        assert (a.manner, a.place) == (b.manner, b.place)
        assert (a.voicing, b.voicing) == ("voiceless", "voiced")


def test_stress_is_passed_over_and_silence_has_nothing():
    assert feature_of("uw0", "backness") == "back"
    assert feature_of("sil", "voicing") is None
