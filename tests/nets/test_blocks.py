"""Transformer and Conformer blocks: torch's own as oracle, padding unseen, causality, sites, token by token."""

from __future__ import annotations

import pytest
import torch
from block_oracles import LENGTHS, assert_causal, assert_padding_is_unseen, assert_same, copied, frames
from torch import nn

from otoscope.core import BadInput
from otoscope.nets.conformer import ConformerBlock, MaskedBatchNorm
from otoscope.nets.hooks import edited, recorded
from otoscope.nets.masks import causal_mask, key_mask
from otoscope.nets.taps import tap_at, taps_of
from otoscope.nets.transformer import DecoderBlock, EncoderBlock, Memory


def copy_attention(ours, theirs):
    parts = (theirs.query, theirs.key, theirs.value)
    with torch.no_grad():
        ours.in_proj_weight.copy_(torch.cat([part.weight for part in parts]))
        ours.in_proj_bias.copy_(torch.cat([part.bias for part in parts]))
    copied(theirs.output, ours.out_proj)


def encoder_twins(norm, activation="relu"):
    torch.manual_seed(0)
    ours = EncoderBlock(8, 2, n_hidden=12, norm=norm, activation=activation).double()
    theirs = nn.TransformerEncoderLayer(
        8, 2, 12, dropout=0.0, batch_first=True, norm_first=norm == "pre", activation=activation
    ).double()
    copy_attention(theirs.self_attn, ours.attention)
    copied(ours.mlp.inner, theirs.linear1)
    copied(ours.mlp.outer, theirs.linear2)
    for mine, its in ((ours.attention_sum, theirs.norm1), (ours.mlp_sum, theirs.norm2)):
        nn.init.normal_(mine.layer_norm.weight)
        nn.init.normal_(mine.layer_norm.bias)
        copied(mine.layer_norm, its)
    return ours, theirs


@pytest.mark.parametrize("activation", ["relu", "gelu"])
@pytest.mark.parametrize("norm", ["post", "pre"])
def test_encoder_block_equals_torchs(norm, activation):
    ours, theirs = encoder_twins(norm, activation)
    padding = ~key_mask(LENGTHS, 9)[:, 0]
    assert_same(lambda x: ours(x, LENGTHS), lambda x: theirs(x, src_key_padding_mask=padding), frames(3, 9, 8))
    assert_same(lambda x: ours(x, None, causal_mask(9)), lambda x: theirs(x, ~causal_mask(9)[0]), frames(3, 9, 8))


def decoder_twins(norm):
    torch.manual_seed(0)
    ours = DecoderBlock(8, 2, n_hidden=12, norm=norm).double()
    theirs = nn.TransformerDecoderLayer(8, 2, 12, dropout=0.0, batch_first=True, norm_first=norm == "pre").double()
    copy_attention(theirs.self_attn, ours.attention)
    copy_attention(theirs.multihead_attn, ours.cross_attention)
    copied(ours.mlp.inner, theirs.linear1)
    copied(ours.mlp.outer, theirs.linear2)
    sums = (ours.attention_sum, ours.cross_attention_sum, ours.mlp_sum)
    for mine, its in zip(sums, (theirs.norm1, theirs.norm2, theirs.norm3), strict=True):
        nn.init.normal_(mine.layer_norm.weight)
        copied(mine.layer_norm, its)
    return ours, theirs


@pytest.mark.parametrize("norm", ["post", "pre"])
def test_decoder_block_equals_torchs(norm):
    ours, theirs = decoder_twins(norm)
    memory, n_tokens = frames(3, 9, 8, seed=3), torch.tensor([5, 2, 4])
    hidden = {
        "tgt_mask": ~causal_mask(5)[0],
        "memory_key_padding_mask": ~key_mask(LENGTHS, 9)[:, 0],
        "tgt_key_padding_mask": ~key_mask(n_tokens, 5)[:, 0],
    }
    assert_same(
        lambda x: ours(x, Memory(memory, LENGTHS), n_tokens), lambda x: theirs(x, memory, **hidden), frames(3, 5, 8)
    )
    tokens = frames(3, 5, 8)
    assert_same(
        lambda m: ours(tokens, Memory(m, LENGTHS), n_tokens), lambda m: theirs(tokens, m, **hidden), frames(3, 9, 8)
    )


@pytest.mark.parametrize("norm", ["post", "pre"])
def test_a_decoder_token_by_token_gives_what_the_whole_row_gives(norm):
    block = DecoderBlock(8, 2, norm=norm).double()
    tokens, memory = frames(2, 5, 8), Memory(frames(2, 9, 8, seed=3), torch.tensor([9, 6]))
    whole = block(tokens, memory)
    for t in range(1, 6):
        newest = block.step(tokens[:, t - 1 : t], tokens[:, :t], memory)
        assert torch.allclose(newest, whole[:, t - 1 : t], atol=1e-12)


BLOCKS = {
    "encoder": lambda: EncoderBlock(8, 2, n_hidden=12, norm="pre"),
    "conformer": lambda: ConformerBlock(8, 2, n_hidden=12, kernel=5),
    "conformer, layer norm": lambda: ConformerBlock(8, 2, n_hidden=12, kernel=5, conv_norm="layer"),
    "conformer, causal": lambda: ConformerBlock(8, 2, n_hidden=12, kernel=5, causal=True),
}


@pytest.mark.parametrize("name", BLOCKS)
def test_padding_never_changes_real_frames(name):
    torch.manual_seed(0)
    block = BLOCKS[name]().double().eval()
    assert_padding_is_unseen(block, 8)


@pytest.mark.parametrize("name", ["conformer, causal"])
def test_a_causal_block_sees_no_later_frame(name):
    torch.manual_seed(0)
    assert_causal(BLOCKS[name]().double().eval(), 8)


def test_the_conformer_is_the_published_sum_of_its_parts():
    torch.manual_seed(0)
    block, x = ConformerBlock(8, 2, n_hidden=12, kernel=3, conv_norm="layer").double(), frames(1, 6, 8)
    norms = block.norms
    half = x + block.mlp_first(norms[0](x)) / 2
    read = norms[1](half)
    attended = half + block.attention(read, read, read)[0]
    convolved = attended + block.convolution(norms[2](attended))
    wanted = norms[4](convolved + block.mlp(norms[3](convolved)) / 2)
    assert torch.allclose(block(x), wanted, atol=1e-12)
    assert block.mlp.activation(torch.tensor(1.0)) == pytest.approx(0.7310585)


def test_the_conformers_convolution_is_the_published_one():
    torch.manual_seed(0)
    module, x = ConformerBlock(8, 2, kernel=3).double().convolution, frames(2, 6, 8)
    kernel = module.depthwise.conv.weight
    gated = nn.functional.glu(module.gates(x), -1).transpose(1, 2)
    mixed = nn.functional.conv1d(gated, kernel, module.depthwise.conv.bias, padding=1, groups=8)
    normed = nn.functional.batch_norm(mixed, None, None, training=True).transpose(1, 2)
    assert torch.allclose(module(x), module.output(nn.functional.silu(normed)), atol=1e-9)


def test_batch_norm_counts_real_frames_only():
    norm, x = MaskedBatchNorm(4).double(), frames(3, 9, 4)
    real = torch.cat([row[:length] for row, length in zip(x, LENGTHS.tolist(), strict=True)])
    out = norm(x, LENGTHS)
    assert torch.allclose(norm.running_mean, 0.1 * real.mean(0))
    wanted = nn.functional.batch_norm(real, None, None, training=True)
    assert torch.allclose(torch.cat([row[:n] for row, n in zip(out, LENGTHS.tolist(), strict=True)]), wanted)
    assert not out[1, 4:].any()


class Encoder(nn.Module):
    """Two blocks and the way to their taps, as a recogniser has them."""

    def __init__(self):
        super().__init__()
        self.encoder = nn.ModuleList(EncoderBlock(8, 2) for _ in range(2))

    def tap(self, site):
        return tap_at(self, site)

    def forward(self, x, lengths):
        for block in self.encoder:
            x = block(x, lengths)
        return x


def test_sites_have_stable_names_and_hooks_that_leave():
    network, x = Encoder().double(), frames(3, 9, 8)
    sites = [f"encoder.{i}{part}" for i in range(2) for part in (".attention", ".attention.heads", ".mlp", "")]
    assert set(sites) <= set(taps_of(network))
    before = network(x, LENGTHS)
    with recorded(network, sites) as seen:
        network(x, LENGTHS)
    assert seen["encoder.0.attention"].shape == (3, 2, 9, 9)
    assert not seen["encoder.0.attention"][1, :, :, 4:].any()
    assert torch.equal(seen["encoder.1"], before)
    shapes = []

    def silence(values):
        shapes.append(values.shape)
        return 0 * values

    with edited(network, {"encoder.1.attention": silence, "encoder.0.mlp": silence}):
        changed = network(x, LENGTHS)
    assert shapes == [(n, 8) for n in LENGTHS.tolist()] + [(2, n, n) for n in LENGTHS.tolist()]
    assert not torch.equal(changed, before)
    assert torch.equal(network(x, LENGTHS), before)
    with pytest.raises(BadInput, match=r"no site 'encoder.7'"):
        network.tap("encoder.7")
