"""What stands behind the Traces of a checkpoint: its weights and every setting, as JSON values."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from importlib.metadata import version
from typing import Any

from otoscope.core import Provenance
from otoscope.nets.open_edits import OpenEdits
from otoscope.recognizers.checkpoints.folder import Checkpoint
from otoscope.recognizers.wav2vec2.chunking import Chunking
from otoscope.recognizers.wav2vec2.decoding import Decoding
from otoscope.recognizers.wav2vec2.language import Language
from otoscope.recognizers.wav2vec2.network import SpeechEncoder


@dataclass(frozen=True)
class Settings:
    """What fixes a recogniser apart from its checkpoint.

    Parameters
    ----------
    decoding, chunking
        How texts are searched, and how long recordings are heard.
    language
        Whose adapter and letters are in use; `None` for those in the checkpoint itself.
    knowledge
        What the search knows of language.
    weights
        How the weights differ from those of the checkpoint's files; empty where they are those.
    """

    decoding: Decoding = field(default_factory=Decoding)
    chunking: Chunking = field(default_factory=Chunking)
    language: str | None = None
    knowledge: Language = field(default_factory=Language)
    weights: str = ""


def provenance_of(
    checkpoint: Checkpoint, network: SpeechEncoder, open_edits: OpenEdits, settings: Settings
) -> Provenance:
    """Return version, hash of the weight files, and the settings; language model and open edits are named."""
    parameters: dict[str, Any] = {
        "model_type": checkpoint.model_type,
        "architecture": checkpoint.architecture,
        "attention": "eager" if network.weights else "sdpa",
        "precision": network.precision,
        "chunking": dataclasses.asdict(settings.chunking),
    }
    if network.head is not None:
        parameters |= {"decoding": dataclasses.asdict(settings.decoding), "n_symbols": network.head.out_features}
    if checkpoint.revision is not None:
        parameters["revision"] = checkpoint.revision
    if settings.language is not None:
        parameters["language"] = settings.language
    if settings.weights:
        parameters["weights"] = settings.weights
    if settings.knowledge.said:
        parameters["language_model"] = dict(settings.knowledge.said)
    parameters |= open_edits.parameters()
    return Provenance(checkpoint.name, version("otoscope"), checkpoint.sha256, parameters)
