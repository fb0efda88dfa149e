"""The toys' closed forms against enumeration and against captum."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
import torch
from captum.attr import IntegratedGradients, Occlusion

from otoscope.core import BadInput, Differentiable, Interval, Recognizer, Recording, Segment
from otoscope.testing import (
    AdditiveRecognizer,
    InteractionRecognizer,
    basic_model_2,
    basic_model_3,
    energy,
    planted_cue,
    planted_cue_corpus,
)

SEGMENTS = (Segment(0.0, 0.2), Segment(0.2, 0.5), Segment(0.5, 0.6), Segment(0.6, 1.0))


@pytest.fixture
def noise() -> Recording:
    return Recording(np.random.default_rng(0).uniform(-0.5, 0.5, 8000), 8000)


def silenced(recording: Recording, keep: np.ndarray, segments=SEGMENTS) -> Recording:
    samples = recording.samples.copy()
    for kept, segment in zip(keep, segments, strict=True):
        if not kept:
            samples[round(segment.start_s * recording.rate_hz) : round(segment.end_s * recording.rate_hz)] = 0
    return recording.with_samples(samples)


def brute_force_shapley(toy, recording: Recording, target, segments=SEGMENTS) -> np.ndarray:
    values = np.zeros(len(segments))
    orders = list(permutations(range(len(segments))))
    for order in orders:
        keep = np.zeros(len(segments), bool)
        before = toy.score([silenced(recording, keep, segments)], [target])[0, 0]
        for j in order:
            keep[j] = True
            after = toy.score([silenced(recording, keep, segments)], [target])[0, 0]
            values[j] += after - before
            before = after
    return values / len(orders)


def test_additive_shapley_is_exact_by_enumeration(noise):
    words = (Interval(0, 0.5, "ah"), Interval(0.5, 1, "oh"))
    toy = AdditiveRecognizer(SEGMENTS, {"ah": (1, -2, 3, 0.5), "oh": (0, 4, -1, 2)}, words, bias=-7.0)
    assert isinstance(toy, Recognizer)
    trace = toy.trace(noise)
    assert trace.text == "ah oh"
    for target in (*trace.targets(), trace.target(0).rather_than("oh")):
        np.testing.assert_allclose(
            brute_force_shapley(toy, noise, target), toy.exact_shapley(noise, target), atol=1e-12
        )


def test_additive_shapley_of_other_players_is_exact(noise):
    toy = AdditiveRecognizer(SEGMENTS, {"toy": (1, -2, 3, 0.5)})
    target = toy.trace(noise).target("toy")
    players = (Segment(0, 0.3), Segment(0.3, 0.55), Segment(0.55, 1.0))
    exact = toy.exact_shapley(noise, target, players)
    np.testing.assert_allclose(brute_force_shapley(toy, noise, target, players), exact, atol=1e-12)


def test_energy_of_bands_adds_up_to_the_stretch(noise):
    for n_samples in (800, 801):
        recording = noise.with_samples(noise.samples[:n_samples])
        whole = energy(recording, Segment(0, 1))
        bands = [energy(recording, Segment(0, 1, low, low + 500)) for low in range(0, 4500, 500)]
        assert sum(bands) == pytest.approx(whole, rel=1e-9)


def test_interaction_shapley_is_exact_and_half_of_leave_one_out(noise):
    strengths = np.array([[0, 2, 0, -1], [2, 0, 0.5, 0], [0, 0.5, 0, 3], [-1, 0, 3, 0]])
    toy = InteractionRecognizer(noise, SEGMENTS, strengths)
    target = toy.trace(noise).target("toy")
    exact = toy.exact_shapley(noise, target)
    np.testing.assert_allclose(brute_force_shapley(toy, noise, target), exact, atol=1e-12)
    whole = toy.score([noise], [target])[0, 0]
    without = [toy.score([silenced(noise, np.arange(4) != j)], [target])[0, 0] for j in range(4)]
    np.testing.assert_allclose(whole - np.array(without), 2 * exact, atol=1e-12)


class BasicModel2(torch.nn.Module):
    def forward(self, x):
        return torch.relu(torch.relu(x[:, 0]) - 1 - torch.relu(x[:, 1]))


class BasicModel3(torch.nn.Module):
    def forward(self, x):
        return torch.relu(torch.relu(x[:, 0] - 1) - torch.relu(x[:, 1]))


@pytest.mark.parametrize(("toy", "peer"), [(basic_model_2(), BasicModel2()), (basic_model_3(), BasicModel3())])
def test_basic_models_equal_captum(toy, peer):
    assert isinstance(toy, Differentiable)
    levels = np.random.default_rng(1).uniform(-1, 4, (50, 2))
    for row in levels:
        x = torch.tensor(row[None], requires_grad=True)
        y = peer(x)
        y.backward()
        recording = toy.recording_of(row)
        target = toy.trace(recording).target("toy")
        np.testing.assert_allclose(toy.score([recording], [target])[0, 0], y.item(), atol=1e-5)
        np.testing.assert_allclose(toy.gradient(recording, target)[:, 0], x.grad[0].numpy(), atol=1e-5)
    golden = IntegratedGradients(peer).attribute(torch.tensor([[3.0, 1.0]]), n_steps=2000)
    np.testing.assert_allclose(golden.detach().numpy()[0], (1.5, -0.5), atol=2e-3)


@pytest.mark.parametrize("toy", [basic_model_2(), basic_model_3()])
def test_integrated_gradients_of_the_waveform_are_the_golden_values(toy):
    recording = toy.recording_of((3, 1))
    target = toy.trace(recording).target("toy")
    steps = (np.arange(300) + 0.5) / 300
    slopes = [toy.gradient(recording.with_samples(recording.samples * a), target, at="waveform") for a in steps]
    relevance = np.mean(slopes, axis=0)[:, 0] * recording.samples
    assert (relevance[:8000].sum(), relevance[8000:].sum()) == pytest.approx((1.5, -0.5), abs=0.01)


def test_occlusion_of_model_3_is_the_golden_value():
    toy, x = basic_model_3(), torch.tensor([[3.0, 1.0]])
    assert Occlusion(BasicModel3()).attribute(x, sliding_window_shapes=(1,)).tolist() == [[1.0, -1.0]]
    recording = toy.recording_of((3, 1))
    target = toy.trace(recording).target("toy")
    scores = toy.score([recording, toy.recording_of((0, 1)), toy.recording_of((3, 0))], [target])[:, 0]
    np.testing.assert_allclose(scores[0] - scores[1:], (1, -1), atol=1e-6)


def test_wrong_parameters_are_named(noise):
    with pytest.raises(BadInput, match="2 weights of 'toy' for 4 segments"):
        AdditiveRecognizer(SEGMENTS, {"toy": (1, 2)})
    with pytest.raises(BadInput, match="no weights for 'oh'"):
        AdditiveRecognizer(SEGMENTS, {"ah": (1, 2, 3, 4)}, (Interval(0, 1, "oh"),))
    with pytest.raises(BadInput, match="symmetric"):
        InteractionRecognizer(noise, SEGMENTS, np.ones((4, 4)))


@pytest.fixture(scope="module")
def planted():
    return planted_cue(0, n_utterances=12)


def test_planted_words_are_heard_and_silence_is_not(planted):
    for utterance in planted.utterances:
        trace = planted.recognizer.trace(utterance.recording())
        assert trace.text == utterance.text
        assert trace.words[0].overlap_s(utterance.burst) > 0.02
    for utterance in planted_cue_corpus(99, n_utterances=6, silent_share=1.0):
        assert planted.recognizer.trace(utterance.recording()).text == ""


def test_planted_words_hang_on_the_burst_alone(planted):
    for utterance in planted.utterances:
        recording = utterance.recording()
        target = planted.recognizer.trace(recording).target(0)
        inside = np.zeros(recording.n_samples, bool)
        inside[round(utterance.burst.start_s * 8000) : round(utterance.burst.end_s * 8000)] = True
        without = recording.with_samples(np.where(inside, 0, recording.samples))
        alone = recording.with_samples(np.where(inside, recording.samples, 0))
        whole, lost, kept = planted.recognizer.score([recording, without, alone], [target])[:, 0]
        assert whole > -0.1
        assert lost < whole - 3
        assert kept > whole - 1


def test_planted_bursts_lie_where_they_are_said_to():
    for utterance in planted_cue_corpus(5, n_utterances=9):
        segment, rate_hz = utterance.segment, utterance.recording().rate_hz
        samples = utterance.recording().samples
        at = slice(round(segment.start_s * rate_hz), round(segment.end_s * rate_hz))
        power = np.abs(np.fft.rfft(samples[at] * np.hanning(at.stop - at.start))) ** 2
        hz = np.fft.rfftfreq(at.stop - at.start, 1 / rate_hz)
        high = hz > 700
        peak = hz[high][power[high].argmax()]
        assert segment.low_hz < peak < segment.high_hz


def test_planted_corpus_comes_from_its_seed_alone():
    first, again, other = (planted_cue_corpus(seed, n_utterances=3) for seed in (1, 1, 2))
    assert [u.recording().digest for u in first] == [u.recording().digest for u in again]
    assert [u.recording().digest for u in first] != [u.recording().digest for u in other]
