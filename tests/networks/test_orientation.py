"""Orientation selectivity: kernels whose answer is known by construction."""

import numpy as np
import pytest

from networks.orientation import compare, orientation_selectivity


def grating(degrees: float, side: int = 8, inputs: int = 4) -> np.ndarray:
    """A kernel [inputs, side, side] of stripes with one orientation, in a soft round window."""
    y, x = np.mgrid[:side, :side] - (side - 1) / 2
    angle = np.deg2rad(degrees)
    wave = np.sin(2 * np.pi * (x * np.cos(angle) + y * np.sin(angle)) / 4)
    window = np.exp(-(x**2 + y**2) / (2 * (side / 5) ** 2))
    return np.repeat((wave * window)[None], inputs, axis=0).astype(np.float32)


def spot(side: int = 8, inputs: int = 4) -> np.ndarray:
    y, x = np.mgrid[:side, :side] - (side - 1) / 2
    blob = np.exp(-(x**2 + y**2) / 4) - 0.5 * np.exp(-(x**2 + y**2) / 8)
    return np.repeat(blob[None], inputs, axis=0).astype(np.float32)


@pytest.mark.parametrize("degrees", [0, 30, 45, 90, 135])
def test_stripes_of_any_direction_are_selective_and_a_round_spot_is_not(degrees: float) -> None:
    stripes, round_one = orientation_selectivity(np.stack([grating(degrees), spot()]))
    assert stripes > 0.7
    assert round_one < 0.1


def test_neither_sign_nor_size_nor_a_constant_changes_the_selectivity() -> None:
    kernels = np.random.default_rng(0).normal(size=(5, 2, 3, 3)).astype(np.float32)
    expected = orientation_selectivity(kernels)
    np.testing.assert_allclose(orientation_selectivity(-7 * kernels + 3), expected, atol=1e-5)


def test_two_inputs_with_crossed_stripes_cancel() -> None:
    crossed = np.concatenate([grating(0, inputs=1), grating(90, inputs=1)])
    assert orientation_selectivity(crossed[None])[0] < 0.05


def test_edge_detectors_are_found_and_random_kernels_stay_at_chance() -> None:
    rng = np.random.default_rng(1)
    random = rng.normal(size=(1000, 4, 8, 8)).astype(np.float32)
    edges = np.stack([grating(angle) for angle in range(0, 180, 9)])
    initial = rng.normal(size=edges.shape).astype(np.float32)
    found = compare(edges, initial, random)
    assert found.above_chance == len(edges)
    assert found.selectivity > 5 * found.before
    assert abs(found.likeness) < 0.1
    unmoved = compare(initial, initial, random)
    assert unmoved.likeness == pytest.approx(1.0, abs=1e-5)
    assert unmoved.above_chance <= 4
    assert unmoved.expected == pytest.approx(1.0)


def test_single_cells_have_no_orientation() -> None:
    with pytest.raises(ValueError, match=r"at least 2, got \[3, 2, 1, 1\]"):
        orientation_selectivity(np.ones((3, 2, 1, 1), np.float32))
