"""What trees know of late positions: the solver's word, and no question to the value function."""

import numpy as np
import pytest
from numpy.typing import NDArray

from agents.search.connect_four_solver import Solver
from agents.search.exact_endings import NO_ENDINGS, Endings, ending_value, endings_of
from agents.search.limits import StopFlag
from agents.search.mcts_search import TreeSearch
from agents.search.mcts_tree import UNPROVEN
from agents.values.handcrafted import HandcraftedValue
from envs.boards.dispatch import kernel
from envs.boards.game import Game, Position, game
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


def random_position(stones: int, rng: np.random.Generator) -> Position:
    while True:
        position = game("connect_four").start()
        for _ in range(stones):
            position = position.play(int(rng.choice(position.legal())))
            if position.is_over:
                break
        else:
            return position


def exact(position: Position) -> dict[int, int]:
    return Solver(entries=1 << 16).analyse(position.state, weak=True)


def test_late_positions_are_known_and_early_ones_are_not() -> None:
    endings = endings_of(game("connect_four"), STONES)
    rng = np.random.default_rng(0)
    found = set()
    for stones in [*range(STONES, 40)] * 4:
        position = random_position(stones, rng)
        value = known_value(endings, position.state)
        assert value == max(exact(position).values())
        assert known_value(NO_ENDINGS, position.state) == UNPROVEN
        found.add(value)
    assert found == {-1, 0, 1}
    assert known_value(endings, random_position(STONES - 1, rng).state) == UNPROVEN


@pytest.mark.parametrize("in_kernel", [False, True])
def test_a_tree_is_proven_by_endings_without_asking_about_them(in_kernel: bool) -> None:
    board_game = game("connect_four")
    value = Watched(board_game)
    judge = HandcraftedValue(board_game) if in_kernel else value
    search = TreeSearch(board_game, judge, endings=endings_of(board_game, STONES))
    slots, wanted = np.zeros(1, np.int32), np.full(1, 3_000, np.int32)
    rng = np.random.default_rng(1)
    for _ in range(12):
        position = random_position(STONES - 3, rng)
        search.plant(0, board_game.pack(position.state))
        search.run(slots, wanted, StopFlag())
        forest = search.forest
        moves = exact(position)
        assert -forest.proven[0, 0] == max(moves.values())  # the root's proof is its opponent's
        for child in range(1, 1 + forest.num_children[0, 0]):
            if forest.proven[0, child] != UNPROVEN:
                assert forest.proven[0, child] == moves[int(forest.action[0, child])]
    assert in_kernel or value.most_stones == STONES - 1


def test_a_game_without_such_a_solver_is_refused() -> None:
    with pytest.raises(ValueError, match=r"known for connect_four, not for tic_tac_toe"):
        endings_of(game("tic_tac_toe"), 5)
