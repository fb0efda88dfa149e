"""The named places of Whisper, encoder first, and where their rows lie in time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from torch import Tensor

from otoscope.core import Activation, Attention, FrameGrid, Site
from otoscope.recognizers.checkpoints.attention import weights_tap
from otoscope.recognizers.checkpoints.places import Place, Places
from otoscope.recognizers.whisper.network import Network


def whisper_places(network: Network, *, attention: str) -> Places:
    """Return the places of a network; those of attention weights only where they exist (`attention="eager"`)."""
    return Places([*_encoder(network, attention == "eager"), *_decoder(network, attention == "eager")])


def _encoder(network: Network, weights: bool) -> Iterator[Place]:
    encoder, width = network.encoder, int(network.config.d_model)
    mel = Site("features", "log-mel frames", int(network.config.num_mel_bins))
    yield Place(mel, encoder.conv1, port="input", channels_first=True)
    for i, convolution in enumerate((encoder.conv1, encoder.conv2)):
        yield Place(Site(f"encoder.conv.{i}", "convolution, before its GELU", width), convolution, channels_first=True)
    for i, layer in enumerate(encoder.layers):
        yield from _attention(f"encoder.{i}.attention", layer.self_attn, "self-attention", weights)
        yield from _rest(f"encoder.{i}", layer, width)
    yield Place(Site("encoder", "what the decoder hears: the last layer, normalised", width), encoder.layer_norm)


def _decoder(network: Network, weights: bool) -> Iterator[Place]:
    decoder, width = network.decoder, int(network.config.d_model)
    tokens = Site("decoder.tokens", "embeddings of the tokens given and written so far, before their positions", width)
    yield Place(tokens, decoder.embed_tokens)
    for i, layer in enumerate(decoder.layers):
        yield from _attention(f"decoder.{i}.self_attention", layer.self_attn, "attention to the tokens so far", weights)
        yield from _attention(f"decoder.{i}.cross_attention", layer.encoder_attn, "attention to the sound", weights)
        yield from _rest(f"decoder.{i}", layer, width)
    yield Place(Site("decoder", "the last layer, normalised", width), decoder.layer_norm)
    n_tokens = int(network.config.vocab_size)
    yield Place(Site("logits", "score of each token before the softmax", n_tokens), network.model.proj_out)


def _attention(name: str, module: Any, what: str, weights: bool) -> Iterator[Place]:
    if weights:
        yield Place(Site(name, f"weights of {what}"), weights_tap(module), weights=True)
    heads = Site(f"{name}.heads", f"what the heads of {what} bring, side by side", int(module.embed_dim))
    yield Place(heads, module.out_proj, port="input")


def _rest(name: str, layer: Any, width: int) -> Iterator[Place]:
    hidden = Site(f"{name}.mlp.hidden", "units inside the feed-forward part", int(layer.fc1.out_features))
    yield Place(hidden, layer.fc2, port="input")
    yield Place(Site(f"{name}.mlp", "feed-forward part", width), layer.fc2)
    yield Place(Site(name, "residual stream behind the block", width), layer)


def is_decoder_site(name: str) -> bool:
    """Whether a site is passed by tokens instead of frames."""
    return name == "logits" or name.split(".")[0] == "decoder"


def grid_of(name: str, grids: dict[str, FrameGrid]) -> FrameGrid | None:
    """Return where the rows of a site lie; `None` for tokens."""
    return None if is_decoder_site(name) else grids.get(name, grids["encoder"])


def activation(site: Site, values: Tensor, grids: dict[str, FrameGrid]) -> Activation:
    """Return what passed a site in one window, `values` `(1, n_rows, n_units)`."""
    return Activation(site, values[0].numpy(), grid_of(site.name, grids))


def attention(site: Site, values: Tensor, grids: dict[str, FrameGrid]) -> Attention:
    """Return attention in one window, `values` `(1, n_heads, n_queries, n_keys)`."""
    to_sound = site.name.endswith("cross_attention")
    own = grid_of(site.name, grids)
    return Attention(site, values[0].numpy(), own, grids["encoder"] if to_sound else own)
