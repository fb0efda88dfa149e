"""DeepLIFT and LRP of our own recognisers: they add up, are registered, and refuse what they cannot go through."""

from __future__ import annotations

import numpy as np
import pytest

from otoscope.core import Interval, NotAble, Recording, Segment, Target
from otoscope.explainers import Checks, explain
from otoscope.explainers.gradients import fine_maps
from otoscope.explainers.gradients.propagated import LayerwiseRelevance
from otoscope.testing import basic_model_2

pytest.importorskip("torch")

METHODS = ("deeplift", "lrp")


def endtoend(preset):
    from otoscope.recognizers.endtoend import PRESETS, EndToEndRecognizer
    from otoscope.recognizers.endtoend.presets import Options, card_of
    from otoscope.recognizers.endtoend.tokens import characters

    card = card_of(PRESETS[preset], Options(n_units=8, n_layers=2, rate_hz=8000), characters())
    return EndToEndRecognizer(card, seed=1)


@pytest.fixture(scope="module")
def convolutions():
    return endtoend("wav2letter")


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("fill", ["silence", "mean"])
def test_convolutions_add_up(convolutions, tone, target, method, fill):
    (found,) = fine_maps(convolutions, tone, [target], method=method, fill=fill)
    assert found.completeness_gap <= 0.01 * abs(found.score - found.baseline_score) + 1e-4
    assert found.score == pytest.approx(convolutions.score([tone], [target])[0, 0], abs=1e-4)
    assert np.abs(found.values).max() > 1e-5
    assert not any(m._forward_hooks for m in convolutions.network.modules())


def test_rules_differ_and_epsilon_takes_its_part(convolutions, tone, target):
    def of(**how):
        return LayerwiseRelevance(**how).maps(convolutions, tone, [target], fill="silence", seed=0)[0]

    deeplift = fine_maps(convolutions, tone, [target], method="deeplift")[0].values
    np.testing.assert_allclose(of(rule="epsilon").values, deeplift, atol=1e-7)
    for rule in ("gamma", "z-plus"):
        assert np.abs(of(rule=rule).values - deeplift).max() > 1e-5
    assert of(rule="epsilon", epsilon=1.0).completeness_gap > 10 * of().completeness_gap


@pytest.mark.slow
@pytest.mark.parametrize("method", METHODS)
def test_the_network_of_otoscope_en_adds_up(method):
    from otoscope.recognizers import load

    samples = np.random.default_rng(0).normal(0, 0.1, 12000) * np.hanning(12000)
    recording, engine = Recording(samples.astype(np.float32), 16000), load("otoscope-en")
    targets = [Target("word", word, Interval(0.2, 0.5, word), 0, (word,)) for word in ("two", "kick")]
    for found in fine_maps(engine, recording, targets, method=method):
        assert found.completeness_gap <= 0.02 * abs(found.score - found.baseline_score) + 0.02


@pytest.mark.parametrize("method", METHODS)
def test_explain_takes_them(convolutions, tone, target, method):
    few = Checks(deletion=(0.3,), insertion=(0.3,), n_orders=2, n_held_out=4, second_deletion=(0.3,))
    quarters = [Segment(0.2 * i, 0.2 * i + 0.2) for i in range(4)]
    found = explain(convolutions, tone, target=target, method=method, segments=quarters, checks=few)[0]
    assert found.method == method
    assert found.completeness_gap < 0.05 * abs(found.score - found.baseline_score) + 1e-3


@pytest.mark.parametrize(
    ("preset", "why"),
    [("deepspeech2", "recurrent"), ("speech-transformer", "attention"), ("conformer", "attention|gat")],
)
def test_networks_without_rules_are_refused(preset, why, tone, target):
    with pytest.raises(NotAble, match=f"deeplift cannot go through {preset}: .*({why})"):
        fine_maps(endtoend(preset), tone, [target], method="deeplift")


def test_a_recurrent_network_and_a_toy_are_refused(small_ctc, tone, target):
    with pytest.raises(NotAble, match="recurrent"):
        fine_maps(small_ctc, tone, [target], method="lrp")
    toy = basic_model_2()
    with pytest.raises(NotAble, match="not open layer by layer"):
        explain(toy, toy.recording_of((3, 1), rate_hz=100), segments=toy.segments, method="lrp", checks=False)
