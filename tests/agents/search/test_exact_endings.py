"""What trees know of late positions: the solver's word, and no question to the value function."""

import numpy as np
import pytest
from numpy.typing import NDArray

from agents.board_value.endings import random_starts
from agents.search.connect_four_solver import Solver
from agents.search.exact_endings import NO_ENDINGS, Endings, ending_value, endings_of
from agents.search.mcts_search import TreeSearch
from agents.search.mcts_tree import UNPROVEN
from agents.values.handcrafted import HandcraftedValue
from agents.values.rollout import random_opening
from envs.boards.dispatch import kernel
from envs.boards.game import Game, game
from envs.boards.rules import State

STONES = 24


class Watched:
    """The handcrafted value in its batched form; remembers the most stones of a leaf."""

    name, kernel = "watched", None

    def __init__(self, board_game: Game) -> None:
        self.game = board_game
        self.most_stones = 0
        self._value = HandcraftedValue(board_game)

    def values(self, states: NDArray[np.uint64]) -> NDArray[np.float32]:
        return self._value.values(states)

    def evaluate(self, states: NDArray[np.uint64]) -> tuple[NDArray[np.float32], None]:
        stones = self.game.planes(states)[:, :2].sum(axis=(1, 2, 3))
        self.most_stones = max(self.most_stones, int(stones.max()))
        return self.values(states), None


@kernel
def known_value(endings: Endings, state: State) -> int:
    return ending_value(endings, state)


def exact(state: State) -> dict[int, int]:
    return Solver(entries=1 << 16).analyse(state, weak=True)


def test_late_positions_are_known_and_early_ones_are_not() -> None:
    board_game = game("connect_four")
    endings = endings_of(board_game, STONES)
    found = set()
    for packed in random_starts(board_game, STONES, 64, np.random.default_rng(0)):
        state = board_game.state(packed)
        value = known_value(endings, state)
        assert value == max(exact(state).values())
        assert known_value(NO_ENDINGS, state) == UNPROVEN
        found.add(value)
    assert found == {-1, 0, 1}
    early = random_opening(board_game.initial, STONES - 1, np.zeros(1, np.uint64))
    assert known_value(endings, early) == UNPROVEN


@pytest.mark.parametrize("in_kernel", [False, True])
def test_a_tree_is_proven_by_endings_without_asking_about_them(in_kernel: bool) -> None:
    board_game = game("connect_four")
    value = Watched(board_game)
    judge = HandcraftedValue(board_game) if in_kernel else value
    search = TreeSearch(board_game, judge, endings=endings_of(board_game, STONES))
    slots, wanted = np.zeros(1, np.int32), np.full(1, 3_000, np.int32)
    stream = np.ones(1, np.uint64)
    for _ in range(12):
        state = random_opening(board_game.initial, STONES - 3, stream)
        search.plant(0, board_game.pack(state))
        search.run(slots, wanted)
        forest = search.forest
        moves = exact(state)
        assert -forest.proven[0, 0] == max(moves.values())  # the root's proof is its opponent's
        for child in range(1, 1 + forest.num_children[0, 0]):
            if forest.proven[0, child] != UNPROVEN:
                assert forest.proven[0, child] == moves[int(forest.action[0, child])]
    assert in_kernel or value.most_stones == STONES - 1


def test_a_game_without_such_a_solver_is_refused() -> None:
    with pytest.raises(ValueError, match=r"known for connect_four, not for tic_tac_toe"):
        endings_of(game("tic_tac_toe"), 5)
