"""What is made from a model and kept beside the models: found heads of attention, and conversions for another engine.

Each goes by the hashes of the files that it was made from, so that a changed model has none, and a copy finds its own.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from otoscope.recognizers.checkpoints.hashing import joint_sha256
from otoscope.recognizers.checkpoints.record import StoredModel

HEADS = ".heads"
"""Folder of the store for the heads of cross-attention that place words."""
CONVERTED = ".ctranslate2"
"""Folder of the store for checkpoints in CTranslate2's layout."""

N_DIGITS = 32
WEIGHTS = re.compile(r"(?!adapter\.).*\.safetensors")


def heads_path(root: Path, weights_sha256: str) -> Path:
    """Return where the heads found for these weights are kept."""
    return root / HEADS / f"{weights_sha256[:N_DIGITS]}.json"


def conversion_path(root: Path, descriptions: Mapping[str, str], weights_sha256: str, version: str) -> Path:
    """Return where a conversion is kept: of weights and JSON files of these hashes, by a version of the converter."""
    digest = joint_sha256({**descriptions, "weights": weights_sha256})
    return root / CONVERTED / f"{digest[:N_DIGITS]}-{version}"


def derived_from(root: Path, model: StoredModel) -> tuple[Path, ...]:
    """Return what of a model in the store is kept: files and folders that are there."""
    digests = {file.name: file.sha256 for file in model.files}
    weights = joint_sha256({name: digest for name, digest in digests.items() if WEIGHTS.fullmatch(name)})
    descriptions = {name: digest for name, digest in digests.items() if name.endswith(".json")}
    any_version = conversion_path(root, descriptions, weights, "*")
    found = (heads_path(root, weights), *sorted(any_version.parent.glob(any_version.name)))
    return tuple(path for path in found if path.exists())
