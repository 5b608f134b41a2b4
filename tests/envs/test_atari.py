"""The Atari protocol: sticky actions, unclipped rewards, lives, the frame cap, the true last frame."""

import numpy as np
import pytest
from ale_py.vector_env import AtariVectorEnv
from gymnasium.vector import AutoresetMode

from envs.atari import AtariConfig, AtariEnv, EmulatorVector, action_names, rom_name
from envs.vector import AtariVector


def play(envs, count, seed=0):
    rng = np.random.default_rng(seed)
    return [envs.step(rng.integers(envs.num_actions, size=envs.num_envs)) for _ in range(count)]


def test_a_stack_starts_with_three_empty_frames():
    envs = AtariVector(AtariConfig(), 2)
    obs = envs.reset(seed=0)
    assert not obs[:, :3].any()
    assert obs[:, 3].any(axis=(1, 2)).all()


def test_the_cap_counts_emulator_frames_and_truncates():
    envs = AtariVector(AtariConfig(max_episode_frames=200, noop_max=0), 1)
    envs.reset(seed=0)
    steps = play(envs, 100)
    assert [n for n, step in enumerate(steps) if step.truncated[0]] == [49, 99]
    assert not any(step.terminated[0] for step in steps)
    assert not steps[49].obs[0, :3].any()  # the next episode's first stack
    assert steps[49].last_obs[0, :3].any()


def test_the_last_observation_at_the_cap_is_the_frame_an_uncapped_game_shows():
    capped = AtariVector(AtariConfig(max_episode_frames=400, noop_max=0), 2)
    free = AtariVector(AtariConfig(noop_max=0), 2)
    capped.reset(seed=3)
    free.reset(seed=3)
    expected = play(free, 100)[-1].obs
    end = play(capped, 100)[-1]
    assert end.truncated.all()
    assert (end.last_obs == expected).all()


def test_ales_own_cap_still_leaves_a_ghost_in_the_last_frame():
    """The reason for our own cap: once this fails, the detour in envs/atari.py can go."""

    def last_frames(cap):
        envs = AtariVectorEnv(
            "pong",
            4,
            max_num_frames_per_episode=cap,
            noop_max=0,
            reward_clipping=False,
            autoreset_mode=AutoresetMode.NEXT_STEP,
        )
        envs.reset(seed=3)
        rng = np.random.default_rng(0)
        return [envs.step(rng.integers(6, size=4))[0] for _ in range(100)][-1]

    assert (last_frames(400) != last_frames(108_000)).any()


def test_rewards_are_the_games_own_score():
    envs = AtariVector(AtariConfig(env_id="ALE/SpaceInvaders-v5"), 4)
    envs.reset(seed=0)
    rewards = np.concatenate([step.reward for step in play(envs, 300)])
    assert rewards.max() >= 5
    assert rewards.dtype == np.float32


def test_a_lost_life_does_not_end_the_game():
    games = EmulatorVector(AtariConfig(env_id="ALE/Breakout-v5"), 1)
    games.reset(np.array([0]), np.ones(1, np.bool_))
    lives, ended = [5], False
    while not ended:
        fire, left = 1, 3
        games.send(np.array([fire if len(lives) % 2 else left]))
        _, _, terminated, _, info = games.emulators.recv()
        ended = bool(terminated[0])
        lives.append(int(info["lives"][0]))
    assert sorted(set(lives)) == [0, 1, 2, 3, 4, 5]
    assert lives == sorted(lives, reverse=True)


def test_actions_stick_with_the_given_probability():
    """Games with one seed and other actions part at once without stickiness, and not always with it."""

    def share_alike(sticky):
        games = EmulatorVector(AtariConfig(repeat_action_probability=sticky, noop_max=0), 6)

        def frames(action):
            games.reset(np.arange(6), np.ones(6, np.bool_))
            for played in [0, 0, action]:
                games.send(np.full(6, played))
                obs = games.receive().obs
            return obs[:, -1]

        up, down = 2, 3
        return (frames(up) == frames(down)).all(axis=(1, 2)).mean()

    assert share_alike(0.0) == 0
    assert 0.3 < share_alike(0.9) < 1


def test_the_watched_env_shows_what_training_shows_and_a_colour_screen():
    env, envs = AtariEnv(AtariConfig(), render_mode="rgb_array"), AtariVector(AtariConfig(), 1)
    obs, _ = env.reset(seed=4)
    assert obs.shape == (4, 84, 84)
    seed = np.random.default_rng(np.random.PCG64(np.random.SeedSequence(4))).integers(2**31, size=1)
    assert (envs.games.reset(seed, np.ones(1, np.bool_))[0] == obs).all()
    for action in np.random.default_rng(0).integers(6, size=80):
        obs, *_ = env.step(action)
        envs.games.send(np.array([action]))
        assert (envs.games.receive().obs[0] == obs).all()
    picture = env.render()
    assert picture.shape == (210, 160, 3)
    grey = picture.astype(float) @ [0.299, 0.587, 0.114]
    shrunk = grey[:210, :160].reshape(42, 5, 40, 4).mean(axis=(1, 3))
    seen = obs[-1].astype(float).reshape(42, 2, 84)[:, :, :80].mean(axis=1).reshape(42, 40, 2).mean(axis=2)
    assert np.corrcoef(shrunk[:, 10:30].ravel(), seen[:, 10:30].ravel())[0, 1] > 0.7


@pytest.mark.parametrize("frame_size", [84, 42])
def test_the_playing_area_alone_is_seen_without_score_and_taller(frame_size):
    env = AtariEnv(AtariConfig(frame_size=frame_size, playing_area_only=True), render_mode="rgb_array")
    env.reset(seed=4)
    for action in np.random.default_rng(0).integers(6, size=80):
        obs, *_ = env.step(action)
    assert obs.shape == env.observation_space.shape == (4, frame_size, frame_size)
    picture = env.render()
    assert picture.shape == (210, 160, 3)
    grey = picture.astype(float) @ [0.299, 0.587, 0.114]
    field = grey[34:194].reshape(40, 4, 40, 4).mean(axis=(1, 3))  # between Pong's walls
    rows, columns = (np.arange(40) * frame_size // 40 for _ in range(2))
    seen = obs[-1].astype(float)[np.ix_(rows, columns)]
    assert np.corrcoef(field[:, 2:38].ravel(), seen[:, 2:38].ravel())[0, 1] > 0.6


def test_names_of_games_and_actions():
    assert rom_name("ALE/SpaceInvaders-v5") == "space_invaders"
    assert action_names(AtariConfig()) == ("NOOP", "FIRE", "RIGHT", "LEFT", "RIGHTFIRE", "LEFTFIRE")
    assert len(action_names(AtariConfig(full_action_space=True))) == 18


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("repeat_action_probability", 1.0),
        ("frame_skip", 0),
        ("frame_size", 20),
        ("noop_max", -1),
        ("frame_stack", 0),
    ],
)
def test_a_wrong_field_is_named(field, value):
    with pytest.raises(ValueError, match=f"AtariConfig.{field} must"):
        AtariConfig(**{field: value})


def test_a_lost_life_is_told_and_the_game_goes_on():
    """Breakout has five lives: four are told, the last ends the game."""
    envs = AtariVector(AtariConfig(env_id="ALE/Breakout-v5"), 2)
    envs.reset(seed=0)
    lost, games = np.zeros(2, int), 0
    for step in play(envs, 1_200):
        assert not (step.life_lost & step.ended).any()
        for env in np.flatnonzero(step.life_lost):
            assert step.obs[env, :3].any(), "the stack goes on"
        lost += step.life_lost
        for env in np.flatnonzero(step.terminated):
            assert lost[env] == 4
            lost[env], games = 0, games + 1
    assert games >= 4
