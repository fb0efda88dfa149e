"""Colours agree with matplotlib's, and PNG bytes decode to the levels that went in."""

from __future__ import annotations

import io

import matplotlib as mpl
import matplotlib.image
import numpy as np
import pytest

from otoscope.core import BadInput
from otoscope.views.colour import AGAINST, FOR, grey_png, magma


def test_magma_is_within_three_levels_of_matplotlibs():
    theirs = 255 * mpl.colormaps["magma"](np.arange(256))[:, :3]
    assert np.abs(magma() - theirs).max() <= 3
    lightness = magma().astype(float) @ [0.2126, 0.7152, 0.0722]
    assert (np.diff(lightness) >= -0.5).all()


@pytest.mark.parametrize("shape", [(1, 1), (3, 7), (128, 400)])
def test_png_decodes_to_the_same_levels(shape):
    levels = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    decoded = mpl.image.imread(io.BytesIO(grey_png(levels)), format="png")
    np.testing.assert_array_equal(np.round(decoded * 255).astype(np.uint8), levels)


def test_png_refuses_what_is_no_image():
    with pytest.raises(BadInput, match=r"uint8, got float64 \(2, 2\)"):
        grey_png(np.zeros((2, 2)))


DEUTERANOPIA = np.array([[0.367, 0.861, -0.228], [0.280, 0.673, 0.047], [-0.012, 0.043, 0.969]])
PROTANOPIA = np.array([[0.152, 1.053, -0.205], [0.115, 0.786, 0.099], [-0.004, -0.048, 1.052]])


@pytest.mark.parametrize("vision", [np.eye(3), DEUTERANOPIA, PROTANOPIA])
def test_for_and_against_differ_in_colour_blindness(vision):
    """Matrices of Machado et al. 2009 at full severity, on linear RGB."""
    pair = np.array([mpl.colors.to_rgb(FOR), mpl.colors.to_rgb(AGAINST)]) ** 2.2
    seen = (pair @ vision.T).clip(0, 1) ** (1 / 2.2)
    assert np.abs(seen[0] - seen[1]).max() > 0.4
