"""Conjugate gradients against the closed form of ridge regression."""

import numpy as np

from agents.fitting.least_squares import fit_sums


def one_hot(indices: np.ndarray, num_weights: int) -> np.ndarray:
    matrix = np.zeros((len(indices), num_weights))
    for row, named in zip(matrix, indices, strict=True):
        np.add.at(row, named, 1)  # a weight may be named twice
    return matrix


def test_the_weights_are_those_of_ridge_regression() -> None:
    rng = np.random.default_rng(0)
    indices = rng.integers(0, 30, size=(400, 5)).astype(np.int32)
    targets = rng.normal(size=400).astype(np.float32)
    matrix, ridge = one_hot(indices, 40), 3.0
    exact = np.linalg.solve(matrix.T @ matrix + ridge * np.eye(40), matrix.T @ targets)
    found = fit_sums(indices, targets, 40, ridge=ridge, iterations=200)
    np.testing.assert_allclose(found, exact, atol=1e-5)
    assert np.all(found[30:] == 0)  # never named


def test_a_sum_without_noise_is_found_again() -> None:
    rng = np.random.default_rng(1)
    truth = rng.normal(size=50)
    indices = rng.integers(0, 50, size=(3_000, 4)).astype(np.int32)
    targets = truth[indices].sum(axis=1).astype(np.float32)
    found = fit_sums(indices, targets, 50, ridge=1e-6, iterations=300)
    np.testing.assert_allclose(found, truth, atol=1e-3)


def test_a_strong_ridge_holds_rare_weights_near_zero() -> None:
    indices = np.array([[0]] * 100 + [[1]], np.int32)
    targets = np.full(101, 10, np.float32)
    often, once = fit_sums(indices, targets, 2, ridge=9.0, iterations=10)
    np.testing.assert_allclose([often, once], [1000 / 109, 1.0], atol=1e-4)
