"""Whole small runs: exact values, true returns, same seed same run, and a resume that equals going on."""

import gymnasium
import numpy as np
import pytest
import torch
from gymnasium import spaces

from agents.arena.episodes import play_episodes
from agents.dqn.agent import DQNAgent
from agents.dqn.config import DQNConfig
from agents.dqn.memory_limit import available_bytes, require_memory
from agents.dqn.replay_log import ReplayLog
from agents.dqn.train import DQNTraining, make_envs
from agents.runs.model import ModelHeader, save_model


class Pays(gymnasium.Env):
    """Pays 5 at each step; three steps long."""

    observation_space = spaces.Box(-1, 1, (2,), np.float32)
    action_space = spaces.Discrete(2)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.steps = 0
        return np.zeros(2, np.float32), {}

    def step(self, action):
        self.steps += 1
        return np.full(2, self.steps / 3, np.float32), 5.0, self.steps == 3, False, {}


gymnasium.register("test/Pays-v0", entry_point=Pays)

SMALL = {"hidden_sizes": (16,), "replay_size": 400, "learning_starts": 40, "batch_size": 8, "env_steps": 400}


def finish(training):
    return list(training.run())


def weights(training):
    return torch.cat([tensor.flatten().float() for tensor in training.network.online.state_dict().values()])


@pytest.mark.parametrize("loss", ["huber", "cross_entropy"])
def test_values_of_the_corridor_are_the_exact_ones(corridor_q, loss):
    training = DQNTraining(
        DQNConfig(
            env_id="advantage/Corridor-v0",
            env_steps=6_000,
            hidden_sizes=(32,),
            loss=loss,
            value_min=-2.0,
            value_max=2.0,
            atoms=21,
            discount=0.9,
            epsilon_end=1.0,  # every action everywhere, so that all values are learned
            learn_every_steps=4,
            learning_rate=5e-3,
            sync_every_updates=50,
            replay_size=12_000,
        )
    )
    finish(training)
    q = corridor_q(0.9)
    learned = training.agent.q_values(np.eye(len(q), dtype=np.float32), np.ones(len(q), np.bool_))
    assert np.abs(learned - q)[1:-1].max() < 0.02


def test_returns_are_true_and_rewards_are_clipped_for_learning_only():
    training = DQNTraining(DQNConfig(env_id="test/Pays-v0", reward_clip=1.0, **SMALL))
    finish(training)
    assert set(training.returns) == {15.0}
    rewards = training.replay.columns["reward"][training.replay.columns["marks"] & 8 == 0]
    assert set(rewards[: training.step // 8].tolist()) == {1.0}


@pytest.mark.parametrize(("num_envs", "every"), [(8, 3), (3, 7), (16, 4)])
def test_as_many_updates_are_made_as_steps_call_for(num_envs, every):
    training = DQNTraining(
        DQNConfig(env_id="advantage/Catch-v0", num_envs=num_envs, learn_every_steps=every, **SMALL)
    )
    finish(training)
    assert training.network.updates == (training.step - 40) // every


OPTIONS = {
    "plain": {"env_id": "CartPole-v1"},
    "everything": {
        "env_id": "CartPole-v1",
        "norm": "batch",
        "dropout": 0.2,
        "dueling": True,
        "n_step": 3,
        "target_mix": 0.1,
        "sync_every_updates": 1,
    },
    "atari": {"env_id": "ALE/Breakout-v5", "num_envs": 2, "n_step": 3, "learn_every_steps": 16},
    "rainbow": {
        "env_id": "CartPole-v1",
        "distribution": "categorical",
        "dueling": True,
        "noisy": True,
        "priority_exponent": 0.5,
        "n_step": 3,
        "epsilon_start": 0.0,
        "epsilon_end": 0.0,
    },
    "r2d2": {
        "env_id": "advantage/Recall-v0",
        "memory": "lstm",
        "memory_size": 8,
        "priority_exponent": 0.9,
        "distribution": "quantile",
        "anneal_learning_rate": True,
    },
    "lstm": {"env_id": "advantage/Recall-v0", "memory": "lstm", "memory_size": 8, "norm": "layer"},
    "histogram": {"env_id": "CartPole-v1", "loss": "cross_entropy", "priority_exponent": 0.5, "n_step": 3},
    "munchausen": {"env_id": "CartPole-v1", "munchausen": 0.9, "distribution": "categorical"},
}


@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS.keys())
def test_same_seed_same_run_and_other_seed_other_run(options):
    def run(seed):
        training = DQNTraining(DQNConfig(seed=seed, **options, **SMALL))
        finish(training)
        return weights(training)

    first = run(1)
    assert torch.equal(first, run(1))
    assert not torch.equal(first, run(2))


@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS.keys())
def test_a_resumed_run_equals_the_uninterrupted_one_to_the_bit(options, tmp_path):
    config = DQNConfig(**options, **(SMALL | {"replay_size": 200}))  # the ring goes round
    straight = DQNTraining(config)
    log, states = ReplayLog(tmp_path, straight.replay), []
    for progress in straight.run():
        if progress.step in (96, 200, 264):
            states.append((straight.state(), log.append()))
            torch.save(states[-1], tmp_path / "state.pt")
            log.prune()
    torch.manual_seed(99)
    resumed = DQNTraining(config)
    state, replay_state = torch.load(tmp_path / "state.pt", weights_only=True)
    resumed.restore(state)
    ReplayLog(tmp_path, resumed.replay).restore(replay_state)
    assert resumed.step == 264
    finish(resumed)
    assert torch.equal(weights(straight), weights(resumed))
    assert list(straight.returns) == list(resumed.returns)


def test_a_memory_goes_on_in_the_precision_of_its_new_network():
    config = DQNConfig(**OPTIONS["lstm"], **SMALL)
    one = DQNTraining(config)
    state = one.state()
    assert state["memory"].dtype == torch.float32
    state["memory"] = state["memory"].bfloat16()  # as of a network that computed in it
    one.restore(state)
    assert one.agent.state.dtype == torch.float32


def test_a_log_in_many_small_chunks_restores_the_same_replay(tmp_path, monkeypatch):
    monkeypatch.setattr("agents.dqn.replay_log.CHUNK_BYTES", 2_000)
    training = DQNTraining(DQNConfig(env_id="advantage/Catch-v0", **(SMALL | {"replay_size": 150})))
    finish(training)
    log = ReplayLog(tmp_path, training.replay)
    state = log.append()
    assert len(state["chunks"]) > 5
    copy = DQNTraining(training.config).replay
    ReplayLog(tmp_path, copy).restore(state)
    assert (copy.written == training.replay.written).all()
    for name, column in training.replay.columns.items():
        assert (copy.columns[name] == column).all(), name


def test_a_log_keeps_only_the_chunks_that_the_replay_still_holds(tmp_path):
    training = DQNTraining(DQNConfig(env_id="advantage/Catch-v0", **(SMALL | {"replay_size": 100})))
    log, kept = ReplayLog(tmp_path, training.replay), []
    for progress in training.run():
        if progress.step % 80 == 0:
            log.append()
            log.prune()
            kept.append(len(list((tmp_path / "replay").iterdir())))
    assert max(kept) <= 4
    assert len(kept) == 5


def test_a_replay_that_cannot_fit_is_refused_with_the_size_that_would():
    with pytest.raises(ValueError, match=r"replay_size 1,000,000 needs 6\.6 GiB, 2\.0 GiB are available"):
        require_memory(7_100_000_000, 1_000_000, 2 * 2**30)
    with pytest.raises(ValueError, match=r"at most \d+,\d+,\d+ would fit"):
        DQNTraining(DQNConfig(replay_size=10**12, **{k: v for k, v in SMALL.items() if k != "replay_size"}))
    require_memory(10**12, 1, None)


def test_available_memory_is_the_tighter_of_machine_and_container(tmp_path):
    meminfo = tmp_path / "meminfo"
    meminfo.write_text("MemTotal: 100 kB\nMemAvailable:   2000 kB\n")
    assert available_bytes(meminfo, tmp_path) == 2000 * 1024
    (tmp_path / "memory.max").write_text("1500000\n")
    (tmp_path / "memory.current").write_text("500000\n")
    assert available_bytes(meminfo, tmp_path) == 1_000_000
    (tmp_path / "memory.stat").write_text("file 300000\ninactive_file 200000\n")
    assert available_bytes(meminfo, tmp_path) == 1_200_000
    (tmp_path / "memory.max").write_text("max\n")
    assert available_bytes(meminfo, tmp_path) == 2000 * 1024
    assert available_bytes(tmp_path / "none", tmp_path / "none") is None


def test_a_saved_model_plays_as_it_was_trained(tmp_path):
    config = DQNConfig(**OPTIONS["lstm"], **SMALL)
    training = DQNTraining(config)
    finish(training)
    header = ModelHeader(
        kind="dqn",
        subject=config.env_id,
        network=training.network_config.to_json(),
        config=config.to_json(),
        step=training.step,
    )
    save_model(tmp_path / "x.safetensors", training.network.online.state_dict(), header)
    loaded = DQNAgent.load(tmp_path / "x.safetensors")
    fresh = DQNAgent(training.network.acting, training.network_config)
    one, two = (play_episodes(agent, make_envs(config, 2), 10, seed=3) for agent in (loaded, fresh))
    assert one == two
    save_model(
        tmp_path / "y.safetensors",
        training.network.online.state_dict(),
        ModelHeader(kind="board_value", subject="othello", network={}, config={}, step=0),
    )
    with pytest.raises(ValueError, match="holds a board_value model for othello"):
        DQNAgent.load(tmp_path / "y.safetensors")


def test_an_agent_explores_with_its_epsilon():
    training = DQNTraining(DQNConfig(env_id="advantage/Catch-v0", **SMALL))
    agent = training.agent
    obs, starts = np.repeat(training.obs[:1], 4000, axis=0), np.ones(4000, np.bool_)
    greedy = int(agent.q_values(obs[:1], starts[:1]).argmax())
    agent.epsilon = 0.3
    agent.reset(4000, 0)
    assert np.mean(agent.act(obs, starts) == greedy) == pytest.approx(0.8, abs=0.03)  # 0.7 + 0.3 / 3


def test_a_run_on_atari_learns_from_frames_stored_once():
    training = DQNTraining(
        DQNConfig(
            env_id="ALE/Pong-v5",
            num_envs=2,
            env_steps=60,
            hidden_sizes=(16,),
            replay_size=60,
            learning_starts=30,
            batch_size=4,
            n_step=3,
            reward_clip=1.0,
        )
    )
    assert [progress for progress in training.run() if progress.metrics]
    assert training.replay.columns["obs"].shape[2:] == (84, 84)
    newest = training.replay._obs(np.array([0, 1]), training.replay.written - 1)
    assert newest.shape == (2, 4, 84, 84)
    assert (newest[:, 1:] == training.obs[:, :-1]).all()  # the last stack stored, one step before the present


@pytest.mark.parametrize("cut", [{}, {"life_loss_ends": True}, {"reward_ends": True}])
def test_a_lost_life_or_a_reward_ends_what_is_learned_from_but_not_the_game(cut):
    small = SMALL | {"replay_size": 900, "env_steps": 800}
    config = DQNConfig(env_id="ALE/Breakout-v5", num_envs=1, learn_every_steps=400, **small, **cut)
    training = DQNTraining(config)
    finish(training)
    written = slice(training.replay.written[0])
    marks, reward = (training.replay.columns[name][0, written] for name in ("marks", "reward"))
    games = (marks & 8 != 0).sum()  # borders
    assert games == len(training.returns) >= 1
    terminated = marks & 2 != 0
    if "reward_ends" in cut:
        assert terminated[reward != 0].all()
        assert terminated.sum() > games
    else:
        assert (terminated.sum() >= 5 * games) if cut else (terminated.sum() == games)
