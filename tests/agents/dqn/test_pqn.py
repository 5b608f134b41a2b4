"""Parallel Q-learning: returns by a loop, exact values, true bootstraps, and a resume to the bit."""

from dataclasses import replace

import gymnasium
import numpy as np
import pytest
import torch
from gymnasium import spaces

from agents.dqn.config import PQNConfig, config_from_json
from agents.dqn.pqn import PQNTraining, lambda_returns
from agents.dqn.presets import PQN
from agents.dqn.shards import _Shard
from agents.runs.run import Run

SMALL = {"num_envs": 4, "rollout_steps": 8, "minibatches": 4, "hidden_sizes": (16,), "env_steps": 640}


class Counts(gymnasium.Env):
    """Pays 1 at each step, shows the step's number, is cut off after four: nothing ever terminates."""

    observation_space = spaces.Box(0, 9, (1,), np.float32)
    action_space = spaces.Discrete(2)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.steps = 0
        return np.zeros(1, np.float32), {}

    def step(self, action):
        self.steps += 1
        return np.full(1, self.steps, np.float32), 1.0, False, self.steps == 4, {}


gymnasium.register("test/Counts-v0", entry_point=Counts)


def weights(training):
    return torch.cat([tensor.flatten().float() for tensor in training.network.online.state_dict().values()])


def finish(config):
    training = PQNTraining(config)
    list(training.run())
    return training


@pytest.mark.parametrize("decay", [0.0, 0.65, 1.0])
def test_returns_are_the_mixture_of_all_n_step_returns(decay):
    """G = (1 - l) * sum over n of l^(n-1) * G^(n), the last n taking the rest (Sutton & Barto 2018, 12.1)."""
    rng, T, gamma = np.random.default_rng(0), 12, 0.9
    reward, value = rng.normal(size=(2, T, 5)).astype(np.float32)
    ended = rng.random((T, 5)) < 0.25
    terminated = ended & (rng.random((T, 5)) < 0.5)
    assert (ended & ~terminated).any()
    value[terminated] = np.nan  # nobody looked there
    got = lambda_returns(reward, terminated, ended, value, gamma, decay)

    def n_step(t, env, n):
        total = sum(gamma**k * reward[t + k, env] for k in range(n))
        over = terminated[t + n - 1, env]
        return total if over else total + gamma**n * value[t + n - 1, env]

    for env in range(5):
        for t in range(T):
            longest = next((n for n in range(1, T - t) if ended[t + n - 1, env]), T - t)
            shares = [(1 - decay) * decay ** (n - 1) for n in range(1, longest)] + [decay ** (longest - 1)]
            expected = sum(share * n_step(t, env, n) for n, share in enumerate(shares, start=1))
            assert got[t, env] == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize(
    ("loss", "learning_rate", "error"), [("squared_error", 1e-3, 1e-3), ("cross_entropy", 1e-2, 5e-3)]
)
def test_values_of_the_corridor_are_the_exact_ones(corridor_q, loss, learning_rate, error):
    training = finish(
        PQNConfig(
            env_id="advantage/Corridor-v0",
            env_steps=30_000,
            hidden_sizes=(32,),
            loss=loss,
            value_min=-2.0,
            value_max=2.0,
            atoms=21,
            discount=0.9,
            trace_decay=0.0,  # with random actions, longer returns would judge the random policy
            epsilon_end=1.0,
            learning_rate=learning_rate,
            anneal_learning_rate=True,
            num_envs=16,
            rollout_steps=16,
            minibatches=4,
        )
    )
    q = corridor_q(0.9)
    learned = training.agent.q_values(np.eye(len(q), dtype=np.float32), np.ones(len(q), np.bool_))
    assert np.abs(learned - q)[1:-1].max() < error


def test_truncation_keeps_the_bootstrap_of_the_true_last_observation():
    training = PQNTraining(PQNConfig(env_id="test/Counts-v0", trace_decay=0.5, discount=0.9, **SMALL))
    rollout = training._play()
    steps = torch.arange(5.0)[:, None].numpy()
    value = training.agent.q_values(steps, np.zeros(5, np.bool_)).max(axis=1)
    cut = (rollout.obs[..., 0] == 3).numpy()  # the last decision of an episode; the env then shows 4
    assert cut.any()
    assert rollout.returns.numpy()[cut] == pytest.approx(1 + 0.9 * value[4], abs=1e-5)


def test_the_updates_of_a_rollout_are_epochs_times_minibatches():
    training = PQNTraining(PQNConfig(env_id="advantage/Catch-v0", epochs=3, **SMALL))
    progress = list(training.run())
    assert [p.step for p in progress] == list(range(32, 641, 32))
    assert {p.updates for p in progress} == {12}
    assert training.network.updates == 20 * 12


def test_ahead_a_rollout_is_played_by_the_weights_from_before_the_learning_beside_it(monkeypatch):
    training = PQNTraining(PQNConfig(env_id="advantage/Catch-v0", play_ahead=True, **SMALL))
    learned, weights_that_played = [], []
    learn, play = training._learn, training._play
    monkeypatch.setattr(training, "_learn", lambda rollout: (learned.append(rollout), learn(rollout))[1])

    def watched():
        weights_that_played.append(torch.cat([w.flatten() for w in training.agent.network.parameters()]))
        return play()

    monkeypatch.setattr(training, "_play", watched)
    strides, after = training.run(), [weights(training)]
    for _ in range(5):
        progress = next(strides)
        after.append(weights(training))
    assert progress.step == 5 * 32
    assert len(learned) == 4  # the first stride only plays, the last rollout waits
    assert torch.equal(after[1], after[0])
    assert not torch.equal(after[2], after[1])
    for before, played in zip(after, weights_that_played, strict=False):
        assert torch.equal(before, played)


def test_the_learning_rate_falls_to_nothing_at_the_end(monkeypatch):
    config = PQNConfig(env_id="advantage/Catch-v0", anneal_learning_rate=True, learning_rate=0.1, **SMALL)
    rates = []
    step = _Shard.step

    def watched(shard, norm, limit, learning_rate, mean_share):
        step(shard, norm, limit, learning_rate, mean_share)
        rates.append(shard._optimiser.param_groups[0]["lr"])

    monkeypatch.setattr(_Shard, "step", watched)
    finish(config)
    assert rates[0] == pytest.approx(0.1)
    assert rates[-1] == pytest.approx(0.1 * 32 / 640)
    assert config.learning_rate_at(10**9) == 0
    assert replace(config, anneal_learning_rate=False).learning_rate_at(639) == 0.1
    curved = replace(config, anneal_power=2.0)
    assert curved.learning_rate_at(0) == 0.1
    assert curved.learning_rate_at(320) == pytest.approx(0.1 / 4)  # half of the way


OPTIONS = {
    "plain": {"env_id": "CartPole-v1"},
    "dropout": {"env_id": "CartPole-v1", "dropout": 0.2, "dueling": True, "munchausen": 0.9},
    "atari": {"env_id": "ALE/Breakout-v5", "num_envs": 2, "reward_clip": 1.0, "env_steps": 96, "lanes": 2},
    "lstm": {"env_id": "advantage/Recall-v0", "memory": "lstm", "memory_size": 8},
    "histogram": {"env_id": "advantage/Recall-v0", "memory": "lstm", "loss": "cross_entropy"},
    "ahead": {"env_id": "ALE/Breakout-v5", "num_envs": 2, "env_steps": 96, "play_ahead": True},
    "ahead, lstm": {"env_id": "advantage/Recall-v0", "memory": "lstm", "play_ahead": True},
}


@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS.keys())
def test_same_seed_same_run_and_other_seed_other_run(options):
    config = PQNConfig(**(SMALL | options))
    first = weights(finish(config))
    assert torch.equal(first, weights(finish(config)))
    assert not torch.equal(first, weights(finish(replace(config, seed=2))))


@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS.keys())
def test_a_resumed_run_equals_the_uninterrupted_one_to_the_bit(options, tmp_path):
    config = PQNConfig(**(SMALL | options))
    straight = PQNTraining(config)
    with Run.create(tmp_path, "run", config.to_json()) as run:
        for index, _ in enumerate(straight.run()):
            if index == 2:
                run.save_state(straight.state())
        torch.manual_seed(99)
        resumed = PQNTraining(config)
        resumed.restore(run.load_state())
    list(resumed.run())
    assert torch.equal(weights(straight), weights(resumed))
    assert list(straight.returns) == list(resumed.returns)


def test_a_memory_learns_from_whole_rollouts_as_it_would_step_by_step():
    """The q of a rollout that `_judge` learns from are those that were acted on."""
    config = PQNConfig(env_id="advantage/Recall-v0", memory="lstm", memory_size=8, norm="none", **SMALL)
    training = PQNTraining(config)
    training._play()  # so that episodes are under way
    seen, act = [], training.agent.q_values

    def watched(obs, starts):
        seen.append(act(obs, starts))
        return seen[-1]

    training.agent.q_values = watched
    rollout = training._play()
    acted = np.stack(seen[: config.rollout_steps])  # [T, N, A]
    which = torch.tensor([2, 0])
    judged = training._judge(rollout, which)
    taken = np.take_along_axis(acted, rollout.action.numpy()[..., None], axis=2)[..., 0]
    assert rollout.starts[1:].any()
    torch.testing.assert_close(judged.q.detach(), torch.from_numpy(taken[:, which].flatten()))


def test_recall_is_learned_with_a_memory_and_not_without():
    recall = PQNConfig(
        env_id="advantage/Recall-v0",
        num_envs=32,
        rollout_steps=32,
        env_steps=60_000,
        hidden_sizes=(32,),
        memory="lstm",
        memory_size=32,
        minibatches=4,
        epochs=2,
        learning_rate=3e-3,
        epsilon_decay_steps=30_000,
    )
    assert np.mean(finish(recall).returns) > 0.7
    assert np.mean(finish(replace(recall, memory="none")).returns) < 0


def test_configs_refuse_what_cannot_be_and_come_back_from_json():
    with pytest.raises(ValueError, match=r"PQNConfig\.trace_decay must be in \[0, 1\], got 1\.5"):
        PQNConfig(trace_decay=1.5)
    with pytest.raises(ValueError, match=r"PQNConfig\.minibatches must be at most 8, or some would be empty"):
        PQNConfig(num_envs=8, memory="lstm", minibatches=9)
    with pytest.raises(ValueError, match=r"play_ahead must be False with batch norm or dropout.*got True"):
        PQNConfig(play_ahead=True, dropout=0.1)
    assert config_from_json(PQN.to_json()) == PQN
    with pytest.raises(ValueError, match="algorithm must be one of dqn, pqn, got 'pqm'"):
        config_from_json({"algorithm": "pqm"})


@pytest.mark.parametrize("cut", ["life_loss_ends", "reward_ends"])
def test_nothing_follows_a_lost_life_or_a_reward_where_it_ends_what_is_learned_from(cut):
    config = PQNConfig(env_id="ALE/Breakout-v5", **(SMALL | {"rollout_steps": 150, cut: True}))
    training = PQNTraining(config)
    lost = []
    step = training.envs.step

    def watched(actions):
        lost.append(step(actions))
        return lost[-1]

    training.envs.step = watched
    rollout = training._play()
    where = np.stack([s.life_lost if cut == "life_loss_ends" else s.reward != 0 for s in lost])
    assert where.any()
    reward = np.stack([s.reward for s in lost])
    assert (rollout.returns.numpy()[where] == reward[where]).all()
