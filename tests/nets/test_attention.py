"""Attention equals torch's, honours masks, and shows and takes its weights at a tap."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from block_oracles import LENGTHS, assert_same, frames
from torch import nn

from otoscope.core import BadInput
from otoscope.nets.attention import MultiHeadAttention, masked_attention, scaled_dot_product_attention
from otoscope.nets.masks import causal_mask, chunk_mask, key_mask
from otoscope.nets.positions import SinusoidalPositions, sinusoids
from otoscope.nets.relative_attention import RelativeMultiHeadAttention


def twins(n_units=8, n_heads=2):
    torch.manual_seed(0)
    ours = MultiHeadAttention(n_units, n_heads).double()
    theirs = nn.MultiheadAttention(n_units, n_heads, batch_first=True).double()
    with torch.no_grad():
        parts = (ours.query, ours.key, ours.value)
        for part in (*parts, ours.output):
            part.bias.normal_()
        theirs.in_proj_weight.copy_(torch.cat([part.weight for part in parts]))
        theirs.in_proj_bias.copy_(torch.cat([part.bias for part in parts]))
    theirs.out_proj.load_state_dict(ours.output.state_dict())
    return ours, theirs


def test_scaled_dot_product_equals_torchs():
    key, value, mask = frames(2, 7, 4, seed=1), frames(2, 7, 5, seed=2), torch.rand(2, 6, 7) < 0.7
    mask[..., 0] = True
    assert_same(
        lambda q: scaled_dot_product_attention(q, key, value, mask)[0],
        lambda q: nn.functional.scaled_dot_product_attention(q, key, value, attn_mask=mask),
        frames(2, 6, 4),
    )


def test_masked_attention_equals_torchs_and_is_triangular():
    key, value = frames(2, 6, 4, seed=1), frames(2, 6, 5, seed=2)
    assert_same(
        lambda q: masked_attention(q, key, value)[0],
        lambda q: nn.functional.scaled_dot_product_attention(q, key, value, is_causal=True),
        frames(2, 6, 4),
    )
    weights = masked_attention(frames(2, 6, 4), key, value)[1]
    assert torch.equal(weights, weights.tril())
    assert torch.allclose(weights.sum(-1), torch.ones(2, 6, dtype=torch.float64))


@pytest.mark.parametrize("causal", [False, True])
def test_many_heads_equal_torchs_with_padding(causal):
    ours, theirs = twins()
    key = frames(3, 9, 8, seed=1)
    mask = key_mask(LENGTHS, 9) & causal_mask(9) if causal else key_mask(LENGTHS, 9)
    hidden = None if not causal else ~causal_mask(9)[0]
    padding = ~key_mask(LENGTHS, 9)[:, 0]
    assert_same(
        lambda x: ours(x, key, key, mask)[0],
        lambda x: theirs(x, key, key, key_padding_mask=padding, attn_mask=hidden)[0],
        frames(3, 9, 8),
    )
    weights = ours(key, key, key, mask)[1]
    wanted = theirs(key, key, key, key_padding_mask=padding, attn_mask=hidden, average_attn_weights=False)[1]
    assert torch.allclose(weights, wanted, atol=1e-12)


def test_gradients_of_the_weights_equal_torchs():
    ours, theirs = twins()
    x = frames(2, 5, 8)
    for module in (ours, theirs):
        module(x, x, x)[0].square().sum().backward()
    stacked = torch.cat([part.weight.grad for part in (ours.query, ours.key, ours.value)])
    assert torch.allclose(stacked, theirs.in_proj_weight.grad, atol=1e-6)
    assert torch.allclose(ours.output.weight.grad, theirs.out_proj.weight.grad, atol=1e-6)


def test_a_query_that_may_see_nothing_gets_nothing():
    x = frames(1, 4, 6)
    out, weights = scaled_dot_product_attention(x, x, x, torch.zeros(1, 4, 4, dtype=torch.bool))
    out.sum().backward()
    assert not weights.any()
    assert torch.isfinite(x.grad).all()


def test_weights_pass_a_tap_that_a_hook_can_change():
    attention, x = MultiHeadAttention(8, 2).double(), frames(3, 9, 8)
    seen = {}

    def uniform(tap, inputs, output):
        seen["lengths"] = [lengths.tolist() for lengths in inputs[1:]]
        return torch.full_like(output, 1 / 9)

    handle = attention.tap.register_forward_hook(uniform)
    out, weights = attention(x, x, x, lengths=(LENGTHS, LENGTHS))
    handle.remove()
    assert seen["lengths"] == [LENGTHS.tolist()] * 2
    assert torch.allclose(weights, torch.full_like(weights, 1 / 9))
    assert torch.allclose(out, attention.output(attention.value(x).mean(1, keepdim=True)).expand_as(out))


def test_heads_must_share_the_units():
    with pytest.raises(BadInput, match="10 units cannot be shared by 4 heads"):
        MultiHeadAttention(10, 4)


def test_chunks_see_their_own_and_some_before():
    wanted = [[[i // 3 - 1 <= j // 3 <= i // 3 for j in range(8)] for i in range(8)]]
    assert chunk_mask(8, 3, n_left=1).tolist() == wanted


def test_sinusoids_are_the_published_ones():
    found = sinusoids(torch.arange(5), 6)
    for position in range(5):
        for i in range(3):
            angle = position / 10000 ** (2 * i / 6)
            assert found[position, 2 * i] == pytest.approx(math.sin(angle), abs=1e-6)
            assert found[position, 2 * i + 1] == pytest.approx(math.cos(angle), abs=1e-6)
    positions, x = SinusoidalPositions(6), torch.zeros(1, 2, 6)
    assert torch.allclose(positions(x, first=3)[0], found[3:5])
    assert torch.allclose(positions(x + 1)[0] - positions(x)[0], torch.full((2, 6), math.sqrt(6)))


@pytest.mark.parametrize("n_queries", [5, 2])
def test_relative_attention_scores_each_pair_by_its_distance(n_queries):
    torch.manual_seed(0)
    attention = RelativeMultiHeadAttention(8, 2).double()
    nn.init.normal_(attention.content_bias)
    nn.init.normal_(attention.distance_bias)
    keys = frames(1, 5, 8)
    queries = keys[:, 5 - n_queries :]
    found = attention.scores(attention.split(attention.query(queries)), attention.split(attention.key(keys)))
    for head in range(2):
        part = slice(4 * head, 4 * head + 4)
        for i in range(n_queries):
            for j in range(5):
                distance = i + 5 - n_queries - j
                q, k = attention.query(queries)[0, i, part], attention.key(keys)[0, j, part]
                r = attention.distance(sinusoids(torch.tensor([distance]), 8).double())[0, part]
                score = (q + attention.content_bias[head, 0]) @ k + (q + attention.distance_bias[head, 0]) @ r
                assert found[0, head, i, j].item() == pytest.approx(score.item() / 2, abs=1e-12)


def test_relative_attention_does_not_care_where_it_begins():
    """Only distances count: the same frames further on give the same scores between them."""
    attention = RelativeMultiHeadAttention(8, 2).double()
    x = frames(1, 9, 8)
    whole = attention.scores(attention.split(x), attention.split(x))
    part = attention.scores(attention.split(x[:, 3:]), attention.split(x[:, 3:]))
    np.testing.assert_allclose(whole[..., 3:, 3:].detach(), part.detach(), atol=1e-12)
