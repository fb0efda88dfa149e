"""Speech that needs no file (espeak-ng says a sentence whose words and phones are known in time), tiny hybrids."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from otoscope.core import Recording, Trace
from otoscope.decoding.tree import HmmState
from otoscope.recognizers.pocketsphinx import PocketSphinx

if TYPE_CHECKING:
    from otoscope.recognizers.hybrid import HybridRecognizer

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


SAID = {"see": (("S", "IY"),), "tea": (("T", "IY"),), "two": (("T", "UW"),)}
SHAPES: dict[str, dict[str, object]] = {
    "factorized-tdnn": {"channels": (2, 3), "n_units": 12, "n_bottleneck": 4, "dilations": (0, 1), "n_prefinal": 6},
    "mlp": {"reach": 2, "n_hidden": (12, 10)},
    "lstm": {"n_units": 6, "n_layers": 2},
}


@pytest.fixture(scope="session")
def tiny_hybrid() -> Callable[[str], HybridRecognizer]:
    """Make a hybrid recogniser of the words "see", "tea" and "two" with random weights, which refuses no text."""
    import torch

    from otoscope.nets.front_end import FrontEndShape
    from otoscope.recognizers.hybrid import HybridRecognizer
    from otoscope.recognizers.hybrid.card import HybridCard
    from otoscope.recognizers.hybrid.files import Parts
    from otoscope.recognizers.hybrid.language import any_order
    from otoscope.recognizers.hybrid.model import AcousticScores
    from otoscope.recognizers.hybrid.phones import PhoneTable, tied_biphones

    def made(network: str) -> HybridRecognizer:
        table = PhoneTable.of(tied_biphones({("S", "IY"): 200.0}, ("S", "T", "IY", "UW")))
        shape = {"n_features": 16, "n_symbols": table.n_columns, **SHAPES[network]}
        front_end = FrontEndShape(n_mels=16)
        card = HybridCard("tiny", front_end, network, shape, "mmi", least_said=0.0, least_told=0.0, least_fit=-1e9)
        acoustic = AcousticScores(card, table, seed=1)
        torch.manual_seed(2)
        with torch.no_grad():
            for parameter in acoustic.network.parameters():
                parameter += 0.3 * torch.randn_like(parameter)
        return HybridRecognizer(Parts(acoustic, SAID, any_order(list(SAID))))

    return made


@pytest.fixture(scope="session")
def chirp() -> Callable[..., Recording]:
    """Make a tone that rises in noise, 0.6 s unless told."""

    def made(duration_s: float = 0.6) -> Recording:
        t = np.arange(round(duration_s * 16000)) / 16000
        noise = np.random.default_rng(0).standard_normal(t.size)
        samples = 0.1 * np.sin(2 * np.pi * (300 + 500 * t) * t) + 0.02 * noise
        return Recording(samples.astype(np.float32), 16000)

    return made


class OneState:
    """Phones of one state each, which may be stayed in, and silence; context does not matter."""

    phones, silence, context = ("S", "T"), "SIL", (False, False)

    def states(self, left: str | None, phone: str, right: str | None) -> tuple[HmmState, ...]:
        return (HmmState(("SIL", "S", "T").index(phone), math.log(0.6), math.log(0.4)),)


@pytest.fixture(scope="session")
def one_state() -> OneState:
    """Two phones and silence, one state each."""
    return OneState()


@pytest.fixture(scope="session")
def tiny_checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Write a tiny checkpoint, once for the whole session: "wav2vec2" or "whisper" and how → its folder, to be read."""
    pytest.importorskip("transformers")
    from otoscope.testing import tiny_wav2vec2, tiny_whisper

    makers = {"wav2vec2": tiny_wav2vec2, "whisper": tiny_whisper}
    made: dict[tuple[str, str], Path] = {}

    def folder(family: str, **how: object) -> Path:
        asked = (family, repr(sorted(how.items())))
        if asked not in made:
            made[asked] = makers[family](tmp_path_factory.mktemp(family), **how)
        return made[asked]

    return folder


@pytest.fixture(scope="session")
def babble() -> Callable[[int], Recording]:
    """Make recording number `i` of many, 1 to 4 s: rising tones that come and go in noise."""

    def made(number: int) -> Recording:
        rng = np.random.default_rng(number)
        t = np.arange(int(rng.integers(16000, 64000))) / 16000
        tone = np.sin(2 * np.pi * (rng.uniform(100, 400) + rng.uniform(0, 300) * t) * t)
        samples = 0.1 * tone * np.sin(2 * np.pi * rng.uniform(1, 4) * t) + 0.02 * rng.standard_normal(t.size)
        return Recording(samples.astype(np.float32), 16000)

    return made


@pytest.fixture(scope="session")
def tiny_family(request: pytest.FixtureRequest) -> Callable[[str], Any]:
    """Make a tiny recogniser of a family, once: it, a recording, and two targets that share their context."""
    from .tiny_families import made_family

    known: dict[str, Any] = {}

    def opened(family: str) -> Any:
        if family not in known:
            known[family] = made_family(family, request)
        return known[family]

    return opened
