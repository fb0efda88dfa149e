"""Methods that look inside: captum on the same network, golden values, completeness, and who cannot be looked into."""

from __future__ import annotations

import numpy as np
import pytest

from otoscope.core import BadInput, FrameGrid, NotAble, Recording, Segment
from otoscope.explainers import Checks, explain, method
from otoscope.explainers.gradients import FineMap, fine_maps
from otoscope.explainers.gradients.inputs import inputs_of
from otoscope.explainers.gradients.paths import ExpectedGradients, IntegratedGradients
from otoscope.explainers.gradients.rollout import EntropyAttention, rollout
from otoscope.testing import AdditiveRecognizer
from otoscope.testing.functions import basic_model_2, basic_model_3

torch = pytest.importorskip("torch")
captum_attr = pytest.importorskip("captum.attr")

FINE = ("saliency", "input-x-gradient", "smooth-grad", "integrated-gradients", "expected-gradients", "grad-cam")


def hooks(recognizer):
    return sum(len(m._forward_hooks) + len(m._forward_pre_hooks) for m in recognizer.network.modules())


@pytest.fixture
def captums(small_ctc, tone, target):
    """What captum needs: the score as a function of features, the features, and those of silence."""
    inputs = inputs_of(small_ctc, tone, [target])
    passes = small_ctc.passes(tone, [target])
    from otoscope.nets.hooks import substituted

    def forward(features):
        with substituted(passes.network, "features", features):
            return passes.of_copies(len(features))[:, 0]

    return (
        forward,
        torch.from_numpy(inputs.values.copy())[None],
        torch.from_numpy(inputs.filled("silence").copy())[None],
    )


def test_saliency_and_input_times_gradient_are_captums(captums, small_ctc, tone, target):
    forward, features, silent = captums
    theirs = captum_attr.Saliency(forward).attribute(features.requires_grad_(True))[0].numpy()
    (ours,) = fine_maps(small_ctc, tone, [target], method="saliency")
    np.testing.assert_allclose(ours.values, theirs, atol=1e-5)
    slope = captum_attr.InputXGradient(forward).attribute(features.requires_grad_(True))[0].detach().numpy()
    slope = slope / features[0].detach().numpy() * (features - silent)[0].detach().numpy()
    (ours,) = fine_maps(small_ctc, tone, [target], method="input-x-gradient")
    np.testing.assert_allclose(ours.values, slope, atol=1e-5)


def test_integrated_gradients_are_captums(captums, small_ctc, tone, target):
    forward, features, silent = captums
    theirs = captum_attr.IntegratedGradients(forward).attribute(features, silent, n_steps=32, method="gausslegendre")
    (ours,) = IntegratedGradients(most_steps=32).maps(small_ctc, tone, [target], fill="silence", seed=0)
    np.testing.assert_allclose(ours.values, theirs[0].numpy(), atol=1e-5)


@pytest.mark.parametrize("toy", [basic_model_2(), basic_model_3()], ids=["BasicModel2", "BasicModel3"])
def test_both_implementations_of_one_function_have_the_same_integrated_gradients(toy):
    """B1: (1.5, -0.5) for both (Sundararajan et al. 2017, figure 3); slopes at the point itself differ from that."""
    recording = toy.recording_of((3, 1), rate_hz=100)
    found = explain(toy, recording, segments=toy.segments, method="integrated-gradients", checks=False)[0]
    np.testing.assert_allclose(found.relevance, (1.5, -0.5), atol=0.02)
    assert found.completeness_gap < 0.02
    plain = explain(toy, recording, segments=toy.segments, method="input-x-gradient", checks=False)[0]
    np.testing.assert_allclose(plain.relevance, (3, -1), atol=1e-5)


@pytest.mark.parametrize("fill", ["silence", "mean", "noise"])
def test_integrated_gradients_add_up(small_ctc, tone, target, fill):
    (ours,) = fine_maps(small_ctc, tone, [target], method="integrated-gradients", fill=fill)
    assert ours.completeness_gap <= 0.02 * abs(ours.score - ours.baseline_score) + 1e-4
    assert ours.score == pytest.approx(small_ctc.score([tone], [target])[0, 0], abs=1e-4)


def test_expected_gradients_add_up_in_the_long_run(small_ctc, tone, target):
    (many,) = ExpectedGradients(n_samples=600).maps(small_ctc, tone, [target], fill="silence", seed=0)
    assert many.completeness_gap <= 0.1 * abs(many.score - many.baseline_score)


@pytest.mark.parametrize("name", FINE)
def test_explain_takes_them_as_any_other_method(small_ctc, tone, target, name):
    before = hooks(small_ctc)
    few = Checks(deletion=(0.3,), insertion=(0.3,), n_orders=2, n_held_out=4, second_deletion=(0.3,))
    quarters = [Segment(0.2 * i, 0.2 * i + 0.2) for i in range(4)]
    how = {"target": target, "method": name, "segments": quarters, "seed": 2, "checks": few}
    found = explain(small_ctc, tone, **how)[0]
    assert found.method == name
    assert np.isfinite(found.relevance).all()
    assert len(found.trust.curves) == 3
    assert found.trust.faithfulness_correlation is not None
    assert (found.trust.seed_agreement is not None) == method(name).random
    if name != "integrated-gradients":
        assert found == explain(small_ctc, tone, **how)[0]
    assert hooks(small_ctc) == before
    np.testing.assert_allclose(small_ctc.score([tone], [target])[0, 0], found.score, atol=1e-6)


def test_cells_of_time_and_frequency_add_up_to_the_map(small_ctc, tone, target):
    (fine,) = fine_maps(small_ctc, tone, [target], method="integrated-gradients")
    found = explain(small_ctc, tone, target=target, method="integrated-gradients", segments="cells", checks=False)[0]
    assert found.relevance.sum() == pytest.approx(fine.values.sum(), rel=0.02)
    assert len({round(s.low_hz) for s in found.segments}) == 6


def test_sums_over_segments():
    grid = FrameGrid(1000, 0, 10, 10, 4)
    made = FineMap(np.arange(8.0).reshape(4, 2), grid, np.array([100.0, 300.0]), 1.0, 0.0, "x")
    halves = made.summed([Segment(0, 0.015), Segment(0.015, 0.04)], duration_s=0.04)
    np.testing.assert_allclose(halves, [1 + 2.5, 2.5 + 9 + 13])
    bands = made.summed([Segment(0, 0.04, 0, 200), Segment(0, 0.04, 200, 400)], duration_s=0.04)
    np.testing.assert_allclose(bands, [12, 16])
    plain = FineMap(made.values, grid, None, 1.0, 0.0, "x")
    with pytest.raises(BadInput, match="take segments of time"):
        plain.summed([Segment(0, 0.04, 0, 200)], duration_s=0.04)
    with pytest.raises(BadInput, match="4 frames"):
        FineMap(np.zeros((3, 2)), grid, None, 1.0, 0.0, "x")


def test_who_cannot_be_looked_into(small_ctc, tone, target):
    toy = AdditiveRecognizer((Segment(0, 0.5), Segment(0.5, 1)), {"toy": (4.0, -2.0)})
    with pytest.raises(NotAble, match=r"saliency needs slopes.*take a method that only listens, such as shapley"):
        explain(toy, Recording(np.ones(1000), 1000), method="saliency", segments=toy.segments)
    for name in ("attention-rollout", "entropy-attention"):
        with pytest.raises(NotAble, match="attention"):
            explain(small_ctc, tone, target=target, method=name)
    with pytest.raises(NotAble, match="no map finer than segments"):
        fine_maps(small_ctc, tone, [target], method="shapley")


def test_rollout_multiplies_layers_with_the_residual_stream():
    first, second = np.array([[0.2, 0.8], [0.6, 0.4]]), np.array([[1.0, 0.0], [0.5, 0.5]])
    expected = (second + np.eye(2)) / 2 @ (first + np.eye(2)) / 2
    np.testing.assert_allclose(rollout([first, second]), expected)


def test_a_head_that_looks_everywhere_alike_does_not_count():
    even, sharp = np.full((3, 3), 1 / 3), np.eye(3)
    np.testing.assert_allclose(EntropyAttention().head_mean(np.stack([even, sharp])), sharp, atol=1e-9)
    np.testing.assert_allclose(EntropyAttention().head_mean(np.stack([even, even])), even, atol=1e-9)


def test_attention_of_a_network_that_has_it(target):
    """Rows of a map are shares: they sum to one, and lie where the network's encoder has its frames."""
    from otoscope.recognizers.endtoend import PRESETS, EndToEndRecognizer
    from otoscope.recognizers.endtoend.presets import Options, card_of
    from otoscope.recognizers.endtoend.tokens import characters

    card = card_of(PRESETS["speech-transformer"], Options(n_units=8, n_layers=2, rate_hz=8000), characters())
    recognizer = EndToEndRecognizer(card, seed=1)
    recording = Recording(np.random.default_rng(0).normal(0, 0.1, 6400).astype(np.float32), 8000)
    for name in ("attention-rollout", "entropy-attention"):
        (found,) = fine_maps(recognizer, recording, [target], method=name)
        assert found.values.shape == (found.grid.n_frames, 1)
        assert found.values.sum() == pytest.approx(1, abs=1e-4)
