"""What a searched position teaches: a policy from visits, a value from outcome, search, or proof.

All values are for the side to move of their sample.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from agents.search.mcts_tree import UNPROVEN

ILLEGAL = np.int8(-2)  # in a row of proofs


@dataclass(frozen=True, slots=True)
class Samples:
    """N positions with their targets, in the order in which they were finished."""

    states: NDArray[np.uint64]  # [N, 2] packed
    policy: NDArray[np.float32]  # [N, A] sums to 1, 0 where illegal
    value: NDArray[np.float32]  # [N] in [-1, 1]

    def __len__(self) -> int:
        return len(self.states)

    def __getitem__(self, rows: slice) -> "Samples":
        return Samples(self.states[rows], self.policy[rows], self.value[rows])


def joined(parts: Iterable[Samples], num_actions: int) -> Samples:
    """All samples one after the other; none of no parts."""
    empty = Samples(
        np.zeros((0, 2), np.uint64), np.zeros((0, num_actions), np.float32), np.zeros(0, np.float32)
    )
    every = [empty, *parts]
    return Samples(
        np.concatenate([part.states for part in every]),
        np.concatenate([part.policy for part in every]),
        np.concatenate([part.value for part in every]),
    )


def policy_targets(
    visits: NDArray[np.int32], proofs: NDArray[np.int8], root_proof: NDArray[np.int8]
) -> NDArray[np.float32]:
    """The visits as distributions, over the best moves alone where the search knows them.

    Of a proven position the moves that keep its value share alike. Else moves proven lost get nothing; the
    others share alike if none of them was visited.

    Args:
        visits: int32[B, A], 0 where illegal.
        proofs: int8[B, A], of each action for the side to move: -1, 0, 1, UNPROVEN, or ILLEGAL.
        root_proof: int8[B], of the position for the side to move, or UNPROVEN.
    Returns: float32[B, A], sums 1.
    """
    keeps = (proofs == root_proof[:, None]).astype(np.float32)
    may_keep = (proofs != -1) & (proofs != ILLEGAL)
    open_visits = np.where(may_keep, visits, 0).astype(np.float32)
    untried = open_visits.sum(axis=1) == 0  # all simulations went to moves that turned out lost
    open_visits[untried] = may_keep[untried]
    weights = np.where((root_proof != UNPROVEN)[:, None], keeps, open_visits)
    result: NDArray[np.float32] = weights / weights.sum(axis=1, keepdims=True)
    return result


def value_targets(
    outcome: NDArray[np.float32],
    search_value: NDArray[np.float32],
    proof: NDArray[np.int8],
    search_value_share: float,
) -> NDArray[np.float32]:
    """Mix what happened with what the search thought; a proof replaces both.

    Args: all [B], for the side to move; `proof` is -1, 0, 1 or UNPROVEN.
    Returns: float32[B] in [-1, 1].
    """
    mixed = (1 - search_value_share) * outcome + search_value_share * search_value
    return np.where(proof == UNPROVEN, mixed, proof).astype(np.float32)
