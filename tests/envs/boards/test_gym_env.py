import gymnasium
import numpy as np
import pytest
from gymnasium.error import ResetNeeded
from gymnasium.utils.env_checker import check_env

from envs.boards.game import GAMES, IllegalMove
from envs.boards.gym_env import BoardEnv
from envs.boards.rules import PASS

IDS = ("advantage/TicTacToe-v0", "advantage/ConnectFour-v0", "advantage/Othello-v0")


def first_legal(position):
    return position.legal()[0]


def play_out(env, rng):
    """Play legal actions at random to the end; the observations and the last step."""
    obs, info = env.reset()
    seen = [obs]
    while True:
        action = rng.choice(np.flatnonzero(info["action_mask"]))
        obs, reward, terminated, truncated, info = env.step(action)
        seen.append(obs)
        assert not truncated
        if terminated:
            return seen, reward, info
        assert reward == 0.0


@pytest.mark.parametrize("seat", ["first", "second", "alternate"])
@pytest.mark.parametrize("env_id", IDS)
@pytest.mark.filterwarnings("error")
def test_gymnasium_finds_no_fault(env_id, seat):
    check_env(gymnasium.make(env_id, seat=seat, on_illegal="lose", disable_env_checker=True).unwrapped)


def test_each_game_has_an_id():
    assert [gymnasium.make(env_id).unwrapped.game.name for env_id in IDS] == list(GAMES)


@pytest.mark.parametrize("name", GAMES)
def test_observations_rewards_and_masks_are_the_agents(name):
    env, rng = BoardEnv(name, seat="alternate"), np.random.default_rng(0)
    env.reset(seed=0)
    rewards = []
    for episode in range(1, 31):
        seen, reward, info = play_out(env, rng)
        player = episode % 2
        sign = 1 if player == 0 else -1
        assert env.position.is_over
        assert reward == sign * env.position.result
        owner = env.game.cell_owner(env.position)
        np.testing.assert_array_equal(seen[-1][0], owner == 1 + player)
        np.testing.assert_array_equal(seen[-1][1], owner == 2 - player)
        assert not info["action_mask"].any()
        assert all(obs in env.observation_space for obs in seen)
        rewards.append(reward)
    assert {1.0, -1.0} <= set(rewards)


def test_the_second_seat_finds_the_opponents_move_on_the_board():
    obs, info = BoardEnv("connect_four", first_legal, seat="second").reset()
    assert obs[1, 5, 0] == 1
    assert obs.sum() == 1
    assert info["action_mask"].dtype == np.int8
    assert info["action_mask"].tolist() == [1] * 7


def test_a_seed_fixes_the_random_opponent_and_another_seed_gives_other_games():
    def games(seed):
        env = BoardEnv("othello")
        env.reset(seed=seed)
        rng = np.random.default_rng(9)
        return [np.array(play_out(env, rng)[0]).tobytes() for _ in range(3)]

    assert games(1) == games(1)
    assert games(1) != games(2)


def test_masked_samples_of_the_action_space_are_legal():
    env = BoardEnv("othello", first_legal)
    _, info = env.reset(seed=0)
    for _ in range(5):
        _, _, _, _, info = env.step(env.action_space.sample(info["action_mask"]))


def test_othello_episodes_contain_forced_passes_of_the_agent():
    env, rng = BoardEnv("othello"), np.random.default_rng(1)
    env.reset(seed=1)
    passes = 0
    for _ in range(40):
        play_out(env, rng)
        passes += PASS in env.position.moves[::2]
    assert passes > 0


def test_an_illegal_action_raises_and_leaves_the_episode_as_it_was():
    env = BoardEnv("connect_four", first_legal)
    env.reset()
    for _ in range(3):
        env.step(0)
    before = env.position
    with pytest.raises(IllegalMove, match="connect_four: column 1 is full after 111111; legal: 2 3 4 5 6 7"):
        env.step(0)
    assert env.position is before
    env.step(1)


def test_an_illegal_action_loses_where_that_was_asked_for():
    env = BoardEnv("connect_four", first_legal, on_illegal="lose")
    env.reset()
    for _ in range(3):
        env.step(0)
    obs, reward, terminated, truncated, info = env.step(0)
    assert (reward, terminated, truncated) == (-1.0, True, False)
    assert "column 1 is full" in info["illegal_move"]
    assert not info["action_mask"].any()
    assert obs in env.observation_space
    with pytest.raises(ResetNeeded, match="call reset"):
        env.step(1)
    env.reset()
    env.step(1)


def test_an_illegal_opponent_is_never_forgiven():
    env = BoardEnv("connect_four", lambda position: 9, on_illegal="lose")
    env.reset()
    with pytest.raises(IllegalMove, match="there is no action 9"):
        env.step(0)


def test_steps_outside_an_episode_are_refused():
    env = BoardEnv("tic_tac_toe", first_legal)
    with pytest.raises(ResetNeeded, match="tic_tac_toe: no game is going on; call reset"):
        env.step(0)
    play_out(env, np.random.default_rng(0))
    with pytest.raises(ResetNeeded, match="tic_tac_toe: the game is over; call reset"):
        env.step(0)


def test_wrong_arguments_are_refused_with_what_is_allowed():
    with pytest.raises(
        ValueError, match=r"BoardEnv.seat must be one of first, second, alternate, got 'third'"
    ):
        BoardEnv("othello", seat="third")
    with pytest.raises(ValueError, match=r"BoardEnv.on_illegal must be one of raise, lose, got 'cry'"):
        BoardEnv("othello", on_illegal="cry")


def test_rendering_draws_the_position():
    env = gymnasium.make(IDS[1], opponent=first_legal, render_mode="ansi")
    env.reset()
    env.step(3)
    assert env.render() == env.unwrapped.position.text()
    assert "O . . X" in env.render()
