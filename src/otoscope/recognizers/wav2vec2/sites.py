"""The named places of every wav2vec2-like network of transformers, whatever its classes call their parts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from torch import nn

from otoscope.core import Site
from otoscope.recognizers.checkpoints.attention import weights_tap
from otoscope.recognizers.checkpoints.places import Place, Places
from otoscope.recognizers.wav2vec2.grids import positional_layers
from otoscope.recognizers.wav2vec2.wavlm import heads_tap

DESCRIPTIONS = {
    "features": "what the network hears: the waveform of zero mean and unit variance, or log-mel frames",
    "front_end": "convolutional front end",
    "projection": "front end projected to the encoder's width",
    "positions": "positional convolution",
    "embedding": "what enters the first block",
    "encoder": "residual stream after the block",
    "attention": "attention weights",
    "heads": "what the attention heads bring, side by side",
    "mlp": "feed-forward part",
    "mlp_first": "first feed-forward part",
    "hidden": "units inside the feed-forward part",
    "convolution": "convolution part",
    "language": "language adapter",
    "upsampling": "frames put back to the front end's rate",
    "adapter": "convolutional adapter that shortens the row of frames",
    "encoded": "what the head reads",
    "logits": "CTC score of each symbol before the softmax",
}


def places_of(body: Any, head: nn.Module | None, *, weights: bool) -> Places:
    """Return the places of a network, input first.

    Parameters
    ----------
    body
        The transformers model without its head.
    head
        The linear layer that gives the logits, `None` where there is none.
    weights
        Whether attention weights can be had (they cannot under sdpa).
    """
    return Places([*_front(body), *_blocks(body, weights=weights), *_behind(body, head)])


def described(name: str, n_units: int | None = None) -> Site:
    """Return the site of a name."""
    last = next((part for part in reversed(name.split(".")) if not part.isdigit()), name)
    return Site(name, DESCRIPTIONS.get(last, last), n_units)


def _place(name: str, module: nn.Module, **how: Any) -> Place:
    return Place(described(name), module, **how)


def _front(body: Any) -> Iterator[Place]:
    if hasattr(body, "feature_extractor"):
        yield _place("features", body.feature_extractor, port="input")
        for i, layer in enumerate(body.feature_extractor.conv_layers):
            yield _place(f"front_end.{i}", layer, channels_first=True)
    else:
        yield _place("features", body.feature_projection, port="input")
    squeezed = hasattr(body, "feature_dropout")
    yield _place("projection", body.feature_dropout if squeezed else body.feature_projection)
    if layers := positional_layers(body):
        first = hasattr(body.encoder, "pool") or len(layers) > 1
        yield _place("positions", layers[-1] if len(layers) > 1 else body.encoder.pos_conv_embed, channels_first=first)


def blocks_of(body: Any) -> nn.ModuleList:
    """Return the encoder's blocks."""
    encoder = body.encoder
    found: nn.ModuleList = encoder.encoder.layer if hasattr(encoder, "encoder") else encoder.layers
    return found


def _blocks(body: Any, *, weights: bool) -> Iterator[Place]:
    blocks = blocks_of(body)
    yield _place("embedding", blocks[0], port="input")
    for i, block in enumerate(blocks):
        parts = _disentangled if hasattr(block, "intermediate") else _conformer if hasattr(block, "ffn1") else _plain
        for part, place in parts(block, f"encoder.{i}"):
            if part != "attention" or weights:
                yield place
        yield _place(f"encoder.{i}", block)


def _plain(block: Any, name: str) -> Iterator[tuple[str, Place]]:
    attention, own = block.attention, hasattr(block.attention, "torch_multi_head_self_attention")
    yield "attention", _place(f"{name}.attention", weights_tap(attention), weights=True)
    if own:
        yield "heads", _place(f"{name}.attention.heads", heads_tap(attention))
    else:
        yield "heads", _place(f"{name}.attention.heads", attention.out_proj, port="input")
    yield from _mlp(block.feed_forward, f"{name}.mlp")
    if getattr(block, "adapter_layer", None) is not None:
        yield "language", _place(f"{name}.language", block.adapter_layer)


def _conformer(block: Any, name: str) -> Iterator[tuple[str, Place]]:
    yield from _mlp(block.ffn1, f"{name}.mlp_first")
    yield "attention", _place(f"{name}.attention", weights_tap(block.self_attn), weights=True)
    yield "heads", _place(f"{name}.attention.heads", block.self_attn.linear_out, port="input")
    yield "convolution", _place(f"{name}.convolution", block.conv_module)
    yield from _mlp(block.ffn2, f"{name}.mlp")


def _disentangled(block: Any, name: str) -> Iterator[tuple[str, Place]]:
    attention = block.attention.self
    yield "attention", _place(f"{name}.attention", attention.dropout, weights=True)
    yield "heads", _place(f"{name}.attention.heads", attention)
    yield "hidden", _place(f"{name}.mlp.hidden", block.intermediate)
    yield "mlp", _place(f"{name}.mlp", block.output.dense)


def _mlp(part: Any, name: str) -> Iterator[tuple[str, Place]]:
    yield "hidden", _place(f"{name}.hidden", part.intermediate_act_fn)
    yield "mlp", _place(name, part)


def _behind(body: Any, head: nn.Module | None) -> Iterator[Place]:
    if hasattr(body.encoder, "upsample"):
        yield _place("upsampling", body.encoder.upsample)
    if getattr(body, "adapter", None) is not None:
        for i, layer in enumerate(body.adapter.layers):
            yield _place(f"adapter.{i}", layer, channels_first=hasattr(layer, "conv"))
    if head is not None:
        yield _place("encoded", head, port="input")
        yield _place("logits", head)
    elif final := _final_norm(body):
        yield _place("encoded", final)


def _final_norm(body: Any) -> nn.Module | None:
    """Return the normalisation behind the last block, where the network has one and nothing stands behind it."""
    if getattr(body, "adapter", None) is not None or not hasattr(body.encoder, "layer_norm"):
        return None
    last = "StableLayerNorm" in type(body.encoder).__name__ or hasattr(blocks_of(body)[0], "ffn1")
    norm: nn.Module | None = body.encoder.layer_norm if last and not hasattr(body.encoder, "upsample") else None
    return norm
