import numpy as np

from envs.boards.connect_four import BOARD, has_four, winning_cells
from envs.boards.game import game


def test_winning_cells_are_the_empty_cells_where_one_more_stone_makes_four(random_games):
    board = game("connect_four")
    cells = [np.uint64(1 << bit) for bit in range(49) if int(BOARD) >> bit & 1]
    found = 0
    for packed in random_games(board, 60, seed=11).all_states():
        state = board.state(packed)
        if has_four(state.own):
            continue
        expected = sum(
            int(cell) for cell in cells if not cell & state.occupied and has_four(state.own | cell)
        )
        assert winning_cells(state.own, state.occupied) == expected
        found += expected != 0
    assert found > 100
