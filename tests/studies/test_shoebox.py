"""The study `shoebox` with made-up voices: what is counted, and sums whose tape is known."""

from __future__ import annotations

import numpy as np
import pytest

from otoscope.core import Recording
from otoscope.recognizers.template.calculator import SHOEBOX_WORDS, Calculator
from otoscope.studies import shoebox


def buzz(voice, word):
    """A word as two gliding tones that belong to it, a little different in every voice."""
    index = SHOEBOX_WORDS.index(word)
    rng = np.random.default_rng([index, *voice.variant.encode()])
    t = np.arange(int(5600 * rng.uniform(0.9, 1.1))) / 16000
    course = 1 + 0.25 * (index % 3 - 1) * t / t[-1]
    low, high = (220 + 45 * index) * rng.uniform(0.99, 1.01), 1100 + 330 * ((5 * index) % 16)
    sound = 0.3 * np.sin(2 * np.pi * low * t * course) + 0.15 * np.sin(2 * np.pi * high * t / course)
    margin = np.zeros(2400)
    sound = np.concatenate([margin, sound * np.hanning(t.size) ** 0.2, margin])
    return Recording((sound + 0.0005 * rng.standard_normal(sound.size)).astype(np.float32), 16000)


def test_unheard_voices_are_counted_word_by_word_and_sum_by_sum(monkeypatch):
    monkeypatch.setattr(shoebox.Voice, "say", buzz)
    monkeypatch.setattr(shoebox, "TEMPLATE_VOICES", ("a", "b", "c"))
    monkeypatch.setattr(shoebox, "TEST_VOICES", ("x", "y"))
    monkeypatch.setattr(shoebox, "N_SUMS", 2)
    seen = []
    result = shoebox.run(progress=lambda done, total: seen.append((done, total)))
    assert [row["voice"] for row in result.table] == ["x", "y", "all"]
    assert result.table[-1]["words"] == 32
    assert result.table[-1]["right"] > 0.9
    assert result.table[-1]["sums"] == 4
    assert seen == [(i, 5) for i in range(1, 6)]
    tape = result.panels[2].data["rows"]
    right = [row[3] == row[4] for row in tape]
    assert np.mean(right) == result.table[-1]["sums_right"]
    assert sum(right) >= 2


def test_voices_of_templates_and_test_differ():
    assert not set(shoebox.TEMPLATE_VOICES) & set(shoebox.TEST_VOICES)


@pytest.mark.parametrize("seed", range(20))
def test_every_sum_that_is_spoken_prints_its_total(seed):
    words = shoebox.sum_words(np.random.default_rng(seed))
    state = Calculator().after(words)
    assert set(words) <= set(SHOEBOX_WORDS)
    assert not state.running
    terms = " ".join(words[: words.index("subtotal") if "subtotal" in words else -2])
    for index, digit in enumerate(SHOEBOX_WORDS[:10]):
        terms = terms.replace(digit, str(index))
    numbers = terms.replace("plus", "+").replace("minus", "-")
    signed = [part.replace(" ", "") for part in numbers.replace("+", "|").replace("-", "|-").split("|")]
    assert state.printed[-1] == sum(int(part) for part in signed)
