"""What attention decoders say of a text: probabilities that are none by rounding."""

from __future__ import annotations

import pytest
import torch

from otoscope.recognizers.endtoend.attention_reader import AttentionReader

from .tiny_families import end_to_end, noise


@pytest.mark.parametrize("family", ["las", "speech-transformer", "joint-ctc-attention"])
def test_a_word_that_is_certain_is_no_likelier_than_that(family, monkeypatch):
    above = torch.tensor([4e-16], dtype=torch.float64)
    assert float(torch.exp(above)) > 1, "a sum of all probabilities may be so by rounding"
    monkeypatch.setattr(AttentionReader, "_word_score", lambda *_: above)
    recognizer = end_to_end(family)
    recording = noise(0.5)
    trace = recognizer.trace(recording)
    found = recognizer.align(recording, "a b") if not trace.words else trace.alignment
    assert found.text_confidence
    assert max(found.text_confidence) == 1
