"""How unlikely a text may be before an end-to-end recogniser refuses to align it."""

from __future__ import annotations

from dataclasses import dataclass
from types import SimpleNamespace

import numpy as np
import pytest

from otoscope.core import DoesNotFit
from otoscope.decoding.edit_distance import edit_distance
from otoscope.recognizers.endtoend.card import Decoding
from otoscope.recognizers.endtoend.fitting import learnt_limit, limit
from otoscope.recognizers.endtoend.hearing import check_said, doubt
from otoscope.recognizers.endtoend.tokens import characters


@dataclass(frozen=True)
class Said:
    """An utterance whose recording is its own text."""

    text: str

    def recording(self) -> str:
        return self.text


class Reader:
    """Hears what is said, but `slips` of it; a text loses `nats` for each word that differs from what is heard."""

    def __init__(self, nats: float, slips: dict[str, str] | None = None) -> None:
        self.nats, self.slips = nats, slips or {}

    def hypotheses(self, heard):
        return [SimpleNamespace(words=tuple(self.slips.get(word, word) for word in heard.split()))]

    def text_log_prob(self, heard, words):
        return -self.nats * edit_distance(self.hypotheses(heard)[0].words, words)


def recognizer(reader: Reader, *, texts: list[str], vocabulary=None) -> SimpleNamespace:
    card = SimpleNamespace(
        name="toy", vocabulary=vocabulary, tokens=characters([text.split() for text in texts]), decoding=Decoding()
    )
    return SimpleNamespace(reader=reader, card=card, encoded=lambda recording: recording)


TEXTS = ["one two", "two three four", "four", "one three", "five two one"]


def test_doubt_is_for_each_word_that_differs():
    reader = Reader(3.0)
    assert doubt(reader, "one two", ("one", "two"), ("one", "two")) == 0.0
    assert doubt(reader, "one two", ("six", "ten"), ("one", "two")) == 3.0
    assert doubt(reader, "one two", ("one", "two", "ten"), ("one", "two")) == 3.0


@pytest.mark.parametrize("nats", [1.0, 7.0])
def test_the_limit_lies_between_true_and_wrong_texts(nats):
    told = [Said(text) for text in TEXTS]
    one = recognizer(Reader(nats), texts=TEXTS)
    assert learnt_limit(one, told) == pytest.approx(nats / 2)
    assert learnt_limit(one, []) == one.card.decoding.most_nats
    one.card.decoding = Decoding(most_nats=learnt_limit(one, told))
    check_said(one.reader, one.card, "one two", ("one", "two"))
    with pytest.raises(DoesNotFit, match=f"toy hears 'one two', likelier by {nats:.1f} nats for each word"):
        check_said(one.reader, one.card, "one two", ("one", "ten"))


def test_true_texts_that_are_misheard_raise_the_limit():
    told = [Said(text) for text in TEXTS]
    misheard = recognizer(Reader(5.0, {"two": "ten"}), texts=[*TEXTS, "ten"])
    assert learnt_limit(misheard, told) == pytest.approx(5.0)


def test_texts_that_cannot_be_written_have_no_say():
    told = [Said(text) for text in [*TEXTS, "zebra quiz"]]
    assert learnt_limit(recognizer(Reader(4.0), texts=TEXTS), told) == pytest.approx(2.0)
    closed = recognizer(Reader(4.0), texts=TEXTS, vocabulary=("four",))
    assert learnt_limit(closed, told) == pytest.approx(limit(np.zeros(1), np.array([])))


def test_texts_too_long_for_their_sound_have_no_say():
    class Short(Reader):
        def text_log_prob(self, heard, words):
            if len(words) > len(heard.split()):
                raise DoesNotFit("too long")
            return super().text_log_prob(heard, words)

    assert learnt_limit(recognizer(Short(4.0), texts=TEXTS), [Said(text) for text in TEXTS]) == pytest.approx(2.0)
    assert limit(np.array([0.0, 1.0, np.inf]), np.array([9.0, np.inf])) == limit(np.array([0.0, 1.0]), np.array([9.0]))
