"""The reader of each family: card and weights in, what turns encoded sound into texts, times and scores out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from otoscope.nets.speech_network import SpeechNetwork
from otoscope.recognizers.endtoend.attention_reader import AttentionReader
from otoscope.recognizers.endtoend.card import EndToEndCard
from otoscope.recognizers.endtoend.ctc_reader import CtcReader
from otoscope.recognizers.endtoend.fusion import NextScores
from otoscope.recognizers.endtoend.hearing import Reader
from otoscope.recognizers.endtoend.spelling import SpelledDecoder
from otoscope.recognizers.endtoend.transducer_reader import TransducerReader

READERS: Mapping[str, Any] = {"ctc": CtcReader, "attention": AttentionReader, "transducer": TransducerReader}


def reader_of(card: EndToEndCard, network: SpeechNetwork, language: NextScores | SpelledDecoder | None) -> Reader:
    """Return the reader of the card's family, with `language` in its search where there is one."""
    reader: Reader = READERS[card.family](network, card, language)
    return reader
