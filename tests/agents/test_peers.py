"""stable-baselines3 models play our envs as they play their own, and are loaded only where trusted."""

import pickle
import zipfile
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pytest
from stable_baselines3 import DQN, PPO
from stable_baselines3.common.evaluation import evaluate_policy

from agents.arena.episodes import play_episodes
from agents.peers import PeerModel, SB3Agent, is_peer, parse_peer
from envs.vector import make_vector


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("peers") / "untrained.zip"
    PPO("MlpPolicy", "CartPole-v1", seed=3, device="cpu").save(path)
    return path


def test_a_peer_acts_as_the_library_itself_says(saved: Path) -> None:
    agent = SB3Agent.load(parse_peer(f"sb3:ppo:CartPole-v1:{saved}"), trusted=True)
    obs = np.random.default_rng(0).normal(size=(50, 4)).astype(np.float32)
    theirs, _ = PPO.load(saved, device="cpu").predict(obs, deterministic=True)
    agent.reset(50, seed=0)
    ours = agent.act(obs, np.zeros(50, np.bool_))
    assert ours.dtype == np.int64
    assert ours.tolist() == theirs.tolist()


def test_a_peer_gets_the_returns_that_the_library_measures(saved: Path) -> None:
    agent = SB3Agent.load(parse_peer(f"sb3:ppo:CartPole-v1:{saved}"), trusted=True)
    ours = play_episodes(agent, make_vector("CartPole-v1", 10), 40, seed=0)
    env = gymnasium.make("CartPole-v1")
    env.reset(seed=1)
    theirs, _ = evaluate_policy(
        PPO.load(saved, device="cpu"), env, 40, return_episode_rewards=True, warn=False
    )
    pooled = np.sqrt((np.var(ours.returns) + np.var(theirs)) / 40)
    assert abs(ours.mean - np.mean(theirs)) < 4 * pooled + 1e-9


def test_a_dqn_peer_loads_too(tmp_path: Path) -> None:
    DQN("MlpPolicy", "CartPole-v1", buffer_size=10, device="cpu").save(tmp_path / "model.zip")
    agent = SB3Agent.load(parse_peer(f"sb3:DQN:CartPole-v1:{tmp_path}/model.zip"), trusted=True)
    assert agent.name == "sb3:dqn:model"
    agent.check((4,), 2)
    with pytest.raises(
        ValueError, match=r"takes observations \(4,\) and has 2 actions; the env has \(4,\) and 3"
    ):
        agent.check((4,), 3)


class Bomb:
    """Touches a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return Path.touch, (self.path,)


def test_nothing_in_the_file_runs_without_trust(tmp_path: Path) -> None:
    marker = tmp_path / "ran"
    with zipfile.ZipFile(tmp_path / "evil.zip", "w") as file:
        file.writestr("data", pickle.dumps(Bomb(marker)))
    peer = parse_peer(f"sb3:dqn:CartPole-v1:{tmp_path}/evil.zip")
    with pytest.raises(ValueError, match=r"evil.zip is a stable-baselines3 model.*--trust-pickle"):
        SB3Agent.load(peer, trusted=False)
    assert not marker.exists()


@pytest.mark.parametrize(
    ("model", "message"),
    [
        ("sb3:dqn:CartPole-v1", "is written sb3:ALGORITHM:ENV:PATH, got 'sb3:dqn:CartPole-v1'"),
        ("sb3:dqn::x.zip", "is written sb3:ALGORITHM:ENV:PATH"),
        ("sb3:sac:CartPole-v1:x.zip", "unknown algorithm 'sac'; algorithms: a2c, dqn, ppo"),
        ("sb3:dqn:CartPole-v1:nonesuch.zip", "nonesuch.zip is not a zip file"),
    ],
)
def test_a_badly_written_peer_is_refused(model: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        parse_peer(model)


def test_an_env_may_have_a_slash_and_a_path_colons(saved: Path, tmp_path: Path) -> None:
    odd = tmp_path / "a:b.zip"
    odd.write_bytes(saved.read_bytes())
    assert parse_peer(f"sb3:dqn:ALE/Pong-v5:{odd}") == PeerModel("dqn", "ALE/Pong-v5", odd)
    assert is_peer("sb3:x")
    assert not is_peer("pong")


def test_a_dqn_peer_tells_its_action_values_and_a_policy_has_none(tmp_path: Path, saved: Path) -> None:
    model = DQN("MlpPolicy", "CartPole-v1", buffer_size=10, device="cpu", seed=1)
    model.save(tmp_path / "model.zip")
    agent = SB3Agent.load(parse_peer(f"sb3:dqn:CartPole-v1:{tmp_path}/model.zip"), trusted=True)
    obs = np.random.default_rng(0).normal(size=(20, 4)).astype(np.float32)
    assert agent.q_values(obs).argmax(axis=1).tolist() == agent.act(obs, np.zeros(20, np.bool_)).tolist()
    policy = SB3Agent.load(parse_peer(f"sb3:ppo:CartPole-v1:{saved}"), trusted=True)
    with pytest.raises(ValueError, match="no action values"):
        policy.q_values(obs)
