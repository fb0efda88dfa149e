"""`with_random_weights` in every family: a copy that has forgotten, beside an original that has not changed."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from otoscope.core import BadInput, Interval, NotAble, Randomizable, Recording, Target
from otoscope.nets.weights import shuffled, weights_sha256
from otoscope.recognizers import load

FAMILIES = ("ctc", "hybrid", "conformer", "rnnt", "wav2vec2", "whisper")
WORDS = {"hybrid": ("see", "tea", "two"), "wav2vec2": ("a", "me", "so")}


def noise(rate_hz):
    samples = np.random.default_rng(0).normal(0, 0.1, round(1.6 * rate_hz))
    return Recording(samples.astype(np.float32), rate_hz)


def end_to_end(name):
    from otoscope.recognizers.endtoend import PRESETS, EndToEndRecognizer
    from otoscope.recognizers.endtoend.presets import Options, card_of
    from otoscope.recognizers.endtoend.tokens import characters

    return EndToEndRecognizer(card_of(PRESETS[name], Options(n_units=8, n_layers=2), characters()), seed=1)


def made(name, request):
    if name == "ctc":
        return load("ctc-digits")
    if name == "hybrid":
        return request.getfixturevalue("tiny_hybrid")("factorized-tdnn")
    if name in ("wav2vec2", "whisper"):
        how = {"language": "en", "heads": None} if name == "whisper" else {}
        return load(request.getfixturevalue("tiny_checkpoint")(name), **how)
    return end_to_end(name)


def network_of(recognizer):
    """Return the network behind a recogniser of any family."""
    part = getattr(recognizer, "acoustic", None) or getattr(recognizer, "parts", None) or recognizer
    return getattr(part.network, "model", part.network)


@pytest.fixture(scope="module", params=FAMILIES)
def family(request):
    """Return a recogniser, its network, a recording and targets."""
    name = request.param
    recognizer, rate_hz = made(name, request), 8000 if name == "ctc" else 16000
    words = WORDS.get(name, ("one", "two", "one"))
    targets = [
        Target("word", word, Interval(0.1 + 0.4 * i, 0.4 + 0.4 * i, word), i, words) for i, word in enumerate(words)
    ]
    return recognizer, network_of(recognizer), noise(rate_hz), targets[:2]


def state(network):
    return {name: tensor.detach().clone() for name, tensor in network.state_dict().items()}


def test_the_copy_forgets_and_the_original_does_not(family):
    recognizer, network, recording, targets = family
    assert isinstance(recognizer, Randomizable)
    weights, before, said = state(network), recognizer.score([recording], targets), recognizer.provenance
    copy = recognizer.with_random_weights(seed=3)
    forgot = copy.score([recording], targets)
    assert np.isfinite(forgot).all()
    assert not np.allclose(forgot, before, atol=1e-3)
    assert all(torch.equal(tensor, weights[name]) for name, tensor in network.state_dict().items())
    assert np.array_equal(recognizer.score([recording], targets), before)
    assert recognizer.provenance == said
    assert copy.provenance != said
    assert type(copy) is type(recognizer)
    copy.trace(recording)


def test_the_seed_decides_which_copy(family):
    recognizer, _, recording, targets = family
    first, again, other = (recognizer.with_random_weights(seed=seed) for seed in (3, 3, 4))
    scores = [one.score([recording], targets) for one in (first, again, other)]
    assert np.array_equal(scores[0], scores[1])
    assert not np.array_equal(scores[0], scores[2])
    assert first.provenance == again.provenance
    assert first.provenance != other.provenance


def test_a_small_share_is_that_of_the_output(family):
    recognizer, *_ = family
    part = recognizer.with_random_weights(seed=3, share=0.1)
    assert part.provenance not in (recognizer.provenance, recognizer.with_random_weights(seed=3).provenance)
    with pytest.raises(BadInput, match="share of layers"):
        recognizer.with_random_weights(seed=3, share=0.0)


def test_no_copy_while_an_edit_is_open(family):
    recognizer, *_ = family
    site = recognizer.sites()[-1].name
    with recognizer.edited({site: lambda values: values}), pytest.raises(NotAble, match="no copy with edits"):
        recognizer.with_random_weights(seed=3)


def test_what_was_never_learnt_stays(family):
    """Buffers of every family: filterbanks, normalisation, sinusoids."""
    recognizer, network, *_ = family
    copy = recognizer.with_random_weights(seed=3)
    other = network_of(copy)
    assert other is not network
    kept = dict(other.named_buffers())
    assert all(torch.equal(buffer, kept[name]) for name, buffer in network.named_buffers())


def test_whispers_sinusoids_stay_and_its_tied_words_stay_tied(tiny_checkpoint):
    recognizer = load(tiny_checkpoint("whisper"), language="en", heads=None)
    model = recognizer.parts.network.model
    other = recognizer.with_random_weights(seed=0).parts.network.model
    assert torch.equal(other.model.encoder.embed_positions.weight, model.model.encoder.embed_positions.weight)
    assert not torch.equal(other.model.decoder.embed_positions.weight, model.model.decoder.embed_positions.weight)
    assert other.proj_out.weight is other.model.decoder.embed_tokens.weight
    assert not torch.equal(other.proj_out.weight, model.proj_out.weight)


def test_weights_keep_their_values_and_lose_their_order():
    torch.manual_seed(0)
    network = nn.Sequential(nn.Linear(5, 4), nn.BatchNorm1d(4), nn.Linear(4, 3))
    network[1].running_mean += 2.0
    copy = shuffled(network, seed=0, fixed=("0.bias",))
    for (name, old), (_, new) in zip(network.named_parameters(), copy.named_parameters(), strict=True):
        assert torch.equal(old.flatten().sort().values, new.flatten().sort().values), name
    assert torch.equal(copy[0].bias, network[0].bias)
    assert torch.equal(copy[1].running_mean, network[1].running_mean)
    assert weights_sha256(copy) != weights_sha256(network)
    with pytest.raises(BadInput, match=r"no weights named 9\.bias"):
        shuffled(network, seed=0, fixed=("9.bias",))
