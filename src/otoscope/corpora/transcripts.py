"""What was certainly said: the words of a transcript, where it is one.

Texts of some corpora begin with what kind they are. `spelled:`, `digits:` and `address:` stand in `alphanumeric`, where
digits and addresses are prompts that may be read in several ways ("oh", "double five"); `notwake:` stands in
`wake-word` before what is said instead of the wake word. `rttm:` (who speaks when) and braces (an intent,
`orderDrink {}`) come from corpora of other tasks: they say what is meant or who speaks, not the words.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace

from otoscope.corpora.utterance import Utterance
from otoscope.lexicon.normalization import normalize_words

_LABEL = re.compile(r"^(spelled|notwake):\s*")
_UNCERTAIN = re.compile(r"^(digits|address|rttm):|[{}]")
"""Texts that are prompts a speaker may have read in several ways, or no transcripts."""


def said_in(utterance: Utterance) -> tuple[str, ...]:
    """Return the words of a transcript, none where it is not certain what was said."""
    text = _LABEL.sub("", utterance.text)
    return () if _UNCERTAIN.search(text) else normalize_words(re.sub(r"[_/-]", " ", text))


def certain(utterances: Iterable[Utterance]) -> tuple[Utterance, ...]:
    """Return the utterances of which it is certain what was said, their texts being the words, with spaces between."""
    told = ((utterance, said_in(utterance)) for utterance in utterances)
    return tuple(replace(utterance, text=" ".join(words)) for utterance, words in told if words)
