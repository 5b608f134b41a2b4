"""Games of alpha-beta against itself, and how they end: what a value is fitted to.

A game begins with random plies, so that all kinds of positions are met, and goes on with the best moves of a
shallow search. Its result is the final difference of discs, empty squares to the winner.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from agents.fitting.config import FittingConfig
from agents.search.alpha_beta import PROVEN, Memory, new_memory, search
from agents.search.limits import NODES_MAX, StopFlag
from agents.search.othello_last_squares import final_score
from agents.search.table import new_table
from agents.values.rollout import random_opening
from agents.values.value import ValueKernel
from envs.boards import rules
from envs.boards.bits import ZERO, popcount
from envs.boards.dispatch import kernel
from envs.boards.game import game
from envs.boards.othello import NUM_SQUARES, Othello

NO_SCORE = -32768  # where the search had proven the result
_TABLE_ENTRIES = 1 << 14  # shallow searches; small enough to stay in the processor's cache
_PLIES = 60


@dataclass(frozen=True, slots=True)
class Samples:
    """N searched positions."""

    states: NDArray[np.uint64]  # [N, 2] packed
    result: NDArray[np.int8]  # [N] final difference of discs, for the side to move
    score: NDArray[np.int16]  # [N] of the search, for the side to move; NO_SCORE where it was proven

    def __len__(self) -> int:
        return len(self.states)

    @property
    def empties(self) -> NDArray[np.int64]:
        """Empty squares [N]."""
        discs: NDArray[np.int64] = np.bitwise_count(self.states[:, 0] | self.states[:, 1]).astype(np.int64)
        return NUM_SQUARES - discs


def play_games(value: ValueKernel, config: FittingConfig, games: int, seed: int) -> Samples:
    """So many games with this value on both sides; the same seed plays the same games."""
    rng = np.random.default_rng(seed)
    low, high = config.opening_plies_min, config.opening_plies_max
    opening_plies = rng.integers(low, high, size=games, endpoint=True)
    stream = rng.integers(2**63, size=1, dtype=np.uint64)
    memory = new_memory(new_table(_TABLE_ENTRIES), StopFlag().byte)
    states = np.zeros((games * _PLIES, 2), np.uint64)
    result = np.zeros(len(states), np.int8)
    score = np.zeros(len(states), np.int16)
    start = game("othello").initial
    count = _play_all(
        start, value, memory, config.depth, config.exact_empties, opening_plies, stream, states, result, score
    )
    return Samples(states[:count].copy(), result[:count].copy(), score[:count].copy())


@kernel
def _play_all(
    start: Othello,
    value: ValueKernel,
    memory: Memory,
    depth: int,
    exact_empties: int,
    opening_plies: NDArray[np.int64],
    stream: NDArray[np.uint64],
    states: NDArray[np.uint64],
    result: NDArray[np.int8],
    score: NDArray[np.int16],
) -> int:
    """Write the samples of all games one after the other; how many they are."""
    count = 0
    for plies in opening_plies:
        state = random_opening(start, plies, stream)
        count = _play(state, value, memory, depth, exact_empties, states, result, score, count)
    return count


@kernel
def _play(
    state: Othello,
    value: ValueKernel,
    memory: Memory,
    depth: int,
    exact_empties: int,
    states: NDArray[np.uint64],
    result: NDArray[np.int8],
    score: NDArray[np.int16],
    start: int,
) -> int:
    """Write the samples of one game from place `start` on; the place behind the last."""
    count, side = start, 1  # 1 where the side to move is that of the game's first sample
    while not rules.is_over(state):
        if rules.legal_moves(state) == ZERO:
            state = rules.play(state, rules.PASS)
            side = -side
            continue
        empties = NUM_SQUARES - int(popcount(state.own | state.opponent))
        plies = empties if empties <= exact_empties else depth
        found, _, _ = search(state, value, memory, plies, NODES_MAX)
        states[count, 0], states[count, 1] = state.own, state.opponent
        score[count] = found if abs(found) < PROVEN else NO_SCORE
        result[count] = side  # until the end is known
        count += 1
        state = rules.play(state, memory.best_line[0])
        side = -side
    difference = side * final_score(state.own, state.opponent)
    for i in range(start, count):
        result[i] *= difference
    return count
