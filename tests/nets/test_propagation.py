"""Rules of DeepLIFT and LRP: captum on networks it sees right, completeness, golden values, and what is refused."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from otoscope.core import BadInput, NotAble  # noqa: E402
from otoscope.nets.propagation import multipliers  # noqa: E402
from otoscope.nets.shares import Shares  # noqa: E402


class Modules(torch.nn.Module):
    """A convolution and layers whose activations are modules, so that captum's hooks see them."""

    def __init__(self):
        super().__init__()
        self.conv, self.relu = torch.nn.Conv2d(1, 4, 3, padding=1), torch.nn.ReLU()
        self.line, self.sigmoid, self.out = torch.nn.Linear(120, 16), torch.nn.Sigmoid(), torch.nn.Linear(16, 3)

    def forward(self, x):
        return self.out(self.sigmoid(self.line(self.relu(self.conv(x.unsqueeze(1))).flatten(1))))


def of(network, x, reference, shares, unit=1):
    above = torch.zeros_like(network(x))
    above[:, unit] = 1
    found = multipliers(network, x, reference, above, shares=shares)
    return found * (x if shares.from_zero else x - reference)


@pytest.fixture
def pair():
    torch.manual_seed(0)
    return torch.randn(2, 5, 6, dtype=torch.float64), torch.randn(2, 5, 6, dtype=torch.float64)


def test_rescale_is_captums(pair):
    attr = pytest.importorskip("captum.attr")
    network = Modules().double()
    theirs = attr.DeepLift(network).attribute(*pair, target=1)
    torch.testing.assert_close(of(network, *pair, Shares()), theirs.detach(), atol=1e-10, rtol=0)


@pytest.mark.parametrize(
    ("rule", "theirs"), [("epsilon", "EpsilonRule"), ("gamma", "GammaRule"), ("z-plus", "Alpha1_Beta0_Rule")]
)
def test_lrp_from_zero_is_captums(rule, theirs):
    attr = pytest.importorskip("captum.attr")
    from captum.attr._utils import lrp_rules

    torch.manual_seed(1)
    lines = [torch.nn.Linear(6, 16, bias=False), torch.nn.Linear(16, 8, bias=False), torch.nn.Linear(8, 3, bias=False)]
    network = torch.nn.Sequential(lines[0], torch.nn.ReLU(), lines[1], torch.nn.ReLU(), lines[2]).double()
    x = torch.rand(4, 6, dtype=torch.float64)
    lines[2].weight.data.abs_()
    unit = 1
    ours = of(network, x, x, Shares(rule, from_zero=True), unit)
    for line in lines:
        line.rule = getattr(lrp_rules, theirs)()
    torch.testing.assert_close(ours, attr.LRP(network).attribute(x, target=unit).detach(), atol=1e-7, rtol=0)


class Functions(torch.nn.Module):
    """Activations as functions, layer norm, cuts, sums: what our networks are made of, and captum does not see."""

    def __init__(self):
        super().__init__()
        self.one, self.two, self.norm = torch.nn.Linear(6, 12), torch.nn.Linear(24, 6), torch.nn.LayerNorm(6)

    def forward(self, x):
        own = torch.relu(self.one(self.norm(x)))
        seen = torch.cat([torch.nn.functional.pad(own, (0, 0, 1, 0))[:, :-1], torch.nn.functional.gelu(own)], -1)
        return (x + torch.tanh(self.two(seen)).clamp(-0.9, 0.9)).sum(1) / 2


@pytest.mark.parametrize("rule", ["epsilon", "gamma", "z-plus"])
def test_shares_add_up_to_the_change(pair, rule):
    network = Functions().double()
    found = of(network, *pair, Shares(rule))
    change = (network(pair[0]) - network(pair[1]))[:, 1].detach()
    torch.testing.assert_close(found.sum((1, 2)), change, atol=1e-10, rtol=0)
    if rule != "epsilon":
        assert not torch.allclose(found, of(network, *pair, Shares()))
    lossy = of(network, *pair, Shares(epsilon=0.25))
    assert (lossy.sum((1, 2)) - change).abs().max() > 1e-3


def test_golden_values_of_two_implementations_of_one_function():
    """Sundararajan et al. 2017, figure 3: DeepLIFT depends on the implementation: (1.5, -0.5) and (2, -1)."""
    x, none = torch.tensor([[3.0, 1.0]]), torch.zeros(1, 2)
    relu = torch.relu
    for function, known in (
        (lambda v: relu(relu(v[:, :1]) - 1 - relu(v[:, 1:])), (1.5, -0.5)),
        (lambda v: relu(relu(v[:, :1] - 1) - relu(v[:, 1:])), (2.0, -1.0)),
    ):
        found = multipliers(function, x, none, torch.ones(1, 1), shares=Shares())
        torch.testing.assert_close(found * x, torch.tensor([known]))


def test_a_layer_norm_alone_adds_up_where_the_two_have_one_variance():
    norm = torch.nn.LayerNorm(3)
    x, other = torch.tensor([[1.0, 2.0, 4.0]]), torch.tensor([[4.0, 1.0, 2.0]])
    found = multipliers(norm, x, other, torch.eye(3)[:1], shares=Shares()) * (x - other)
    torch.testing.assert_close(found.sum(), (norm(x) - norm(other))[0, 0].detach())


@pytest.mark.parametrize(
    ("function", "why"),
    [
        (lambda x: x * x, "a gate"),
        (lambda x: x @ x.transpose(1, 2), "attention"),
        (lambda x: torch.softmax(x, -1), "softmax"),
        (lambda x: torch.nn.functional.glu(x), "gated linear unit"),
        (lambda x: torch.nn.functional.scaled_dot_product_attention(x, x, x), "attention"),
        (lambda x: 1 / x, "rdiv|truediv|reciprocal"),
        (lambda x: torch.nn.LSTM(6, 4).double()(x)[0], "recurrent"),
        (lambda x: torch.nn.functional.dropout(x, 0.5), "dropout"),
        (lambda x: torch.cumprod(x, 1), "cumprod"),
        (lambda x: torch.max(x, 1).values, "max"),
    ],
)
def test_what_has_no_rule_is_refused(pair, function, why):
    with pytest.raises(NotAble, match=f"no rule shares out .*({why}).*take integrated-gradients"):
        multipliers(function, *pair, torch.ones(1), shares=Shares())


def test_wrong_rules():
    with pytest.raises(BadInput, match="epsilon, gamma or z-plus, not 'alpha'"):
        Shares("alpha")
    with pytest.raises(BadInput, match="0 or more"):
        Shares(gamma=-1)
