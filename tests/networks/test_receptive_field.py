"""Receptive fields: the arithmetic of kernels and strides by hand, and what changing pixels changes."""

import numpy as np
import pytest
import torch

from networks.build import build
from networks.config import NetworkConfig
from networks.feature_maps import feature_maps
from networks.receptive_field import receptive_field


def network(**fields: object):  # type: ignore[no-untyped-def]
    torch.manual_seed(0)
    return build(NetworkConfig(**({"head": "q", "num_actions": 3, "hidden_sizes": (5,)} | fields)))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("layer", "size", "stride"),
    [("trunk.layer1.activation", 8, 4), ("trunk.layer2.conv", 20, 8), ("trunk.layer3.activation", 36, 8)],
)
def test_the_nature_network_has_the_fields_of_its_kernels_and_strides(
    layer: str, size: int, stride: int
) -> None:
    net = network(trunk="nature_cnn", input_shape=(4, 84, 84))
    for row, column in ((0, 0), (2, 5)):
        top, left = row * stride, column * stride
        assert receptive_field(net, layer, (row, column)) == (top, left, top + size, left + size)


@pytest.mark.parametrize(
    ("layer", "fields"),
    [
        ("trunk.stage1.pool", {"trunk": "impala_cnn", "input_shape": (2, 20, 20), "channels": 4}),
        (
            "trunk.stem.activation",
            {"trunk": "board_resnet", "input_shape": (2, 6, 7), "channels": 4, "blocks": 1, "norm": "batch"},
        ),
        ("trunk.layer2.activation", {"trunk": "nips_cnn", "input_shape": (2, 32, 32)}),
        (
            "trunk.layer2.activation",
            {"trunk": "nature_cnn", "input_shape": (2, 40, 40), "activation": "tanh"},
        ),
    ],
)
def test_pixels_outside_the_field_change_nothing_and_some_inside_do(
    layer: str, fields: dict[str, object]
) -> None:
    net = network(**fields)
    obs = torch.rand(1, *net.config.input_shape)
    before = feature_maps(net, obs)
    top, left, bottom, right = receptive_field(net, layer, (1, 1))
    outside = torch.ones_like(obs, dtype=torch.bool)
    outside[:, :, top:bottom, left:right] = False
    assert outside.any()
    changed = feature_maps(net, torch.where(outside, torch.rand_like(obs), obs))[layer]
    np.testing.assert_array_equal(changed[0, :, 1, 1], before[layer][0, :, 1, 1])
    changed = feature_maps(net, torch.where(outside, obs, torch.rand_like(obs)))[layer]
    assert not np.array_equal(changed[0, :, 1, 1], before[layer][0, :, 1, 1])


def test_the_network_itself_is_left_alone() -> None:
    net = network(trunk="board_resnet", input_shape=(2, 6, 7), channels=4, blocks=1, norm="batch")
    before = {name: value.clone() for name, value in net.state_dict().items()}
    receptive_field(net, "trunk.stem.conv", (0, 0))
    assert all(torch.equal(value, before[name]) for name, value in net.state_dict().items())
    assert net.training


def test_what_is_no_layer_or_no_cell_is_refused() -> None:
    net = network(trunk="board_resnet", input_shape=(2, 6, 7), channels=4, blocks=1)
    with pytest.raises(ValueError, match=r"no layer 'trunk\.nonsense'"):
        receptive_field(net, "trunk.nonsense", (0, 0))
    with pytest.raises(ValueError, match=r"no cell \(6, 0\)"):
        receptive_field(net, "trunk.stem.conv", (6, 0))
