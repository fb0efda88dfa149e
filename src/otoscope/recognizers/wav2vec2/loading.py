"""Opening wav2vec2-like checkpoints with transformers: all weights there, no pickle, no hub, no remote code."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import torch

from otoscope.core import BadInput, CorruptWeights, UnknownName
from otoscope.recognizers.checkpoints.attention import implementation_of
from otoscope.recognizers.checkpoints.folder import Checkpoint
from otoscope.recognizers.checkpoints.opening import loaded
from otoscope.recognizers.wav2vec2.network import SpeechEncoder
from otoscope.recognizers.wav2vec2.reduced import Precision, check_precision, reduced
from otoscope.recognizers.wav2vec2.wavlm import open_wavlm

ARCHITECTURES = (
    "wav2vec2",
    "hubert",
    "wavlm",
    "sew",
    "sew-d",
    "unispeech",
    "unispeech-sat",
    "data2vec-audio",
    "wav2vec2-conformer",
    "wav2vec2-bert",
)
"""What `config.json` calls the networks of this family at `model_type`."""

EAGER_ONLY = ("wavlm", "sew-d")
"""Networks whose attention transformers computes step by step only."""

PRETRAINING = r"^(quantizer|project_|ctc_proj|speaker_proj|label_embeddings|layer_norm_for_extract|final_proj)"
"""Weights of heads for pretraining, which the encoder alone has no place for."""

HIDDEN_SPANS = r"(^|\.)masked_spec_embed$"
"""What stands for hidden frames in training; a network whose `config.json` hides none has no place for it."""


def has_head(checkpoint: Checkpoint) -> bool:
    """Whether the checkpoint writes text."""
    return checkpoint.architecture.endswith("ForCTC")


def open_encoder(
    checkpoint: Checkpoint, *, attention: str = "eager", precision: Precision = "float32"
) -> SpeechEncoder:
    """Return the network of a checkpoint with its weights.

    Raises
    ------
    BadInput
        The checkpoint is of another family or has another kind of head, or its network knows no such attention.
    UnknownName
        There is no such precision.
    CorruptWeights
        Weights are missing, or of another shape than `config.json` says.
    """
    from transformers import AutoFeatureExtractor, AutoModel, AutoModelForCTC

    _check(checkpoint, attention)
    check_precision(precision)
    implementation = implementation_of(attention, exact=precision == "float32")
    if checkpoint.model_type in EAGER_ONLY:
        implementation = "eager"
    maker: Any = AutoModelForCTC if has_head(checkpoint) else AutoModel
    model = loaded(maker, checkpoint, may_ignore=(PRETRAINING, HIDDEN_SPANS), attn_implementation=implementation)
    try:
        extractor = AutoFeatureExtractor.from_pretrained(str(checkpoint.folder), local_files_only=True)
    except (OSError, ValueError) as error:
        raise CorruptWeights(
            f"{checkpoint.folder} does not say what its network hears: {str(error).splitlines()[0]}"
        ) from error
    if checkpoint.model_type == "wavlm":
        open_wavlm(model)
    return SpeechEncoder(reduced(model, precision), extractor, weights=attention == "eager", precision=precision)


def _check(checkpoint: Checkpoint, attention: str) -> None:
    if checkpoint.model_type not in ARCHITECTURES:
        raise BadInput(f"{checkpoint.name} is a {checkpoint.model_type}; this opens {', '.join(ARCHITECTURES)}")
    if not checkpoint.architecture.endswith(("ForCTC", "Model", "ForPreTraining")):
        raise BadInput(
            f"{checkpoint.name} is a {checkpoint.architecture}, which writes no text; open a …ForCTC checkpoint, or an "
            "encoder without a head"
        )
    if attention != "eager" and checkpoint.model_type in EAGER_ONLY:
        raise BadInput(f"{checkpoint.model_type} computes its attention step by step only; leave attention='eager'")


def languages_of(checkpoint: Checkpoint) -> tuple[str, ...]:
    """Return the languages that a checkpoint has an adapter file for (Pratap et al. 2023), in order."""
    found = (path.name.split(".")[1] for path in checkpoint.folder.glob("adapter.*.safetensors"))
    return tuple(sorted(found))


def with_adapter(network: SpeechEncoder, checkpoint: Checkpoint, language: str) -> SpeechEncoder:
    """Return the network in another language: it shares all weights but those of the adapters and the head.

    The network given stays as it is, and nothing of its language is left in the other.

    Raises
    ------
    UnknownName
        There is no adapter of this language.
    BadInput
        The checkpoint has no adapters at all.
    CorruptWeights
        The file is damaged, or not of this network.
    """
    if checkpoint.config.get("adapter_attn_dim") is None:
        raise BadInput(f"{checkpoint.name} has no language adapters; leave the language out")
    if language not in (known := languages_of(checkpoint)):
        raise UnknownName("language adapter", language, known)
    own = set(network.model._get_adapters())
    shared = {id(weight): weight for name, weight in network.model.named_parameters() if name not in own}
    shared |= {id(buffer): buffer for buffer in network.model.buffers()}
    model = copy.deepcopy(network.model, dict(shared))
    _give_adapter(model, checkpoint.folder / f"adapter.{language}.safetensors")
    return SpeechEncoder(model, network.extractor, weights=network.weights, precision=network.precision)


def _give_adapter(model: Any, path: Path) -> None:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        weights = load_file(path)
    except (OSError, SafetensorError) as error:
        raise CorruptWeights(f"{path} cannot be read: {error}") from error
    wanted = model._get_adapters()
    if set(weights) != set(wanted):
        odd = sorted(set(weights) ^ set(wanted))
        raise CorruptWeights(f"{path} is not of this network: {', '.join(odd[:3])} do not fit")
    n_symbols, n_units = weights["lm_head.weight"].shape
    model.lm_head = torch.nn.Linear(n_units, n_symbols)
    model.config.vocab_size = n_symbols
    model.lm_head.to(model.dtype)
    try:
        model.load_state_dict(weights, strict=False)
    except RuntimeError as error:
        raise CorruptWeights(f"{path} is not of this network: {str(error).splitlines()[-1].strip()}") from error
