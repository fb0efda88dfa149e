"""The same answers as captum: golden values on its toy models, and its own estimators on the same masks."""

import numpy as np
import pytest

captum_attr = pytest.importorskip("captum.attr")
torch = pytest.importorskip("torch")

from captum.testing.helpers.basic_models import BasicModel2, BasicModel3  # noqa: E402

from otoscope.explainers import method  # noqa: E402
from otoscope.explainers.lime import Lime  # noqa: E402
from otoscope.explainers.plan import all_masks  # noqa: E402
from otoscope.metrics.faithfulness import infidelity  # noqa: E402


def game_of(model, x):
    """The score of a mask: the model on the input with what is not kept set to 0."""

    def game(masks):
        inputs = torch.tensor(masks * np.asarray(x, dtype=np.float64), dtype=torch.float64)
        with torch.no_grad():
            return np.array([[float(model(*[row[j : j + 1] for j in range(len(x))]).sum())] for row in inputs])

    return game


@pytest.mark.parametrize("model", [BasicModel2(), BasicModel3()])
def test_occlusion_of_captums_toy_models(model):
    """B1: leaving one out at (3, 1) gives (1, -1) on model 3, and captum's feature ablation gives the same."""
    leave_one_out = method("leave-one-out")
    masks = leave_one_out.plan(2, n_masks=4, seed=0)
    relevance = leave_one_out.estimate(masks, game_of(model, (3.0, 1.0))(masks)).relevance[:, 0]
    inputs = (torch.tensor([3.0]), torch.tensor([1.0]))
    theirs = [float(a) for a in captum_attr.FeatureAblation(model).attribute(inputs)]
    np.testing.assert_allclose(relevance, theirs, atol=1e-6)
    np.testing.assert_allclose(relevance, (1.0, -1.0), atol=1e-6)


@pytest.mark.parametrize("name", ["shapley", "kernel-shap"])
@pytest.mark.parametrize("model", [BasicModel2(), BasicModel3()])
def test_shapley_of_captums_toy_models(name, model):
    """Both are the same function of non-negative inputs, so both must give captum's exact Shapley value."""
    masks = all_masks(2)
    relevance = method(name).estimate(masks, game_of(model, (3.0, 1.0))(masks)).relevance[:, 0]
    inputs = (torch.tensor([3.0]), torch.tensor([1.0]))
    theirs = [float(a) for a in captum_attr.ShapleyValues(model).attribute(inputs)]
    np.testing.assert_allclose(relevance, theirs, atol=1e-6)
    np.testing.assert_allclose(relevance, (1.5, -0.5), atol=1e-6)


def test_infidelity_of_exact_attributions_is_nought():
    """B3: BasicModel2 is linear around (3, 1) with slopes (1, -1)."""
    perturbations = np.random.default_rng(0).uniform(-0.2, 0.2, size=(50, 2))
    model, point = BasicModel2(), np.array([3.0, 1.0])

    def f(x):
        return float(model(torch.tensor(x[:1]), torch.tensor(x[1:])).sum())

    drops = np.array([f(point) - f(point - i) for i in perturbations])
    assert infidelity([1.0, -1.0], perturbations, drops) == pytest.approx(0.0, abs=1e-12)
    assert infidelity([1.0, 1.0], perturbations, drops) > 1e-3


def small_net():
    torch.manual_seed(0)
    net = torch.nn.Sequential(torch.nn.Linear(6, 8), torch.nn.Tanh(), torch.nn.Linear(8, 2)).double()
    x = torch.randn(1, 6, dtype=torch.float64)

    def game(masks):
        with torch.no_grad():
            return net(torch.tensor(masks, dtype=torch.float64) * x).numpy()

    return net, x, game


@pytest.mark.parametrize("name", ["shapley", "kernel-shap"])
def test_shapley_of_a_net_equals_captums_exact_values(name):
    net, x, game = small_net()
    masks = all_masks(6)
    relevance = method(name).estimate(masks, game(masks)).relevance
    for target in range(2):
        theirs = captum_attr.ShapleyValues(net).attribute(x, target=target).numpy()[0]
        np.testing.assert_allclose(relevance[:, target], theirs, atol=1e-5)


def test_lime_equals_captums_on_the_same_masks():
    """captum's LimeBase with our masks, our kernel and ridge regression must find our slopes."""
    from captum._utils.models.linear_model import SkLearnRidge

    net, x, game = small_net()
    lime = Lime(ridge=0.3)
    masks = lime.plan(6, n_masks=60, seed=0)
    ours = lime.estimate(masks, game(masks)).relevance[:, 1]
    rows = iter(torch.tensor(masks, dtype=torch.float64))
    peer = captum_attr.LimeBase(
        net,
        interpretable_model=SkLearnRidge(alpha=0.3),
        similarity_func=lambda original, perturbed, mask, **_: float(lime.weights(mask.numpy())[0]),
        perturb_func=lambda original, **_: next(rows)[None],
        perturb_interpretable_space=True,
        from_interp_rep_transform=lambda mask, original, **_: mask * original,
        to_interp_rep_transform=None,
    )
    theirs = peer.attribute(x, target=1, n_samples=len(masks)).numpy()[0]
    np.testing.assert_allclose(ours, theirs, atol=1e-5)


def test_sampled_shapley_and_captums_sampling_meet():
    """Two estimators of one number: with many orders both lie within a few standard errors of the exact value."""
    net, x, game = small_net()
    exact = method("shapley").estimate(all_masks(6), game(all_masks(6))).relevance[:, 0]
    torch.manual_seed(1)
    theirs = captum_attr.ShapleyValueSampling(net).attribute(x, target=0, n_samples=400).numpy()[0]
    np.testing.assert_allclose(exact, theirs, atol=0.02)
