"""An end-to-end recogniser on disk: a folder with `weights.safetensors` and `recognizer.json`, card and hash in it."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import safetensors.torch
import torch
from safetensors import SafetensorError

from otoscope.core import BadInput, CorruptWeights
from otoscope.io.writing import make_folder, write_bytes, write_text
from otoscope.nets.speech_network import SpeechNetwork
from otoscope.recognizers.endtoend.card import EndToEndCard

if TYPE_CHECKING:
    from otoscope.recognizers.endtoend.recognizer import EndToEndRecognizer

SCHEMA = 1
"""Number of the folder's layout; a reader refuses a higher one."""

CLASS = "otoscope.recognizers.endtoend:EndToEndRecognizer"
WEIGHTS = "weights.safetensors"
DESCRIPTION = "recognizer.json"


def serialized(network: torch.nn.Module) -> bytes:
    """Return the weights as safetensors: the same weights give the same bytes."""
    state = {name: tensor.detach().cpu().contiguous() for name, tensor in sorted(network.state_dict().items())}
    return safetensors.torch.save(state)


def save_endtoend(recognizer: EndToEndRecognizer, folder: str | os.PathLike[str]) -> None:
    """Write a recogniser to a folder, which is made if need be; raises `CannotWrite`."""
    weights = serialized(recognizer.network)
    description = {
        "schema": SCHEMA,
        "class": CLASS,
        "weights": WEIGHTS,
        "weights_sha256": hashlib.sha256(weights).hexdigest(),
        "card": recognizer.card.as_json(),
    }
    make_folder(folder)
    write_bytes(Path(folder) / WEIGHTS, weights)
    write_text(Path(folder) / DESCRIPTION, json.dumps(description, indent=1, ensure_ascii=False) + "\n")


def load_endtoend(folder: str | os.PathLike[str]) -> tuple[EndToEndCard, SpeechNetwork]:
    """Read the card and the network that `save_endtoend` wrote.

    Raises
    ------
    CorruptWeights
        A file is missing or damaged, the hash differs, or the weights are of another network.
    BadInput
        The folder was written by a newer version or holds another kind of recogniser.
    """
    path = Path(folder)
    description = _description(path / DESCRIPTION)
    card = EndToEndCard.from_json(description["card"])
    try:
        weights = (path / description["weights"]).read_bytes()
    except OSError as error:
        raise CorruptWeights(f"{path} has no readable {description['weights']}: {error.strerror}") from error
    found = hashlib.sha256(weights).hexdigest()
    if found != description["weights_sha256"]:
        raise CorruptWeights(
            f"{path / description['weights']} is not the file its card names (SHA-256 {found[:12]}…, "
            f"expected {str(description['weights_sha256'])[:12]}…); get it anew"
        )
    with torch.random.fork_rng(devices=[]):
        network = SpeechNetwork(card.shape)
    try:
        network.load_state_dict(safetensors.torch.load(weights))
    except (SafetensorError, RuntimeError) as error:
        raise CorruptWeights(f"{path} holds weights of another network: {str(error).splitlines()[0]}") from error
    return card, network.eval()


def _description(path: Path) -> dict[str, Any]:
    try:
        description: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise CorruptWeights(f"{path.parent} holds no readable {DESCRIPTION}: {error.strerror}") from error
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise CorruptWeights(f"{path} is damaged: {error}") from error
    missing = [k for k in ("schema", "class", "weights", "weights_sha256", "card") if k not in description]
    if missing:
        raise CorruptWeights(f"{path} lacks {', '.join(missing)}")
    if description["schema"] > SCHEMA:
        raise BadInput(f"{path} has schema {description['schema']}; this version reads up to {SCHEMA}: update otoscope")
    if description["class"] != CLASS:
        raise BadInput(f"{path} describes {description['class']}, not {CLASS}")
    return description
