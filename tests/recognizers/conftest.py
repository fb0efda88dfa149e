"""Speech that needs no file: espeak-ng says a sentence whose words and phones are known in time."""

from __future__ import annotations

import numpy as np
import pytest

from otoscope.core import Recording, Trace
from otoscope.recognizers.pocketsphinx import PocketSphinx

SENTENCE = "the quick brown fox jumps over the lazy dog"


@pytest.fixture(scope="session")
def speech() -> Recording:
    """`SENTENCE` with 0.2 s of faint noise around it and under it (digital silence is no ordinary recording)."""
    pytest.importorskip("espeakng_loader")
    from otoscope.signal.synthesis import synthesize

    said = synthesize(SENTENCE, rate_wpm=160).recording
    noise = 2e-4 * np.random.default_rng(0).standard_normal(said.n_samples + 6400)
    noise[3200:-3200] += 0.5 * said.samples
    return Recording(noise, 16000, source="synthetic")


@pytest.fixture(scope="session")
def pocketsphinx() -> PocketSphinx:
    return PocketSphinx(processes=1)


@pytest.fixture(scope="session")
def heard(pocketsphinx: PocketSphinx, speech: Recording) -> Trace:
    return pocketsphinx.trace(speech, record=["emissions", "features"])
