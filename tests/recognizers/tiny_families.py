"""A tiny recogniser of every family that has a network, a recording for it, and two words asked of it."""

from __future__ import annotations

import dataclasses

import numpy as np

from otoscope.core import Interval, Recording, Target
from otoscope.nets.acoustic import AcousticShape
from otoscope.nets.front_end import FrontEndShape
from otoscope.recognizers.ctc import CTCRecognizer
from otoscope.recognizers.ctc.card import LETTERS, CtcCard
from otoscope.recognizers.endtoend import PRESETS, EndToEndRecognizer
from otoscope.recognizers.endtoend.presets import Options, card_of
from otoscope.recognizers.endtoend.tokens import characters

WORDS = ("one", "two", "one")
FAMILIES = ("ctc", "hybrid", *PRESETS, "wav2vec2", "wavlm", "sew", "whisper")


def noise(duration_s=1.0, rate_hz=8000):
    samples = np.random.default_rng(0).normal(0, 0.1, round(duration_s * rate_hz))
    return Recording(samples.astype(np.float32), rate_hz)


def words(labels):
    spans = [(0.1, 0.3), (0.4, 0.55), (0.6, 0.8)]
    return [
        Target("word", w, Interval(a, b, w), i, labels) for i, (w, (a, b)) in enumerate(zip(labels, spans, strict=True))
    ]


def ctc():
    shape = AcousticShape(20, len(LETTERS), (4, 6), (2, 1), n_units=8, n_layers=2)
    return CTCRecognizer(CtcCard("small", FrontEndShape(8000, 20, low_hz=50), shape, vocabulary=("one", "two")), seed=3)


def end_to_end(name):
    card = card_of(PRESETS[name], Options(n_units=8, n_layers=2, rate_hz=8000), characters())
    decoding = dataclasses.replace(card.decoding, beam=3, margin_s=0.3, most_nats=1e9)
    return EndToEndRecognizer(dataclasses.replace(card, decoding=decoding), seed=1)


def made_family(family, request):
    """Return a recogniser, a recording and two targets that share their context; `request` is pytest's."""
    if family == "ctc":
        return ctc(), noise(), words(WORDS)[:2]
    if family == "hybrid":
        tiny, chirp = (request.getfixturevalue(name) for name in ("tiny_hybrid", "chirp"))
        return tiny("factorized-tdnn"), chirp(0.9), words(("see", "tea", "two"))[:2]
    if family in PRESETS:
        return end_to_end(family), noise(), words(WORDS)[:2]
    import otoscope

    folder = request.getfixturevalue("tiny_checkpoint")
    if family == "whisper":
        recognizer = otoscope.load(folder("whisper"), language="en", heads=None)
        return recognizer, noise(1.2, 16000), words(WORDS)[:2]
    recording, wide = noise(2.0, 16000), Interval(0.0, 2.0, "a")
    own = [Target("word", label, wide, i, ("a", "me")) for i, label in enumerate(("a", "me"))]
    return otoscope.load(folder("wav2vec2", kind=family)), recording, own
