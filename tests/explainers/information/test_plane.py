"""The information plane of layers whose information is known, and what keeps them."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pytest

from otoscope.core import Activation, BadInput, FrameGrid, Interval, Recording, Site
from otoscope.explainers.information import (
    Recorder,
    activations_at,
    chosen_epochs,
    information_plane,
    labelled_instants,
    reduced,
)

N = 256
INPUTS = np.arange(N)
LABELS = INPUTS % 2


def layer(n_values: int) -> np.ndarray:
    """Rows that keep which of `n_values` places an input has, one unit."""
    return (INPUTS % n_values).astype(float)[:, None]


def plane(**layers: list[int]):
    epochs = len(next(iter(layers.values())))
    return information_plane({e: {k: layer(v[e]) for k, v in layers.items()} for e in range(epochs)}, LABELS)


def test_a_layer_that_forgets_is_seen_to_forget():
    found = plane(keeps=[64, 64, 64], forgets=[2, 64, 4])
    rows = {(row["layer"], row["epoch"]): row for row in found.table}
    for bits, epoch in ((1, 0), (6, 1), (2, 2)):
        assert rows["forgets", epoch]["binned_x"] == pytest.approx(bits)
        assert rows["forgets", epoch]["kde_x_lower"] == pytest.approx(bits)
        assert rows["forgets", epoch]["kde_x_upper"] == pytest.approx(bits)
        assert rows["forgets", epoch]["binned_y"] == pytest.approx(1)
    assert rows["forgets", 2]["binned_x_drop"] == pytest.approx(4)
    assert rows["forgets", 0]["binned_x_drop"] == 0
    assert rows["keeps", 2]["binned_x_drop"] == 0
    assert found.passed
    assert "forgets: by 4.00 bit" in found.summary


def test_ceilings_stand_in_every_row_and_in_the_picture():
    found = plane(a=[4, 8])
    assert {row["ceiling_x"] for row in found.table} == {math.log2(N)}
    assert found.table[0]["ceiling_y"] == pytest.approx(1)
    panel = found.panels[0]
    assert panel.kind == "trajectories"
    assert {limit["axis"]: limit["value"] for limit in panel.data["limits"]} == pytest.approx({"x": 8.0, "y": 1.0})
    assert panel.data["series"][0]["x"] == pytest.approx([2, 3])
    assert panel.data["series"][0]["order"].tolist() == [0, 1]


def test_saturation_is_a_failure_with_its_reason():
    found = plane(a=[N, N], b=[N, N])
    assert all(row["saturated"] for row in found.table)
    assert any("ceiling of 8.00 bit" in failure for failure in found.failures)
    assert any("shuffled labels" in failure for failure in found.failures)
    assert all(panel.warning for panel in found.panels)
    assert not any("ceiling of" in failure for failure in plane(a=[N, N], b=[N, 4]).failures)


def test_shuffled_labels_say_nothing_about_a_coarse_layer():
    row = plane(a=[2]).table[0]
    assert row["binned_y"] == pytest.approx(1)
    assert row["binned_y_shuffled"] < 0.05


def test_snapshots_must_agree():
    with pytest.raises(BadInput, match="epoch 1 has layers b"):
        information_plane({0: {"a": layer(2)}, 1: {"b": layer(2)}}, LABELS)
    with pytest.raises(BadInput, match="at least one epoch"):
        information_plane({}, LABELS)


def test_reduction_keeps_what_varies_on_one_scale():
    rng = np.random.default_rng(0)
    wide = rng.standard_normal((N, 2)) @ rng.standard_normal((2, 30))
    early, late = (held["a"] for held in reduced({1: {"a": wide / 10}, 9: {"a": wide}}, n_dims=2).values())
    assert late.shape == (N, 2)
    assert (late**2).mean() == pytest.approx(1)
    assert early.std(axis=0) == pytest.approx(late.std(axis=0) / 10), "what draws together is seen to"
    distances = np.linalg.norm(wide[:5, None] - wide[:5], axis=2)
    again = np.linalg.norm(late[:5, None] - late[:5], axis=2)
    assert again / distances.max() == pytest.approx(distances / distances.max() * again.max() / distances.max())
    with pytest.raises(BadInput, match="the same for every input"):
        reduced({0: {"a": np.ones((4, 2))}})


@dataclass
class Report:
    epoch: int


def test_a_recorder_looks_at_chosen_epochs_and_keeps_copies():
    state = np.zeros((2, 1))
    recorder = Recorder(lambda: {"a": state}, epochs=(0, 2))
    recorder.begin()
    for epoch in (1, 2, 3):
        state += 1
        recorder.stepped(Report(epoch))
        recorder.finished_epoch(Report(epoch))
    assert {epoch: held["a"][0, 0] for epoch, held in recorder.snapshots.items()} == {0: 0, 2: 2}


def test_chosen_epochs_begin_at_0_and_end_at_the_last():
    chosen = chosen_epochs(8000, n=40)
    assert chosen[0] == 0
    assert chosen[-1] == 8000
    assert 30 < len(chosen) <= 41
    assert list(chosen) == sorted(set(chosen))


class Clock:
    """A recogniser whose sites hold the times of their own frames."""

    name = "clock"
    hops = {"fine": 80, "coarse": 320}  # noqa: RUF012

    def trace(self, recording, *, record=()):
        class Found:
            activations = {}  # noqa: RUF012

        for site in record:
            grid = FrameGrid.over(recording.n_samples, recording.rate_hz, hop=self.hops[site], window=self.hops[site])
            Found.activations[site] = Activation(Site(site), grid.times_s()[:, None] + recording.samples[0], grid)
        if "tokens" in record:
            Found.activations["tokens"] = Activation(Site("tokens"), np.zeros((3, 1)))
        return Found


def test_layers_of_different_rates_meet_by_time():
    recordings = [Recording(np.zeros(8000), 8000), Recording(np.ones(8000), 8000)]
    spans = [[Interval(0.1, 0.3, "a"), Interval(0.3, 0.4, "")], [Interval(0.5, 0.52, "b")]]
    instants = labelled_instants(spans, step_s=0.02)
    assert instants.labels.tolist() == ["a"] * 10 + ["b"]
    assert instants.times_s[-1] == pytest.approx(0.51)
    held = activations_at(Clock(), recordings, instants, ["fine", "coarse"])
    for site, hop_s in (("fine", 0.01), ("coarse", 0.04)):
        off = held[site][:, 0] - instants.recordings - instants.times_s
        assert np.abs(off).max() <= hop_s / 2 + 1e-6


def test_instants_are_drawn_alike_from_alike_seeds():
    spans = [[Interval(0, 50, "a")]]
    one, same, other = (labelled_instants(spans, most=20, seed=seed).times_s for seed in (1, 1, 2))
    assert len(one) == 20
    assert one.tolist() == same.tolist() != other.tolist()


def test_instants_without_labels_are_refused():
    with pytest.raises(BadInput, match="no interval has a label"):
        labelled_instants([[Interval(0, 1, "")]])
    with pytest.raises(BadInput, match="above 0 s"):
        labelled_instants([[Interval(0, 1, "a")]], step_s=0)
    with pytest.raises(BadInput, match="not these"):
        activations_at(Clock(), [], labelled_instants([[Interval(0, 1, "a")]]), ["fine"])
