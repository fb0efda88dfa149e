"""A template recogniser on disk: a folder with `templates.safetensors` and `recognizer.json` (card, settings, hash)."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from otoscope.core import BadInput, CorruptWeights
from otoscope.io.writing import make_folder, write_bytes, write_text
from otoscope.recognizers.template.card import TemplateCard
from otoscope.recognizers.template.formants import OccupancyMatcher
from otoscope.recognizers.template.matching import Matcher
from otoscope.recognizers.template.warping import WarpingMatcher

if TYPE_CHECKING:
    from otoscope.recognizers.template.recognizer import TemplateRecognizer

SCHEMA = 1
"""Number of the folder's layout; a reader refuses a higher one."""

CLASS = "otoscope.recognizers.template.recognizer:TemplateRecognizer"
WEIGHTS = "templates.safetensors"
DESCRIPTION = "recognizer.json"
MATCHERS: dict[str, Any] = {kind.kind: kind for kind in (WarpingMatcher, OccupancyMatcher)}


def serialized(matcher: Matcher) -> bytes:
    """Return the templates as safetensors: the same templates give the same bytes."""
    import safetensors.numpy

    return safetensors.numpy.save({k: np.ascontiguousarray(v) for k, v in sorted(matcher.arrays().items())})


def weights_sha256(matcher: Matcher) -> str:
    """Return the hash that names these templates."""
    return hashlib.sha256(serialized(matcher)).hexdigest()


def save_templates(recognizer: TemplateRecognizer, folder: str | os.PathLike[str]) -> None:
    """Write a recogniser to a folder, which is made if need be; raises `CannotWrite`."""
    weights = serialized(recognizer.matcher)
    description = {
        "schema": SCHEMA,
        "class": CLASS,
        "weights": WEIGHTS,
        "weights_sha256": hashlib.sha256(weights).hexdigest(),
        "matcher": recognizer.matcher.kind,
        "settings": recognizer.matcher.settings(),
        "card": recognizer.card.as_json(),
    }
    make_folder(folder)
    write_bytes(Path(folder) / WEIGHTS, weights)
    write_text(Path(folder) / DESCRIPTION, json.dumps(description, indent=1, ensure_ascii=False) + "\n")


def load_templates(folder: str | os.PathLike[str]) -> tuple[TemplateCard, Matcher]:
    """Read the card and the matcher that `save_templates` wrote.

    Raises
    ------
    CorruptWeights
        A file is missing or damaged, or the hash differs.
    BadInput
        The folder was written by a newer version or holds another kind of recogniser.
    """
    import safetensors.numpy
    from safetensors import SafetensorError

    path = Path(folder)
    description = _description(path / DESCRIPTION)
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
    try:
        matcher = MATCHERS[description["matcher"]].from_arrays(safetensors.numpy.load(weights), description["settings"])
    except (SafetensorError, KeyError, TypeError, BadInput) as error:
        raise CorruptWeights(f"{path} holds templates of another recogniser: {error}") from error
    return TemplateCard.from_json(description["card"]), matcher


def _description(path: Path) -> dict[str, Any]:
    try:
        description = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise CorruptWeights(f"{path.parent} holds no readable {DESCRIPTION}: {error.strerror}") from error
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise CorruptWeights(f"{path} is damaged: {error}") from error
    needed = ("schema", "class", "weights", "weights_sha256", "matcher", "settings", "card")
    missing = [key for key in needed if not (isinstance(description, dict) and key in description)]
    if missing:
        raise CorruptWeights(f"{path} lacks {', '.join(missing)}")
    if description["schema"] > SCHEMA:
        raise BadInput(f"{path} has schema {description['schema']}; this version reads up to {SCHEMA}: update otoscope")
    if description["class"] != CLASS:
        raise BadInput(f"{path} describes {description['class']}, not {CLASS}")
    return description
