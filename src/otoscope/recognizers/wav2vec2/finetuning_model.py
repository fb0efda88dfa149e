"""The network that CTC fine-tuning changes: opened with its own head or a new one, with LoRA or without, and saved."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from otoscope.core import BadInput, MissingExtra
from otoscope.io.writing import write_text
from otoscope.recognizers.checkpoints.fine_tuned import take_over
from otoscope.recognizers.checkpoints.folder import Checkpoint
from otoscope.recognizers.checkpoints.opening import loaded, quiet_transformers
from otoscope.recognizers.wav2vec2.loading import EAGER_ONLY, PRETRAINING, has_head
from otoscope.recognizers.wav2vec2.symbols import Symbols, symbols_of
from otoscope.recognizers.wav2vec2.tokenizer import open_tokenizer
from otoscope.recognizers.wav2vec2.waves import RATE_HZ

SPECIAL = ("<pad>", "<s>", "</s>", "<unk>", "|")
"""What stands before the letters of a new vocabulary: the blank first, the mark between words last."""

TOKENIZER_FILES = (
    "vocab.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
)

BLANKS = 0.7
"""Share of the frames in which CTC writes nothing, about."""

ATTENTION = ("q_proj", "k_proj", "v_proj", "out_proj", "linear_q", "linear_k", "linear_v", "linear_out")
DEBERTA = ("query_proj", "key_proj", "value_proj")
FEED_FORWARD = ("intermediate_dense", "output_dense")
ADAPTED = {"wavlm": FEED_FORWARD, "sew-d": DEBERTA}
"""Layers that LoRA adds to, where they are not those of attention: WavLM's attention takes its weights past them."""


@dataclass(frozen=True)
class CtcModel:
    """A network with a head, and what the columns of the head write.

    Parameters
    ----------
    model
        A transformers `…ForCTC`.
    symbols
        Of the columns.
    is_new
        Whether the head begins with random weights.
    adapted
        What peft put around the network, `None` without LoRA.
    """

    model: Any
    symbols: Symbols
    is_new: bool
    adapted: Any = None


def letters_of(texts: Iterable[Sequence[str]]) -> Symbols:
    """Return a vocabulary that spells every word of the texts.

    Examples
    --------
    >>> letters_of([("a", "bee")]).names[4:]
    ('|', 'a', 'b', 'e')
    """
    letters = sorted({letter for words in texts for word in words for letter in word})
    return Symbols((*SPECIAL, *letters), blank=0, gap=SPECIAL.index("|"), special=frozenset(range(4)))


def open_for_training(start: Checkpoint, texts: Sequence[Sequence[str]], *, new_head: bool, seed: int) -> CtcModel:
    """Return the network of a checkpoint, ready to learn; one without a head gets one for the letters of the texts.

    Parameters
    ----------
    texts
        Words of each utterance.
    new_head
        Whether to replace a head that is there.
    seed
        Of a new head's weights.

    Raises
    ------
    BadInput
        The checkpoint has language adapters, or its head cannot write the texts.
    CorruptWeights
        Weights or tokenizer are missing or damaged.
    """
    from transformers import AutoModel, AutoModelForCTC

    if start.config.get("adapter_attn_dim") is not None:
        raise BadInput(f"{start.name} has language adapters (MMS), which are not trained here; take one without")
    settings: dict[str, Any] = {"mask_time_prob": 0.05, "mask_feature_prob": 0.0, "layerdrop": 0.0}
    settings["attn_implementation"] = "eager" if start.model_type in EAGER_ONLY else "sdpa"
    classes: tuple[Any, Any] = (AutoModel, AutoModelForCTC)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        if has_head(start) and not new_head:
            model: Any = loaded(classes[1], start, **settings)
            symbols = symbols_of(open_tokenizer(start, None), model.lm_head.out_features)
        else:
            symbols = letters_of(texts)
            said: dict[str, Any] = {"vocab_size": len(symbols), "pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2}
            body: Any = loaded(classes[0], start, may_ignore=(PRETRAINING, r"^lm_head"), **settings, **said)
            model = classes[1].from_config(body.config)
            setattr(model, model.base_model_prefix, body)
    for config in (model.config, model.base_model.config):
        config.apply_spec_augment = True  # where frames are hidden, by the task, never by transformers
    spelled = [symbols.encode(words) for words in texts]
    is_new = new_head or not has_head(start)
    if is_new:
        _expect(model.lm_head, spelled, symbols)
    return CtcModel(model, symbols, is_new)


@torch.no_grad()
def _expect(head: Any, spelled: Sequence[Sequence[int]], symbols: Symbols) -> None:
    """Let a new head begin with how common each symbol is, `BLANKS` of the frames being blank (cf. Lin et al. 2017).

    Else the first hundred updates teach the layers below to write the same everywhere.
    """
    counts = torch.ones(len(symbols), dtype=torch.float64)
    for labels in spelled:
        counts += torch.bincount(torch.tensor(labels, dtype=torch.int64), minlength=len(symbols))
    counts[symbols.blank] = 0
    shares = counts / counts.sum() * (1 - BLANKS)
    shares[symbols.blank] = BLANKS
    head.bias.copy_(shares.log())


def with_lora(network: CtcModel, model_type: str, *, rank: int, seed: int) -> CtcModel:
    """Put additions of low rank into the blocks, which alone learn from now on, besides the head (Hu et al. 2022).

    Raises
    ------
    MissingExtra
        peft is not installed.
    """
    try:
        from peft import LoraConfig, get_peft_model
    except ModuleNotFoundError as error:
        raise MissingExtra("peft", "finetune", "learning additions of low rank (LoRA)") from error
    names = ADAPTED.get(model_type, ATTENTION)
    layers = rf".*encoder.*\.({'|'.join(names)})"
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        config = LoraConfig(r=rank, lora_alpha=2 * rank, target_modules=layers, bias="none")
        adapted = get_peft_model(network.model, config)
    network.model.lm_head.requires_grad_(True)
    return CtcModel(network.model, network.symbols, network.is_new, adapted)


def save_trained(network: CtcModel, folder: Path, start: Checkpoint) -> None:
    """Write the network (additions of low rank added to its weights) and all that transformers needs to open it."""
    from transformers import Wav2Vec2FeatureExtractor

    model = network.model if network.adapted is None else network.adapted.merge_and_unload()
    with quiet_transformers():
        model.save_pretrained(folder)
        if not (start.folder / "preprocessor_config.json").is_file():
            masks = getattr(model.config, "feat_extract_norm", "layer") == "layer"
            Wav2Vec2FeatureExtractor(sampling_rate=RATE_HZ, return_attention_mask=masks).save_pretrained(folder)
    take_over(start, folder, but=TOKENIZER_FILES if network.is_new else ())
    if network.is_new:
        _write_tokenizer(network.symbols, folder)


def _write_tokenizer(symbols: Symbols, folder: Path) -> None:
    names = {"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>", "pad_token": "<pad>"}
    spelling = {"word_delimiter_token": "|", "replace_word_delimiter_char": " ", "do_lower_case": False}
    kind = {"tokenizer_class": "Wav2Vec2CTCTokenizer", "clean_up_tokenization_spaces": False}
    for name, content in (
        ("vocab.json", {symbol: place for place, symbol in enumerate(symbols.names)}),
        ("tokenizer_config.json", {**names, **spelling, **kind}),
        ("special_tokens_map.json", names),
    ):
        write_text(folder / name, json.dumps(content, ensure_ascii=False, indent=1) + "\n")
