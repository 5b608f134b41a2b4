"""Gumbel search at the root: few simulations, shared out so that the choice is better than the prior's.

Moves are ranked by g + logit + sigma(q): Gumbel noise, logarithm of the prior, and the value of the move,
which counts for more the more was searched. The best few by g + logit are considered; *sequential halving*
gives each of them the same number of visits, drops the worse half, and goes on until the simulations are
spent. The move played is the best by the whole sum among the most visited. With exact values and noise of
scale 1 its expected value is at least that of a move drawn from the prior, however few simulations there are;
scale 0 leaves the chance out.

Below the root the search stays PUCT, where the paper has a deterministic rule of its own.

Source: I. Danihelka, A. Guez, J. Schrittwieser & D. Silver 2022, Policy improvement by planning with Gumbel
(sections 3 and 4, appendix D); the order of visits is that of their library mctx.
"""

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from agents.search.mcts_tree import UNPROVEN, Forest, Index, Puct, best_child, choice, puct_child, select
from envs.boards.dispatch import inner_kernel, kernel

_PRIOR_MIN = 1e-30  # keeps the logarithm finite


@dataclass(frozen=True, kw_only=True, slots=True)
class GumbelConfig:
    """How the root shares out its simulations."""

    considered_max: int = 16  # moves (Danihelka et al. 2022)
    noise_scale: float = 0.0  # 1: sampled, as for self-play; 0: without chance
    c_visit: float = 50.0  # Danihelka et al. 2022
    c_scale: float = 1.0  # of values in [0, 1]; Danihelka et al. 2022 for chess and Go

    def __post_init__(self) -> None:
        if self.considered_max < 1:
            raise ValueError(f"GumbelConfig.considered_max must be at least 1, got {self.considered_max!r}")
        if not 0 <= self.noise_scale < math.inf:
            raise ValueError(f"GumbelConfig.noise_scale must be 0 or more, got {self.noise_scale!r}")


class GumbelRoot(NamedTuple):
    """The rule of selection for trees that are searched with S simulations from a fresh root."""

    puct: Puct  # below the root
    noise: NDArray[np.float64]  # [T, A] for each slot and action
    schedule: NDArray[np.int32]  # [M + 1, S] see `visit_schedule`
    c_visit: float
    c_scale: float


def visit_schedule(considered_max: int, simulations: int) -> NDArray[np.int32]:
    """How often the root move that a simulation goes to must have been visited before.

    Returns: int32[considered_max + 1, simulations]; the row is the number of moves considered. Row 4 with 16
        simulations is 0 0 0 0 1 1 1 1 2 2 3 3 4 4 5 5: two visits for each of four moves, four more for two.
    """
    rows = [_halving(considered, simulations) for considered in range(considered_max + 1)]
    return np.array(rows, np.int32).reshape(considered_max + 1, simulations)


def _halving(considered: int, simulations: int) -> list[int]:
    if considered <= 1:
        return list(range(simulations))
    phases = math.ceil(math.log2(considered))
    sequence: list[int] = []
    visits = 0
    remaining = considered
    while len(sequence) < simulations:
        for _ in range(max(1, simulations // (phases * remaining))):
            sequence += [visits] * remaining
            visits += 1
        remaining = max(2, remaining // 2)
    return sequence[:simulations]


@select.register(GumbelRoot)
@kernel
def _select(rule: GumbelRoot, forest: Forest, tree: Index, node: Index) -> Index:
    return puct_child(rule.puct, forest, tree, node) if node != 0 else _next_root_child(rule, forest, tree)


@choice.register(GumbelRoot)
@kernel
def _choice(rule: GumbelRoot, forest: Forest, tree: Index) -> Index:
    """Of a proven root a best move, else the best by g + logit + sigma(q) of the most visited ones."""
    if forest.proven[tree, 0] != UNPROVEN:
        return best_child(forest, tree, 0)
    return _best_of_visits(rule, forest, tree, _most_begun(forest, tree))


@kernel
def improved_policy(rule: GumbelRoot, forest: Forest, tree: Index, policy: NDArray[np.float32]) -> None:
    """Write softmax(logit + sigma(q)) over the moves of an expanded, unproven root into `policy` [A]."""
    unvisited, scale = _completion(rule, forest, tree)
    first = np.int64(forest.first_child[tree, 0])
    after = first + forest.num_children[tree, 0]
    policy[:] = 0.0
    largest, total = -np.inf, 0.0
    for child in range(first, after):
        if forest.proven[tree, child] != -1:
            largest = max(largest, _merit(forest, tree, child, unvisited, scale))
    for child in range(first, after):
        if forest.proven[tree, child] != -1:
            share = np.exp(_merit(forest, tree, child, unvisited, scale) - largest)
            policy[forest.action[tree, child]] = share
            total += share
    for action in range(policy.size):
        policy[action] /= total


@inner_kernel
def _next_root_child(rule: GumbelRoot, forest: Forest, tree: Index) -> Index:
    """The child of the root whose turn it is in sequential halving.

    A move that is proven lost is not visited again; its remaining visits go to the best of the others.
    """
    begun = forest.visits[tree, 0] + forest.in_flight[tree, 0] - 2  # neither the root's own nor this descent
    row = min(np.int64(forest.num_children[tree, 0]), rule.schedule.shape[0] - 1)
    wanted = rule.schedule[row, min(np.int64(begun), rule.schedule.shape[1] - 1)]
    child = _best_of_visits(rule, forest, tree, np.int64(wanted))
    return child if child >= 0 else _best_of_visits(rule, forest, tree, _most_begun(forest, tree))


@inner_kernel
def _most_begun(forest: Forest, tree: Index) -> int:
    """The largest number of visits, in flight ones included, of a root move that is not lost."""
    first = np.int64(forest.first_child[tree, 0])
    most = np.int64(0)
    for child in range(first, first + forest.num_children[tree, 0]):
        if forest.proven[tree, child] != -1:
            most = max(most, np.int64(forest.visits[tree, child] + forest.in_flight[tree, child]))
    return int(most)


@inner_kernel
def _best_of_visits(rule: GumbelRoot, forest: Forest, tree: Index, wanted: Index) -> Index:
    """The best root move of those with that many visits that are not lost; -1 where there is none."""
    unvisited, scale = _completion(rule, forest, tree)
    first = np.int64(forest.first_child[tree, 0])
    best, best_merit = -1, -np.inf
    for child in range(first, first + forest.num_children[tree, 0]):
        begun = forest.visits[tree, child] + forest.in_flight[tree, child]
        if begun == wanted and forest.proven[tree, child] != -1:
            noise = rule.noise[tree, forest.action[tree, child]]
            merit = noise + _merit(forest, tree, child, unvisited, scale)
            if merit > best_merit:
                best, best_merit = child, merit
    return best


@inner_kernel
def _merit(forest: Forest, tree: Index, child: Index, unvisited: float, scale: float) -> float:
    """Logit + sigma(q) of a root move; `unvisited` stands in for the value of one without a visit."""
    proof, visits = forest.proven[tree, child], forest.visits[tree, child]
    worth = unvisited
    if proof != UNPROVEN:
        worth = np.float64(proof)
    elif visits > 0:
        worth = forest.value_sum[tree, child] / visits
    prior = max(np.float64(forest.prior[tree, child]), _PRIOR_MIN)
    return float(np.log(prior) + scale * 0.5 * (worth + 1.0))  # values in [-1, 1] as shares of a point


@inner_kernel
def _completion(rule: GumbelRoot, forest: Forest, tree: Index) -> tuple[float, float]:
    """What the values of the root moves need to be compared.

    Returns: the value of a move without a visit, which mixes the root's own estimate with the values of the
        visited moves, weighted by their priors (v_mix, appendix D); the factor of sigma,
        c_scale * (c_visit + most visits of a move).
    """
    first = np.int64(forest.first_child[tree, 0])
    estimate = -forest.value_sum[tree, 0]  # for the side to move; what the moves brought is taken off below
    visits, most = 0, 0
    weighted, weight = 0.0, 0.0
    for child in range(first, first + forest.num_children[tree, 0]):
        count = forest.visits[tree, child]
        if count > 0:
            prior = max(np.float64(forest.prior[tree, child]), _PRIOR_MIN)
            visits += count
            most = max(most, count)
            estimate -= forest.value_sum[tree, child]
            weighted += prior * forest.value_sum[tree, child] / count
            weight += prior
    if visits > 0:
        estimate = (estimate + visits * weighted / weight) / (1.0 + visits)
    return estimate, rule.c_scale * (rule.c_visit + most)
