"""What a step of N envs reports where episodes end, and that a state brings all of them back."""

import ale_py  # noqa: F401  (registers the ALE namespace with gymnasium)
import gymnasium
import numpy as np
import pytest
from gymnasium import spaces

from envs.atari import AtariConfig
from envs.toys import CATCH, CORRIDOR, RECALL
from envs.vector import GymVector, make_env, make_vector, start_seed


class Counter(gymnasium.Env):
    """obs = (episode seed's first draw, steps so far); terminates after 3 steps, or never."""

    observation_space = spaces.Box(-np.inf, np.inf, (2,), np.float64)
    action_space = spaces.Discrete(2)

    def __init__(self, length: int = 3):
        self.length = length

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.draw, self.steps = self.np_random.random(), 0
        return np.array([self.draw, 0.0]), {}

    def step(self, action):
        self.steps += 1
        return np.array([self.draw, self.steps]), float(self.steps), self.steps == self.length, False, {}


gymnasium.register("test/Counter-v0", entry_point=Counter)
gymnasium.register("test/Endless-v0", entry_point=Counter, kwargs={"length": -1}, max_episode_steps=4)


def random_steps(envs, count, seed=0):
    rng = np.random.default_rng(seed)
    return [envs.step(rng.integers(envs.num_actions, size=envs.num_envs)) for _ in range(count)]


def test_every_step_is_a_real_one_and_the_last_observation_is_true():
    envs = make_vector("test/Counter-v0", 2)
    obs = envs.reset(seed=1)
    assert obs.dtype == np.float32
    steps = random_steps(envs, 7)
    assert [step.reward.tolist() for step in steps] == [
        [k, k] for k in (1, 2, 3, 1, 2, 3, 1)
    ]  # no fake transition
    assert [bool(step.terminated.all()) for step in steps] == [False, False, True, False, False, True, False]
    end = steps[2]
    assert (end.last_obs[:, 1] == 3).all()
    assert (end.obs[:, 1] == 0).all()
    assert (end.last_obs[:, 0] == obs[:, 0]).all()
    assert (end.obs[:, 0] != obs[:, 0]).all()  # a new seed
    assert steps[0].obs is steps[0].last_obs


def test_a_time_limit_truncates_and_does_not_terminate():
    envs = make_vector("test/Endless-v0", 1)
    envs.reset(seed=0)
    steps = random_steps(envs, 8)
    assert [bool(step.truncated[0]) for step in steps] == [False, False, False, True] * 2
    assert not any(step.terminated[0] for step in steps)
    assert steps[3].last_obs[0, 1] == 4


@pytest.mark.parametrize("env_id", ["CartPole-v1", CATCH, CORRIDOR, RECALL])
def test_same_seed_same_episodes_and_other_seed_others(env_id):
    def play(seed):
        envs = make_vector(env_id, 3)
        first = envs.reset(seed=seed)
        return np.array([first, *(step.obs for step in random_steps(envs, 60))])

    assert (play(3) == play(3)).all()
    if env_id != CORRIDOR:  # which has no chance
        assert (play(3) != play(4)).any()


@pytest.mark.parametrize("env_id", ["CartPole-v1", CATCH, CORRIDOR, RECALL, "ALE/Breakout-v5"])
def test_a_restored_state_goes_on_as_if_nothing_had_happened(env_id):
    count = 420 if env_id.startswith("ALE") else 47  # Breakout: two or three games, the later ones unseeded
    envs = make_vector(env_id, 3)
    envs.reset(seed=5)
    before = random_steps(envs, count)
    state = envs.state()
    after = random_steps(envs, 60, seed=1)
    again = make_vector(env_id, 3)
    again.reset(seed=99)
    assert (again.restore(state) == before[-1].obs).all()
    for expected, got in zip(after, random_steps(again, 60, seed=1), strict=True):
        for name, array in expected._asdict().items():
            assert (array == getattr(got, name)).all(), name


def test_an_atari_log_is_dropped_at_the_first_end_of_an_episode_after_its_limit(monkeypatch):
    envs = make_vector("ALE/Breakout-v5", 1)
    monkeypatch.setattr(envs, "seed_after_steps", 200)
    envs.reset(seed=0)
    lengths = [len(envs.state()["actions"][0]) for _ in range(600) if envs.step(np.ones(1, np.int64))]
    assert envs.state()["starts"][0] >= 1
    assert 200 <= max(lengths) < 600
    again = make_vector("ALE/Breakout-v5", 1)
    expected = envs.step(np.ones(1, np.int64)).obs
    assert (again.restore(envs.state()) == expected).all()


def test_a_state_of_other_envs_is_refused():
    envs = make_vector(CATCH, 2)
    envs.reset(seed=0)
    with pytest.raises(ValueError, match="a state of 2 envs does not fit 3"):
        make_vector(CATCH, 3).restore(envs.state())


def test_neighbouring_seeds_share_no_episode():
    seeds = {
        start_seed(seed, env, episode) for seed in range(10) for env in range(10) for episode in range(10)
    }
    assert len(seeds) == 1000
    assert max(seeds) < 2**31


def test_an_unknown_id_names_the_nearest():
    with pytest.raises(ValueError, match=r"no environment 'CartPoole-v1'; nearest: CartPole-v"):
        make_env("CartPoole-v1")
    with pytest.raises(ValueError, match=r"no Atari game 'ALE/Pnog-v5'; nearest: ALE/Pong-v5"):
        make_env("ALE/Pnog-v5")


@pytest.mark.parametrize(
    ("env_id", "said"),
    [
        ("LunarLander-v3", "LunarLander-v3: Box2D is not installed"),
        ("LunarLander-v2", "LunarLander-v2: .*deprecated"),
        ("no_such_module:Env-v0", "no_such_module:Env-v0: No module named 'no_such_module'"),
    ],
)
def test_an_env_that_cannot_be_made_says_what_is_missing(env_id, said):
    with pytest.raises(ValueError, match=said):
        make_env(env_id)


def test_continuous_actions_and_no_envs_are_refused():
    with pytest.raises(ValueError, match="Pendulum-v1: needs discrete actions"):
        GymVector("Pendulum-v1", 1)
    with pytest.raises(ValueError, match="num_envs must be at least 1"):
        make_vector("ALE/Pong-v5", 0)


@pytest.mark.parametrize(
    ("space", "shape", "dtype"),
    [
        (spaces.Discrete(5), (5,), np.float32),
        (spaces.Box(0, 255, (48, 40, 3), np.uint8), (3, 48, 40), np.uint8),
        (spaces.Box(0, 255, (48, 40), np.uint8), (1, 48, 40), np.uint8),
        (spaces.Box(0, 255, (4, 48, 40), np.uint8), (4, 48, 40), np.uint8),
        (spaces.Box(0, 255, (5, 5, 40), np.uint8), (1000,), np.uint8),
        (spaces.Dict(a=spaces.Discrete(3), b=spaces.Box(0, 1, (2,))), (5,), np.float32),
        (spaces.Box(-1, 1, (2, 3), np.float64), (6,), np.float32),
    ],
)
def test_observations_become_vectors_or_channels_first_images(space, shape, dtype):
    class Shown(Counter):
        observation_space = space

        def reset(self, *, seed=None, options=None):
            gymnasium.Env.reset(self, seed=seed)
            space.seed(seed)
            return space.sample(), {}

        def step(self, action):
            return space.sample(), 0.0, False, False, {}

    gymnasium.register("test/Shown-v0", entry_point=Shown)
    envs = make_vector("test/Shown-v0", 2)
    assert envs.obs_shape == shape
    assert envs.reset(seed=0).dtype == dtype
    assert envs.step(np.zeros(2, np.int64)).obs.shape == (2, *shape)
    del gymnasium.registry["test/Shown-v0"]


def test_atari_config_goes_through():
    envs = make_vector(
        "ALE/Pong-v5", 2, atari=AtariConfig(env_id="ALE/Pong-v5", frame_stack=3, full_action_space=True)
    )
    assert (envs.obs_shape, envs.num_actions, envs.frame_stack) == ((3, 84, 84), 18, 3)
