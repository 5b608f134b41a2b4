"""Random games of any board game, played by a compiled loop: material for the laws and the oracles."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pytest
from numpy.typing import NDArray

from envs.boards import rules
from envs.boards.bits import lowest_index, mixed, popcount, without_lowest
from envs.boards.dispatch import kernel
from envs.boards.game import Game

MAX_PLIES = 128
NO_ACTION = -1


class RandomGames(NamedTuple):
    """Games from the start to the end; each has `lengths[i]` actions and one state more."""

    lengths: NDArray[np.int64]  # [N]
    actions: NDArray[np.int64]  # [N, MAX_PLIES], NO_ACTION after the end
    states: NDArray[np.uint64]  # [N, MAX_PLIES + 1, 2], packed
    outcomes: NDArray[np.int64]  # [N], for the first player

    def moves(self, i: int) -> list[int]:
        return self.actions[i, : self.lengths[i]].tolist()

    def all_states(self) -> NDArray[np.uint64]:
        """Packed states [B, 2] of all plies, ends included."""
        played = np.arange(self.states.shape[1]) <= self.lengths[:, None]
        return self.states[played]


@kernel
def play_randomly(initial, seed, lengths, actions, states, outcomes):
    counter = np.uint64(seed) << np.uint64(32)
    for i in range(len(lengths)):
        state, ply = initial, 0
        while not rules.is_over(state):
            states[i, ply, 0], states[i, ply, 1] = state[0], state[1]
            legal = rules.legal_moves(state)
            action = np.int64(rules.PASS)
            if legal != np.uint64(0):
                counter += np.uint64(1)
                for _ in range(mixed(counter) % np.uint64(popcount(legal))):
                    legal = without_lowest(legal)
                action = lowest_index(legal)
            actions[i, ply] = action
            state = rules.play(state, action)
            ply += 1
        states[i, ply, 0], states[i, ply, 1] = state[0], state[1]
        lengths[i] = ply
        outcome = rules.outcome(state)
        outcomes[i] = outcome if ply % 2 == 0 else -outcome


@pytest.fixture(scope="session")
def random_games() -> Callable[[Game, int, int], RandomGames]:
    """random_games(game, number, seed)."""

    def play(game: Game, number: int, seed: int) -> RandomGames:
        games = RandomGames(
            np.zeros(number, np.int64),
            np.full((number, MAX_PLIES), NO_ACTION, np.int64),
            np.zeros((number, MAX_PLIES + 1, 2), np.uint64),
            np.zeros(number, np.int64),
        )
        play_randomly(game.initial, seed, *games)
        return games

    return play
