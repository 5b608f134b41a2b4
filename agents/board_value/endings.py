"""The ends of games whose result is known: played on by a solver's word, for what can be learned there.

No network is asked, so these plies cost little, and their targets are exact. Beside games that were played
well up to there, as many start from random moves: a search looks at all kinds of positions.
"""

import numpy as np
from numpy.typing import NDArray

from agents.board_value.config import RANDOM_PLIES_MAX
from agents.board_value.targets import Samples
from agents.search.exact_endings import Endings, best_moves
from agents.values.rollout import random_action, random_below, random_opening
from envs.boards import rules
from envs.boards.dispatch import kernel
from envs.boards.game import Game

STRAY_SHARE = 0.25  # of moves that are drawn from all, good or bad; the others are best
RANDOM_PLIES = 14  # of random starts, at most so many beyond where the endings begin
_PARTS = 1 << 16  # of a probability


def play_endings(
    game: Game, endings: Endings, states: NDArray[np.uint64], share: float, rng: np.random.Generator
) -> Samples:
    """Play from each packed state [K, 2] to the end of its game. Returns: that `share` of the positions.

    Policies are over the moves that win soonest, or lose latest.
    """
    plies_max = len(states) * game.board_shape[0] * game.board_shape[1]
    room = Samples(
        np.zeros((plies_max, 2), np.uint64),
        np.zeros((plies_max, game.num_actions), np.float32),
        np.zeros(plies_max, np.float32),
    )
    stream = rng.integers(2**63, size=1, dtype=np.uint64)
    count = _play_endings(endings, game.initial, states, share, stream, room.states, room.policy, room.value)
    return room[:count]


def random_starts(game: Game, plies_min: int, count: int, rng: np.random.Generator) -> NDArray[np.uint64]:
    """Unfinished states uint64[count, 2], packed, after `plies_min` to RANDOM_PLIES more random plies."""
    plies_max = min(plies_min + RANDOM_PLIES, RANDOM_PLIES_MAX[game.name])
    plies = rng.integers(plies_min, plies_max, size=count, endpoint=True)
    stream = rng.integers(2**63, size=1, dtype=np.uint64)
    return np.array([game.pack(random_opening(game.initial, n, stream)) for n in plies])


@kernel
def _play_endings(
    endings: Endings,
    like: rules.State,
    starts: NDArray[np.uint64],
    share: float,
    stream: NDArray[np.uint64],
    states: NDArray[np.uint64],
    policy: NDArray[np.float32],
    values: NDArray[np.float32],
) -> int:
    """Write the samples; how many there are. All starts must be among the endings, or over."""
    best = np.zeros(policy.shape[1], np.bool_)
    count = 0
    for i in range(len(starts)):
        state = rules.rebuild(like, starts[i, 0], starts[i, 1])
        while not rules.is_over(state):
            recorded = _happens(share, stream)
            strays = _happens(STRAY_SHARE, stream)
            action = random_action(state, stream)
            if recorded or not strays:
                value = best_moves(endings, state, best)
                moves = np.flatnonzero(best)
                if recorded:
                    states[count, 0] = state[0]
                    states[count, 1] = state[1]
                    policy[count, moves] = np.float32(1.0) / np.float32(len(moves))
                    values[count] = value
                    count += 1
                if not strays:
                    action = moves[random_below(stream, len(moves))]
            state = rules.play(state, action)
    return count


@kernel
def _happens(probability: float, stream: NDArray[np.uint64]) -> bool:
    return bool(random_below(stream, _PARTS) < probability * _PARTS)
