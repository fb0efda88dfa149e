"""A CTC recogniser on disk: a folder with `weights.safetensors` and `recognizer.json`, which holds card and hash."""

from __future__ import annotations

import os

import torch

from otoscope.nets.acoustic import AcousticModel
from otoscope.nets.weights import give_weights, serialized
from otoscope.recognizers.ctc.card import CtcCard
from otoscope.recognizers.saved import SavedFormat

WEIGHTS = "weights.safetensors"
FORMAT = SavedFormat("otoscope.recognizers.ctc:CTCRecognizer", ("card",), WEIGHTS)


def save_ctc(card: CtcCard, network: AcousticModel, folder: str | os.PathLike[str]) -> None:
    """Write a recogniser to a folder, which is made if need be; raises `CannotWrite`."""
    FORMAT.write(folder, {WEIGHTS: serialized(network)}, {"card": card.as_json()})


def load_ctc(folder: str | os.PathLike[str]) -> tuple[CtcCard, AcousticModel]:
    """Read the card and the network that `save_ctc` wrote.

    Raises
    ------
    CorruptWeights
        A file is missing or damaged, the hash differs, or the weights are of another network.
    BadInput
        The folder was written by a newer version or holds another kind of recogniser.
    """
    description, files = FORMAT.read(folder)
    card = CtcCard.from_json(description["card"])
    with torch.random.fork_rng(devices=[]):
        network = AcousticModel(card.network)
    give_weights(network, files[description["weights"]], folder)
    return card, network.eval()
