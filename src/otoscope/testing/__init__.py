"""Toy recognisers with closed-form answers and tiny corpora, for the tests of this package and of its users.

Nothing here needs a network or a download; `planted_cue` trains its small net when it is called, and only what has to
do with it loads torch. `tiny_whisper` and `tiny_wav2vec2` write checkpoints as the Hugging Face hub has them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from otoscope.core.late import resolve
from otoscope.testing.functions import FunctionRecognizer, basic_model_2, basic_model_3
from otoscope.testing.hearing import energy
from otoscope.testing.listening import BestOfRecognizer, NoiseListener
from otoscope.testing.made_words import MADE_WORDS, made_phone
from otoscope.testing.toys import AdditiveRecognizer, InteractionRecognizer

if TYPE_CHECKING:
    from otoscope.testing.checkpoints import tiny_wav2vec2, tiny_whisper
    from otoscope.testing.circuits import PlantedCircuit, circuit_sound, circuit_tones, planted_circuit
    from otoscope.testing.planted import PlantedCue, PlantedUtterance, planted_cue, planted_cue_corpus

_CIRCUITS, _PLANTED, _CHECKPOINTS = (
    "otoscope.testing.circuits",
    "otoscope.testing.planted",
    "otoscope.testing.checkpoints",
)
_NEEDS_TORCH = {
    **dict.fromkeys(
        ("PlantedCircuit", "circuit_sound", "circuit_tones", "planted_circuit"), "otoscope.testing.circuits"
    ),
    **dict.fromkeys(("PlantedCue", "PlantedUtterance", "planted_cue", "planted_cue_corpus"), _PLANTED),
    **dict.fromkeys(("tiny_wav2vec2", "tiny_whisper"), _CHECKPOINTS),
}

__all__ = [
    "AdditiveRecognizer",
    "BestOfRecognizer",
    "FunctionRecognizer",
    "InteractionRecognizer",
    "MADE_WORDS",
    "NoiseListener",
    "PlantedCircuit",
    "PlantedCue",
    "PlantedUtterance",
    "basic_model_2",
    "basic_model_3",
    "circuit_sound",
    "circuit_tones",
    "energy",
    "made_phone",
    "planted_circuit",
    "planted_cue",
    "planted_cue_corpus",
    "tiny_wav2vec2",
    "tiny_whisper",
]


def __getattr__(name: str) -> Any:
    if name in _NEEDS_TORCH:
        return resolve(f"{_NEEDS_TORCH[name]}:{name}")
    raise AttributeError(f"module 'otoscope.testing' has no attribute {name!r}")
