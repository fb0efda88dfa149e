"""Patching against a network in which it is known what goes where."""

from __future__ import annotations

import numpy as np
import pytest

from otoscope.core import BadInput, FrameGrid, Interval, NotAble, Recording, Target
from otoscope.explainers.mechanisms import attribution_patch, fitted, masked, noisy, patch, patch_nodes, units_at
from otoscope.explainers.mechanisms.pairs import Pair, pair_of
from otoscope.explainers.mechanisms.parts import Part
from otoscope.explainers.mechanisms.patching import patched_scores
from otoscope.testing import AdditiveRecognizer
from otoscope.testing.circuits import circuit_sound, circuit_tones, planted_circuit


class OnlyEdits:
    """A recogniser without `score_at` and `gradient`; counts what is recorded at once."""

    def __init__(self, inner):
        self.inner, self.recorded = inner, []
        self.name, self.provenance = inner.name, inner.provenance
        self.score, self.sites, self.edited = inner.score, inner.sites, inner.edited

    def trace(self, recording, *, record=()):
        self.recorded.append(tuple(record))
        return self.inner.trace(recording, record=record)


def effects(finding, site):
    return {row["start_s"]: row["effect"] for row in finding.table if row["site"] == site}


@pytest.mark.parametrize("direction", ["denoising", "noising"])
def test_the_word_goes_from_the_cue_to_the_relay_to_the_end(recognizer, sounds, contrast, direction):
    cue, relay, end = circuit_tones("p", seed=1)
    spans = [Interval(tone.start_s - 0.02, tone.end_s + 0.02, tone.label) for tone in (cue, relay, end)]
    finding = patch(recognizer, sounds["p"], sounds["k"], target=contrast, stretches=spans, direction=direction)
    assert finding.passed
    where = {"encoder.stream": 0, "encoder.blocks.0": 1, "encoder.blocks.1": 1, "encoder.blocks.2": 2, "logits": 2}
    for site, place in where.items():
        own = effects(finding, site)
        by_span = np.array([own[span.start_s] for span in spans])
        carried = by_span if direction == "denoising" else 1 - by_span
        assert carried[place] > 0.95, site
        assert np.abs(np.delete(carried, place)).max() < 0.05, site
        assert own[None] == pytest.approx(1.0 if direction == "denoising" else 0.0, abs=1e-5)


def test_nodes_of_the_circuit_carry_all_and_others_nothing(planted, recognizer, sounds, contrast):
    finding = patch_nodes(recognizer, sounds["p"], sounds["k"], target=contrast)
    for row in finding.table:
        inside = row["node"] in planted.heads or any(unit.startswith(row["node"] + ".") for unit in planted.units)
        assert row["effect"] == pytest.approx(1.0 if inside else 0.0, abs=0.05), row["node"]


def test_units_of_the_circuit_carry_the_word_between_them(planted, recognizer, sounds, contrast):
    site = min(planted.units).split("[")[0]
    units = units_at(recognizer, sounds["p"], site)
    finding = patch_nodes(recognizer, sounds["p"], sounds["k"], target=contrast, nodes=units)
    own = {row["node"]: row["effect"] for row in finding.table}
    assert sum(own[unit] for unit in planted.units) == pytest.approx(1.0, abs=0.05)
    assert all(0.3 < own[unit] < 0.7 for unit in planted.units)
    assert max(abs(effect) for unit, effect in own.items() if unit not in planted.units) < 0.02


def test_with_and_without_score_at_the_scores_are_the_same(recognizer, sounds, contrast):
    pair = pair_of(recognizer, sounds["p"], sounds["k"], contrast)
    parts = [Part("encoder.blocks.0", rows=slice(20, 50)), Part("encoder.blocks.1.attention.heads", columns=slice(6))]
    quick, slow = (patched_scores(one, pair, parts) for one in (recognizer, OnlyEdits(recognizer)))
    assert np.allclose(quick, slow, atol=1e-4)
    assert abs(quick[0] - pair.score_corrupted) > 1


def test_the_scale_is_that_of_heimersheim_and_nanda(sounds):
    pair = Pair(sounds["p"], sounds["k"], Target.utterance("p"), -1.0, -5.0)
    assert pair.normalized(np.array([-5.0, -3.0, -1.0, 1.0])).tolist() == [0.0, 0.5, 1.0, 1.5]
    assert pair.gap == 4.0


def test_the_default_asks_for_the_text_of_one_rather_than_the_other(recognizer, sounds):
    pair = pair_of(recognizer, sounds["p"], sounds["k"])
    assert (pair.target.kind, pair.target.label, pair.target.rival) == ("utterance", "p", "k")
    assert pair_of(recognizer, sounds["p"], "silence").target.kind == "word"


def test_recordings_of_different_length_are_refused_and_can_be_fitted(recognizer, sounds):
    longer = circuit_sound("k", seed=1, duration_s=1.0)
    with pytest.raises(BadInput, match="must have one length"):
        patch(recognizer, sounds["p"], longer)
    assert fitted(longer, sounds["p"]).n_samples == sounds["p"].n_samples
    assert fitted(sounds["p"], longer).samples[-1000:].any() == False  # noqa: E712


def test_ways_to_corrupt_a_recording(sounds):
    span = circuit_tones("p", seed=1)[0]
    silent = masked(sounds["p"], [span])
    rows = FrameGrid(8000, 0, 1, 1, silent.n_samples).frames_of(span)
    assert not silent.samples[rows][50:-50].any()
    assert np.array_equal(silent.samples[rows.stop :], sounds["p"].samples[rows.stop :])
    assert not np.array_equal(noisy(sounds["p"], snr_db=0).samples, sounds["p"].samples)


def test_the_same_recording_twice_restores_nothing(recognizer, sounds):
    with pytest.raises(BadInput, match="scores the same in both"):
        patch(recognizer, sounds["p"], sounds["p"])


def test_a_small_difference_is_said_not_to_be_believed(recognizer, sounds):
    nearly = Recording(sounds["p"].samples * np.float32(0.99), 8000)
    finding = patch_nodes(recognizer, sounds["p"], nearly, target=recognizer.trace(sounds["p"]).target(0))
    assert "nats above the corrupted one" in finding.failures[0]
    assert finding.panels[0].warning


def test_what_goes_past_the_first_site_is_said(recognizer, sounds, contrast):
    finding = patch(recognizer, sounds["p"], sounds["k"], target=contrast, sites=["encoder.blocks.1.mlp"])
    assert "something goes past it" in finding.failures[0]


def test_a_recogniser_that_is_closed_says_so(sounds):
    from otoscope.core import Segment

    toy = AdditiveRecognizer((Segment(0, 0.4),), {"toy": (1.0,)})
    with pytest.raises(NotAble, match="cannot be changed inside"):
        patch(toy, sounds["p"], sounds["k"])
    with pytest.raises(NotAble, match="cannot give gradients"):
        attribution_patch(OnlyEdits(planted_circuit(0).recognizer), sounds["p"], sounds["k"])


def test_an_unknown_direction_or_site_is_refused(recognizer, sounds):
    with pytest.raises(BadInput, match="a direction of denoising, noising"):
        patch(recognizer, sounds["p"], sounds["k"], direction="sideways")
    with pytest.raises(BadInput, match="nowhere"):
        patch(recognizer, sounds["p"], sounds["k"], sites=["nowhere"])


def test_attribution_is_exact_where_the_score_is_linear(recognizer, sounds, contrast):
    """Behind the logits only the CTC sum follows; for small changes there the first order is all there is."""
    clean = sounds["p"]
    nearly = Recording(clean.samples * np.float32(0.999), 8000)
    finding = attribution_patch(recognizer, clean, nearly, target=contrast, sites=["logits"], stretches=6)
    checked = [row for row in finding.table if row["effect"] is not None]
    assert len(checked) >= 4
    assert np.allclose([r["estimate"] for r in checked], [r["effect"] for r in checked], atol=0.02)


def test_attribution_says_how_far_it_agrees_with_the_true_effects(recognizer, sounds, contrast):
    finding = attribution_patch(recognizer, sounds["p"], sounds["k"], target=contrast, stretches=8)
    known = [(row["estimate"], row["effect"]) for row in finding.table if row["effect"] is not None]
    assert finding.provenance["n_checked"] == len(known) == 24
    assert finding.provenance["pearson"] == pytest.approx(np.corrcoef(np.array(known).T)[0, 1])
    assert finding.provenance["pearson"] > 0.5
    assert finding.passed


def test_no_output_changes_and_no_hook_survives_an_exception(recognizer, sounds, contrast, monkeypatch):
    before = recognizer.score([sounds["p"]], [contrast])
    n_hooks = sum(len(m._forward_hooks) for m in recognizer.network.modules())

    def broken(self, before, first):
        raise KeyboardInterrupt

    monkeypatch.setattr("otoscope.explainers.mechanisms.running.Given.put", broken)
    with pytest.raises(KeyboardInterrupt):
        patch_nodes(OnlyEdits(recognizer), sounds["p"], sounds["k"], target=contrast)
    assert sum(len(m._forward_hooks) for m in recognizer.network.modules()) == n_hooks == 0
    assert np.array_equal(recognizer.score([sounds["p"]], [contrast]), before)
    assert "edited" not in recognizer.provenance.parameters


@pytest.mark.parametrize("duration_s", [12, pytest.param(600, marks=pytest.mark.slow)])
def test_a_long_recording_is_taken_site_by_site(plain, monkeypatch, duration_s):
    """Up to ten minutes: never is more than one of the sites recorded at once, and little else is held."""
    import tracemalloc

    rng = np.random.default_rng(0)
    long = Recording(rng.normal(scale=0.05, size=duration_s * 8000).astype(np.float32), 8000)
    monkeypatch.setattr("otoscope.explainers.mechanisms.running.RECORDED_AT_ONCE", 10_000)
    recognizer = OnlyEdits(plain)
    span = Interval(5.0, 5.2, "b")
    target = Target("word", "b", span, 0, ("b",))
    corrupted = masked(long, [span])
    names = ["features", "conv.0", "conv.1", "encoder.0"]
    spans = [Interval(4.9, 5.3, "here"), Interval(10, 11, "there")]
    plain.trace(circuit_sound("p"))
    tracemalloc.start()
    finding = patch(recognizer, long, corrupted, target=target, sites=names, stretches=spans)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert all(len(names) <= 1 for names in recognizer.recorded)
    whole = 100 * duration_s * 4 * sum(site.n_units for site in plain.sites() if site.name in names)
    assert peak < 2 * whole + 10_000_000
    assert effects(finding, "features")[4.9] == pytest.approx(1.0, abs=0.01)
    assert effects(finding, "features")[10] == pytest.approx(0.0, abs=0.05)
