"""What the corpus decides where the options leave it open."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from otoscope.core import BadInput, Recording
from otoscope.io.audio import write_recording
from otoscope.recognizers.endtoend.defaults import BATCH_S, LEAST_EPOCHS, LEAST_STEPS, MOST_EPOCHS, filled, rate_of
from otoscope.recognizers.endtoend.presets import Options


@dataclass(frozen=True)
class Spoken:
    duration_s: float


@dataclass(frozen=True)
class Kept:
    path: Path
    duration_s: float = 1.0


def corpus_of(n, duration_s):
    return [Spoken(duration_s)] * n


def test_single_words_are_joined_and_closed_and_sentences_are_not():
    digits = filled(Options(), corpus_of(10, 0.5), [("one",)] * 10)
    sentences = filled(Options(), corpus_of(10, 4.0), [("this", "is", "one")] * 10)
    assert (digits.joined, digits.closed) == ((1, 3), True)
    assert (sentences.joined, sentences.closed) == ((1, 1), False)
    pairs = filled(Options(), corpus_of(10, 1.0), [("one", "two")] * 10)
    assert (pairs.joined, pairs.closed) == ((1, 1), False)


def test_what_is_asked_for_is_kept():
    asked = Options(epochs=3, rate_hz=11025, joined=(2, 4), closed=False, batch_s=17.0)
    assert filled(asked, corpus_of(10, 0.5), [("one",)] * 10) == asked


@pytest.mark.parametrize("name", ["epochs", "batch_s", "rate_hz"])
@pytest.mark.parametrize("given", [0, -1])
def test_nothing_is_no_amount(name, given):
    with pytest.raises(BadInput, match=f"{name} must be above 0, .* got {given}"):
        filled(Options(**{name: given}), corpus_of(10, 4.0), [("this", "is", "one")] * 10)


@pytest.mark.parametrize("total_s", [30.0, 300.0, 1000.0, 3600.0, 36000.0])
def test_every_corpus_gets_steps_enough(total_s):
    found = filled(Options(), corpus_of(100, total_s / 100), [("a", "b", "c")] * 100)
    assert found.epochs is not None
    assert found.batch_s is not None
    assert BATCH_S[0] <= found.batch_s <= BATCH_S[1]
    assert LEAST_EPOCHS <= found.epochs <= MOST_EPOCHS
    assert found.epochs * total_s / found.batch_s >= min(LEAST_STEPS, MOST_EPOCHS * total_s / BATCH_S[0])


def test_effort_multiplies_the_epochs():
    corpus, texts = corpus_of(100, 4.0), [("a", "b", "c")] * 100
    once, twice = (filled(Options(), corpus, texts, effort=effort).epochs for effort in (1.0, 2.0))
    assert twice == 2 * once


def test_the_rate_is_that_of_most_files(tmp_path):
    def written(rates_hz):
        for i, rate_hz in enumerate(rates_hz):
            path = tmp_path / f"{i}-{rate_hz}.wav"
            write_recording(Recording(np.zeros(rate_hz // 10, np.float32), rate_hz), path)
            yield Kept(path)

    assert rate_of(list(written([8000, 8000, 16000]))) == 8000
    assert rate_of(list(written([8000, 22050, 16000]))) == 16000
    assert rate_of(list(written([11025, 11025, 8000]))) == 16000
    assert rate_of(corpus_of(3, 1.0)) == 16000
