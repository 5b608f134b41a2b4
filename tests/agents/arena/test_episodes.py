"""Returns are measured fairly: whole episodes, as many from each env, true sums, an honest interval."""

import gymnasium
import numpy as np
import pytest
from gymnasium import spaces

from agents.arena.episodes import (
    HANDCRAFTED,
    EpisodeReturns,
    HandcraftedAgent,
    RandomAgent,
    baselines,
    play_episodes,
)
from envs.vector import make_vector


class Uneven(gymnasium.Env):
    """An episode lasts 1 or 20 steps, by its seed, and pays its length: short ones end first."""

    observation_space = spaces.Box(-1, 1, (1,), np.float32)
    action_space = spaces.Discrete(2)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.steps, self.length = 0, 1 if self.np_random.random() < 0.5 else 20
        return np.zeros(1, np.float32), {}

    def step(self, action):
        self.steps += 1
        return np.zeros(1, np.float32), 1.0, self.steps == self.length, False, {}


gymnasium.register("test/Uneven-v0", entry_point=Uneven)


class Watcher(RandomAgent):
    """Remembers the starts it is told."""

    def __init__(self):
        super().__init__(2)
        self.starts = []

    def act(self, obs, starts):
        self.starts.append(starts.copy())
        return super().act(obs, starts)


@pytest.mark.parametrize("num_envs", [1, 7, 40])
def test_short_episodes_are_not_preferred(num_envs):
    returns = play_episodes(RandomAgent(2), make_vector("test/Uneven-v0", num_envs), 200, seed=1)
    assert len(returns.returns) == 200
    assert set(returns.returns) == {1.0, 20.0}
    assert list(returns.returns) == list(returns.lengths)
    assert 0.38 < np.mean(np.array(returns.returns) == 20.0) < 0.62


def test_an_agent_is_told_where_episodes_begin():
    agent = Watcher()
    lengths = play_episodes(agent, make_vector("test/Uneven-v0", 1), 6, seed=0).lengths
    began = np.flatnonzero(np.array(agent.starts)[:, 0]).tolist()
    assert began == [0, *np.cumsum(lengths)[:-1].tolist()]


def test_an_endless_episode_counts_with_its_return_so_far():
    returns = play_episodes(
        HandcraftedAgent(HANDCRAFTED["CartPole-v1"]), make_vector("CartPole-v1", 3), 5, 0, steps_max=50
    )
    assert returns.returns == (50.0,) * 5
    assert returns.lengths == (50,) * 5


def test_the_interval_is_that_of_the_mean():
    rng = np.random.default_rng(0)
    covered = 0
    for _ in range(100):
        returns = EpisodeReturns(tuple(rng.normal(3.0, 2.0, size=60)), (1,) * 60)
        low, high = returns.interval()
        covered += low <= 3.0 <= high
        assert high - low == pytest.approx(2 * 1.96 * 2 / 60**0.5, rel=0.5)
    assert covered >= 88


def test_json_holds_the_figures():
    assert EpisodeReturns((1.0, 1.0), (3, 4)).to_json() == {
        "episodes": 2,
        "mean": 1.0,
        "low": 1.0,
        "high": 1.0,
        "returns": [1.0, 1.0],
        "lengths": [3, 4],
    }


@pytest.mark.parametrize(
    ("env_id", "least"),
    [
        ("CartPole-v1", 475.0),
        ("advantage/Catch-v0", 1.0),
        ("advantage/Corridor-v0", 1.0),
        ("advantage/Recall-v0", -0.7),
    ],
)
def test_handcrafted_agents_know_their_env_and_random_ones_do_not(env_id, least):
    envs = make_vector(env_id, 10)
    random, handcrafted = baselines(envs)
    means = [play_episodes(agent, envs, 60, seed=5).mean for agent in (random, handcrafted)]
    assert means[1] >= least
    if env_id != "advantage/Recall-v0":
        assert means[0] < means[1] - 0.3


def test_no_episodes_are_refused():
    with pytest.raises(ValueError, match="episodes must be at least 1, got 0"):
        play_episodes(RandomAgent(2), make_vector("CartPole-v1", 1), 0, seed=0)


def test_an_env_without_a_handcrafted_rule_has_the_random_baseline_only():
    assert [agent.name for agent in baselines(make_vector("Acrobot-v1", 1))] == ["random"]
