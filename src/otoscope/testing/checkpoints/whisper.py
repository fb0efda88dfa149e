"""Complete Hugging Face folders of tiny Whispers with random weights: multilingual, English-only, distilled, v3."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

from otoscope.core import BadInput, UnknownName
from otoscope.recognizers.checkpoints.opening import quiet_transformers
from otoscope.testing.checkpoints.weights import fill
from otoscope.testing.checkpoints.whisper_tokens import WhisperVocabulary

if TYPE_CHECKING:
    from torch import Tensor
    from transformers import GenerationConfig, WhisperConfig, WhisperForConditionalGeneration

WhisperKind = Literal["whisper", "distil", "v3"]
GAINS = {
    "encoder.conv": 6.0,
    "encoder_attn.q_proj.weight": 6.0,
    "encoder_attn.v_proj.weight": 3.0,
    "decoder.embed_tokens": 1.0,
    "decoder.embed_positions": 5.0,
    "decoder.layer_norm.weight": 2.0,
}
"""Loud and sharp cross-attention: what is heard decides on what is said, more than what was said before."""

BEGINNING = {"decoder.layers": 0.7, "out_proj": 0.5, "fc2": 0.5, "embed_positions": 0.1, "encoder.conv": 2.0}
"""Quiet branches, so that learning begins well."""


def tiny_whisper(
    folder: str | os.PathLike[str],
    *,
    seed: int = 0,
    kind: WhisperKind = "whisper",
    multilingual: bool = True,
    n_mels: int | None = None,
    alignment_heads: bool = True,
    n_layers: int = 2,
    width: int = 32,
    published_size: bool = False,
) -> Path:
    """Write a tiny Whisper with random weights, as the hub has it, and return its folder.

    Windows of 30 s, 1,500 encoder positions and 448 decoder positions are those of the published models.

    Parameters
    ----------
    folder
        Made if need be.
    seed
        Of the weights.
    kind
        `"whisper"`; `"distil"`: fewer decoder layers than encoder layers, as distil-whisper; `"v3"`: 128 mel bands and
        Cantonese, as large-v3.
    multilingual
        Whether it is one of the models of many languages; the English-only ones have no language or task tokens in
        use.
    n_mels
        Mel bands; 80, or 128 for `"v3"`.
    alignment_heads
        Whether `generation_config.json` names the cross-attention heads that follow the time.
    n_layers
        Layers of the encoder, and of the decoder (at most 2 for `"distil"`).
    width
        Of the residual stream; there are 4 heads.
    published_size
        Whether the vocabulary is as large as published, which CTranslate2 tells the multilingual models by.

    Raises
    ------
    UnknownName
        No such kind.
    BadInput
        The width is no multiple of 4, or an English-only v3 is asked for.
    """
    if kind not in get_args(WhisperKind):
        raise UnknownName("kind of Whisper", kind, get_args(WhisperKind))
    if width % 4 or width < 4 or n_layers < 1:
        raise BadInput(f"width must be a multiple of 4 and n_layers at least 1, got {width} and {n_layers}")
    if kind == "v3" and not multilingual:
        raise BadInput("large-v3 has no English-only model; ask for kind='whisper'")
    vocabulary = WhisperVocabulary(multilingual, 100 if kind == "v3" else 99, published_size=published_size)
    config = whisper_config(
        vocabulary,
        n_mels=n_mels or (128 if kind == "v3" else 80),
        encoder_layers=max(n_layers, 3) if kind == "distil" else n_layers,
        decoder_layers=min(n_layers, 2) if kind == "distil" else n_layers,
        width=width,
    )
    heads = [[layer, head] for layer in range(config.decoder_layers) for head in (1, 3)] if alignment_heads else None
    return write_whisper(Path(folder), vocabulary, config, seed=seed, alignment_heads=heads)


def whisper_config(
    vocabulary: WhisperVocabulary, *, n_mels: int, encoder_layers: int, decoder_layers: int, width: int
) -> WhisperConfig:
    """Return transformers' configuration of a Whisper in small."""
    from transformers import WhisperConfig

    end, start = vocabulary.id("<|endoftext|>"), vocabulary.id("<|startoftranscript|>")
    return WhisperConfig(
        vocab_size=vocabulary.n_tokens,
        num_mel_bins=n_mels,
        d_model=width,
        encoder_layers=encoder_layers,
        decoder_layers=decoder_layers,
        encoder_attention_heads=4,
        decoder_attention_heads=4,
        encoder_ffn_dim=4 * width,
        decoder_ffn_dim=4 * width,
        bos_token_id=end,
        eos_token_id=end,
        pad_token_id=end,
        decoder_start_token_id=start,
        begin_suppress_tokens=[220, end],
    )


def generation_config(
    vocabulary: WhisperVocabulary, tokenizer: Any, *, alignment_heads: list[list[int]] | None
) -> GenerationConfig:
    """Return what `generation_config.json` of a published Whisper says."""
    from transformers import GenerationConfig

    end = vocabulary.id("<|endoftext|>")
    said: dict[str, Any] = {
        "begin_suppress_tokens": [220, end],
        "bos_token_id": end,
        "decoder_start_token_id": vocabulary.id("<|startoftranscript|>"),
        "eos_token_id": end,
        "is_multilingual": vocabulary.multilingual,
        "max_initial_timestamp_index": 50,
        "max_length": 448,
        "no_timestamps_token_id": vocabulary.id("<|notimestamps|>"),
        "pad_token_id": end,
        "prev_sot_token_id": vocabulary.id("<|startofprev|>"),
        "return_timestamps": False,
        "suppress_tokens": vocabulary.unspoken(tokenizer),
    }
    if vocabulary.multilingual:
        said["lang_to_id"] = {f"<|{code}|>": vocabulary.id(f"<|{code}|>") for code in vocabulary.languages}
        said["task_to_id"] = {task: vocabulary.id(f"<|{task}|>") for task in ("transcribe", "translate")}
    if alignment_heads is not None:
        said["alignment_heads"] = alignment_heads
    return GenerationConfig(**said)


def write_whisper(
    folder: Path,
    vocabulary: WhisperVocabulary,
    config: WhisperConfig,
    *,
    seed: int,
    alignment_heads: list[list[int]] | None,
    working: bool = False,
) -> Path:
    """Write a Whisper with random weights and everything around it; `working`: weights to begin a training with."""
    from transformers import WhisperFeatureExtractor, WhisperForConditionalGeneration

    folder.mkdir(parents=True, exist_ok=True)
    tokenizer = vocabulary.tokenizer()
    network = WhisperForConditionalGeneration(config)
    fill(network, seed=seed, gains=BEGINNING if working else GAINS)
    if not working:
        _set_lengths(network.model.decoder.embed_tokens.weight, vocabulary)
        _balance(network.eval(), vocabulary)
    network.generation_config = generation_config(vocabulary, tokenizer, alignment_heads=alignment_heads)
    with quiet_transformers():
        network.eval().save_pretrained(folder)
        WhisperFeatureExtractor(feature_size=config.num_mel_bins).save_pretrained(folder)
        tokenizer.save_pretrained(folder)
    vocabulary.write_older_files(folder)
    return folder


def _set_lengths(rows: Tensor, vocabulary: WhisperVocabulary) -> None:
    """Make no token likelier than another of its sort; times and special tokens rarer, so that texts have letters."""
    import torch

    n_base = len(vocabulary.base[0])
    lengths = torch.ones(rows.shape[0], 1)
    lengths[n_base:] = 0.5
    lengths[n_base + len(vocabulary.specials) :] = 0.8
    lengths[vocabulary.id("<|endoftext|>")] = 1.5
    with torch.no_grad():
        rows.mul_(lengths / rows.norm(dim=1, keepdim=True))


def _balance(network: WhisperForConditionalGeneration, vocabulary: WhisperVocabulary) -> None:
    """Take out what the decoder's last states have in common, so that they differ in what they say.

    Otherwise the same few tokens win all the time. The mean is that over 64 random tokens behind noise.
    """
    import numpy as np
    import torch

    rng = np.random.default_rng(0)
    config, norm = network.config, network.model.decoder.layer_norm
    sound = rng.uniform(-0.6, 0.6, (1, config.num_mel_bins, 2 * config.max_source_positions)).astype(np.float32)
    given = rng.integers(len(vocabulary.base[0]), size=(1, 64))
    with torch.no_grad():
        states = network.model(
            input_features=torch.from_numpy(sound), decoder_input_ids=torch.from_numpy(given)
        ).last_hidden_state
        norm.bias.sub_(torch.round(states[0].mean(0), decimals=2))
