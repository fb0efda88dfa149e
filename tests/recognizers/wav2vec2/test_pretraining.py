"""Pretraining: the loss is that of transformers, the run goes on where it was killed, the encoder opens."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from lessons import tone_words

from otoscope.core import BadInput, UnknownName
from otoscope.nets.contrastive import Spans, contrastive_losses, contrastive_scores, distractors, diversity_loss
from otoscope.recognizers.registry import load
from otoscope.recognizers.wav2vec2.pretraining import train_wav2vec2_pretraining
from otoscope.recognizers.wav2vec2.pretraining_shapes import SHAPES, shape_of, write_untrained
from otoscope.recognizers.wav2vec2.pretraining_task import Cooling, Lesson, PretrainingNetwork, PretrainingTask
from otoscope.recognizers.wav2vec2.waves import Waves, normalised

QUICK = {"shape": "tiny", "epochs": 3, "batch_s": 2.0, "n_negatives": 10, "mask_frames": 4, "cut_s": 1.0}


class Killed(Exception):
    """Stands for a process that was killed."""


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    return tone_words(tmp_path_factory.mktemp("tones"), 8)


def batch_of_noise(network: PretrainingNetwork, spans: Spans, n_negatives: int):
    rng = np.random.default_rng(0)
    waves = torch.from_numpy(rng.standard_normal((3, 12000)))
    hidden = np.stack([spans.drawn(network.n_frames(12000), rng) for _ in range(3)])
    return waves, hidden, distractors(hidden.sum(1), n_negatives, rng)


@pytest.mark.parametrize("stable", [False, True])
def test_the_losses_are_those_of_transformers(stable: bool) -> None:
    changes = {"do_stable_layer_norm": True, "feat_extract_norm": "layer"} if stable else {}
    model = SHAPES["tiny"].network(3, **changes).double().eval()
    network = PretrainingNetwork(model, Lesson(front_end_gradient=1.0)).eval()
    waves, hidden, negatives = batch_of_noise(network, Spans(0.1, 4, 2), 7)
    places = np.zeros((*hidden.shape, 7), dtype=np.int64)
    places[hidden] = np.flatnonzero(hidden.ravel())[negatives]
    theirs = model(waves, mask_time_indices=torch.from_numpy(hidden), sampled_negative_indices=torch.from_numpy(places))
    told = network(waves, torch.from_numpy(hidden))
    scores = contrastive_scores(told.context, told.targets, told.chosen.codes, torch.from_numpy(negatives))
    n_hidden = hidden.sum()
    assert float(contrastive_losses(scores).mean()) == pytest.approx(
        float(theirs.contrastive_loss) / n_hidden, abs=1e-6
    )
    assert float(diversity_loss(told.chosen.probabilities)) == pytest.approx(
        float(theirs.diversity_loss) / n_hidden, abs=1e-6
    )
    loss = contrastive_losses(scores).sum() + 0.1 * n_hidden * diversity_loss(told.chosen.probabilities)
    loss.backward()
    own = {name: p.grad.clone() for name, p in model.named_parameters() if p.grad is not None}
    model.zero_grad()
    theirs.loss.backward()
    for name, p in model.named_parameters():
        if p.grad is not None:
            torch.testing.assert_close(own[name], p.grad, atol=1e-4, rtol=1e-4)


def test_what_is_hidden_reaches_the_network_only_through_its_neighbours() -> None:
    network = PretrainingNetwork(SHAPES["tiny"].network(0), Lesson()).eval()
    hidden = torch.zeros(1, 49, dtype=torch.bool)
    hidden[0, 10:40] = True
    wave = torch.randn(1, 16000, generator=torch.Generator().manual_seed(0))
    louder = wave.clone()
    louder[0, 7000:9000] *= 3  # frames 21 to 28 hear this
    given: list[torch.Tensor] = []
    handle = network.model.wav2vec2.encoder.register_forward_pre_hook(lambda _, args: given.append(args[0]))
    with torch.no_grad():
        before, after = network(wave, hidden), network(louder, hidden)
    handle.remove()
    assert not torch.equal(before.targets, after.targets)
    for states in given:
        assert torch.equal(states[0, 10:40], network.model.wav2vec2.masked_spec_embed.expand(30, -1))


def test_the_temperature_falls_with_the_updates_and_goes_along_in_checkpoints(corpus) -> None:
    network = PretrainingNetwork(SHAPES["tiny"].network(0), Lesson(cooling=Cooling(2.0, 0.5, 4), n_negatives=5))
    task = PretrainingTask(Waves(corpus), None, network.lesson, network.n_frames, 1.0, 3.0)
    network.train()
    found = []
    for batch in list(task.batches(np.random.default_rng(0)))[:3]:
        found.append(network.temperature)
        task.loss(network, batch)
    assert found == pytest.approx([2.0, 2 * 0.25**0.25, 1.0])
    assert int(network.state_dict()["n_updates"]) == 3
    assert network.eval().temperature is None


def test_gradients_of_the_convolutions_are_scaled(corpus) -> None:
    grads = {}
    for factor in (1.0, 0.1):
        network = PretrainingNetwork(SHAPES["tiny"].network(0), Lesson(front_end_gradient=factor, penalty=0.0))
        network.model.config.hidden_dropout = 0.0
        task = PretrainingTask(Waves(corpus), None, network.lesson, network.n_frames, 1.0, 3.0)
        torch.manual_seed(0)
        network.train()
        task.loss(network, task.batches(np.random.default_rng(0))[0]).backward()
        grads[factor] = {name: p.grad for name, p in network.model.named_parameters() if p.grad is not None}
    ratio = (
        grads[0.1]["wav2vec2.feature_extractor.conv_layers.3.conv.weight"]
        / grads[1.0]["wav2vec2.feature_extractor.conv_layers.3.conv.weight"]
    )
    assert ratio.median().item() == pytest.approx(0.1, rel=1e-3)
    assert torch.allclose(grads[0.1]["project_hid.weight"], grads[1.0]["project_hid.weight"])


def test_batches_hold_pieces_of_one_length_anywhere_in_their_utterances(corpus) -> None:
    network = PretrainingNetwork(SHAPES["tiny"].network(0), Lesson())
    task = PretrainingTask(Waves(corpus), None, Lesson(n_negatives=5), network.n_frames, 0.5, 2.0)
    batch = task.batch([Waves(corpus).samples(i) for i in range(3)], np.random.default_rng(0))
    assert batch.waves.shape == (3, 8000)
    assert batch.hidden.shape == (3, network.n_frames(8000))
    assert torch.allclose(batch.waves.mean(1), torch.zeros(3), atol=1e-5)
    assert torch.allclose(batch.waves.std(1), torch.ones(3), atol=1e-3)
    assert len(task.batches(np.random.default_rng(0))) >= sum(u.duration_s for u in corpus) / 2.0 - 1


def test_sound_is_normalised_as_the_feature_extractor_does() -> None:
    from transformers import Wav2Vec2FeatureExtractor

    wave = np.random.default_rng(0).standard_normal(5000).astype(np.float32) * 0.1 + 0.02
    theirs = Wav2Vec2FeatureExtractor(do_normalize=True)(wave, sampling_rate=16000, return_tensors="np").input_values[0]
    np.testing.assert_allclose(normalised(wave), theirs, atol=1e-5)


def test_killed_and_resumed_pretraining_ends_with_the_same_weights(corpus, tmp_path: Path) -> None:
    whole = train_wav2vec2_pretraining(corpus, corpus[:2], tmp_path / "whole", seed=5, **QUICK)

    def kill(done: int, total: int) -> None:
        if done == 2:
            raise Killed

    with pytest.raises(Killed):
        train_wav2vec2_pretraining(corpus, corpus[:2], tmp_path / "cut", seed=5, progress=kill, **QUICK)
    again = train_wav2vec2_pretraining(corpus, corpus[:2], tmp_path / "cut", seed=5, **QUICK)
    assert again.provenance.weights_sha256 == whole.provenance.weights_sha256
    card = json.loads((tmp_path / "cut" / "recognizer.json").read_text())["training"]
    assert card == json.loads((tmp_path / "whole" / "recognizer.json").read_text())["training"]
    assert card["valid"]["n_hidden"] > 0
    assert 1.0 <= card["valid"]["perplexity"] <= 16
    assert card["n_updates"] > 3


def test_the_encoder_opens_here_and_in_transformers(corpus, tmp_path: Path) -> None:
    from transformers import Wav2Vec2ForPreTraining

    train_wav2vec2_pretraining(corpus, [], tmp_path / "out", **{**QUICK, "epochs": 1})
    encoder = load(tmp_path / "out")
    trace = encoder.trace(corpus[0].recording(), record=["encoder.1"])
    assert trace.activations["encoder.1"].values.shape[1] == 32
    _, told = Wav2Vec2ForPreTraining.from_pretrained(tmp_path / "out", output_loading_info=True)
    assert not told["missing_keys"]
    more = train_wav2vec2_pretraining(
        corpus, [], tmp_path / "more", start=tmp_path / "out", **{**QUICK, "epochs": 1, "learning_rate": 1e-4}
    )
    assert more.provenance.weights_sha256 != encoder.provenance.weights_sha256


def test_pretraining_learns_to_tell_frames_apart(corpus, tmp_path: Path) -> None:
    many = {**QUICK, "epochs": 24, "learning_rate": 3e-3, "penalty": 1.0, "mask_frames": 3, "batch_s": 4.0}
    train_wav2vec2_pretraining(corpus, corpus, tmp_path / "out", **many)
    card = json.loads((tmp_path / "out" / "recognizer.json").read_text())["training"]
    assert card["train_losses"][-1] < 0.9 * card["train_losses"][0]
    assert card["valid"]["accuracy"] > 2 * card["valid"]["chance"]


def test_what_cannot_be_pretrained_is_refused(corpus, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="no sound"):
        train_wav2vec2_pretraining([], [], tmp_path)
    with pytest.raises(UnknownName, match="huge"):
        train_wav2vec2_pretraining(corpus, [], tmp_path, shape="huge")
    with pytest.raises(UnknownName, match="epoch_count"):
        train_wav2vec2_pretraining(corpus, [], tmp_path, epoch_count=3)
    with pytest.raises(BadInput, match="7 convolutions"):
        shape_of({"channels": [8, 8]})
    with pytest.raises(BadInput, match="no such field"):
        shape_of({"depth": 3})
    start = write_untrained(tmp_path / "start", "tiny", seed=0)
    config = json.loads((start / "config.json").read_text())
    config["architectures"] = ["Wav2Vec2Model"]
    (start / "config.json").write_text(json.dumps(config))
    with pytest.raises(BadInput, match="lacks the quantiser"):
        train_wav2vec2_pretraining(corpus, [], tmp_path / "out", start=start)
