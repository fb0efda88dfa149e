"""A hybrid recogniser on disk: description, weights, phone models, lexicon and language model, each with its hash."""

from __future__ import annotations

import hashlib
import json
import lzma
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import safetensors.torch
import torch
from safetensors import SafetensorError
from safetensors.numpy import load as load_arrays
from safetensors.numpy import save as save_arrays

from otoscope.core import BadInput, CorruptWeights
from otoscope.io.writing import make_folder, write_bytes, write_text
from otoscope.lexicon import ngram
from otoscope.lexicon.pronunciations import Phones
from otoscope.recognizers.hmm.language import Lexicon, lexicon_of_text, lexicon_text
from otoscope.recognizers.hybrid.card import HybridCard
from otoscope.recognizers.hybrid.model import AcousticScores
from otoscope.recognizers.hybrid.phones import PhoneTable

SCHEMA = 1
"""Number of the folder's layout; a reader refuses a higher one."""
CLASS = "otoscope.recognizers.hybrid:HybridRecognizer"
DESCRIPTION, WEIGHTS, PHONES = "recognizer.json", "weights.safetensors", "phones.safetensors"
LEXICON, LANGUAGE = "lexicon.txt.xz", "language.otoscope"


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


def serialized(network: torch.nn.Module, *, half: bool = False) -> bytes:
    """Return the weights as safetensors, as float16 if `half`: the same weights give the same bytes."""
    state = {name: tensor.detach().contiguous() for name, tensor in sorted(network.state_dict().items())}
    if half:
        state = {name: tensor.half() if tensor.is_floating_point() else tensor for name, tensor in state.items()}
    return safetensors.torch.save(state)


def weights_sha256(network: torch.nn.Module) -> str:
    """Return the hash that names these weights, whatever format they were stored in."""
    return hashlib.sha256(serialized(network)).hexdigest()


def save_hybrid(parts: Parts, folder: str | os.PathLike[str], *, half: bool = False) -> None:
    """Write a recogniser to a folder, which is made if need be; raises `CannotWrite`."""
    path = Path(folder)
    make_folder(path)
    ngram.save(parts.lm, path / LANGUAGE)
    table = parts.acoustic.table
    arrays = {
        name: getattr(table, name) for name in ("rows", "column", "log_loop", "log_leave", "log_skip", "log_bigram")
    }
    files = {
        WEIGHTS: serialized(parts.acoustic.network, half=half),
        PHONES: save_arrays({**arrays, "log_priors": np.array(parts.acoustic.log_priors)}),
        LEXICON: lzma.compress(lexicon_text(parts.lexicon).encode()),
    }
    for name, data in files.items():
        write_bytes(path / name, data)
    files[LANGUAGE] = (path / LANGUAGE).read_bytes()
    description = {
        "schema": SCHEMA,
        "class": CLASS,
        "sha256": {name: hashlib.sha256(data).hexdigest() for name, data in files.items()},
        "phones": list(table.phones_and_silence),
        "card": parts.card.as_json(),
    }
    write_text(path / DESCRIPTION, json.dumps(description, indent=1, ensure_ascii=False) + "\n")


def load_hybrid(folder: str | os.PathLike[str]) -> Parts:
    """Read what `save_hybrid` wrote.

    Raises
    ------
    CorruptWeights
        A file is missing, damaged, or not the one the description names.
    BadInput
        The folder was written by a newer version, or holds another kind of recogniser.
    """
    path = Path(folder)
    description = _description(path / DESCRIPTION)
    files = {name: _checked(path / name, digest) for name, digest in description["sha256"].items()}
    card = HybridCard.from_json(description["card"])
    try:
        arrays = load_arrays(files[PHONES])
        priors = arrays.pop("log_priors")
        table = PhoneTable(tuple(description["phones"]), **arrays)
        acoustic = AcousticScores(card, table, log_priors=priors)
        state = {name: tensor.float() for name, tensor in safetensors.torch.load(files[WEIGHTS]).items()}
        acoustic.network.load_state_dict(state)
        lexicon: dict[str, tuple[Phones, ...]] = lexicon_of_text(lzma.decompress(files[LEXICON]).decode())
    except (KeyError, TypeError, SafetensorError, RuntimeError, lzma.LZMAError, UnicodeDecodeError) as error:
        raise CorruptWeights(f"{path} is no complete recogniser: {str(error).splitlines()[0]}; get it anew") from error
    return Parts(acoustic, lexicon, ngram.load(path / LANGUAGE))


def _checked(path: Path, digest: str) -> bytes:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise CorruptWeights(f"{path.parent} has no readable {path.name}: {error.strerror}") from error
    if (found := hashlib.sha256(data).hexdigest()) != digest:
        raise CorruptWeights(
            f"{path} is not the file its card names (SHA-256 {found[:12]}…, expected {str(digest)[:12]}…); get it anew"
        )
    return data


def _description(path: Path) -> dict[str, Any]:
    try:
        description: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise CorruptWeights(f"{path.parent} holds no readable {DESCRIPTION}: {error.strerror}") from error
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise CorruptWeights(f"{path} is damaged: {error}") from error
    if missing := [key for key in ("schema", "class", "sha256", "phones", "card") if key not in description]:
        raise CorruptWeights(f"{path} lacks {', '.join(missing)}")
    if description["schema"] > SCHEMA:
        raise BadInput(f"{path} has schema {description['schema']}; this version reads up to {SCHEMA}: update otoscope")
    if description["class"] != CLASS:
        raise BadInput(f"{path} describes {description['class']}, not {CLASS}")
    return description
