"""An end-to-end recogniser on disk: a folder with `weights.safetensors` and `recognizer.json`, card and hash in it."""

from __future__ import annotations

import os

import torch

from otoscope.nets.speech_network import SpeechNetwork
from otoscope.nets.weights import give_weights, serialized
from otoscope.recognizers.endtoend.card import EndToEndCard
from otoscope.recognizers.saved import SavedFormat

WEIGHTS = "weights.safetensors"
FORMAT = SavedFormat("otoscope.recognizers.endtoend:EndToEndRecognizer", ("card",), WEIGHTS)


def save_endtoend(card: EndToEndCard, network: SpeechNetwork, folder: str | os.PathLike[str]) -> None:
    """Write a recogniser to a folder, which is made if need be; raises `CannotWrite`."""
    FORMAT.write(folder, {WEIGHTS: serialized(network)}, {"card": card.as_json()})


def load_endtoend(folder: str | os.PathLike[str]) -> tuple[EndToEndCard, SpeechNetwork]:
    """Read the card and the network that `save_endtoend` wrote.

    Raises
    ------
    CorruptWeights
        A file is missing or damaged, the hash differs, or the weights are of another network.
    BadInput
        The folder was written by a newer version or holds another kind of recogniser.
    """
    description, files = FORMAT.read(folder)
    card = EndToEndCard.from_json(description["card"])
    with torch.random.fork_rng(devices=[]):
        network = SpeechNetwork(card.shape)
    give_weights(network, files[description["weights"]], folder)
    return card, network.eval()
