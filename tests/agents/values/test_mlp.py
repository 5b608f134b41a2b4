"""The in-kernel MLP against the torch network it came from."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from agents.runs.model import ModelHeader, save_model
from agents.search.alpha_beta import AlphaBeta
from agents.search.limits import Limits, StopFlag
from agents.values.mlp import KIND, NUM_FEATURES, MLPValue, features, logit, network_config
from agents.values.value import SCORE_MAX, SCORE_SCALE, score
from envs.boards.game import GAMES, Game, game
from networks.build import build
from networks.config import NetworkConfig


def states_of(game: Game, games: int = 6) -> np.ndarray:
    """Packed unfinished states of random games."""
    rng = np.random.default_rng(3)
    found = []
    for _ in range(games):
        position = game.start()
        while not position.is_over:
            found.append(game.pack(position.state))
            position = position.play(rng.choice(position.legal()))
    return np.array(found)


def network(hidden_sizes: tuple[int, int], gain: float = 1.0) -> torch.nn.Module:
    torch.manual_seed(0)
    built = build(network_config(hidden_sizes))
    with torch.no_grad():
        for parameter in built.parameters():
            parameter.copy_(torch.randn_like(parameter) * gain * parameter.shape[-1] ** -0.5)
    return built.eval()


@pytest.mark.parametrize("name", GAMES)
def test_features_are_the_stones_of_both_sides(name: str) -> None:
    position = game(name).start()
    for action in {"othello": ("d3", "c3"), "connect_four": "44", "tic_tac_toe": ("b2", "a1")}[name]:
        position = position.play(game(name).parse_action(action))
    shown = features(position.state, game(name).pack(position.state)[None])[0]
    own, theirs = np.flatnonzero(shown[:64]).tolist(), np.flatnonzero(shown[64:]).tolist()
    assert (own, theirs) == {
        "tic_tac_toe": ([4], [0]),
        "connect_four": ([21], [22]),
        "othello": ([19, 28, 35], [18, 27, 36]),  # d3 e4 d5, and c3 d4 e5
    }[name]


@pytest.mark.parametrize("name", GAMES)
@pytest.mark.parametrize("hidden_sizes", [(64, 32), (30, 7)])  # the second is padded
def test_exported_and_torch_forms_agree(name: str, hidden_sizes: tuple[int, int]) -> None:
    torch_form = network(hidden_sizes)
    value = MLPValue(game(name), torch_form)
    states = states_of(value.game)
    with torch.inference_mode():
        wanted = torch_form(torch.from_numpy(features(value.game.initial, states))).numpy()
    logits = np.array([logit(value.kernel, value.game.state(row)) for row in states])
    np.testing.assert_allclose(np.tanh(logits), wanted, atol=1e-5)
    np.testing.assert_allclose(value.values(states), wanted, atol=0.5 / SCORE_SCALE + 1e-5)
    scores = [score(value.kernel, value.game.state(row)) for row in states]
    np.testing.assert_allclose(scores, logits * SCORE_SCALE, atol=1)


def test_a_sure_network_stays_strictly_inside() -> None:
    value = MLPValue(game("connect_four"), network((64, 32), gain=100.0))
    states = states_of(value.game)
    assert np.all(np.abs(value.values(states)) < 1)
    assert max(abs(score(value.kernel, value.game.state(row))) for row in states) == SCORE_MAX


def test_a_saved_network_comes_back_and_is_searched(tmp_path: Path) -> None:
    torch_form = network((64, 32))
    header = ModelHeader(
        kind=KIND,
        subject="connect_four",
        network=network_config((64, 32)).to_json(),
        config={},
        step=0,
    )
    path = tmp_path / "value.safetensors"
    save_model(path, torch_form.state_dict(), header)
    loaded, direct = MLPValue.load(path), MLPValue(game("connect_four"), torch_form)
    for ours, theirs in zip(loaded.kernel, direct.kernel, strict=True):
        np.testing.assert_array_equal(ours, theirs)
    found = AlphaBeta(loaded.kernel, StopFlag()).search(loaded.game.initial, Limits(depth=2))
    end = loaded.game.start().play(found.line[0]).play(found.line[1])
    assert found.score == score(loaded.kernel, end.state)


def test_other_networks_are_refused(tmp_path: Path) -> None:
    deep = replace(network_config((64, 32)), hidden_sizes=(8, 8, 8))
    with pytest.raises(ValueError, match="has two hidden layers"):
        MLPValue(game("connect_four"), build(deep))
    with pytest.raises(ValueError, match="is built from"):
        MLPValue(game("connect_four"), build(replace(network_config((8, 8)), activation="tanh")))
    planes = NetworkConfig(trunk="mlp", input_shape=(NUM_FEATURES,), head="value", num_actions=0)
    header = ModelHeader(kind="board_value", subject="othello", network=planes.to_json(), config={}, step=0)
    save_model(tmp_path / "other.safetensors", build(planes).state_dict(), header)
    with pytest.raises(ValueError, match="is a model of kind 'board_value', not 'board_value_mlp'"):
        MLPValue.load(tmp_path / "other.safetensors")
