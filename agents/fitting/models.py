"""From samples to values: an n-tuple network, and weights for the experts' features."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

from agents.fitting.config import FittingConfig
from agents.fitting.games import NO_SCORE, Samples
from agents.fitting.least_squares import fit_sums
from agents.values.fitted import TERMS
from agents.values.handcrafted.othello import features
from agents.values.ntuple import (
    NUM_LOOKED_AT,
    NUM_WEIGHTS,
    STAGE_EMPTIES,
    STAGES,
    NTupleWeights,
    fill_indices,
    shared_weights,
)
from agents.values.value import SCORE_MAX
from envs.boards.bits import popcount
from envs.boards.dispatch import kernel
from envs.boards.othello import NUM_SQUARES, Othello

DISC = 64  # score units of one disc of the final difference: all 64 discs are within SCORE_MAX
NEIGHBOURS = 2  # empty squares more or less whose samples also tell how features count
_SMALLEST = 1e-3  # of the ridge of the features' weights, for empty squares that no sample has


def labels(samples: Samples, search_share: float) -> NDArray[np.float32]:
    """What a value should say, in score units: the result mixed with the search's score; proven, the result.

    Args:
        search_share: of the search's score, in [0, 1]; 0 for games by a value on another scale.
    Returns: float32[N].
    """
    result = samples.result.astype(np.float32) * DISC
    mixed = (1 - search_share) * result + search_share * samples.score
    return np.where(samples.score == NO_SCORE, result, mixed).astype(np.float32)


def fit_ntuple(samples: Samples, targets: NDArray[np.float32], config: FittingConfig) -> NTupleWeights:
    """The n-tuple network nearest to the targets, each stage by itself.

    A stage also learns from samples one square beyond its ends, so that stages change smoothly.
    """
    empties = samples.empties
    bias = _means(empties, targets)
    shared = shared_weights()

    def fit_stage(stage: int) -> NDArray[np.float32]:
        first = STAGE_EMPTIES * stage + 1
        rows = np.flatnonzero((empties >= first - 1) & (empties <= first + STAGE_EMPTIES))
        indices = np.empty((len(rows), NUM_LOOKED_AT), np.int32)
        fill_indices(samples.states[rows], indices)
        indices = shared[indices]
        weights = fit_sums(
            indices,
            targets[rows] - bias[empties[rows]],
            NUM_WEIGHTS,
            ridge=config.ridge,
            iterations=config.iterations,
        )
        return weights[shared]

    with ThreadPoolExecutor(config.workers) as pool:
        tables = np.stack(list(pool.map(fit_stage, range(STAGES))))
    return NTupleWeights(_rounded(tables), _rounded(bias))


def fit_features(samples: Samples, targets: NDArray[np.float32]) -> NDArray[np.float32]:
    """Weights of the experts' features for each number of empty squares: see `FittedValue`."""
    squares = np.zeros((NUM_SQUARES + 1, len(TERMS), len(TERMS)))
    products = np.zeros((NUM_SQUARES + 1, len(TERMS)))
    _add_products(samples.states, targets, squares, products)
    weights = np.zeros((NUM_SQUARES + 1, len(TERMS)), np.float32)
    for empties in range(NUM_SQUARES + 1):
        near = slice(max(0, empties - NEIGHBOURS), empties + NEIGHBOURS + 1)
        normal = squares[near].sum(axis=0) + _SMALLEST * np.eye(len(TERMS))
        weights[empties] = np.linalg.solve(normal, products[near].sum(axis=0))
    return weights


def _means(empties: NDArray[np.int64], targets: NDArray[np.float32]) -> NDArray[np.float32]:
    """The mean target for each number of empty squares, 0 where there is none."""
    counts = np.bincount(empties, minlength=NUM_SQUARES + 1)
    totals = np.bincount(empties, weights=targets, minlength=NUM_SQUARES + 1)
    return (totals / np.maximum(counts, 1)).astype(np.float32)


def _rounded(weights: NDArray[np.float32]) -> NDArray[np.int16]:
    rounded: NDArray[np.int16] = np.rint(weights.clip(-SCORE_MAX, SCORE_MAX)).astype(np.int16)
    return rounded


@kernel
def _add_products(
    states: NDArray[np.uint64],
    targets: NDArray[np.float32],
    squares: NDArray[np.float64],
    products: NDArray[np.float64],
) -> None:
    """Add what least squares need of the samples, by their number of empty squares."""
    terms = products.shape[1]
    row = np.empty(terms)
    for i in range(len(states)):
        state = Othello(states[i, 0], states[i, 1])
        for j, feature in enumerate(features(state)):
            row[j] = feature
        row[terms - 1] = 1.0
        empties = NUM_SQUARES - int(popcount(state.own | state.opponent))
        for j in range(terms):
            products[empties, j] += row[j] * targets[i]
            for k in range(terms):
                squares[empties, j, k] += row[j] * row[k]
