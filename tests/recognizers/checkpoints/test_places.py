"""Places of foreign networks: hooks see and change what passes, change nothing else, and leave."""

import copy

import numpy as np
import pytest
import torch
from torch import nn

from otoscope.core import BadInput, NotAble, Site
from otoscope.nets.open_edits import OpenEdits
from otoscope.recognizers.checkpoints.attention import implementation_of, weights_tap
from otoscope.recognizers.checkpoints.places import Place, Places, edited, leaf_at, recorded


class Pair(nn.Module):
    """A linear layer, then one that returns a tuple."""

    def __init__(self):
        super().__init__()
        self.first, self.second = nn.Linear(4, 4), Twice()

    def forward(self, x):
        return self.second(self.first(x))[1]


class Twice(nn.Module):
    """Returns nothing useful and the double."""

    def forward(self, x):
        return None, 2 * x


@pytest.fixture
def pair():
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return Pair().eval()


@pytest.fixture
def places(pair):
    return Places(
        [
            Place(Site("first"), pair.first),
            Place(Site("turned"), pair.first, channels_first=True),
            Place(Site("in"), pair.second, port="input"),
            Place(Site("out"), pair.second, item=1),
        ]
    )


def hooks_of(network):
    return sum(len(m._forward_hooks) + len(m._forward_pre_hooks) for m in network.modules())


def test_recording_shows_every_port_and_changes_no_bit(pair, places):
    x = torch.randn(2, 4, 4, generator=torch.Generator().manual_seed(1))
    plain = pair(x)
    with recorded(places, places.activations) as seen:
        assert torch.equal(pair(x), plain)
    assert torch.equal(seen["first"], seen["in"])
    assert torch.equal(seen["first"], seen["turned"].transpose(1, 2))
    assert torch.equal(seen["out"], plain)
    assert hooks_of(pair) == 0


@pytest.mark.parametrize("site", ["first", "turned", "in", "out"])
def test_an_edit_takes_the_place_of_what_passed_in_each_utterance_alone(pair, places, site):
    x = torch.randn(2, 4, 4, generator=torch.Generator().manual_seed(1))
    shapes = []

    def halved(values):
        shapes.append(values.shape)
        return values / 2

    with edited(places, {site: halved}):
        assert torch.allclose(pair(x), pair_of(x, pair) / 2)
    assert shapes == [(4, 4), (4, 4)]
    assert hooks_of(pair) == 0


def pair_of(x, pair):
    return 2 * nn.functional.linear(x, pair.first.weight, pair.first.bias)


def test_a_leaf_has_the_gradient_of_what_comes_behind_it(pair, places):
    x = torch.randn(1, 3, 4, generator=torch.Generator().manual_seed(1))
    with leaf_at(places, "turned") as leaves:
        (slope,) = torch.autograd.grad(pair(x).sum(), leaves)
    assert torch.equal(slope, torch.full_like(slope, 2.0))
    assert hooks_of(pair) == 0


def test_no_hook_survives_an_exception(pair, places):
    with pytest.raises(RuntimeError, match="stop"), recorded(places, ["in"]), edited(places, {"out": lambda v: v}):
        raise RuntimeError("stop")
    assert hooks_of(pair) == 0
    with pytest.raises(BadInput, match="no site 'nowhere'"), recorded(places, ["in", "nowhere"]):
        pass
    assert hooks_of(pair) == 0


def test_an_edit_of_another_shape_is_refused(pair, places):
    with pytest.raises(BadInput, match="the shape must stay"), edited(places, {"in": lambda v: v[:1]}):
        pair(torch.zeros(1, 3, 4))


def test_open_edits_are_named_and_refuse_gradients(pair, places):
    opened = OpenEdits(places)
    with opened.opened({"in": lambda v: v}):
        assert [name.split()[0] for name in opened.names] == ["in"]
        with pytest.raises(NotAble, match="no gradient"):
            opened.refuse_gradient()
    assert opened.parameters() == {}


def test_narrow_values_are_shown_as_float32(pair, places):
    narrow = pair.to(torch.bfloat16)
    with edited(places, {"first": lambda v: np.zeros_like(v)}), recorded(places, ["in"]) as seen:
        assert not narrow(torch.ones(1, 3, 4, dtype=torch.bfloat16)).any()
    assert seen["in"].dtype == torch.float32


def test_two_places_of_one_name_are_refused(pair):
    with pytest.raises(BadInput, match="same name"):
        Places([Place(Site("a"), pair.first), Place(Site("a"), pair.second)])


def test_an_unknown_kind_of_attention_is_refused():
    with pytest.raises(BadInput, match="eager, sdpa"):
        implementation_of("flash")
    assert implementation_of("sdpa") == "sdpa"


@pytest.fixture(scope="module")
def networks():
    """One tiny network by transformers' eager attention, and the same by ours."""
    transformers = pytest.importorskip("transformers")
    from transformers import AutoModelForCTC, WhisperConfig, WhisperModel

    pairs = {}
    for kind in ("Wav2Vec2", "Wav2Vec2Conformer", "Whisper"):
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            if kind == "Whisper":
                config = WhisperConfig(
                    d_model=16, encoder_layers=1, decoder_layers=1, encoder_attention_heads=2,
                    decoder_attention_heads=2, encoder_ffn_dim=16, decoder_ffn_dim=16,
                    vocab_size=60, max_source_positions=20, num_mel_bins=8,
                    pad_token_id=0, bos_token_id=0, eos_token_id=0, decoder_start_token_id=0,
                )  # fmt: skip
                made = WhisperModel
            else:
                config = getattr(transformers, f"{kind}Config")(
                    vocab_size=8, hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=16,
                    conv_dim=(8, 8), conv_kernel=(10, 3), conv_stride=(5, 2), num_feat_extract_layers=2,
                    num_conv_pos_embeddings=8, num_conv_pos_embedding_groups=2,
                )  # fmt: skip
                made = AutoModelForCTC.from_config
            config._attn_implementation = "eager"
            plain = made(config).eval()
            config = copy.deepcopy(config)
            config._attn_implementation = implementation_of("eager")
            ours = made(config).eval()
        ours.load_state_dict(plain.state_dict())
        assert plain.config._attn_implementation == "eager"
        pairs[kind] = plain, ours
    return pairs


@pytest.mark.parametrize("kind", ["Wav2Vec2", "Wav2Vec2Conformer"])
def test_our_attention_has_every_bit_of_the_eager_one(networks, kind):
    plain, ours = networks[kind]
    x = torch.randn(2, 800, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        assert torch.equal(ours(x).logits, plain(x).logits)


def test_our_attention_has_every_bit_of_whisper(networks):
    plain, ours = networks["Whisper"]
    given = {
        "input_features": torch.randn(1, 8, 40, generator=torch.Generator().manual_seed(1)),
        "decoder_input_ids": torch.tensor([[1, 5, 7]]),
    }
    attention = ours.decoder.layers[0].encoder_attn
    places = Places([Place(Site("cross"), weights_tap(attention), weights=True)])
    with torch.no_grad(), recorded(places, ["cross"]) as seen:
        expected = plain(**given, output_attentions=True)
        assert torch.equal(ours(**given).last_hidden_state, expected.last_hidden_state)
        assert torch.equal(seen["cross"], expected.cross_attentions[0])
        with edited(places, {"cross": lambda w: np.full_like(w, 1 / w.shape[-1])}):
            changed = ours(**given).last_hidden_state
    assert seen["cross"].shape == (1, 2, 3, 20)
    assert not torch.equal(changed, expected.last_hidden_state)
