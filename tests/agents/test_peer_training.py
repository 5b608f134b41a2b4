"""The peer is told what our config says, plays the same game, and is measured without being disturbed."""

import inspect
import itertools
import math
import time
from dataclasses import fields, replace

import numpy as np
import pytest
import torch
from stable_baselines3 import DQN
from stable_baselines3.common.atari_wrappers import EpisodicLifeEnv, FireResetEnv, MaxAndSkipEnv, NoopResetEnv
from stable_baselines3.common.env_util import is_wrapped
from stable_baselines3.common.logger import Logger

from agents.dqn import supervise
from agents.dqn.config import DQNConfig
from agents.dqn.learner import Learner
from agents.dqn.replay import Transitions
from agents.peer_settings import (
    ABSENT,
    OURS_ALONE,
    PROTOCOL,
    ZOO_ATARI,
    PeerSettings,
    our_settings,
    own_settings,
)
from agents.peer_training import BEST_MODEL, LAST_MODEL, PeerInTraining, make_peer, make_peer_envs, train_peer
from agents.runs.metrics import read_records
from agents.runs.run import Run
from envs.atari import AtariConfig
from envs.vector import make_vector
from networks.build import build

CARTPOLE = DQNConfig(
    env_id="CartPole-v1",
    num_envs=4,
    env_steps=1_200,
    hidden_sizes=(24, 12),
    double=False,
    n_step=3,
    discount=0.97,
    learning_rate=3e-3,
    optimiser_epsilon=1e-4,
    clip_gradient_norm=7.0,
    target_mix=0.5,
    sync_every_updates=30,
    learn_every_steps=2,
    batch_size=16,
    replay_size=4_000,
    learning_starts=100,
    epsilon_start=0.9,
    epsilon_end=0.1,
    epsilon_decay_steps=600,
    evaluate_every_steps=400,
    evaluation_episodes=4,
    evaluation_envs=2,
    log_every_steps=200,
    seed=5,
)
PONG = DQNConfig(
    env_id="ALE/Pong-v5",
    num_envs=2,
    env_steps=200,
    hidden_sizes=(32,),
    double=False,
    reward_clip=1.0,
    replay_size=100,
    learning_starts=50,
    learn_every_steps=8,
    batch_size=8,
    sync_every_updates=5,
    evaluate_every_steps=200,
    evaluation_episodes=1,
    evaluation_envs=1,
    evaluation_steps_max=30,
)
HARMLESS = {  # where nothing else is said, they change speed or nothing
    *OURS_ALONE,
    *("memory_size", "sequence_length", "burn_in"),  # of a memory, which is refused, as are the next ones
    *("channels", "atoms", "value_min", "value_max", "priority_correction"),
    *("policy_temperature", "log_policy_min"),
}
CHANGES = {
    "num_envs": 2,
    "hidden_sizes": (8,),
    "reward_clip": 1.0,
    "n_step": 2,
    "clip_gradient_norm": None,
    "learn_every_steps": 4,
}


def trained(config, root, minutes=None):
    model = make_peer(config, our_settings(config))
    with Run.create(root, "peer", config.to_json()) as run:
        reason = train_peer(run, model, config, label="peer", minutes=minutes)
    return model, run.path, reason


# What the peer is told


def test_the_defaults_are_those_of_the_library():
    theirs = {name: each.default for name, each in inspect.signature(DQN.__init__).parameters.items()}
    ours = {field.name: field.default for field in fields(PeerSettings)}
    shared = ours.keys() & theirs.keys()
    assert len(shared) == 14
    assert {name: ours[name] for name in shared} == {name: theirs[name] for name in shared}
    acrobot = replace(CARTPOLE, env_id="Acrobot-v1")  # the zoo has numbers of its own for CartPole
    model = make_peer(acrobot, own_settings(acrobot, acrobot))
    default = DQN("MlpPolicy", "Acrobot-v1")
    assert str(model.policy) == str(default.policy)
    assert model.policy.optimizer.defaults == default.policy.optimizer.defaults


def test_equal_settings_give_the_library_every_number_of_our_config():
    model = make_peer(CARTPOLE, our_settings(CARTPOLE))
    assert (model.n_envs, model.batch_size, model.learning_starts) == (4, 16, 100)
    assert (model.learning_rate, model.gamma, model.tau, model.max_grad_norm) == (3e-3, 0.97, 0.5, 7.0)
    assert model.replay_buffer.buffer_size * model.n_envs == 4_000  # its rows hold a step of each env
    assert (model.replay_buffer.n_steps, model.replay_buffer.gamma) == (3, 0.97)
    assert model.target_update_interval == 60  # 30 updates, one for two steps
    assert (model.train_freq.frequency * model.n_envs, model.gradient_steps) == (4, 2)
    assert model.policy.optimizer.defaults["eps"] == 1e-4
    for step in (0, 100, 300, 599, 600, 1_000):
        left = 1 - step / CARTPOLE.env_steps
        assert model.exploration_schedule(left) == pytest.approx(CARTPOLE.epsilon(step))


@pytest.mark.parametrize("config", [CARTPOLE, PONG])
def test_the_peers_network_has_our_layers(config):
    envs = make_vector(config.env_id, 1)
    ours = build(config.network(envs.obs_shape, envs.num_actions))
    theirs = make_peer(config, our_settings(config)).q_net
    assert [tuple(p.shape) for p in theirs.parameters()] == [tuple(p.shape) for p in ours.parameters()]


@pytest.mark.parametrize(("num_envs", "every"), [(1, 2), (4, 2), (4, 4), (2, 8)])
def test_the_peer_updates_and_copies_as_often_as_we_do(num_envs, every, monkeypatch):
    config = replace(
        CARTPOLE, num_envs=num_envs, learn_every_steps=every, env_steps=960, sync_every_updates=12
    )
    copies = []
    monkeypatch.setattr("stable_baselines3.dqn.dqn.polyak_update", lambda *_: copies.append(1))
    model = make_peer(config, our_settings(config))
    model.learn(config.env_steps)
    due = sum(config.updates_due(step) for step in range(0, config.env_steps, num_envs))
    assert model._n_updates == pytest.approx(due, abs=2)
    assert len(copies) / 2 == config.env_steps // (12 * every)  # each copies weights, then statistics


def test_the_same_weights_and_batches_teach_both_the_same():
    """24 updates with three copies to the target network: the losses tell if any of them differed."""
    config = replace(
        CARTPOLE, num_envs=1, n_step=1, target_mix=1.0, sync_every_updates=8, clip_gradient_norm=0.1
    )
    network = config.network((4,), 2)
    model = make_peer(config, our_settings(config))
    model.set_logger(Logger(None, []))
    model.learn(config.learning_starts)  # fills its replay, learns nothing
    torch.manual_seed(0)
    learner = Learner(network, config)
    torch.manual_seed(0)
    start = build(network)  # the learner's first weights
    for theirs in (model.q_net, model.q_net_target):
        for parameter, first in zip(theirs.parameters(), start.parameters(), strict=True):
            parameter.data.copy_(first)
    for update in range(1, 25):
        np.random.seed(update)  # noqa: NPY002 - the library draws its batch from here
        batch = model.replay_buffer.sample(config.batch_size)
        np.random.seed(update)  # noqa: NPY002
        model.train(gradient_steps=1, batch_size=config.batch_size)
        if update % config.sync_every_updates == 0:
            model.q_net_target.load_state_dict(model.q_net.state_dict())
        discount = config.discount * (1 - batch.dones)
        taken = batch.observations, batch.actions[:, 0], batch.rewards[:, 0], discount[:, 0]
        windows = [x.numpy() for x in (*taken, batch.next_observations)]
        alike = np.ones(config.batch_size, np.float32)
        metrics, _ = learner.learn(Transitions(*windows, weights=alike, keys=np.arange(config.batch_size)))
        theirs = model.logger.name_to_value["train/loss"]
        assert float(metrics["loss"]) == pytest.approx(theirs, rel=1e-4), update


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"memory": "lstm"}, "cannot do memory 'lstm'\nto compare equals, both need --memory none;"),
        ({"norm": "layer"}, "cannot do norm 'layer'"),
        ({"dropout": 0.1}, "cannot do dropout 0.1"),
        ({"dueling": True}, "cannot do dueling True"),
        ({"double": True, "norm": "layer"}, "both need --norm none --no-double;"),
        ({"loss": "squared_error"}, "cannot do loss 'squared_error'"),
        ({"optimiser": "rmsprop"}, "cannot do optimiser 'rmsprop'"),
        ({"activation": "tanh"}, "cannot do activation 'tanh'"),
        ({"trunk": "conv_pool"}, "both need --trunk auto;"),
        ({"hidden_sizes": ()}, "at least one dense layer"),
        (
            {"num_envs": 4, "learn_every_steps": 6},
            "cannot do learn_every_steps 6\nto compare equals, both need a divisor or",
        ),
        ({"num_envs": 8, "sync_every_updates": 3}, "a multiple of 8 env steps between copies, not 6"),
    ],
)
def test_what_the_peer_does_not_have_is_refused_with_a_way_out(change, said):
    with pytest.raises(ValueError, match="--settings own compares each at its own") as refused:
        our_settings(replace(CARTPOLE, **change))
    assert said in str(refused.value)


def test_no_field_of_our_config_is_silently_left_out():
    base = our_settings(CARTPOLE)
    for field in fields(DQNConfig):
        name = field.name
        if name in ABSENT or name in PROTOCOL or name in HARMLESS:
            continue
        value = getattr(CARTPOLE, name)
        change = CHANGES[name] if name in CHANGES else value * (2 if isinstance(value, int) else 0.5)
        assert our_settings(replace(CARTPOLE, **{name: change})) != base, name


def test_own_settings_are_the_zoos_for_atari_and_refuse_numbers_that_they_replace():
    assert own_settings(PONG, PONG) == ZOO_ATARI
    assert own_settings(replace(PONG, seed=9, evaluation_episodes=3), PONG) == ZOO_ATARI
    with pytest.raises(ValueError, match="--batch-size 9 changes nothing with --settings own"):
        own_settings(replace(PONG, batch_size=9), PONG)


def test_an_unlimited_gradient_is_unlimited_for_the_peer_and_null_in_json():
    settings = our_settings(replace(CARTPOLE, clip_gradient_norm=None))
    assert settings.max_grad_norm == math.inf
    assert settings.to_json()["max_grad_norm"] is None


# The game that it plays


@pytest.mark.parametrize("probability", [0.25, 0.0])
@pytest.mark.parametrize("settings", [ZOO_ATARI, our_settings(PONG)])
def test_the_emulator_is_sticky_as_we_say_and_frames_are_skipped_once(settings, probability):
    config = replace(PONG, repeat_action_probability=probability)
    envs = make_peer_envs(config, settings)
    envs.reset()
    ale = envs.unwrapped.envs[0].unwrapped.ale
    assert ale.getFloat("repeat_action_probability") == probability
    assert ale.getInt("frame_skip") == 1
    assert ale.getInt("max_num_frames_per_episode") == AtariConfig().max_episode_frames
    for _ in range(5):
        before = ale.getEpisodeFrameNumber()
        envs.step(np.zeros(settings.num_envs, np.int64))
        assert ale.getEpisodeFrameNumber() - before == AtariConfig().frame_skip


def test_its_own_stack_keeps_lives_and_fire_and_equal_settings_keep_neither():
    for settings, has in ((ZOO_ATARI, True), (our_settings(PONG), False)):
        (env, *_) = make_peer_envs(PONG, settings).unwrapped.envs
        assert is_wrapped(env, EpisodicLifeEnv) == has
        assert is_wrapped(env, FireResetEnv) == has
        assert is_wrapped(env, NoopResetEnv)
        assert is_wrapped(env, MaxAndSkipEnv)


def test_the_peer_sees_in_our_envs_what_it_sees_in_its_own():
    """Both without chance, from their first frames on: one picture, up to the libraries' ideas of grey."""
    config = replace(PONG, num_envs=1, repeat_action_probability=0.0)
    model = make_peer(config, our_settings(config))
    theirs_env = model.get_env()
    (env,) = theirs_env.unwrapped.envs
    while not isinstance(env, NoopResetEnv):
        env = env.env
    env.override_num_noops = 1
    ours_env = make_vector(PONG.env_id, 1, atari=AtariConfig(repeat_action_probability=0.0, noop_max=0))
    ours, theirs = ours_env.reset(0), theirs_env.reset()
    assert ours.shape == theirs.shape == (1, 4, 84, 84)
    assert not ours[:, :-1].any()
    assert not theirs[:, :-1].any()
    for action in itertools.islice(itertools.cycle([2, 2, 2, 3, 3, 3, 0]), 60):
        last = ours[0], theirs[0]
        ours, theirs = ours_env.step(np.array([action])).obs, theirs_env.step([action])[0]
        for obs, before in zip((ours[0], theirs[0]), last, strict=True):
            np.testing.assert_array_equal(obs[:-1], before[1:])  # newest last
        difference = np.abs(ours.astype(int) - theirs.astype(int))
        assert difference[:, -1].mean() < 4
        assert np.corrcoef(ours[0, -1].ravel(), theirs[0, -1].ravel())[0, 1] > 0.9


def test_rewards_are_cut_for_learning_and_returns_stay_true():
    config = replace(CARTPOLE, reward_clip=0.25)
    envs = make_peer_envs(config, our_settings(config))
    envs.reset()
    ended = []
    while not ended:
        _, rewards, _, infos = envs.step(np.zeros(4, np.int64))
        assert rewards.tolist() == [0.25] * 4
        ended = [info["episode"] for info in infos if "episode" in info]
    assert ended[0]["r"] == ended[0]["l"]  # CartPole pays 1 a step


# How it is measured


def test_measuring_leaves_the_streams_that_learning_draws_from():
    model = make_peer(CARTPOLE, our_settings(CARTPOLE))
    agent = PeerInTraining(model, num_actions=2, epsilon=0.5)
    before = np.random.get_state()[1].copy(), torch.get_rng_state()  # noqa: NPY002 - the library's own
    agent.reset(3, seed=1)
    agent.act(np.zeros((3, 4), np.float32), np.ones(3, np.bool_))
    after = np.random.get_state()[1], torch.get_rng_state()  # noqa: NPY002
    for old, new in zip(before, after, strict=True):
        assert (old == new).all()


def test_epsilon_is_the_share_of_random_actions():
    model = make_peer(CARTPOLE, our_settings(CARTPOLE))
    obs, starts = np.zeros((4_000, 4), np.float32), np.zeros(4_000, np.bool_)
    best = model.predict(obs, deterministic=True)[0]
    for epsilon in (0.0, 0.5, 1.0):
        agent = PeerInTraining(model, num_actions=2, epsilon=epsilon)
        agent.reset(4_000, seed=0)
        assert (agent.act(obs, starts) != best).mean() == pytest.approx(epsilon / 2, abs=0.03)


def test_a_run_leaves_metrics_named_as_ours_and_models_that_load(tmp_path):
    _, path, reason = trained(CARTPOLE, tmp_path)
    assert reason == "all steps are done"
    records = read_records(path / "metrics.jsonl")
    assert [record["step"] for record in records if "epsilon" in record] == [200, 400, 600, 800, 1000, 1200]
    assert [record["step"] for record in records if "evaluation_return" in record] == [400, 800, 1200]
    assert all(
        record["evaluation_low"] <= record["evaluation_return"] <= record["evaluation_high"]
        for record in records
        if "evaluation_return" in record
    )
    assert any("train_return" in record for record in records)
    assert (path / "curve.png").is_file()
    last, best = (DQN.load(path / name, device="cpu") for name in (LAST_MODEL, BEST_MODEL))
    assert last.num_timesteps == 1_200
    scores = {record["step"]: record.get("evaluation_return", -math.inf) for record in records}
    assert scores[best.num_timesteps] == max(scores.values())


def weights(model):
    return torch.cat([parameter.detach().flatten() for parameter in model.q_net.parameters()])


def test_a_seed_decides_a_run_and_measuring_it_more_often_changes_nothing(tmp_path):
    first, *_ = trained(CARTPOLE, tmp_path)
    again, *_ = trained(replace(CARTPOLE, evaluate_every_steps=150), tmp_path)
    other, *_ = trained(replace(CARTPOLE, seed=6), tmp_path)
    assert torch.equal(weights(first), weights(again))
    assert not torch.equal(weights(first), weights(other))


def test_the_time_of_an_evaluation_counts(tmp_path, monkeypatch):
    play = supervise.play_episodes

    def slowly(*args, **kwargs):
        time.sleep(0.5)
        return play(*args, **kwargs)

    monkeypatch.setattr(supervise, "play_episodes", slowly)
    _, path, _ = trained(CARTPOLE, tmp_path)
    assert read_records(path / "metrics.jsonl")[-1]["wall_s"] >= 1.5


def test_a_run_ends_at_its_return_or_its_minutes_with_an_evaluation(tmp_path):
    model, _, reason = trained(replace(CARTPOLE, stop_at_return=1.0), tmp_path)
    assert (reason, model.num_timesteps) == ("an evaluation reached 1", 400)
    model, path, reason = trained(CARTPOLE, tmp_path, minutes=0.0)
    assert (reason, model.num_timesteps) == ("the minutes are over", 4)
    assert read_records(path / "metrics.jsonl")[-1]["step"] == 4
