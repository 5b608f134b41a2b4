"""A network as a value: masks, precision, files, sizes."""

from pathlib import Path
from typing import Literal

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from agents.runs.model import ModelHeader, save_model
from agents.values.learned import LearnedValue, planes_shape, rebuild_network
from envs.boards.game import GAMES, Game, game
from networks.build import build
from networks.config import NetworkConfig


def network_config(board_game: Game, norm: Literal["none", "batch"] = "none") -> NetworkConfig:
    return NetworkConfig(
        trunk="board_resnet",
        input_shape=planes_shape(board_game),
        head="policy_value",
        num_actions=board_game.num_actions,
        hidden_sizes=(16,),
        channels=8,
        blocks=1,
        norm=norm,
    )


def network(board_game: Game, seed: int = 0, norm: Literal["none", "batch"] = "none") -> torch.nn.Module:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return build(network_config(board_game, norm)).eval()


def some_states(board_game: Game, count: int) -> NDArray[np.uint64]:
    rng = np.random.default_rng(0)
    rows: list[NDArray[np.uint64]] = []
    while len(rows) < count:
        position = board_game.start()
        for _ in range(int(rng.integers(0, 20))):
            if not position.is_over:
                position = position.play(int(rng.choice(position.legal())))
        if not position.is_over:
            rows.append(board_game.pack(position.state))
    return np.array(rows)


@pytest.mark.parametrize("norm", ["none", "batch"])
@pytest.mark.parametrize("name", GAMES)
def test_values_and_priors_are_those_of_the_network_over_legal_moves(
    name: str, norm: Literal["none", "batch"]
) -> None:
    board_game = game(name)
    net = network(board_game, norm=norm)
    states = some_states(board_game, 45)
    net.train()(torch.from_numpy(board_game.planes(states)))  # running statistics, where there are any
    net.eval()
    values, priors = LearnedValue(board_game, net, dtype=torch.float32).evaluate(states)
    with torch.no_grad():
        logits, expected = net(torch.from_numpy(board_game.planes(states)))
    legal = torch.from_numpy(board_game.legal_masks(states))
    probabilities = torch.softmax(logits.masked_fill(~legal, -torch.inf), dim=1)
    np.testing.assert_allclose(values, expected, atol=1e-5)
    np.testing.assert_allclose(priors, probabilities, atol=1e-5)
    assert not priors[~legal.numpy()].any()


@pytest.mark.parametrize("name", GAMES)
def test_asked_about_all_images_of_a_state_a_value_is_the_same_for_each_of_them(name: str) -> None:
    board_game = game(name)
    count = board_game.num_symmetries
    value = LearnedValue(board_game, network(board_game), dtype=torch.float32, symmetries=count)
    alone = LearnedValue(board_game, network(board_game), dtype=torch.float32)
    spread = 0.0
    for state in some_states(board_game, 5):
        images = board_game.transformed(np.tile(state, (count, 1)), np.arange(count))
        values, priors = value.evaluate(images)
        np.testing.assert_allclose(values, alone.values(images).mean(), atol=1e-5)
        spread = max(spread, float(np.ptp(alone.values(images))))
        moved = np.take_along_axis(priors, board_game.action_permutation, axis=1)
        np.testing.assert_allclose(moved, np.tile(moved[0], (count, 1)), atol=1e-5)
    assert spread > 1e-4  # or the mean would show nothing


def test_more_symmetries_than_the_game_has_are_refused() -> None:
    with pytest.raises(ValueError, match="connect_four has 1 to 2 symmetries, got 3"):
        LearnedValue(game("connect_four"), network(game("connect_four")), symmetries=3)


def test_a_state_gets_the_same_answer_in_a_batch_of_any_size() -> None:
    board_game = game("connect_four")
    value = LearnedValue(board_game, network(board_game), dtype=torch.float32)
    states = some_states(board_game, 100)
    values, priors = value.evaluate(states)
    for size in (1, 2, 31, 32, 33, 64, 100):
        some_values, some_priors = value.evaluate(states[:size])
        np.testing.assert_allclose(some_values, values[:size], atol=1e-5)
        np.testing.assert_allclose(some_priors, priors[:size], atol=1e-5)


def test_an_answer_is_not_overwritten_by_the_next_one() -> None:
    board_game = game("connect_four")
    value = LearnedValue(board_game, network(board_game))
    states = some_states(board_game, 20)
    values, priors = value.evaluate(states)
    kept = values.copy(), priors.copy()
    value.evaluate(states[::-1].copy())
    np.testing.assert_array_equal(values, kept[0])
    np.testing.assert_array_equal(priors, kept[1])


def test_bfloat16_is_close_to_float32() -> None:
    board_game = game("connect_four")
    net = network(board_game)
    states = some_states(board_game, 200)
    exact, rounded = (
        LearnedValue(board_game, net, dtype=dtype).evaluate(states)
        for dtype in (torch.float32, torch.bfloat16)
    )
    assert np.abs(exact[0] - rounded[0]).max() < 0.03
    assert np.abs(exact[1] - rounded[1]).max() < 0.03
    assert (exact[0] != rounded[0]).any()


def test_training_on_does_not_change_a_value_that_was_made_before() -> None:
    board_game = game("connect_four")
    net = network(board_game)
    value = LearnedValue(board_game, net)
    states = some_states(board_game, 10)
    before = value.values(states)
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.add_(1.0)
    np.testing.assert_array_equal(value.values(states), before)
    assert next(net.parameters()).dtype == torch.float32


def saved(
    path: Path, board_game: Game, dtype: torch.dtype = torch.float32, kind: str = "board_value"
) -> Path:
    header = ModelHeader(
        kind=kind,  # type: ignore[arg-type]
        subject=board_game.name,
        network=network_config(board_game).to_json(),
        config={},
        step=3,
    )
    weights = {name: tensor.to(dtype) for name, tensor in network(board_game).state_dict().items()}
    save_model(path, weights, header)
    return path


def test_a_saved_value_is_the_same_after_loading(tmp_path: Path) -> None:
    board_game = game("othello")
    states = some_states(board_game, 30)
    for dtype in (torch.float32, torch.bfloat16):
        path = saved(tmp_path / "model.safetensors", board_game, dtype)
        loaded = LearnedValue.load(path, dtype=dtype)
        assert loaded.game is board_game
        ours, theirs = (
            each.evaluate(states)
            for each in (loaded, LearnedValue(board_game, network(board_game), dtype=dtype))
        )
        np.testing.assert_array_equal(ours[0], theirs[0])
        np.testing.assert_array_equal(ours[1], theirs[1])


def test_models_of_another_kind_and_networks_of_another_size_are_refused(tmp_path: Path) -> None:
    board_game = game("connect_four")
    path = saved(tmp_path / "model.safetensors", board_game, kind="board_value_mlp")
    with pytest.raises(ValueError, match="is a model of kind 'board_value_mlp', not 'board_value'"):
        LearnedValue.load(path)
    wide = NetworkConfig(
        trunk="board_resnet", input_shape=planes_shape(board_game), head="policy_value", num_actions=9
    )
    with pytest.raises(ValueError, match=r"gives logits \[B, 7\]"):
        LearnedValue(board_game, build(wide))


def test_weights_that_do_not_fit_the_header_are_refused() -> None:
    board_game = game("connect_four")
    header = ModelHeader(
        kind="board_value",
        subject="connect_four",
        network=network_config(board_game).to_json(),
        config={},
        step=0,
    )
    with pytest.raises(ValueError, match="do not fit the network of the header"):
        rebuild_network(header, {"nonsense": torch.zeros(1)})
