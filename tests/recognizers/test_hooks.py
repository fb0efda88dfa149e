"""Hooks in every family: looking changes no bit, and nothing is left behind, not even by an exception."""

from __future__ import annotations

import gc

import numpy as np
import pytest
import torch

from .tiny_families import FAMILIES


class Broken(Exception):
    """What breaks off a pass in these tests."""


def hooks():
    """Count the hooks of all modules alive."""
    modules = [m for m in gc.get_objects() if issubclass(type(m), torch.nn.Module)]
    return sum(len(m._forward_hooks) + len(m._forward_pre_hooks) + len(m._backward_hooks) for m in modules)


def same(one, other):
    """Whether two Traces say the same, emissions to the last bit."""
    assert one.hypotheses == other.hypotheses
    assert one.has("alignment") == other.has("alignment")
    if one.has("alignment"):
        assert one.alignment == other.alignment
    if one.has("emissions"):
        assert one.emissions == other.emissions


def breaking(values):
    raise Broken


@pytest.mark.parametrize("family", FAMILIES)
def test_looking_at_every_site_changes_no_bit(tiny_family, family):
    recognizer, recording, targets = tiny_family(family)
    before, own = hooks(), ["emissions"] if family != "whisper" else []
    plain, scores = recognizer.trace(recording, record=own), recognizer.score([recording], targets)
    names = [site.name for site in recognizer.sites()]
    looked = recognizer.trace(recording, record=[*own, *names])
    same(plain, looked)
    assert set(looked.activations) >= set(names) - {"features"}
    assert hooks() == before
    np.testing.assert_array_equal(recognizer.score([recording], targets), scores)
    same(plain, recognizer.trace(recording, record=own))


@pytest.mark.parametrize("family", FAMILIES)
def test_no_hook_survives_an_exception(tiny_family, family):
    recognizer, recording, targets = tiny_family(family)
    before, names = hooks(), [site.name for site in recognizer.sites()]
    plain, scores = recognizer.trace(recording), recognizer.score([recording], targets)
    for name in (names[0], names[-1]):
        with pytest.raises(Broken), recognizer.edited({name: breaking}):
            recognizer.trace(recording, record=names)
        with pytest.raises(Broken), recognizer.edited({name: breaking}):
            recognizer.score([recording], targets)
        assert hooks() == before
    same(plain, recognizer.trace(recording))
    np.testing.assert_array_equal(recognizer.score([recording], targets), scores)
