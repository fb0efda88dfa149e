"""Intrinsic dimension on manifolds whose dimension is known."""

from __future__ import annotations

import numpy as np
import pytest

from otoscope.core import BadInput
from otoscope.metrics.dimension import levina_bickel, participation_ratio, tangent_basis, tangent_share, two_nn


def rotation(n: int, seed: int = 9) -> np.ndarray:
    return np.linalg.qr(np.random.default_rng(seed).standard_normal((n, n)))[0]


def sphere(n_dims: int, *, n: int = 2500) -> np.ndarray:
    points = np.random.default_rng(0).standard_normal((n, n_dims + 1))
    return points / np.linalg.norm(points, axis=1, keepdims=True)


def swiss_roll(n: int = 2500) -> np.ndarray:
    rng = np.random.default_rng(1)
    turn = 1.5 * np.pi * (1 + 2 * rng.random(n))
    return np.stack([turn * np.cos(turn), 21 * rng.random(n), turn * np.sin(turn)], axis=1)


def subspace(n_dims: int, *, n: int = 2500) -> np.ndarray:
    rng = np.random.default_rng(2)
    return rng.random((n, n_dims)) @ rotation(40)[:n_dims]


CLOUDS = [("circle", sphere(1), 1), ("sphere", sphere(2), 2), ("roll", swiss_roll(), 2)]
CLOUDS += [(f"subspace {d}", subspace(d), d) for d in (1, 2, 4)]


@pytest.mark.parametrize(("name", "points", "n_dims"), CLOUDS, ids=[c[0] for c in CLOUDS])
@pytest.mark.parametrize("measure", [two_nn, levina_bickel])
def test_known_manifolds_have_their_dimension(measure, name, points, n_dims):
    assert measure(points) == pytest.approx(n_dims, rel=0.12)


@pytest.mark.parametrize("measure", [two_nn, levina_bickel, participation_ratio])
def test_rotation_shift_and_scale_change_nothing(measure):
    points = np.hstack([swiss_roll(600), np.zeros((600, 5))])
    assert measure(3 * points @ rotation(8) + 7) == pytest.approx(measure(points), rel=1e-6)


def test_the_linear_figure_takes_a_bend_for_dimensions():
    assert participation_ratio(sphere(1)) == pytest.approx(2, abs=0.05)
    assert participation_ratio(sphere(2)) == pytest.approx(3, abs=0.05)
    spread = np.random.default_rng(0).standard_normal((20000, 2)) * [2, 1]
    assert participation_ratio(spread) == pytest.approx(25 / 17, rel=0.03)


def test_levina_bickel_follows_its_equation():
    points = np.random.default_rng(3).random((60, 3))
    distances = np.sort(np.linalg.norm(points[:, None] - points, axis=2), axis=1)[:, 1:]
    expected = [np.mean([1 / np.mean(np.log(row[k - 1] / row[: k - 1])) for row in distances]) for k in range(5, 8)]
    assert levina_bickel(points, k=(5, 7)) == pytest.approx(np.mean(expected))


def test_equal_points_count_once():
    points = sphere(2, n=400)
    assert two_nn(np.vstack([points, points])) == pytest.approx(two_nn(points))


def test_the_tangent_space_of_a_sphere_is_at_right_angles_to_its_radius():
    points = sphere(2, n=4000)
    basis = tangent_basis(points, points[0], n_dims=2, n_neighbors=20)
    assert np.allclose(basis @ basis.T, np.eye(2))
    assert tangent_share(points[0], basis) < 0.01
    assert tangent_share(np.cross(points[0], [1.0, 0, 0]), basis) > 0.99


def test_a_random_direction_has_its_share_of_a_tangent_space():
    basis = rotation(40)[:4]
    directions = np.random.default_rng(0).standard_normal((4000, 40))
    assert np.mean([tangent_share(each, basis) for each in directions]) == pytest.approx(0.1, abs=0.005)
    assert np.isnan(tangent_share(np.zeros(40), basis))


@pytest.mark.parametrize(
    ("call", "match"),
    [
        (lambda: two_nn(np.zeros((100, 2))), "1 distinct points"),
        (lambda: levina_bickel(sphere(2, n=15)), "at least 21"),
        (lambda: levina_bickel(sphere(2, n=50), k=(2, 5)), "at least 3"),
        (lambda: participation_ratio(np.ones((5, 2))), "equal"),
        (lambda: tangent_basis(sphere(2, n=9), np.zeros(3), n_dims=4, n_neighbors=5), "cannot be had"),
    ],
)
def test_what_has_no_dimension_is_refused(call, match):
    with pytest.raises(BadInput, match=match):
        call()
