"""Grown networks against the small ones they come from."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import nn

from networks.build import Network, build
from networks.config import NetworkConfig
from networks.growth import grow

BOARD = NetworkConfig(
    trunk="board_resnet",
    input_shape=(3, 6, 7),
    head="policy_value",
    num_actions=7,
    hidden_sizes=(10,),
    channels=6,
    blocks=2,
)


def network(config: NetworkConfig, seed: int = 0) -> Network:
    """With weights drawn for every layer: none is 0, as last layers of residual blocks begin."""
    torch.manual_seed(seed)
    made = build(config)
    assert isinstance(made, Network)
    for name, tensor in made.state_dict().items():
        if tensor.is_floating_point():
            low = 0.5 if name.endswith("running_var") else -0.1
            tensor.copy_(low + 0.6 * torch.rand_like(tensor))
    return made


def outputs(of: nn.Module, obs: torch.Tensor) -> list[torch.Tensor]:
    with torch.inference_mode():
        answer = of.eval()(obs)
    return list(answer) if isinstance(answer, tuple) else [answer]


@pytest.mark.parametrize("norm", ["none", "batch"])
@pytest.mark.parametrize(
    "change",
    [
        {"channels": 12},
        {"channels": 8},
        {"blocks": 4},
        {"hidden_sizes": (25,)},
        {"squeezed_planes": 7},
        {"channels": 17, "blocks": 3, "squeezed_planes": 9, "hidden_sizes": (11,)},
    ],
)
def test_a_grown_network_answers_as_before(norm: str, change: Mapping[str, Any]) -> None:
    small = network(replace(BOARD, norm=norm))
    large = grow(small, replace(small.config, **change), seed=3)
    obs = torch.rand(20, *BOARD.input_shape)
    for before, after in zip(outputs(small, obs), outputs(large, obs), strict=True):
        torch.testing.assert_close(after, before, rtol=1e-4, atol=1e-5)
    assert sum(p.numel() for p in large.parameters()) > sum(p.numel() for p in small.parameters())


def test_flat_networks_grow_too() -> None:
    for config in (
        replace(BOARD, trunk="mlp", input_shape=(9,), hidden_sizes=(8, 4), head="value", num_actions=0),
        replace(BOARD, trunk="conv_pool", input_shape=(1, 8, 8), head="q", num_actions=5),
    ):
        small = network(config)
        hidden_sizes = tuple(2 * size + 1 for size in config.hidden_sizes)
        large = grow(small, replace(config, channels=9, hidden_sizes=hidden_sizes), seed=3)
        obs = torch.rand(20, *config.input_shape)
        torch.testing.assert_close(outputs(large, obs), outputs(small, obs), rtol=1e-4, atol=1e-5)


def test_copies_are_not_told_to_stay_alike() -> None:
    """One gradient step makes the copies of a channel differ, so the new width is of use."""
    large = grow(network(BOARD), replace(BOARD, channels=12), seed=3).train()
    stem = large.trunk.stem.conv.weight
    assert torch.equal(stem[:6], stem[6:])
    logits, values = large(torch.rand(8, *BOARD.input_shape))
    (logits[:, 0].sum() + values.sum()).backward()
    assert (stem.grad[:6] != stem.grad[6:]).any(dim=(1, 2, 3)).all()


def test_the_mean_of_two_networks_grows_into_the_mean_of_the_grown() -> None:
    first, second, mean = (network(BOARD, seed) for seed in (0, 1, 2))
    for name, tensor in mean.state_dict().items():
        tensor.copy_((first.state_dict()[name] + second.state_dict()[name]) / 2)
    larger = replace(BOARD, channels=9)
    grown = [grow(each, larger, seed=3).state_dict() for each in (first, second, mean)]
    for name, tensor in grown[2].items():
        torch.testing.assert_close(tensor, (grown[0][name] + grown[1][name]) / 2)


def test_the_global_random_stream_is_left_alone() -> None:
    small = network(BOARD)
    torch.manual_seed(5)
    wanted = torch.rand(1)
    torch.manual_seed(5)
    grow(small, replace(BOARD, channels=9), seed=3)
    assert torch.rand(1) == wanted


@pytest.mark.parametrize(
    ("small", "change", "told"),
    [
        ({}, {"channels": 5}, "can only grow"),
        (
            {},
            {"hidden_sizes": (12, 12)},
            "growth changes channels, blocks, squeezed_planes, hidden_sizes alone",
        ),
        ({}, {"num_actions": 8}, "growth changes channels, blocks, squeezed_planes, hidden_sizes alone"),
        ({"norm": "layer"}, {"channels": 8}, "layer norm"),
        ({"activation": "tanh"}, {"blocks": 3}, "with relu grows deeper"),
        ({"trunk": "conv_pool", "input_shape": (1, 8, 8)}, {"blocks": 3}, "grows deeper"),
    ],
)
def test_what_cannot_grow_is_refused(small: dict[str, Any], change: dict[str, Any], told: str) -> None:
    config = replace(BOARD, **small)
    made = build(config)
    assert isinstance(made, Network)
    with pytest.raises(ValueError, match=told):
        grow(made, replace(config, **change), seed=0)
