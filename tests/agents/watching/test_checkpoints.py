"""The checkpoints of a run, its start among them, and the inspector that compares them."""

from pathlib import Path

import numpy as np
import pytest
import torch

from agents.dqn.config import DQNConfig
from agents.dqn.train import DQNTraining
from agents.runs.model import ModelHeader, save_model
from agents.watching.checkpoints import Gallery, checkpoints, network_of
from agents.watching.episode_session import Glimpse
from agents.watching.inspector import Inspector
from agents.watching.memory_inspector import MemoryInspector, inspector_of
from networks.build import build
from networks.config import NetworkConfig

NATURE = NetworkConfig(
    trunk="nature_cnn", input_shape=(4, 36, 36), head="q", num_actions=3, hidden_sizes=(8,)
)


def save(path: Path, step: int, network: NetworkConfig = NATURE, *, draw: int = 0, **config: object) -> Path:
    torch.manual_seed(draw)
    header = ModelHeader(kind="dqn", subject="x", network=network.to_json(), config=config, step=step)
    save_model(path, build(network).state_dict(), header)
    return path


def test_a_run_is_gone_through_by_its_steps_and_other_files_are_left_out(tmp_path: Path) -> None:
    save(tmp_path / "last.safetensors", 900, seed=1)
    save(tmp_path / "initial.safetensors", 0, seed=1)
    best = save(tmp_path / "best.safetensors", 500, seed=1)
    save(
        tmp_path / "best_other.safetensors",
        500,
        NetworkConfig(trunk="mlp", input_shape=(4,), head="value", num_actions=0),
    )
    found = checkpoints(best)
    assert [each.header.step for each in found] == [0, 500, 900]
    assert [each.is_shown for each in found] == [False, True, False]
    assert found[0].label == "initial, step 0"


def test_a_lone_model_has_its_start_drawn_again_from_the_seed_of_its_training(tmp_path: Path) -> None:
    config = DQNConfig(env_id="advantage/Catch-v0", hidden_sizes=(8,), seed=5, num_envs=1, env_threads=1)
    training = DQNTraining(config)
    header = ModelHeader(
        kind="dqn",
        subject=config.env_id,
        network=training.network_config.to_json(),
        config=config.to_json(),
        step=7,
    )
    weights = training.agent.network.state_dict()
    save_model(tmp_path / "catcher.safetensors", weights, header)
    start, trained = checkpoints(tmp_path / "catcher.safetensors")
    assert start.label == "the start, drawn again from seed 5"
    assert trained.is_shown
    again = network_of(start).state_dict()
    assert all(torch.equal(again[name], value.float()) for name, value in weights.items())


def test_without_a_seed_there_is_no_start(tmp_path: Path) -> None:
    assert len(checkpoints(save(tmp_path / "model.safetensors", 3))) == 1


def test_kernels_are_compared_with_their_own_start(tmp_path: Path) -> None:
    save(tmp_path / "initial.safetensors", 0, draw=4)
    same = save(tmp_path / "best.safetensors", 5, draw=4)
    save(tmp_path / "last.safetensors", 9, draw=8)
    inspector = Inspector(Gallery(same))
    obs = np.zeros((4, 36, 36), np.uint8)
    likenesses = []
    for which in range(3):
        study = inspector.study(obs, which, "none")
        assert study.comparison is not None
        likenesses.append(study.comparison.likeness)
        assert study.heat is None
    assert likenesses[:2] == pytest.approx([1.0, 1.0], abs=1e-5)
    assert abs(likenesses[2]) < 0.3


def test_a_memory_is_followed_from_what_it_was_and_in_another_checkpoint_from_nothing(tmp_path: Path) -> None:
    network = NetworkConfig(
        trunk="mlp",
        input_shape=(4,),
        head="q",
        num_actions=2,
        memory="lstm",
        memory_size=3,
        hidden_sizes=(4,),
    )
    save(tmp_path / "last.safetensors", 9, network, draw=1)
    best = save(tmp_path / "best.safetensors", 5, network, draw=1)  # the same weights
    obs, memory = np.ones(4, np.float32), torch.ones(2, 1, 3)
    inspector = inspector_of(best)
    assert isinstance(inspector, MemoryInspector)
    glimpses = [Glimpse(obs, memory), Glimpse(obs, None)]
    played, other = (inspector.study(glimpses, which) for which in range(2))
    empty = inspector.study([Glimpse(obs, torch.zeros(2, 1, 3)), Glimpse(obs, None)], 0)
    assert np.array_equal(other.hidden, empty.hidden)
    assert not np.allclose(played.hidden, empty.hidden)
    assert isinstance(inspector_of(save(tmp_path / "plain.safetensors", 3)), Inspector)
