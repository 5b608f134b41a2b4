"""Ridge regression on sums of table entries: too many weights for a matrix, few in each sum.

Each sample is the sum of K weights out of W, named by their indices. Conjugate gradients on the normal
equations need only two passes over the samples for a step, and no step size; dividing by the diagonal first
(Jacobi) lets rare and frequent weights converge together.

Sources: M. Hestenes & E. Stiefel 1952; M. Buro 2002, Improving heuristic mini-max search by supervised
learning (linear regression of pattern weights).
"""

import numpy as np
from numpy.typing import NDArray

from envs.boards.dispatch import kernel


def fit_sums(
    indices: NDArray[np.int32],
    targets: NDArray[np.float32],
    num_weights: int,
    *,
    ridge: float,
    iterations: int,
) -> NDArray[np.float32]:
    """Weights w that minimise sum_i (targets_i - sum_k w[indices_ik])^2 + ridge * |w|^2.

    Args:
        indices: int32[N, K], each in [0, num_weights).
        targets: float32[N].
        ridge: above 0.
        iterations: at most; fewer where the residual has fallen to a millionth.
    Returns: float32[num_weights]; 0 for a weight that no sample names.
    """
    diagonal = np.full(num_weights, ridge, np.float64)
    add_squared_counts(indices, diagonal)
    weights = np.zeros(num_weights)
    residual = np.zeros(num_weights)  # of the normal equations: what is still to be explained
    add_to_weights(indices, targets.astype(np.float64), residual)
    scaled = residual / diagonal
    direction = scaled.copy()
    fit = float(residual @ scaled)
    enough = fit * 1e-12
    for _ in range(iterations):
        if fit <= enough:
            break
        curved = ridge * direction
        add_to_weights(indices, sums(indices, direction), curved)
        step = fit / float(direction @ curved)
        weights += step * direction
        residual -= step * curved
        scaled = residual / diagonal
        fit, before = float(residual @ scaled), fit
        direction = scaled + (fit / before) * direction
    return weights.astype(np.float32)


@kernel
def sums(indices: NDArray[np.int32], weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """The sum of weights of each sample: float64[N]."""
    result = np.zeros(len(indices))
    for i in range(len(indices)):
        for k in range(indices.shape[1]):
            result[i] += weights[indices[i, k]]
    return result


@kernel
def add_to_weights(
    indices: NDArray[np.int32], of_samples: NDArray[np.float64], out: NDArray[np.float64]
) -> None:
    """Add each sample's number to all weights that it names: the transpose of `sums`."""
    for i in range(len(indices)):
        for k in range(indices.shape[1]):
            out[indices[i, k]] += of_samples[i]


@kernel
def add_squared_counts(indices: NDArray[np.int32], out: NDArray[np.float64]) -> None:
    """Add to each weight the squares of how often each sample names it: the diagonal of the normal matrix."""
    for i in range(len(indices)):
        for k in range(indices.shape[1]):
            for other in range(indices.shape[1]):  # the pairs (k, other) that name the same weight
                out[indices[i, k]] += indices[i, other] == indices[i, k]
