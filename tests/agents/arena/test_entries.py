"""Models are measured in the env they were trained for, on equal seeds, beside agents that set the scale."""

import subprocess
import sys
from pathlib import Path

import pytest
import torch
from stable_baselines3 import DQN

from agents.arena.entries import Entry, count_agents, find_entry, measure
from agents.dqn.config import DQNConfig
from agents.runs.model import ModelHeader, ModelNotFound, save_model
from envs.toys import CATCH, CORRIDOR
from networks.build import build


def _saved_dqn(path: Path, env_id: str, obs_size: int, num_actions: int, seed: int = 0) -> Path:
    """An untrained model."""
    config = DQNConfig(env_id=env_id, hidden_sizes=(8,), evaluation_envs=4)
    network = config.network((obs_size,), num_actions)
    torch.manual_seed(seed)
    header = ModelHeader(
        kind="dqn", subject=env_id, network=network.to_json(), config=config.to_json(), step=0
    )
    save_model(path, build(network).state_dict(), header)
    return path


def test_models_are_grouped_by_env_and_each_env_has_its_baselines_once(tmp_path: Path) -> None:
    cartpole = str(_saved_dqn(tmp_path / "pole.safetensors", "CartPole-v1", 4, 2))
    other = str(_saved_dqn(tmp_path / "other.safetensors", "CartPole-v1", 4, 2, seed=1))
    catch = str(_saved_dqn(tmp_path / "catch.safetensors", CATCH, 50, 3))
    entries = [find_entry(model) for model in (cartpole, catch, other)]
    told: list[int] = []
    measured = list(measure(entries, 6, seed=0, on_progress=told.append))
    agents = [(each.env_id, each.model, each.is_baseline) for each in measured]
    assert agents == [
        ("CartPole-v1", cartpole, False),
        ("CartPole-v1", other, False),
        ("CartPole-v1", "random", True),
        ("CartPole-v1", "handcrafted", True),
        (CATCH, catch, False),
        (CATCH, "random", True),
        (CATCH, "handcrafted", True),
    ]
    assert count_agents(entries) == 7
    assert told == list(range(1, 43))
    assert all(len(each.returns.returns) == 6 for each in measured)
    by_agent = {(each.env_id, each.model): each.returns.mean for each in measured}
    assert by_agent[CATCH, "handcrafted"] == 1.0  # the best possible
    assert by_agent["CartPole-v1", "handcrafted"] > 5 * by_agent["CartPole-v1", "random"]


def test_the_same_seed_measures_the_same_and_another_seed_other_episodes(tmp_path: Path) -> None:
    entry = find_entry(str(_saved_dqn(tmp_path / "pole.safetensors", "CartPole-v1", 4, 2)))
    first, again, other = ([each.returns for each in measure([entry], 8, seed=seed)] for seed in (0, 0, 1))
    assert first == again
    assert first != other


def test_json_tells_mean_and_interval(tmp_path: Path) -> None:
    entry = find_entry(str(_saved_dqn(tmp_path / "pole.safetensors", "CartPole-v1", 4, 2)))
    told = [each.to_json() for each in measure([entry], 10)]
    assert [set(each) for each in told] == [
        {
            "model",
            "env",
            "baseline",
            "human_normalised",
            "episodes",
            "mean",
            "low",
            "high",
            "returns",
            "lengths",
        }
    ] * 3
    assert all(each["low"] <= each["mean"] <= each["high"] for each in told)
    assert told[0]["model"].endswith("pole.safetensors")


def test_a_peer_is_measured_beside_our_own(tmp_path: Path) -> None:
    DQN("MlpPolicy", "CartPole-v1", buffer_size=10, device="cpu").save(tmp_path / "peer.zip")
    ours = find_entry(str(_saved_dqn(tmp_path / "pole.safetensors", "CartPole-v1", 4, 2)))
    theirs = find_entry(f"sb3:dqn:CartPole-v1:{tmp_path}/peer.zip", trust_pickle=True)
    assert [each.is_baseline for each in measure([ours, theirs], 2)] == [False, False, True, True]


def test_a_peer_without_trust_a_board_model_and_a_missing_one_are_refused(tmp_path: Path) -> None:
    DQN("MlpPolicy", "CartPole-v1", buffer_size=10, device="cpu").save(tmp_path / "peer.zip")
    with pytest.raises(ValueError, match="--trust-pickle"):
        find_entry(f"sb3:dqn:CartPole-v1:{tmp_path}/peer.zip")
    header = ModelHeader(kind="board_value", subject="othello", network={}, config={}, step=0)
    save_model(tmp_path / "board.safetensors", {}, header)
    with pytest.raises(ValueError, match="is a board_value model for othello, not a dqn model"):
        find_entry(str(tmp_path / "board.safetensors"))
    with pytest.raises(ModelNotFound, match="no model 'nonesuch'"):
        find_entry("nonesuch")


def test_returns_are_compared_only_under_equal_settings() -> None:
    def entry(**fields: object) -> Entry:
        return Entry("x", DQNConfig(env_id=CORRIDOR, **fields), Path())  # type: ignore[arg-type]

    alike = [entry(), entry(seed=3), entry(learning_rate=0.1)]
    assert count_agents(alike) == 3 + 2
    assert count_agents([*alike, entry(repeat_action_probability=0.0)]) == 4 + 4
    assert count_agents([*alike, entry(playing_area_only=True)]) == 4 + 4  # each is shown what it was taught


def test_sticky_actions_can_be_set_for_atari_and_nothing_else(tmp_path: Path) -> None:
    entry = find_entry("pong", sticky=0.0)
    assert entry.setting == ("ALE/Pong-v5", 0.0, False, entry.config.evaluation_steps_max)
    assert find_entry("pong").setting[1] == 0.25
    model = _saved_dqn(tmp_path / "pole.safetensors", "CartPole-v1", 4, 2)
    with pytest.raises(ValueError, match="--sticky is for Atari; CartPole-v1"):
        find_entry(str(model), sticky=0.0)


def test_an_entry_is_read_without_torch(tmp_path: Path) -> None:
    model = _saved_dqn(tmp_path / "pole.safetensors", "CartPole-v1", 4, 2)
    program = (
        "import sys; from agents.arena.entries import find_entry; "
        f"find_entry({str(model)!r}); print('torch' in sys.modules)"
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert run.stdout == "False\n"
