"""Ablation, causal tracing, value zeroing and logit attribution against a network that is known."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import otoscope
from otoscope.core import BadInput, Interval, NotAble, Recording, Target
from otoscope.explainers.mechanisms import ablate, causal_trace, logit_attribution, residual_nodes, value_zeroing
from otoscope.explainers.mechanisms.ablation import Ablation
from otoscope.explainers.mechanisms.logit_shares import Output, contributions
from otoscope.explainers.mechanisms.running import Given, run
from otoscope.explainers.mechanisms.zeroed_values import changes_at, zeroed
from otoscope.testing.circuits import circuit_tones, planted_circuit

SAMPLES = Path(__file__).parents[2] / "recognizers" / "samples"


def parts_of(planted):
    return planted.heads | {unit.split(".hidden")[0] for unit in planted.units}


@pytest.mark.parametrize("by", ["zero", "mean", "resample"])
def test_only_nodes_of_the_circuit_are_missed(planted, recognizer, sounds, by):
    finding = ablate(recognizer, list(sounds.values()), by=by)
    assert {row["node"] for row in finding.table[:3]} == parts_of(planted)
    assert min(row["loss"] for row in finding.table[:3]) > 3
    assert max(abs(row["loss"]) for row in finding.table[3:]) < 0.2
    losses = [row["loss"] for row in finding.table]
    assert losses == sorted(losses, reverse=True)


def test_what_stands_in_for_a_node_is_what_it_says(recognizer, sounds):
    site, target = "encoder.blocks.1.mlp", Target.utterance("p")
    own = [run(recognizer, sound, target, sites=(site,)).seen[site] for sound in sounds.values()]
    every = np.concatenate(own)
    recordings, asked = list(sounds.values()), [target] * len(sounds)
    mean = Ablation("mean", recordings, asked).stand_in(recognizer, (site,))[site]
    assert np.allclose(mean, every.mean(0)[None], atol=1e-6)
    zero = Ablation("zero", recordings, asked).stand_in(recognizer, (site,))[site]
    assert zero.shape == mean.shape
    assert not zero.any()
    drawn = Ablation("resample", recordings, asked).stand_in(recognizer, (site,))[site]
    assert sorted(map(tuple, drawn.tolist())) == sorted(map(tuple, every.tolist()))


def test_an_error_is_given_from_two_recordings_on(recognizer, sounds):
    nodes = residual_nodes(recognizer, sounds["p"])[:2]
    assert ablate(recognizer, [sounds["p"]], nodes=nodes).table[0]["error"] is None
    assert ablate(recognizer, [sounds["p"], sounds["k"]], nodes=nodes).table[0]["error"] >= 0


def test_ablation_refuses_what_it_cannot_do(recognizer, sounds):
    with pytest.raises(BadInput, match="one of zero, mean, resample"):
        ablate(recognizer, [sounds["p"]], by="hope")
    with pytest.raises(BadInput, match="needs a recording"):
        ablate(recognizer, [])
    with pytest.raises(BadInput, match="2 targets for 1 recordings"):
        ablate(recognizer, [sounds["p"]], targets=[Target.utterance("p")] * 2)


def test_noise_on_the_relay_is_undone_at_the_relay_and_then_at_the_end(recognizer, sounds, contrast):
    cue, relay, end = (Interval(t.start_s - 0.02, t.end_s + 0.02, t.label) for t in circuit_tones("p", seed=1))
    sites = ("encoder.blocks.1", "encoder.blocks.2")
    how = {"at": "encoder.blocks.0", "span": relay, "stretches": (cue, relay, end), "n_draws": 2, "seed": 1}
    finding = causal_trace(recognizer, sounds["p"], target=contrast, sites=sites, **how)
    assert finding.passed
    assert finding.provenance["score_clean"] - finding.provenance["score_noisy"] > 20
    own = {(row["site"], row["start_s"]): row["effect"] for row in finding.table}
    for site, right in zip(sites, (relay, end), strict=True):
        assert own[site, None] == pytest.approx(1.0, abs=1e-4)
        for span in (cue, relay, end):
            assert own[site, span.start_s] == pytest.approx(1.0 if span is right else 0.0, abs=0.02)


def test_noise_that_costs_nothing_is_said(recognizer, sounds):
    cue = circuit_tones("p", seed=1)[0]
    finding = causal_trace(recognizer, sounds["p"], span=cue, sites=["encoder.blocks.0"], stretches=2, n_draws=1)
    assert "little to restore" in finding.failures[0]


def test_causal_tracing_is_the_same_for_the_same_seed_and_leaves_nothing_open(recognizer, sounds):
    how = {"sites": ["encoder.blocks.0"], "stretches": 3, "n_draws": 2, "span": circuit_tones("p", seed=1)[1]}
    first, second = (causal_trace(recognizer, sounds["p"], **how) for _ in range(2))
    assert first.table == second.table
    assert first.table != causal_trace(recognizer, sounds["p"], **how, seed=1).table
    assert "edited" not in recognizer.provenance.parameters


def test_noise_in_no_frame_is_refused(recognizer, sounds):
    with pytest.raises(BadInput, match="no frame of features lies"):
        causal_trace(recognizer, sounds["p"], span=Interval(5.0, 6.0, ""))
    with pytest.raises(BadInput, match="noise above 0"):
        causal_trace(recognizer, sounds["p"], noise=0.0)


def test_each_head_takes_what_it_was_set_to_take(recognizer, sounds):
    cue, relay, end = circuit_tones("p", seed=1)
    spans = [Interval(t.start_s, t.end_s, t.label) for t in (cue, relay, end)]
    finding = value_zeroing(recognizer, sounds["p"], stretches=spans)
    table = {
        site: np.array([row["change"] for row in finding.table if row["site"] == site]).reshape(3, 3)
        for site in (f"encoder.blocks.{k}.attention" for k in range(3))
    }
    loss = {(row["site"], row["source_s"]): row["loss"] for row in finding.table if row["sink_s"] == spans[0].start_s}
    assert np.unravel_index(table["encoder.blocks.0.attention"].argmax(), (3, 3)) == (1, 0)
    assert np.unravel_index(table["encoder.blocks.2.attention"].argmax(), (3, 3)) == (2, 1)
    assert loss["encoder.blocks.0.attention", spans[0].start_s] > 4
    assert loss["encoder.blocks.2.attention", spans[1].start_s] > 4
    assert all(abs(loss["encoder.blocks.1.attention", span.start_s]) < 0.1 for span in spans)


def test_zeroing_a_column_of_weights_is_zeroing_a_value(recognizer, sounds):
    """The value of frames set to zero inside the network, by hand, gives the same output."""
    import torch

    site, frames = "encoder.blocks.0.attention", slice(10, 30)
    target = Target.utterance("p")
    attention = recognizer.network.encoder.blocks[0].attention
    forward = attention.value.forward

    def without(rows):
        values = forward(rows).clone()
        values[:, frames] = 0
        return values

    attention.value.forward = without
    try:
        with torch.no_grad():
            by_hand = run(recognizer, sounds["p"], target, sites=("encoder.blocks.0",)).seen["encoder.blocks.0"]
    finally:
        del attention.value.forward
    with recognizer.edited({site: zeroed(frames)}):
        by_edit = run(recognizer, sounds["p"], target, sites=("encoder.blocks.0",)).seen["encoder.blocks.0"]
    assert np.allclose(by_hand, by_edit, atol=1e-6)
    changes, scores = changes_at(recognizer, sounds["p"], target, site, [frames, slice(60, 70)])
    assert changes.shape == (2, 2)
    assert scores.shape == (2,)


def test_shares_of_a_linear_output_add_up_exactly(planted, recognizer, sounds, contrast):
    finding = logit_attribution(recognizer, sounds["p"], target=contrast)
    assert finding.provenance["output"] == "linear"
    assert finding.provenance["gap"] < 1e-4 * abs(finding.provenance["total"])
    assert sum(row["logit"] for row in finding.table) == pytest.approx(finding.provenance["total"], rel=1e-4)
    first = finding.table[0]
    assert any(unit.startswith(first["node"] + ".") for unit in planted.units)
    assert first["share"] > 0.95
    assert finding.passed


def test_shares_behind_a_normalisation_are_those_of_the_frozen_one(sounds):
    """Against the weights: γ (r - mean) / σ, with σ of the whole stream."""
    import torch

    planted = planted_circuit(1, final_norm=True)
    recognizer, sound = planted.recognizer, sounds["p"]
    target = recognizer.trace(sound).target(0).rather_than("k")
    nodes = residual_nodes(recognizer, sound)
    written = contributions(recognizer, sound, target, nodes, "encoder.blocks.2")
    output = Output(recognizer, sound, target, "encoder.blocks.2")
    assert output.kind == "normalised"
    norm, ctc = recognizer.network.encoder.norm, recognizer.network.ctc
    scale = np.sqrt(output.rows.var(1, keepdims=True) + norm.eps)
    with torch.no_grad():
        weight = (ctc.weight * norm.weight).double().numpy()
    for rows in written.values():
        by_hand = (rows - rows.mean(1, keepdims=True)) / scale @ weight.T
        assert np.allclose(output.of(rows), by_hand, atol=2e-4)
    assert logit_attribution(recognizer, sound, target=target).provenance["gap"] < 1e-3


def test_contributions_add_up_to_the_stream(recognizer, sounds, contrast):
    nodes = residual_nodes(recognizer, sounds["p"])
    written = contributions(recognizer, sounds["p"], contrast, nodes, "encoder.blocks.2")
    stream = run(recognizer, sounds["p"], contrast, sites=("encoder.blocks.2",)).seen["encoder.blocks.2"]
    assert np.allclose(sum(written.values()), stream, atol=1e-5)
    mlp = run(recognizer, sounds["p"], contrast, sites=("encoder.blocks.1.mlp",)).seen["encoder.blocks.1.mlp"]
    assert np.allclose(written["encoder.blocks.1.mlp"], mlp, atol=1e-5)


def test_values_given_to_some_columns_leave_the_others(recognizer, sounds, contrast):
    site = "encoder.blocks.1"
    own = run(recognizer, sounds["p"], contrast, sites=(site,)).seen[site]
    columns = np.zeros(own.shape[1], dtype=bool)
    columns[3] = True
    put = Given(np.full_like(own, 7.0), columns).put(own[5:9], 5)
    assert (put[:, 3] == 7).all()
    assert np.array_equal(np.delete(put, 3, 1), np.delete(own[5:9], 3, 1))


def test_networks_without_attention_say_so(plain, sounds):
    with pytest.raises(NotAble, match="no attention"):
        value_zeroing(plain, sounds["p"])


def test_the_logits_of_whisper_are_split_to_the_last_digit(monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    recognizer = otoscope.load(SAMPLES / "whisper-digits")
    rng = np.random.default_rng(0)
    sound = Recording((0.05 * rng.standard_normal(8000)).astype(np.float32), 16000)
    target = Target.utterance("six").rather_than("nine")
    nodes = [node for node in residual_nodes(recognizer, sound) if node.site.startswith("decoder")]
    finding = logit_attribution(recognizer, sound, target=target, nodes=nodes)
    assert finding.provenance["output"] == "normalised"
    assert sum(row["logit"] for row in finding.table) == pytest.approx(finding.provenance["total"], abs=1e-4)
    assert abs(finding.provenance["total"]) > 0.1
