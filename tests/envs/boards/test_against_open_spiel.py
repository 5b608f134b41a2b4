"""Ten thousand random games of each game, move by move beside open_spiel."""

import numpy as np
import pytest

from envs.boards.game import GAMES, game

pyspiel = pytest.importorskip("pyspiel")

NUM_GAMES = 10_000


def legal_lists(board, states):
    """The legal actions of each packed state, as lists, cut from one flat list: cheap for 600,000 states."""
    masks = board.legal_masks(states)
    flat = np.nonzero(masks)[1].tolist()
    ends = np.cumsum(masks.sum(1)).tolist()
    return [flat[start:end] for start, end in zip([0, *ends[:-1]], ends, strict=True)]


@pytest.mark.parametrize("name", GAMES)
def test_open_spiel_agrees_on_every_legal_move_every_end_and_every_result(name, random_games):
    board, oracle = game(name), pyspiel.load_game(name)
    games = random_games(board, NUM_GAMES, seed=20)
    legal = iter(legal_lists(board, games.all_states()))
    for i in range(NUM_GAMES):
        theirs = oracle.new_initial_state()
        moves = games.moves(i)
        for ply, action in enumerate(moves):
            assert not theirs.is_terminal(), f"over for open_spiel after {board.moves_text(moves[:ply])}"
            assert next(legal) == theirs.legal_actions(), f"after {board.moves_text(moves[:ply])}"
            theirs.apply_action(action)
        assert next(legal) == [], f"not over after {board.moves_text(moves)}"
        assert theirs.is_terminal(), f"not over for open_spiel after {board.moves_text(moves)}"
        assert theirs.returns()[0] == games.outcomes[i], f"after {board.moves_text(moves)}"


def test_the_random_games_are_different_and_know_every_kind_of_end(random_games):
    for name in GAMES:
        games = random_games(game(name), NUM_GAMES, seed=20)
        assert set(games.outcomes) == {-1, 0, 1}
        if name != "tic_tac_toe":
            assert len({tuple(row) for row in games.actions}) > 0.95 * NUM_GAMES
    assert (games.actions == 64).sum() > 1000  # passes of Othello, the last game
