"""Laws of the symmetries, over states of random games."""

import numpy as np
import pytest

from envs.boards import rules
from envs.boards.game import GAMES, game

MOVE_CELLS = {  # what each symmetry does to the planes, in numpy: [..., H, W] -> [..., H, W]
    0: lambda planes: planes,
    1: lambda planes: planes[..., ::-1],
    2: lambda planes: planes[..., ::-1, :],
    3: lambda planes: planes[..., ::-1, ::-1],
    4: lambda planes: planes.swapaxes(-1, -2),
    5: lambda planes: planes[..., ::-1].swapaxes(-1, -2),
    6: lambda planes: planes[..., ::-1, :].swapaxes(-1, -2),
    7: lambda planes: planes[..., ::-1, ::-1].swapaxes(-1, -2),
}


@pytest.fixture(params=GAMES)
def board(request):
    return game(request.param)


@pytest.fixture
def states(board, random_games):
    """Some states of all stages, ends included."""
    packed = random_games(board, 40, seed=3).all_states()
    return [board.state(row) for row in packed[:: max(1, len(packed) // 150)]]


def test_the_games_have_as_many_symmetries_as_their_boards():
    assert [game(name).num_symmetries for name in ("tic_tac_toe", "connect_four", "othello")] == [8, 2, 8]


def test_play_then_transform_is_transform_then_play_the_moved_action(board, states):
    for state in states:
        for symmetry in range(board.num_symmetries):
            moved = rules.transform(state, symmetry)
            for action in board.legal(state):
                expected = rules.transform(rules.play(state, action), symmetry)
                assert rules.play(moved, board.action_permutation[symmetry, action]) == expected


def test_legal_moves_ends_and_outcomes_move_with_the_board(board, states):
    for state in states:
        for symmetry in range(board.num_symmetries):
            moved = rules.transform(state, symmetry)
            permutation = board.action_permutation[symmetry]
            np.testing.assert_array_equal(board.legal_mask(moved)[permutation], board.legal_mask(state))
            assert rules.is_over(moved) == rules.is_over(state)
            if rules.is_over(state):
                assert rules.outcome(moved) == rules.outcome(state)


def test_transformed_states_show_transformed_planes(board, states):
    packed = np.array(states, np.uint64)
    for symmetry in range(board.num_symmetries):
        moved = np.array([rules.transform(state, symmetry) for state in states], np.uint64)
        np.testing.assert_array_equal(board.planes(moved), MOVE_CELLS[symmetry](board.planes(packed)))


def test_action_permutations_are_different_permutations_and_keep_the_pass(board):
    permutations = board.action_permutation
    assert permutations.dtype == np.int64
    assert len({tuple(row) for row in permutations}) == board.num_symmetries
    np.testing.assert_array_equal(
        np.sort(permutations), np.tile(np.arange(board.num_actions), (len(permutations), 1))
    )
    if board.num_actions > rules.PASS:
        assert (permutations[:, rules.PASS] == rules.PASS).all()
