"""Judgement by chance: play random moves to the end and see who won.

The value of a state is the result of one random game from it, so it is noisy, needs no knowledge but the
rules, and averages out over many simulations (Brügmann 1993; Coulom 2006). It has its own random stream:
equal calls differ.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from agents.values.value import SCORE_MAX, ValueKernel, as_value, score, scores
from envs.boards import rules
from envs.boards.bits import ZERO, lowest_index, mixed, popcount, without_lowest
from envs.boards.dispatch import kernel
from envs.boards.game import Game

GOLDEN_STEP = np.uint64(0x9E3779B97F4A7C15)  # of SplitMix64: Steele, Lea & Flood 2014
HALF = np.uint64(32)


class Rollout(NamedTuple):
    """The in-kernel form: one word of random state."""

    stream: NDArray[np.uint64]  # [1]


@kernel
def random_below(stream: NDArray[np.uint64], bound: int) -> int:
    """A random integer in [0, bound), bound below 2^32; biased by less than bound / 2^32."""
    stream[0] += GOLDEN_STEP
    return int(((mixed(stream[0]) >> HALF) * np.uint64(bound)) >> HALF)


@kernel
def random_action(state: rules.State, stream: NDArray[np.uint64]) -> int:
    """A legal action of an unfinished state, all alike likely."""
    moves = rules.legal_moves(state)
    if moves == ZERO:
        return rules.PASS
    for _ in range(random_below(stream, int(popcount(moves)))):
        moves = without_lowest(moves)
    return int(lowest_index(moves))


@kernel
def random_opening(start: rules.State, plies: int, stream: NDArray[np.uint64]) -> rules.State:
    """The unfinished state after so many random plies from `start`; games that end before are begun anew."""
    state = start
    ply = 0
    while ply < plies:
        state = rules.play(state, random_action(state, stream))
        ply += 1
        if rules.is_over(state):
            state = start
            ply = 0
    return state


@score.register(Rollout)
@kernel
def _score(value: Rollout, state: rules.State) -> int:
    sign = 1
    while not rules.is_over(state):
        state = rules.play(state, random_action(state, value.stream))
        sign = -sign
    return int(sign * SCORE_MAX * rules.outcome(state))


class RolloutValue:
    """One random game for each state that is asked.

    Args:
        game: of the states.
        seed: of the random stream.
    """

    name = "rollout"

    def __init__(self, game: Game, seed: int = 0) -> None:
        self.game = game
        self._stream = np.array([seed], np.uint64)
        self.kernel: ValueKernel | None = Rollout(self._stream)

    def reset(self, seed: int) -> None:
        """Restart the random stream."""
        self._stream[0] = seed

    def values(self, states: NDArray[np.uint64]) -> NDArray[np.float32]:
        """float32[B]: nearly 1, 0 or nearly -1."""
        return as_value(scores(self.kernel, self.game.initial, states))

    def evaluate(self, states: NDArray[np.uint64]) -> tuple[NDArray[np.float32], None]:
        """Values; no priors."""
        return self.values(states), None
