"""A hybrid recogniser on disk: description, weights, phone models, lexicon and language model, each with its hash."""

from __future__ import annotations

import lzma
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load as load_arrays
from safetensors.numpy import save as save_arrays

from otoscope.core import BadInput, CorruptWeights
from otoscope.lexicon import ngram
from otoscope.lexicon.ngram import compact
from otoscope.lexicon.pronunciations import Phones
from otoscope.nets.weights import give_weights, serialized
from otoscope.recognizers.hmm.language import Lexicon, lexicon_of_text, lexicon_text
from otoscope.recognizers.hybrid.card import HybridCard
from otoscope.recognizers.hybrid.model import AcousticScores
from otoscope.recognizers.hybrid.phones import PhoneTable
from otoscope.recognizers.saved import SavedFormat

WEIGHTS, PHONES, LEXICON, LANGUAGE = (
    "weights.safetensors",
    "phones.safetensors",
    "lexicon.txt.xz",
    "language.otoscope",
)
_OLDER = " whose limits of align meant something else; train it again, or open it with the version that saved it"
FORMAT = SavedFormat(
    "otoscope.recognizers.hybrid:HybridRecognizer", ("phones", "card"), schema=4, since=2, older=_OLDER
)
_FORMER = ("least_fit", "least_word")
"""Limits in cards of schema 2, which mean something else now: those are judged as if nothing had been learnt."""


def _as_now(card: dict[str, Any], schema: int) -> dict[str, Any]:
    """Return a card with what it means today: in schema 3 words heard beside a text did not count yet."""
    if schema == 2:
        return {name: value for name, value in card.items() if name not in _FORMER}
    if schema == 3:
        try:
            said, told = {**card["said_weights"], "contrary": 0.0}, {**card["told_weights"], "extra": 0.0}
        except (KeyError, TypeError) as error:
            raise BadInput(f"not the card of a hybrid recogniser: {error}") from error
        return {**card, "said_weights": said, "told_weights": told}
    return card


@dataclass(frozen=True)
class Parts:
    """All of a recogniser."""

    acoustic: AcousticScores
    lexicon: Lexicon
    lm: ngram.NGramModel

    @property
    def card(self) -> HybridCard:
        """What fixes it apart from weights, lexicon and language model."""
        return self.acoustic.card


def save_hybrid(parts: Parts, folder: str | os.PathLike[str], *, half: bool = False) -> None:
    """Write a recogniser to a folder, which is made if need be; raises `CannotWrite`."""
    table = parts.acoustic.table
    arrays = {
        name: getattr(table, name) for name in ("rows", "column", "log_loop", "log_leave", "log_skip", "log_bigram")
    }
    files = {
        WEIGHTS: serialized(parts.acoustic.network, half=half),
        PHONES: save_arrays({**arrays, "log_priors": np.array(parts.acoustic.log_priors)}),
        LEXICON: lzma.compress(lexicon_text(parts.lexicon).encode()),
        LANGUAGE: compact.serialized(parts.lm),
    }
    FORMAT.write(folder, files, {"phones": list(table.phones_and_silence), "card": parts.card.as_json()})


def load_hybrid(folder: str | os.PathLike[str]) -> Parts:
    """Read what `save_hybrid` wrote.

    Raises
    ------
    CorruptWeights
        A file is missing, damaged, or not the one the description names.
    BadInput
        The folder was written by a newer version or one too old, or holds another kind of recogniser.
    """
    path = Path(folder)
    description, files = FORMAT.read(folder)
    if missing := [name for name in (WEIGHTS, PHONES, LEXICON, LANGUAGE) if name not in files]:
        raise CorruptWeights(f"{path} is no complete recogniser: its description names no {missing[0]}; get it anew")
    fields = dict(description["card"])
    card = HybridCard.from_json(_as_now(fields, description["schema"]))
    try:
        arrays = load_arrays(files[PHONES])
        priors = arrays.pop("log_priors")
        table = PhoneTable(tuple(description["phones"]), **arrays)
        acoustic = AcousticScores(card, table, log_priors=priors)
        give_weights(acoustic.network, files[WEIGHTS], folder)
        lexicon: dict[str, tuple[Phones, ...]] = lexicon_of_text(lzma.decompress(files[LEXICON]).decode())
        lm = ngram.load(path / LANGUAGE)
    except (KeyError, TypeError, SafetensorError, RuntimeError, lzma.LZMAError, UnicodeDecodeError) as error:
        raise CorruptWeights(f"{path} is no complete recogniser: {str(error).splitlines()[0]}; get it anew") from error
    return Parts(acoustic, lexicon, lm)
