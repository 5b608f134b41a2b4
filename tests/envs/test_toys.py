"""The toys are valid gymnasium envs, and their best returns are what they say."""

import itertools

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

from envs.toys import CATCH, CORRIDOR, RECALL, Catch, Corridor, Recall, Toy


@pytest.mark.parametrize("env_id", [CORRIDOR, CATCH, RECALL])
def test_a_toy_passes_gymnasiums_own_checker(env_id):
    env = gymnasium.make(env_id, render_mode="rgb_array", disable_env_checker=True)
    check_env(env.unwrapped)
    env.reset(seed=0)
    picture = env.render()
    assert picture.dtype == np.uint8
    assert picture.shape[2] == 3


def episode_return(env: Toy, actions, seed: int) -> float:
    env.reset(seed=seed)
    total = 0.0
    for action in actions:
        _, reward, terminated, _, _ = env.step(np.int64(action))
        total += reward
        if terminated:
            return total
    return float("nan")


def test_no_plan_in_catch_beats_its_optimal_return_and_one_reaches_it():
    for seed in range(6):
        returns = [
            episode_return(Catch(), (*plan, 1, 1, 1, 1, 1, 1), seed)
            for plan in itertools.product(range(3), repeat=3)
        ]
        assert max(returns) == Catch.OPTIMAL_RETURN
        assert min(returns) == -1


def test_corridor_pays_one_on_the_right_and_a_tenth_on_the_left():
    assert episode_return(Corridor(8), [1] * 6, 0) == Corridor.OPTIMAL_RETURN
    assert episode_return(Corridor(8), [0], 0) == pytest.approx(0.1)
    assert episode_return(Corridor(8), [1, 0, 0], 0) == pytest.approx(0.1)


def test_recall_shows_the_cue_once_and_asks_after_a_gap_that_varies():
    env, questions = Recall(), set()
    for seed in range(40):
        obs, _ = env.reset(seed=seed)
        assert obs[:-1].sum() == 1
        cue, step = int(obs.argmax()), 0
        while not obs[-1]:
            obs, reward, terminated, _, _ = env.step(np.int64(step % 4))
            step += 1
            assert obs[:-1].sum() == 0
            assert reward == 0
            assert not terminated
        questions.add(step)
        _, reward, terminated, _, _ = env.step(np.int64(cue if seed % 2 else (cue + 1) % 4))
        assert terminated
        assert reward == (1 if seed % 2 else -1)
    assert questions == set(range(5, 10))


@pytest.mark.parametrize("make", [lambda: Corridor(3), lambda: Recall(5, 4)])
def test_a_toy_refuses_sizes_that_make_no_sense(make):
    with pytest.raises(ValueError, match=r"Corridor\.length|gap_min"):
        make()
