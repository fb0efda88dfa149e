"""Complete Hugging Face folders of tiny encoders of the waveform, with random weights and any kind of head."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, cast, get_args

import numpy as np
from numpy.typing import NDArray

from otoscope.core import BadInput, UnknownName
from otoscope.recognizers.checkpoints.opening import quiet_transformers
from otoscope.testing.checkpoints.symbols import ARPABET, IPA, LANGUAGE_LETTERS, LETTERS
from otoscope.testing.checkpoints.weights import fill

if TYPE_CHECKING:
    from torch import nn
    from transformers import PreTrainedModel

Wav2Vec2Kind = Literal[
    "wav2vec2",
    "hubert",
    "wavlm",
    "wav2vec2-conformer",
    "data2vec-audio",
    "unispeech",
    "unispeech-sat",
    "sew",
    "sew-d",
]
Head = Literal["ctc", "phones", "arpabet", "none", "pretraining"]

STEMS: Mapping[str, str] = {
    "wav2vec2": "Wav2Vec2",
    "hubert": "Hubert",
    "wavlm": "WavLM",
    "wav2vec2-conformer": "Wav2Vec2Conformer",
    "data2vec-audio": "Data2VecAudio",
    "unispeech": "UniSpeech",
    "unispeech-sat": "UniSpeechSat",
    "sew": "SEW",
    "sew-d": "SEWD",
}
"""Kind → how transformers' classes of it begin."""

PRETRAINED = ("wav2vec2", "wav2vec2-conformer", "unispeech", "unispeech-sat")
"""Kinds that transformers can pretrain."""

STABLE = ("wav2vec2", "hubert", "wavlm", "unispeech", "unispeech-sat")
"""Kinds that can normalise before each block."""

GAINS = {"pos_conv_embed": 0.7}


def tiny_wav2vec2(
    folder: str | os.PathLike[str],
    *,
    seed: int = 0,
    kind: Wav2Vec2Kind = "wav2vec2",
    head: Head = "ctc",
    stable_layer_norm: bool = False,
    n_layers: int = 2,
    adapters: Sequence[str] = (),
    width: int = 32,
) -> Path:
    """Write a tiny encoder of the waveform with random weights, as the hub has it, and return its folder.

    The convolutions have the published kernels and strides: frames of 25 ms, 20 ms apart.

    Parameters
    ----------
    folder
        Made if need be.
    seed
        Of the weights.
    kind
        The architecture, as `model_type` in `config.json` names it.
    head
        `"ctc"`: letters; `"phones"`: phones of the International Phonetic Alphabet, for `Wav2Vec2PhonemeCTCTokenizer`;
        `"arpabet"`: phones of CMUdict; `"none"`: the encoder alone; `"pretraining"`: quantizer and projections.
    stable_layer_norm
        Normalise before each block, and every convolution by itself, as the large models and XLS-R do; else group
        normalisation of the first convolution, and of each block after it.
    n_layers
        Transformer blocks.
    adapters
        Languages that get an attention adapter and letters of their own, as MMS has them; the first is the one in
        `model.safetensors`. See `LANGUAGE_LETTERS`.
    width
        Of the residual stream; there are 4 heads.

    Raises
    ------
    UnknownName
        No such kind, head or language.
    BadInput
        This kind does not go with that head, norm or adapters.
    """
    shape = _Shape(kind, head, stable_layer_norm, n_layers, tuple(adapters), width)
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    network = shape.network()
    fill(network, seed=seed, gains=GAINS)
    _balance(network, shape.symbols)
    with quiet_transformers():
        network.eval().save_pretrained(folder)
    _write_inputs(folder, shape)
    if shape.symbols:
        _write_tokenizer(folder, shape)
    for number, language in enumerate(shape.adapters):
        _write_adapter(folder, shape, language, network, seed=seed + number)
    return folder


@dataclass(frozen=True)
class _Shape:
    """What is asked for; whether the parts go together."""

    kind: str
    head: str
    stable: bool
    n_layers: int
    adapters: tuple[str, ...]
    width: int

    def __post_init__(self) -> None:
        if self.kind not in STEMS:
            raise UnknownName("kind of encoder", self.kind, tuple(STEMS))
        if self.head not in get_args(Head):
            raise UnknownName("head", self.head, get_args(Head))
        for language in self.adapters:
            if language not in LANGUAGE_LETTERS:
                raise UnknownName("language", language, tuple(LANGUAGE_LETTERS))
        if self.head == "pretraining" and self.kind not in PRETRAINED:
            raise BadInput(f"{self.kind} has no head for pretraining in transformers; {', '.join(PRETRAINED)} have")
        if self.stable and self.kind not in STABLE:
            raise BadInput(f"{self.kind} cannot normalise before each block; {', '.join(STABLE)} can")
        if self.adapters and (self.kind, self.head, self.stable) != ("wav2vec2", "ctc", True):
            raise BadInput("adapters need kind='wav2vec2', head='ctc' and stable_layer_norm=True, as MMS has them")
        if self.width % 8 or self.width < 8 or self.n_layers < 1:
            raise BadInput(f"width must be a multiple of 8 and n_layers at least 1, got {self.width}, {self.n_layers}")

    @property
    def symbols(self) -> tuple[str, ...]:
        """What the head writes, in the order of the ids."""
        if self.adapters:
            return LANGUAGE_LETTERS[self.adapters[0]]
        return {"ctc": LETTERS, "phones": IPA, "arpabet": ARPABET}.get(self.head, ())

    @property
    def masks(self) -> bool:
        """Whether padding is masked, as the models with normalised convolutions want it."""
        return self.stable

    def settings(self) -> dict[str, Any]:
        """Return the fields of the configuration that differ from transformers' defaults."""
        said: dict[str, Any] = {
            "hidden_size": self.width,
            "num_hidden_layers": self.n_layers,
            "num_attention_heads": 4,
            "intermediate_size": 4 * self.width,
            "conv_dim": (self.width,) * 7,
            "conv_kernel": (10, 3, 3, 3, 3, 2, 2),
            "conv_stride": (5, 2, 2, 2, 2, 2, 2),
            "num_conv_pos_embeddings": 16,
            "num_conv_pos_embedding_groups": 4,
            "vocab_size": len(self.symbols) or len(LETTERS),
            "pad_token_id": self.symbols.index("<pad>") if self.symbols else 0,
            "bos_token_id": 1,
            "eos_token_id": 2,
            "ctc_loss_reduction": "mean",
            "layerdrop": 0.0,
        }
        if self.kind in STABLE or self.kind == "wav2vec2-conformer":
            norm, bias = ("layer", True) if self.stable else ("group", False)
            said |= {"feat_extract_norm": norm, "conv_bias": bias}
        if self.kind in STABLE:
            said["do_stable_layer_norm"] = self.stable
        if self.kind in PRETRAINED:
            said |= {"num_codevectors_per_group": 8, "num_codevector_groups": 2, "codevector_dim": 16}
            said |= {"proj_codevector_dim": 16, "num_negatives": 5}
        if self.kind in ("sew", "sew-d"):
            said |= {"squeeze_factor": 2, "conv_dim": (16,) * 7}
        if self.kind == "data2vec-audio":
            said |= {"conv_pos_kernel_size": 5, "num_conv_pos_embeddings": 2}
        if self.adapters:
            said["adapter_attn_dim"] = 8
        return said

    def network(self) -> PreTrainedModel:
        """Return the network, its weights not yet drawn."""
        import transformers

        stem = STEMS[self.kind]
        ending = {"none": "Model", "pretraining": "ForPreTraining"}.get(self.head, "ForCTC")
        config = getattr(transformers, f"{stem}Config")(**self.settings())
        network: PreTrainedModel = getattr(transformers, f"{stem}{ending}")(config)
        return network


def _balance(network: PreTrainedModel, symbols: Sequence[str]) -> None:
    """Make every letter about as likely as another, blanks and ends of words likelier, what is never said rarer.

    Otherwise a random head says the same two letters all the time, since what the frames have in common outweighs
    what sets them apart.
    """
    import torch

    if not symbols:
        return
    lengths = {"<s>": 0.3, "</s>": 0.3, "<unk>": 0.3, "<pad>": 1.3, "|": 1.3}
    wanted = torch.tensor([[4 * lengths.get(symbol, 1.0)] for symbol in symbols])
    head = cast("nn.Linear", network.get_submodule("lm_head"))
    heard: list[torch.Tensor] = []
    hook = head.register_forward_pre_hook(lambda _, inputs: heard.append(inputs[0][0]))
    with torch.no_grad():
        head.weight.mul_(wanted / head.weight.norm(dim=1, keepdim=True))
        network.eval()(torch.from_numpy(_chirp()))
        head.bias.copy_(torch.round(-(heard[0] @ head.weight.T).mean(0), decimals=2))
    hook.remove()


def _chirp() -> NDArray[np.float32]:
    """Return 3 s of a rising tone that comes and goes in noise, normalised, as a batch of one."""
    t = np.arange(48000) / 16000
    tone = np.sin(2 * np.pi * (150 + 400 * t) * t) * np.sin(2 * np.pi * 2 * t)
    samples = tone + 0.2 * np.random.default_rng(0).standard_normal(t.size)
    return ((samples - samples.mean()) / samples.std()).astype(np.float32)[None]


def _write_inputs(folder: Path, shape: _Shape) -> None:
    from transformers import Wav2Vec2FeatureExtractor

    extractor = Wav2Vec2FeatureExtractor(
        feature_size=1, sampling_rate=16000, do_normalize=True, return_attention_mask=shape.masks
    )
    extractor.save_pretrained(folder)


def _write_tokenizer(folder: Path, shape: _Shape) -> None:
    vocabulary: dict[str, Any] = {symbol: number for number, symbol in enumerate(shape.symbols)}
    said: dict[str, Any] = {
        "bos_token": "<s>",
        "eos_token": "</s>",
        "unk_token": "<unk>",
        "pad_token": "<pad>",
        "tokenizer_class": "Wav2Vec2PhonemeCTCTokenizer" if shape.head == "phones" else "Wav2Vec2CTCTokenizer",
    }
    if shape.head == "phones":
        said |= {"phone_delimiter_token": " ", "word_delimiter_token": None, "do_phonemize": True}
        said |= {"phonemizer_lang": "en-us", "phonemizer_backend": "espeak"}
    else:
        said |= {"word_delimiter_token": "|", "do_lower_case": False, "replace_word_delimiter_char": " "}
    if shape.adapters:
        letters = {language: LANGUAGE_LETTERS[language] for language in shape.adapters}
        vocabulary = {name: {letter: n for n, letter in enumerate(own)} for name, own in letters.items()}
        said["target_lang"] = shape.adapters[0]
    _write(folder / "vocab.json", vocabulary)
    _write(folder / "tokenizer_config.json", said)
    _write(folder / "special_tokens_map.json", {name: said[name] for name in said if name.endswith("os_token")})


def _write_adapter(folder: Path, shape: _Shape, language: str, trunk: PreTrainedModel, *, seed: int) -> None:
    """Write the adapter and head of one language for a network that has another's."""
    import dataclasses

    from safetensors.torch import save_file

    own = dataclasses.replace(shape, adapters=(language,))
    network = own.network()
    fill(network, seed=seed, gains=GAINS)
    adapter = cast(Any, network)._get_adapters()
    network.load_state_dict({name: v for name, v in trunk.state_dict().items() if name not in adapter}, strict=False)
    _balance(network, own.symbols)
    weights = {name: value.detach().contiguous() for name, value in adapter.items()}
    save_file(weights, folder / f"adapter.{language}.safetensors", metadata={"format": "pt"})


def _write(path: Path, content: Any) -> None:
    path.write_text(json.dumps(content, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
