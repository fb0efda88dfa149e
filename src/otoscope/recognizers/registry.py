"""Which recognisers there are, which can be used now, and how to open one by name or from a folder.

Listing imports nothing but this module: whether a recogniser is ready is judged by the packages it needs.
"""

from __future__ import annotations

import inspect
import json
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from otoscope.core import CorruptWeights, OtoscopeError, Recognizer
from otoscope.core.errors import UnknownName
from otoscope.core.late import registered, resolve

if TYPE_CHECKING:
    from otoscope.recognizers.checkpoints.record import StoredModel

GROUP = "otoscope.recognizers"
"""Entry-point group under which other packages add recognisers."""

CARD = "recognizer.json"
"""File in a saved recogniser's folder; its `"class"` is the `"module:Class"` whose `load(folder)` opens the folder."""

DEFAULT = "otoscope-en"
"""What is used where no recogniser is named."""

RECOGNIZERS: Mapping[str, str] = {
    "ctc-digits": "otoscope.recognizers.ctc:digits",
    "otoscope-en": "otoscope.recognizers.hybrid.embedded:otoscope_en",
    "pocketsphinx": "otoscope.recognizers.pocketsphinx:PocketSphinx",
}


@dataclass(frozen=True)
class RecognizerInfo:
    """What the registry knows of a recogniser without opening it.

    Parameters
    ----------
    name, family, year
        Its name, the kind of recogniser, and when that kind was published (`None` where not known).
    ready
        Whether the packages it needs are installed.
    needs
        Those packages.
    how_to_get
        What to do if it is not ready.
    description
        One sentence.
    """

    name: str
    family: str
    year: int | None
    ready: bool
    needs: str
    how_to_get: str
    description: str


_CARDS: Mapping[str, tuple[str, int, str, str]] = {
    "ctc-digits": (
        "connectionist temporal classification",
        2006,
        "torch",
        "Spoken English digits, letter by letter: a small network trained on the Free Spoken Digit Dataset.",
    ),
    "otoscope-en": (
        "hybrid network and HMM",
        2016,
        "torch",
        "English, 60,000 words, trigram language model; nine hours of training speech; the embedded default.",
    ),
    "pocketsphinx": (
        "hidden Markov model with Gaussian mixtures",
        2006,
        "pocketsphinx",
        "US English, 126,000 words, trigram language model; the classical reference.",
    ),
}


def recognizers() -> tuple[RecognizerInfo, ...]:
    """Return what is known of every registered recogniser, by name, and then of the models in the store.

    Examples
    --------
    >>> [info.name for info in recognizers() if info.family.startswith("hidden Markov")]
    ['pocketsphinx']
    """
    from otoscope.recognizers.checkpoints.store import list as stored_models

    known = tuple(_info(name, reference) for name, reference in sorted(registered(RECOGNIZERS, GROUP).items()))
    return known + tuple(map(_stored, stored_models()))


def _info(name: str, reference: str) -> RecognizerInfo:
    package = reference.partition(":")[0].partition(".")[0]
    family, year, needs, description = _CARDS.get(name, ("added by another package", None, package, reference))
    ready = all(find_spec(each) is not None for each in needs.split())
    how = "ready" if ready else f"pip install {needs}"
    return RecognizerInfo(name, family, year, ready, needs, how, description)


def _stored(model: StoredModel) -> RecognizerInfo:
    """Return what is known of a model in the store; the revision is named where it is not the main one."""
    from otoscope.recognizers.checkpoints.opening import FAMILIES

    family, year = FAMILIES.get(model.model_type, (model.model_type, None))
    ready = all(find_spec(package) is not None for package in ("torch", "transformers"))
    name = model.name if "main" in model.revisions else f"{model.name}@{model.commit[:7]}"
    licence = "no licence stated" if model.licence is None else f"licence {model.licence}"
    description = f"From the hub at commit {model.commit[:7]}, {model.size / 1e6:.0f} MB, {licence}."
    how = "ready" if ready else "pip install torch transformers"
    return RecognizerInfo(name, family, year, ready, "torch transformers", how, description)


def load(name_or_folder: str | os.PathLike[str], **parameters: Any) -> Recognizer:
    """Open a recogniser by its name in the registry, from a folder, or from the store of models of the hub.

    Parameters
    ----------
    name_or_folder
        A name that `recognizers()` lists; a folder with a `recognizer.json`, or one in the layout of the Hugging Face
        hub (`config.json` and safetensors); or a name on the hub (`openai/whisper-tiny`, `owner/name@revision`) of a
        model that `otoscope models get` has put into the store. Nothing is ever fetched here.
    parameters
        Passed on to the recogniser.

    Raises
    ------
    UnknownName
        No such name, no such folder, and no such model in the store.
    CorruptWeights
        The folder does not say how it is to be opened, or a file in it is missing or damaged.
    BadInput
        The weights are pickles, the model needs code of its own, or no family opens this kind of model.
    OtoscopeError
        A package that the recogniser needs is not installed, or it knows no such parameter.
    """
    known = registered(RECOGNIZERS, GROUP)
    name = os.fspath(name_or_folder)
    if name in known:
        info = _info(name, known[name])
        if not info.ready:
            raise OtoscopeError(f"recogniser {name!r} needs {info.needs}, which is not installed: {info.how_to_get}")
        return _opened(resolve(known[name]), name, (), parameters)
    folder = Path(name)
    if not folder.is_dir():
        return _from_store(name, known, parameters)
    if not (folder / CARD).is_file() and any(
        (folder / said).is_file() for said in ("config.json", "adapter_config.json")
    ):
        return _checkpoint(folder, parameters)
    return _opened(resolve(_class_of(folder)).load, name, (folder,), parameters)


def _checkpoint(folder: Path, parameters: Mapping[str, Any]) -> Recognizer:
    from otoscope.recognizers.checkpoints.opening import open_checkpoint

    return open_checkpoint(folder, **parameters)


def _from_store(name: str, known: Iterable[str], parameters: Mapping[str, Any]) -> Recognizer:
    from otoscope.recognizers.checkpoints.store import HUB_NAME, find

    if HUB_NAME.fullmatch(name) is None:
        raise UnknownName("recogniser", name, known)
    return _checkpoint(find(name).folder, parameters)


def _opened(
    factory: Callable[..., Any], name: str, arguments: tuple[Any, ...], parameters: Mapping[str, Any]
) -> Recognizer:
    try:
        inspect.signature(factory).bind(*arguments, **parameters)
    except TypeError as error:
        raise OtoscopeError(f"recogniser {name!r} cannot be opened so: {error}") from None
    return cast(Recognizer, factory(*arguments, **parameters))


def _class_of(folder: Path) -> str:
    """Read which class opens a folder; only a package that registers recognisers may be named."""
    card = folder / CARD
    if not card.is_file():
        raise CorruptWeights(f"{folder} is no saved recogniser: it has no {CARD}")
    try:
        reference = json.loads(card.read_text(encoding="utf-8"))["class"]
    except (ValueError, KeyError, TypeError, UnicodeDecodeError):
        raise CorruptWeights(f"{card} does not name the class that opens it; save the recogniser again") from None
    packages = {ref.partition(":")[0].partition(".")[0] for ref in registered(RECOGNIZERS, GROUP).values()}
    if not isinstance(reference, str) or reference.partition(":")[0].partition(".")[0] not in packages:
        raise CorruptWeights(f"{card} names {reference!r}, which belongs to no registered recogniser")
    return reference
