import numpy as np
import pytest
from pettingzoo.test import api_test, seed_test

from envs.boards.aec_env import AGENTS, BoardAEC, board_aec
from envs.boards.game import GAMES, IllegalMove


@pytest.mark.parametrize("name", GAMES)
@pytest.mark.filterwarnings("ignore::UserWarning")  # advice on dict observations and the empty first board
def test_pettingzoo_finds_no_fault(name):
    api_test(board_aec(name), num_cycles=200)
    seed_test(lambda: board_aec(name), num_cycles=50)


def test_a_won_game_pays_the_winner_and_charges_the_loser():
    env = board_aec("connect_four")
    env.reset()
    returns = dict.fromkeys(AGENTS, 0.0)
    moves = iter([0, 1, 0, 1, 0, 1, 0])
    for agent in env.agent_iter():
        _, reward, terminated, _, _ = env.last()
        returns[agent] += reward
        env.step(None if terminated else next(moves))
    assert returns == {"player_0": 1.0, "player_1": -1.0}


def test_each_agent_sees_its_own_stones_first_and_only_the_mover_may_move():
    env = BoardAEC("tic_tac_toe")
    env.reset()
    env.step(4)
    first, second = env.observe("player_0"), env.observe("player_1")
    assert first["observation"][0, 1, 1] == second["observation"][1, 1, 1] == 1
    np.testing.assert_array_equal(first["observation"], second["observation"][::-1])
    assert not first["action_mask"].any()
    assert second["action_mask"].tolist() == [1, 1, 1, 1, 0, 1, 1, 1, 1]
    assert env.agent_selection == "player_1"


def test_an_illegal_action_raises_and_changes_nothing():
    env = BoardAEC("tic_tac_toe", render_mode="ansi")
    env.reset()
    env.step(4)
    before = env.position
    with pytest.raises(IllegalMove, match="tic_tac_toe: b2 is taken after b2"):
        env.step(4)
    with pytest.raises(ValueError, match="player_1 must give an action"):
        env.step(None)
    assert env.position is before
    assert env.render() == before.text()
