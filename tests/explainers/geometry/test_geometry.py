"""Shapes of layers whose shape is known, and gradients along and across them."""

from __future__ import annotations

import numpy as np
import pytest

from otoscope.core import Activation, BadInput, FrameGrid, Interval, NotAble, Provenance, Recording, Site, Target
from otoscope.explainers.geometry import geometry, isomap, manifold_panel, principal, tangent_sensitivity
from otoscope.explainers.geometry.modifications import MODIFICATIONS

HOP, RATE = 80, 8000
N_UNITS = 6
PLANE = np.linalg.qr(np.random.default_rng(4).standard_normal((N_UNITS, N_UNITS)))[0]
"""Rows 0 and 1 span what sounds do; the others what none does."""


class Planar:
    """Hears each frame as a place in a plane of six dimensions: its level and its brightness, bent through a third."""

    name = "planar"
    provenance = Provenance("planar", "1")

    def __init__(self, slope: np.ndarray) -> None:
        self.slope = slope

    def sites(self):
        return (Site("features"), Site("noise.0"))

    def edited(self, edits):
        raise AssertionError("geometry changes nothing")

    def trace(self, recording, *, record=()):
        grid = FrameGrid.over(recording.n_samples, RATE, hop=HOP, window=HOP)
        frames = recording.samples[: grid.n_frames * HOP].reshape(-1, HOP).astype(float)
        level, bright = frames.mean(1), frames[:, : HOP // 2].mean(1) - frames[:, HOP // 2 :].mean(1)
        places = np.stack([level, bright], 1) @ PLANE[:2]
        noise = np.random.default_rng(0).standard_normal((len(frames), N_UNITS)) + 0 * level[:, None]
        found = {"features": places, "noise.0": noise}

        class Found:
            activations = {name: Activation(Site(name), found[name], grid) for name in record}  # noqa: RUF012

        return Found

    def gradient(self, recording, target, *, at="features"):
        rows = len(self.trace(recording, record=[at]).activations[at].values)
        return np.tile(self.slope, (rows, 1))

    def score(self, recordings, targets, *, progress=None):
        return np.zeros((len(recordings), len(targets)))


def sound(seed: int, n_frames: int = 120) -> Recording:
    rng = np.random.default_rng(seed)
    halves = rng.uniform(-0.5, 0.5, size=(n_frames, 2))
    return Recording(np.repeat(halves.ravel(), HOP // 2), RATE)


TARGET = Target("word", "word", Interval(0, 1, "word"))


def cloud() -> np.ndarray:
    return Planar(PLANE[0]).trace(sound(1, 600), record=["features"]).activations["features"].values


@pytest.mark.parametrize(("slope", "share"), [(PLANE[0], 1.0), (PLANE[3], 0.0), (PLANE[0] + PLANE[3], 0.5)])
def test_gradients_along_and_across_the_sounds(slope, share):
    found = tangent_sensitivity(Planar(slope), sound(2), TARGET, cloud=cloud())
    assert [row["tangent_share"] for row in found.table] == pytest.approx([share] * 120, abs=1e-6)
    assert [row["step_share"] for row in found.table] == pytest.approx([1.0] * 120, abs=1e-6)
    assert found.provenance["n_dims"] == 2
    bars = found.panels[0].data
    assert bars["values"][0] == pytest.approx(share, abs=1e-6)
    assert bars["chance"] == pytest.approx(2 / N_UNITS)


def test_the_same_gradient_everywhere_fails_the_control():
    found = tangent_sensitivity(Planar(PLANE[0]), sound(2), TARGET, cloud=cloud())
    assert found.failures == ("gradients of other frames lie in the tangent spaces as much: the place does not matter",)


def test_a_cloud_of_something_else_fails():
    other = np.random.default_rng(0).standard_normal((500, 2)) @ PLANE[4:6] + 3
    found = tangent_sensitivity(Planar(PLANE[0]), sound(2), TARGET, cloud=other)
    assert "0% of the steps" in found.failures[0]
    assert found.panels[0].warning


def test_slopes_along_changes_of_the_voice():
    """Louder moves a place away from the origin: all of it seen from slopes along, nothing from slopes across."""
    along, across = (
        tangent_sensitivity(Planar(slope), sound(2), TARGET, cloud=cloud()).panels[1].data
        for slope in (PLANE[0], PLANE[3])
    )
    assert along["labels"] == list(MODIFICATIONS)
    assert np.max(np.abs(across["values"])) < 1e-6
    assert along["values"][0] > 0.1


def test_changes_are_small_and_keep_the_length():
    before = sound(3)
    for change in MODIFICATIONS.values():
        after = change.apply(before)
        assert after.n_samples == pytest.approx(before.n_samples / change.speed, abs=1)
        assert after.samples.tolist() != before.samples.tolist()
        assert np.linalg.norm(after.samples) == pytest.approx(np.linalg.norm(before.samples), rel=0.07)
    power = [np.linalg.norm(each.samples) for each in (before, MODIFICATIONS["brightness"].apply(before))]
    assert power[0] == pytest.approx(power[1], rel=1e-6), "brighter, not fainter"


def test_tangents_need_gradients_and_a_cloud():
    class Deaf:
        name = "deaf"

    with pytest.raises(NotAble, match="no gradients"):
        tangent_sensitivity(Deaf(), sound(2), TARGET, cloud=cloud())
    with pytest.raises(BadInput, match="more than 30"):
        tangent_sensitivity(Planar(PLANE[0]), sound(2), TARGET, cloud=cloud()[:20])
    with pytest.raises(BadInput, match="for 6 units"):
        tangent_sensitivity(Planar(PLANE[0]), sound(2), TARGET, cloud=cloud()[:, :3])


def spans(recording: Recording) -> list[Interval]:
    half = recording.duration_s / 2
    return [Interval(0, half, "first"), Interval(half, recording.duration_s, "second")]


def test_layers_have_the_dimension_they_are_made_with():
    recordings = [sound(seed, 300) for seed in (5, 6)]
    found = geometry(Planar(PLANE[0]), recordings, [spans(r) for r in recordings])
    rows = {row["site"]: row for row in found.table}
    assert rows["features"]["two_nn"] == pytest.approx(2, abs=0.4)
    assert rows["features"]["participation_ratio"] <= 2.001
    assert rows["features"]["two_nn_shuffled"] > 4
    assert rows["noise.0"]["two_nn"] > 0.8 * rows["noise.0"]["two_nn_shuffled"]
    assert found.passed
    scatter = next(panel for panel in found.panels if panel.kind == "scatter")
    assert set(scatter.data["groups"]) == {"first", "second"}


def test_layers_without_a_shape_fail():
    recordings = [sound(5, 300)]
    found = geometry(Planar(PLANE[0]), recordings, [spans(recordings[0])], sites=["noise.0"])
    assert "no shape was found" in found.failures[0]
    assert found.panels[0].warning


def test_geometry_needs_sites_and_instants():
    class Closed:
        name = "closed"

    with pytest.raises(NotAble, match="closed"):
        geometry(Closed(), [sound(1)], [spans(sound(1))])
    with pytest.raises(BadInput, match="at least 50"):
        geometry(Planar(PLANE[0]), [sound(1, 20)], [spans(sound(1, 20))])


def roll(n: int = 700) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(1)
    turn = 1.5 * np.pi * (1 + 2 * rng.random(n))
    return np.stack([turn * np.cos(turn), 10 * rng.random(n), turn * np.sin(turn)], axis=1), turn


def test_isomap_unrolls_the_swiss_roll_as_sklearn_does():
    from sklearn.manifold import Isomap

    points, turn = roll()
    places, kept, residual = isomap(points, n_neighbors=10)
    assert len(kept) == len(points)
    assert residual < 0.01
    along = np.abs(np.corrcoef(places[:, 0], turn)[0, 1])
    assert along > 0.97
    theirs = Isomap(n_neighbors=10, n_components=2).fit_transform(points)
    assert np.abs(places) == pytest.approx(np.abs(theirs), abs=1e-3)
    flat, share = principal(points)
    assert np.abs(np.corrcoef(flat[:, 0], turn)[0, 1]) < 0.8
    assert 0.5 < share < 1


def test_isomap_keeps_the_largest_part_and_says_so():
    rng = np.random.default_rng(0)
    points = np.vstack([rng.random((60, 3)), rng.random((30, 3)) + 100])
    places, kept, _ = isomap(points, n_neighbors=5)
    assert kept.tolist() == list(range(60))
    assert places.shape == (60, 2)
    panel = manifold_panel(points, ["a"] * 60 + ["b"] * 30, method="isomap")
    assert "30 of them left out" in panel.caption
    assert set(panel.data["groups"]) == {"a"}


def test_pictures_are_refused_where_there_is_nothing_to_draw():
    points = np.random.default_rng(0).random((9, 3))
    with pytest.raises(BadInput, match="pca, isomap"):
        manifold_panel(points, ["a"] * 9, method="umap")
    with pytest.raises(BadInput, match="8 groups for 9"):
        manifold_panel(points, ["a"] * 8)
    with pytest.raises(BadInput, match="take 1 to 8"):
        isomap(points, n_neighbors=9)
