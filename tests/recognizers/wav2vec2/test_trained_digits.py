"""The tiny CTC model of digits: its recipe learns and resumes, and the weights that ship hear digits in time."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import numpy as np
import pytest

from otoscope.recognizers.registry import load
from otoscope.recognizers.wav2vec2.finetuning_model import letters_of
from otoscope.testing.checkpoints.digit_lessons import Spoken
from otoscope.testing.checkpoints.digits import DIGITS, digit_texts
from otoscope.testing.checkpoints.trained_wav2vec2 import letters_in_time

VOICES = ("gmw/en-US+m3", "gmw/en-GB-x-rp+f4", "gmw/en-GB-x-rp+rob", "gmw/en-US+m2")
"""Their timbres stand in no training split of the recipe's corpus."""
SAMPLES = Path(__file__).parents[1] / "samples" / "digits-wav2vec2"


def test_letters_lie_evenly_in_their_words_with_blanks_between_equal_ones() -> None:
    symbols = letters_of([DIGITS["en"]])
    frames = letters_in_time([Spoken(3, 0.1, 0.4), Spoken(1, 0.5, 0.6)], 40, symbols)
    written = [symbols.names[i] for i in frames]
    assert [name for name, _ in itertools.groupby(written)] == [
        "<pad>", "t", "h", "r", "e", "<pad>", "e", "<pad>", "|", "<pad>", "o", "n", "e", "<pad>"
    ]  # fmt: skip
    centres = 0.0125 + 0.02 * np.arange(40)
    spoken = (frames != symbols.blank) & (frames != symbols.gap)
    assert ((centres[spoken] >= 0.1) & (centres[spoken] < 0.6)).all()
    touching = letters_in_time([Spoken(1, 0.1, 0.3), Spoken(2, 0.3, 0.5)], 40, symbols)
    assert symbols.gap in touching.tolist()


@pytest.fixture(scope="module")
def trained():
    return load(SAMPLES)


def test_the_card_says_how_it_was_made_and_it_is_small(trained) -> None:
    card = json.loads((SAMPLES / "recognizer.json").read_text())
    assert card["training"]["recipe"] == "otoscope.testing.checkpoints.trained_wav2vec2"
    assert card["training"]["seed"] == 0
    assert (SAMPLES / "model.safetensors").stat().st_size < 3_000_000


def test_it_hears_strings_of_digits_by_voices_it_never_heard(trained) -> None:
    pytest.importorskip("espeakng_loader")
    from otoscope.lexicon.ngram.estimation import estimate
    from otoscope.metrics.error_rate import error_rate
    from otoscope.signal.synthesis import synthesize

    texts = [text.split() for text in digit_texts("en", n=300)]
    guided = trained.fused(estimate(texts, order=1, smoothing="witten-bell").automaton(), weight=1.0)
    rng = np.random.default_rng(5)
    errors, n_words, late = 0, 0, []
    for number in range(10):
        words = [DIGITS["en"][i] for i in rng.integers(10, size=4)]
        spoken = synthesize(" ".join(words), voice=VOICES[number % len(VOICES)], rate_wpm=150, rate_hz=16000)
        rate = error_rate(" ".join(words), guided.trace(spoken.recording, record="text").text)
        errors, n_words = errors + rate.errors, n_words + rate.n_reference
        placed = trained.align(spoken.recording, " ".join(words)).words
        late += [abs(a.start_s - b.start_s) for a, b in zip(placed, spoken.words, strict=True)]
    assert errors / n_words <= 0.1
    assert np.median(late) <= 0.05
