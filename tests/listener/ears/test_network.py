"""The network without torch gives torch's numbers, whole and in pieces, and looks no further ahead than it says."""

from __future__ import annotations

import numpy as np
import pytest

from otoscope.core import CorruptWeights
from otoscope.listener.ears.network import Network, log_softmax

torch = pytest.importorskip("torch")

OFFSETS = ((-3, 0, 3), (-6, -3, 0), (-12, 0))


@pytest.fixture(scope="module")
def trained():
    from otoscope.nets.causal_tdnn import CausalTdnn, CausalTdnnShape

    torch.manual_seed(0)
    network = CausalTdnn(CausalTdnnShape(8, 7, reach=2, n_units=16, offsets=OFFSETS)).eval()
    network.mean.normal_()
    network.scale.uniform_(0.5, 2)
    for module in network.modules():
        if isinstance(module, torch.nn.LayerNorm):
            torch.nn.init.normal_(module.weight)
            torch.nn.init.normal_(module.bias)
    return network


@pytest.fixture(scope="module")
def own(trained):
    return Network({k: v.numpy() for k, v in trained.state_dict().items()}, 2, OFFSETS)


@pytest.fixture(scope="module")
def features():
    return np.random.default_rng(3).normal(size=(61, 8)).astype(np.float32)


def oracle(trained, features, **how):
    with torch.no_grad():
        return (
            trained(torch.from_numpy(features)[None], torch.tensor([len(features)]), **how)[0].log_softmax(-1).numpy()
        )


@pytest.mark.parametrize("n_frames", [1, 2, 5, 13, 61])
def test_whole_as_torch(trained, own, features, n_frames):
    found = own.stream().feed(features[:n_frames], last=True)
    np.testing.assert_allclose(found, oracle(trained, features[:n_frames]), atol=2e-5)


@pytest.mark.parametrize("sizes", [(1,) * 61, (20, 0, 41), (60, 1), (7,) * 8 + (5,)])
def test_pieces_as_whole(own, features, sizes):
    stream, parts, place = own.stream(), [], 0
    for n in sizes:
        parts.append(stream.feed(features[place : place + n]))
        place += n
    parts.append(stream.feed(features[:0], last=True))
    np.testing.assert_allclose(np.concatenate(parts), own.stream().feed(features, last=True), atol=1e-5)


def test_every_third_frame_alone_scores_the_same(trained, features):
    whole = oracle(trained, features)
    for phase in range(3):
        np.testing.assert_allclose(oracle(trained, features, step=3, phase=phase), whole[phase::3], atol=2e-5)


def test_padding_of_a_batch_does_not_matter(trained, features):
    both = torch.zeros(2, 61, 8) + 9
    both[0], both[1, :40] = torch.from_numpy(features), torch.from_numpy(features[:40])
    with torch.no_grad():
        found = trained(both, torch.tensor([61, 40])).log_softmax(-1).numpy()
    np.testing.assert_allclose(found[1, :40], oracle(trained, features[:40]), atol=2e-5)


def test_looks_ahead_as_far_as_it_says(trained, own, features):
    assert own.look_ahead == trained.shape.look_ahead == 5
    stream = own.stream()
    assert len(stream.feed(features[:20])) == 15
    other = features.copy()
    other[30:] += 1
    changed = np.abs(oracle(trained, features) - oracle(trained, other)).max(axis=1) > 1e-6
    assert np.flatnonzero(changed)[0] == 25


def test_temperature_divides_logits(own, features):
    plain = own.stream().feed(features, last=True)
    np.testing.assert_allclose(
        own.stream().feed(features, last=True, temperature=2.0), log_softmax(plain / 2), atol=1e-5
    )


def test_other_weights_are_refused(own):
    weights = dict(own.weights)
    with pytest.raises(CorruptWeights, match=r"layers\.2\.splice\.weight"):
        Network(weights, 2, ((-3, 0, 3), (-6, -3, 0), (-12, -6, 0)))
    del weights["head.bias"]
    with pytest.raises(CorruptWeights, match=r"head\.bias"):
        Network(weights, 2, OFFSETS)
