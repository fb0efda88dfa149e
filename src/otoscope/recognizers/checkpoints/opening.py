"""Opening a checkpoint of the hub: which family opens which kind of model, and weights that must fit, offline."""

from __future__ import annotations

import inspect
import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar, cast

from otoscope.core import BadInput, CorruptWeights, OtoscopeError, Recognizer
from otoscope.core.late import resolve
from otoscope.recognizers.checkpoints.folder import CONFIG, Checkpoint, read_checkpoint

if TYPE_CHECKING:
    from transformers import PreTrainedModel

Model = TypeVar("Model", bound="PreTrainedModel")

_ENCODERS = "otoscope.recognizers.wav2vec2:open_checkpoint"

OPENERS: Mapping[str, str] = {
    "data2vec-audio": _ENCODERS,
    "hubert": _ENCODERS,
    "sew": _ENCODERS,
    "sew-d": _ENCODERS,
    "unispeech": _ENCODERS,
    "unispeech-sat": _ENCODERS,
    "wav2vec2": _ENCODERS,
    "wav2vec2-bert": _ENCODERS,
    "wav2vec2-conformer": _ENCODERS,
    "wavlm": _ENCODERS,
    "whisper": "otoscope.recognizers.whisper:open_checkpoint",
}
"""`model_type` of `config.json` → what opens it: a function of a `Checkpoint` and parameters."""

FAMILIES: Mapping[str, tuple[str, int]] = {
    "data2vec-audio": ("data2vec", 2022),
    "hubert": ("HuBERT", 2021),
    "sew": ("SEW", 2021),
    "sew-d": ("SEW-D", 2021),
    "unispeech": ("UniSpeech", 2021),
    "unispeech-sat": ("UniSpeech-SAT", 2021),
    "wav2vec2": ("wav2vec 2.0", 2020),
    "wav2vec2-bert": ("w2v-BERT 2.0", 2023),
    "wav2vec2-conformer": ("wav2vec 2.0 Conformer", 2021),
    "wavlm": ("WavLM", 2021),
    "whisper": ("Whisper", 2022),
}
"""`model_type` → what the family is called, and when it was published."""

INPUTS = ("preprocessor_config.json", "processor_config.json")
"""Files that say what a network hears; one is enough."""

MAY_LACK = (r"(^|\.)masked_spec_embed$",)
"""Weights that are used in training only, and that published checkpoints lack."""


def open_checkpoint(folder: str | os.PathLike[str], **parameters: Any) -> Recognizer:
    """Open a folder in the layout of the Hugging Face hub as a recogniser, without any network.

    Parameters
    ----------
    folder
        With `config.json`, safetensors, and what the tokenizer and the feature extractor need.
    parameters
        Passed on to the family.

    Raises
    ------
    CorruptWeights
        A file is missing, damaged or, in the store, not the one that was fetched, or the weights do not fit the
        configuration.
    BadInput
        The weights are pickles, the model needs code of its own, or no family opens this kind of model.
    OtoscopeError
        The family knows no such parameter.
    """
    checkpoint = read_checkpoint(folder)
    refuse_unknown(checkpoint.model_type, checkpoint.folder)
    _check_tokenizer(checkpoint)
    if OPENERS[checkpoint.model_type] == _ENCODERS:
        _check_encoder(checkpoint)
    checkpoint.check()
    opener = resolve(OPENERS[checkpoint.model_type])
    try:
        inspect.signature(opener).bind(checkpoint, **parameters)
    except TypeError as error:
        raise OtoscopeError(f"{checkpoint.name} ({checkpoint.model_type}) cannot be opened so: {error}") from None
    with offline():
        return cast(Recognizer, opener(checkpoint, **parameters))


def refuse_unknown(model_type: str, where: object) -> None:
    """Refuse a kind of model that no family opens; raises `BadInput`."""
    if model_type not in OPENERS:
        raise BadInput(f"{where} is a model of type {model_type!r}, which is not known; known: {', '.join(OPENERS)}")


def _check_tokenizer(checkpoint: Checkpoint) -> None:
    """Refuse a model that writes symbols, but whose folder does not say which."""
    ways: tuple[tuple[str, ...], ...] = ()
    if checkpoint.model_type == "whisper":
        ways = (("tokenizer.json",), ("vocab.json", "merges.txt"))
    elif checkpoint.architecture.endswith("ForCTC"):
        ways = (("vocab.json",), ("tokenizer.json",))
    if ways and not any(all((checkpoint.folder / name).is_file() for name in way) for way in ways):
        named = ", or ".join(" and ".join(way) for way in ways)
        raise CorruptWeights(
            f"{checkpoint.folder} has no tokenizer ({named}): copy it from the model that this one was trained from"
        )


def _check_encoder(checkpoint: Checkpoint) -> None:
    """Refuse an encoder that does not say whether it has a head, or what it hears."""
    if not checkpoint.architecture:
        raise CorruptWeights(
            f"{checkpoint.folder / CONFIG} does not say its architecture; add what the weights are of, such as "
            '"architectures": ["Wav2Vec2ForCTC"]'
        )
    if not any((checkpoint.folder / name).is_file() for name in INPUTS):
        raise CorruptWeights(
            f"{checkpoint.folder} does not say what its network hears: it has neither {' nor '.join(INPUTS)}; copy it "
            "from the model that this one was trained from"
        )


def loaded(
    model_class: type[Model],
    checkpoint: Checkpoint,
    *,
    may_lack: Sequence[str] = (),
    may_ignore: Sequence[str] = (),
    **settings: Any,
) -> Model:
    """Return the network of a checkpoint in evaluation mode, in float32, with every weight accounted for.

    transformers draws weights that it does not find at random and drops those that it does not know, and goes on;
    here both are errors.

    Parameters
    ----------
    model_class
        A class of transformers, as `Wav2Vec2ForCTC`.
    checkpoint
        Checked by `read_checkpoint`.
    may_lack
        Patterns (searched for) of weights that may be missing, besides `MAY_LACK`.
    may_ignore
        Patterns (searched for) of weights of the checkpoint that this class has no use for, as the heads of another.
    settings
        Passed on to `from_pretrained`, as `attn_implementation`.

    Raises
    ------
    CorruptWeights
        The weights do not fit the configuration.
    """
    import torch
    from huggingface_hub.errors import StrictDataclassError
    from safetensors import SafetensorError

    broken = (OSError, RuntimeError, ValueError, TypeError, AttributeError, KeyError, SafetensorError)
    fixed = {"local_files_only": True, "use_safetensors": True, "trust_remote_code": False}
    settings = {"dtype": torch.float32, **settings, **fixed}
    with offline(), quiet_transformers():
        try:
            opened: Any = model_class.from_pretrained(
                os.fspath(checkpoint.folder), output_loading_info=True, ignore_mismatched_sizes=True, **settings
            )
        except (*broken, StrictDataclassError) as error:
            reason = " ".join(str(error).split())
            raise CorruptWeights(f"{checkpoint.folder} cannot be opened as {model_class.__name__}: {reason}") from error
    model, told = opened
    lacking = _beyond(told["missing_keys"], (*MAY_LACK, *may_lack))
    _refuse_misfits(checkpoint, model_class, f"has no weights for {_some(lacking)}" if lacking else "")
    misfits = sorted(str(entry[0]) for entry in told["mismatched_keys"])
    _refuse_misfits(checkpoint, model_class, f"has {_some(misfits)} of another size" if misfits else "")
    spare = _beyond(told["unexpected_keys"], may_ignore)
    _refuse_misfits(checkpoint, model_class, f"has no place for the weights {_some(spare)}" if spare else "")
    return cast(Model, model.eval())


def _beyond(names: Iterator[str] | Sequence[str], allowed: Sequence[str]) -> list[str]:
    return sorted(name for name in names if not any(re.search(pattern, name) for pattern in allowed))


def _some(names: Sequence[str]) -> str:
    shown = ", ".join(names[:3])
    return f"{shown} and {len(names) - 3} more" if len(names) > 3 else shown


def _refuse_misfits(checkpoint: Checkpoint, model_class: Callable[..., Any], what: str) -> None:
    if what:
        raise CorruptWeights(
            f"the weights of {checkpoint.folder} do not fit {model_class.__name__} ({checkpoint.model_type}): it {what}"
        )


@contextmanager
def offline() -> Iterator[None]:
    """Keep huggingface_hub and transformers from reaching for the network inside; what was set before comes back."""
    from huggingface_hub import constants

    before, constants.HF_HUB_OFFLINE = constants.HF_HUB_OFFLINE, True
    try:
        yield
    finally:
        constants.HF_HUB_OFFLINE = before


@contextmanager
def quiet_transformers() -> Iterator[None]:
    """Keep transformers from printing reports and bars inside; what was set before comes back."""
    from huggingface_hub.utils import are_progress_bars_disabled, disable_progress_bars
    from transformers.utils import logging

    level, bars, no_hub_bars = logging.get_verbosity(), logging.is_progress_bar_enabled(), are_progress_bars_disabled()
    logging.set_verbosity(logging.CRITICAL)
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(level)
        if bars:
            logging.enable_progress_bar()  # and those of huggingface_hub
        if no_hub_bars:
            disable_progress_bars()
