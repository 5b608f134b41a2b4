"""The inspect script: a sheet of every kind for every kind of network."""

from pathlib import Path

import imageio.v3 as imageio
import numpy as np
import pytest
import torch

from agents.dqn.config import DQNConfig
from agents.inspection import OPENINGS, Specimen, cells_of_bits, sheets, specimen
from agents.runs.model import ModelHeader, ModelKind, save_model
from agents.values.learned import planes_shape
from agents.values.mlp import network_config
from envs.boards.game import GAMES, game
from envs.vector import make_env
from networks.build import build
from networks.config import NetworkConfig
from scripts.inspect_network import main

OF_CONVOLUTIONS = ["kernels", "feature_maps_shallow", "feature_maps_deep", "output", "saliency"]
OF_MLPS = ["first_layer", *OF_CONVOLUTIONS[1:]]


def save(path: Path, kind: ModelKind, subject: str, network: NetworkConfig, config: DQNConfig | None) -> Path:
    torch.manual_seed(0)
    header = ModelHeader(
        kind=kind,
        subject=subject,
        network=network.to_json(),
        config=config.to_json() if config else {},
        step=0,
    )
    save_model(path, build(network).state_dict(), header)
    return path


def dqn(path: Path, config: DQNConfig) -> Path:
    env = make_env(config.env_id)
    shape = env.observation_space.shape
    assert shape is not None
    network = config.network(shape, int(env.action_space.n))  # type: ignore[attr-defined]
    env.close()
    return save(path, "dqn", config.env_id, network, config)


def board_model(path: Path, name: str) -> Path:
    rules = game(name)
    network = NetworkConfig(
        trunk="board_resnet",
        input_shape=planes_shape(rules),
        head="policy_value",
        num_actions=rules.num_actions,
        channels=4,
        blocks=1,
    )
    return save(path, "board_value", name, network, None)


def inspected(model: Path, *argv: str) -> dict[str, np.ndarray]:
    folder = model.parent / "out"
    assert main([str(model), "--out", str(folder), *argv]) == 0
    return {path.stem: imageio.imread(path) for path in folder.iterdir()}


@pytest.mark.parametrize(
    "config",
    [
        DQNConfig(env_id="CartPole-v1", hidden_sizes=(8, 8)),
        DQNConfig(env_id="advantage/Catch-v0", hidden_sizes=(8,), dueling=True),
        DQNConfig(env_id="advantage/Recall-v0", hidden_sizes=(8,), memory="lstm", memory_size=5),
    ],
    ids=lambda config: config.env_id,
)
def test_an_mlp_has_its_sheets(tmp_path: Path, config: DQNConfig) -> None:
    found = inspected(dqn(tmp_path / "m.safetensors", config), "--at", "3")
    assert sorted(found) == sorted(OF_MLPS)
    assert all(pixels.ndim == 3 and pixels.shape[1] == 1280 for pixels in found.values())


def test_an_atari_network_has_its_sheets(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = dqn(tmp_path / "m.safetensors", DQNConfig(env_id="ALE/Pong-v5", hidden_sizes=(16,)))
    assert sorted(inspected(model, "--at", "4")) == sorted(OF_CONVOLUTIONS)
    told = [Path(line).name for line in capsys.readouterr().out.splitlines()]
    assert told == [f"{name}.png" for name in OF_CONVOLUTIONS]


@pytest.mark.parametrize("name", GAMES)
def test_a_board_network_has_its_sheets_in_the_position_asked_for(tmp_path: Path, name: str) -> None:
    model = board_model(tmp_path / "m.safetensors", name)
    found = inspected(model)
    assert sorted(found) == sorted(OF_CONVOLUTIONS)
    start = inspected(model, "--moves", "")
    assert np.array_equal(start["kernels"][80:], found["kernels"][80:])  # below the header
    assert not np.array_equal(start["saliency"][80:], found["saliency"][80:])


def test_a_small_value_network_shows_its_weights_on_the_board(tmp_path: Path) -> None:
    model = save(tmp_path / "m.safetensors", "board_value_mlp", "connect_four", network_config((8, 4)), None)
    assert sorted(inspected(model)) == sorted(OF_MLPS)


@pytest.mark.parametrize("name", GAMES)
def test_every_bit_of_a_board_has_a_cell_of_its_own(name: str) -> None:
    cells = cells_of_bits(game(name))
    height, width = game(name).board_shape
    assert sorted(cells.values()) == list(np.ndindex(height, width))


@pytest.mark.parametrize("name", GAMES)
def test_the_opening_of_each_game_is_legal(name: str) -> None:
    assert not game(name).position(OPENINGS[name]).is_over


def shown_policy(shown: Specimen) -> list[str]:
    from agents.inspection import _output
    from networks.feature_maps import feature_maps

    maps = {name: values[-1] for name, values in feature_maps(shown.network, shown.obs).items()}
    return [name for section in _output(shown, maps) for name, _ in section.numbers]


def test_the_policy_lists_legal_moves_only(tmp_path: Path) -> None:
    model = board_model(tmp_path / "m.safetensors", "othello")
    assert sorted(shown_policy(specimen(model, moves=""))) == ["c4", "d3", "e6", "f5"]


def test_sheets_are_the_same_each_time(tmp_path: Path) -> None:
    model = dqn(tmp_path / "m.safetensors", DQNConfig(env_id="CartPole-v1", hidden_sizes=(8,)))
    first, second = (list(sheets(specimen(model, at=5, seed=2))) for _ in range(2))
    assert all(np.array_equal(a.pixels, b.pixels) for a, b in zip(first, second, strict=True))


@pytest.mark.parametrize(
    ("model", "argv", "told"),
    [
        ("none", [], "no model"),
        ("board", ["--moves", "99"], "99"),
        ("dqn", ["--moves", "33"], "--at"),
        ("dqn", ["--at", "-1"], "--at"),
    ],
)
def test_mistakes_are_told_in_three_lines_and_leave_no_folder(
    model: str, argv: list[str], told: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "m.safetensors"
    if model == "board":
        board_model(path, "connect_four")
    elif model == "dqn":
        dqn(path, DQNConfig(env_id="CartPole-v1"))
    folder = tmp_path / "out"
    assert main([str(path), "--out", str(folder), *argv]) == 2
    error = capsys.readouterr().err
    assert told in error
    assert len(error.splitlines()) <= 3
    assert not folder.exists()
