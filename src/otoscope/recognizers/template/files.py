"""A template recogniser on disk: a folder with `templates.safetensors` and `recognizer.json` (card, settings, hash)."""

from __future__ import annotations

import os
from typing import Any

import numpy as np

from otoscope.core import BadInput, CorruptWeights
from otoscope.recognizers.saved import SavedFormat, sha256_of
from otoscope.recognizers.template.card import TemplateCard
from otoscope.recognizers.template.formants import OccupancyMatcher
from otoscope.recognizers.template.matching import Matcher
from otoscope.recognizers.template.warping import WarpingMatcher

WEIGHTS = "templates.safetensors"
FORMAT = SavedFormat(
    "otoscope.recognizers.template.recognizer:TemplateRecognizer", ("matcher", "settings", "card"), WEIGHTS
)
MATCHERS: dict[str, Any] = {kind.kind: kind for kind in (WarpingMatcher, OccupancyMatcher)}


def serialized(matcher: Matcher) -> bytes:
    """Return the templates as safetensors: the same templates give the same bytes."""
    import safetensors.numpy

    return safetensors.numpy.save({k: np.ascontiguousarray(v) for k, v in sorted(matcher.arrays().items())})


def weights_sha256(matcher: Matcher) -> str:
    """Return the hash that names these templates."""
    return sha256_of(serialized(matcher))


def save_templates(card: TemplateCard, matcher: Matcher, folder: str | os.PathLike[str]) -> None:
    """Write a recogniser to a folder, which is made if need be; raises `CannotWrite`."""
    fields = {"matcher": matcher.kind, "settings": matcher.settings(), "card": card.as_json()}
    FORMAT.write(folder, {WEIGHTS: serialized(matcher)}, fields)


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

    description, files = FORMAT.read(folder)
    arrays = files[description["weights"]]
    try:
        matcher = MATCHERS[description["matcher"]].from_arrays(safetensors.numpy.load(arrays), description["settings"])
    except (SafetensorError, KeyError, TypeError, BadInput) as error:
        raise CorruptWeights(f"{os.fspath(folder)} holds templates of another recogniser: {error}") from error
    return TemplateCard.from_json(description["card"]), matcher
