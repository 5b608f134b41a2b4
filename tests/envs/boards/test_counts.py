"""The rules against numbers that others have published."""

import functools

import pytest

from envs.boards import rules
from envs.boards.game import game
from envs.boards.perft import perft


def successors(board, state):
    return [] if rules.is_over(state) else [rules.play(state, action) for action in board.legal(state)]


def test_connect_four_has_the_published_number_of_positions_after_each_ply():
    board = game("connect_four")
    layer, sizes = {board.initial}, []
    for _ in range(8):
        sizes.append(len(layer))
        layer = {after for state in layer for after in successors(board, state)}
    assert sizes == [1, 7, 49, 238, 1120, 4263, 16422, 54859]  # OEIS A212693


def test_connect_four_games_of_seven_plies_lack_only_those_that_overfill_one_column():
    assert [perft(game("connect_four").initial, depth) for depth in (1, 6, 7)] == [7, 7**6, 7**7 - 7]


def test_tic_tac_toe_has_5478_reachable_positions():
    board = game("tic_tac_toe")
    seen, frontier = {board.initial}, [board.initial]
    while frontier:
        new = [after for after in successors(board, frontier.pop()) if after not in seen]
        seen.update(new)
        frontier.extend(new)
    assert len(seen) == 5478


def test_tic_tac_toe_has_255168_games_split_as_published():
    board = game("tic_tac_toe")

    @functools.cache
    def wins_draws_losses(state):  # for the side to move
        if rules.is_over(state):
            outcome = rules.outcome(state)
            return (outcome == 1, outcome == 0, outcome == -1)
        replies = [wins_draws_losses(after) for after in successors(board, state)]
        return tuple(sum(reply[i] for reply in replies) for i in (2, 1, 0))

    assert wins_draws_losses(board.initial) == (131_184, 46_080, 77_904)
    assert sum(wins_draws_losses(board.initial)) == 255_168


@pytest.mark.parametrize(
    ("depth", "leaves"),
    list(enumerate((1, 4, 12, 56, 244, 1396, 8200, 55092, 390216, 3005288))),
)
def test_othello_perft_is_the_published_one(depth, leaves):
    assert perft(game("othello").initial, depth) == leaves


def test_othello_perft_ten_lacks_only_the_228_games_that_end_with_the_ninth_ply():
    # 24571284 in the lists that count a finished game as a leaf (A. Bik, https://www.aartbik.com/strategy.php).
    assert perft(game("othello").initial, 10) == 24_571_284 - 228
