"""Open edits: named while they last, gone after an error too, shared by all that share the network."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from otoscope.core import BadInput, NotAble
from otoscope.nets.open_edits import OpenEdits
from otoscope.nets.taps import Place, tap_at


class Doubling(nn.Module):
    """Doubles frames between two taps."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = Place(), Place()

    def tap(self, site: str) -> nn.Module:
        return tap_at(self, site)

    def forward(self, frames: torch.Tensor) -> torch.Tensor:
        lengths = torch.full((len(frames),), frames.shape[1])
        return self.second(2 * self.first(frames, lengths), lengths)


def heard(network: Doubling) -> float:
    return float(network(torch.ones(1, 1, 1)))


def test_edits_are_applied_and_named_while_they_last() -> None:
    network = Doubling()
    edits = OpenEdits(network)
    assert (heard(network), edits.names, edits.parameters()) == (2.0, (), {})
    with edits.opened({"first": lambda x: x + 1, "second": lambda x: -x}):
        assert heard(network) == -4.0
        first, second = edits.parameters()["edited"]
        assert first.startswith("first (edit ")
        assert second == first.replace("first", "second")
        with pytest.raises(NotAble, match=r"through edits at first \(edit .*leave the `edited` block first"):
            edits.refuse_gradient()
    assert (heard(network), edits.names, edits.parameters()) == (2.0, (), {})
    edits.refuse_gradient()


def test_each_opening_has_its_own_number() -> None:
    edits = OpenEdits(Doubling())
    with edits.opened({"first": np.negative}):
        (outer,) = edits.names
        with edits.opened({"first": np.negative}):
            assert edits.names[0] == outer
            assert edits.names[1] != outer
        assert edits.names == (outer,)


def test_they_leave_after_an_error() -> None:
    network = Doubling()
    edits = OpenEdits(network)
    with pytest.raises(ZeroDivisionError), edits.opened({"first": np.zeros_like}):
        raise ZeroDivisionError
    assert (heard(network), edits.names) == (2.0, ())
    with pytest.raises(BadInput, match="no site 'third'"), edits.opened({"first": np.zeros_like, "third": np.negative}):
        pass
    assert (heard(network), edits.names) == (2.0, ())


def test_whoever_shares_the_network_shares_its_edits() -> None:
    network = Doubling()
    with OpenEdits(network).opened({"first": np.zeros_like}):
        assert len(OpenEdits(network).names) == 1
        assert OpenEdits(Doubling()).names == ()
    assert OpenEdits(network).names == ()


def test_contexts_may_end_in_any_order() -> None:
    edits = OpenEdits(Doubling())
    first, second = edits.opened({"first": np.negative}), edits.opened({"second": np.negative})
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    assert [name.partition(" ")[0] for name in edits.names] == ["second"]
    second.__exit__(None, None, None)
    assert edits.names == ()
