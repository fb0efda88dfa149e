"""Ways through a plane and clouds of points are drawn where their numbers say."""

from __future__ import annotations

import numpy as np
import pytest

from otoscope.core import Panel
from otoscope.views.figures import figure, save_figure

WAYS = Panel(
    "trajectories",
    "plane",
    {
        "series": [
            {
                "label": "hidden.1",
                "x": np.array([1.0, 3.0, 2.0]),
                "y": np.array([0.1, 0.5, 0.9]),
                "order": np.arange(3),
            },
            {"label": "output", "x": np.array([0.5, 1.0, 1.5]), "y": np.array([0.1, 0.2, 0.3]), "order": np.arange(3)},
        ],
        "limits": [{"axis": "x", "value": 12.0, "label": "log2 N"}, {"axis": "y", "value": 1.0, "label": "H(Y)"}],
        "x_label": "I(X; T)",
        "y_label": "I(T; Y)",
        "order_label": "epoch",
    },
)


def cloud(names: list[str], **more: object) -> Panel:
    places = np.random.default_rng(0).random((len(names), 2))
    return Panel("scatter", "cloud", {"x": places[:, 0], "y": places[:, 1], "groups": names, **more})


def drawn(panel: Panel):
    fig = figure(panel)
    fig.canvas.draw()
    return next(ax for ax in fig.findobj() if hasattr(ax, "collections") and ax.get_title(loc="left"))


def test_ways_are_joined_points_with_their_name_at_the_end():
    ax = drawn(WAYS)
    assert ax.lines[0].get_xdata().tolist() == [1, 3, 2]
    assert ax.collections[0].get_offsets().tolist() == [[1, 0.1], [3, 0.5], [2, 0.9]]
    labels = {text.get_text(): text for text in ax.texts}
    assert labels["hidden.1"].xy == (2.0, 0.9)
    colours = ax.collections[0].get_facecolors()
    assert colours[0].tolist() != colours[2].tolist(), "early and late differ"
    assert colours.tolist() == ax.collections[1].get_facecolors().tolist(), "one scale for all layers"


def test_limits_are_drawn_and_named():
    ax = drawn(WAYS)
    assert {"log2 N", "H(Y)"} <= {text.get_text() for text in ax.texts}
    dashed = [line for line in ax.lines if line.get_linestyle() == "--"]
    assert dashed[0].get_xdata() == [12, 12]
    assert dashed[1].get_ydata() == [1, 1]
    assert ax.get_xlim()[1] >= 12


@pytest.mark.parametrize("kind", ["trajectories", "scatter"])
def test_what_failed_is_grey(kind):
    source = WAYS if kind == "trajectories" else cloud(["a", "b"])
    ax = drawn(Panel(kind, source.title, source.data, warning="saturated"))
    for points in ax.collections:
        red, green, blue, _ = points.get_facecolors()[0]
        assert red == green == blue
    assert "not to be believed: saturated" in ax.get_title(loc="left")


def test_groups_have_a_colour_each():
    ax = drawn(cloud(["a", "b", "a"]))
    assert [len(points.get_offsets()) for points in ax.collections] == [2, 1]
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["a", "b"]
    colours = {tuple(points.get_facecolors()[0]) for points in ax.collections}
    assert len(colours) == 2


def test_the_rarest_of_many_groups_share_a_grey():
    names = [f"g{i:02d}" for i in range(24) for _ in range(2)] + ["rare", "seldom"]
    ax = drawn(cloud(names))
    texts = [text.get_text() for text in ax.get_legend().get_texts()]
    assert len(texts) == 25
    assert "2 others" in texts
    assert "rare" not in texts


@pytest.mark.parametrize("panel", [WAYS, cloud(["a", "b"])], ids=["trajectories", "scatter"])
@pytest.mark.parametrize("suffix", ["svg", "png"])
def test_both_can_be_saved(panel, suffix, tmp_path):
    save_figure(figure(panel), tmp_path / f"x.{suffix}")
    assert (tmp_path / f"x.{suffix}").stat().st_size > 1000
