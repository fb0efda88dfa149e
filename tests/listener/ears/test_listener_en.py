"""The ears in the package: small, and they tell words apart that a voice says which they never heard."""

from __future__ import annotations

import numpy as np
import pytest

from otoscope.lexicon.mental_lexicon import MentalLexicon
from otoscope.listener.competing import compete
from otoscope.listener.ears.ears import CARD, PACKED, WEIGHTS, Ears
from otoscope.listener.ears.labels import PHONES
from otoscope.listener.ears.voices import VALIDATION
from otoscope.listener.word_tree import WordTree

WORDS = ("catalogue", "thirteen", "yesterday", "beautiful", "window", "language", "orange", "kitchen")


@pytest.fixture(scope="module")
def ears():
    return Ears.load()


def test_small_and_named(ears):
    folder = PACKED / "listener-en"
    assert (folder / WEIGHTS).stat().st_size < 6_000_000
    assert (folder / CARD).is_file()
    assert "Licence" in (folder / "README.md").read_text("utf-8")
    assert ears.card.phones == PHONES
    assert ears.provenance.recognizer == "listener-en"
    assert len(ears.provenance.weights_sha256 or "") == 64


def test_looks_ahead_at_most_105_milliseconds(ears):
    # The network's frames, and half a window of 25 ms beyond the middle of the last of them.
    assert 0.01 * ears.network.look_ahead + 0.0125 <= 0.105


def test_words_of_a_voice_never_trained_on(ears):
    pytest.importorskip("espeakng_loader")
    from otoscope.listener.stimuli.speaking import Speaker

    lexicon = MentalLexicon.english(20000)
    forms = lexicon.forms
    tree = WordTree.build(forms.phones, ears.card, forms.log_prior, words=forms.words)
    right = []
    for word in WORDS:
        heard = ears.hear(Speaker(VALIDATION[0]).word(word, lexicon).recording)
        final = compete(heard, tree, n_kept=5).final
        right.append(int(np.argmax(final)) in lexicon.forms_of(word))
    assert np.mean(right) >= 0.75


def test_a_pause_is_heard_as_silence(ears):
    from otoscope.core import Recording

    hiss = (1e-4 * np.random.default_rng(0).normal(size=16000)).astype(np.float32)
    logs = ears.hear(Recording(hiss, 16000)).scores + ears.card.prior_row()
    assert np.mean(logs.argmax(axis=1) == len(ears.card.columns) - 1) > 0.9
