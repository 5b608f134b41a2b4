"""Kernels, feature maps and saliency equal what a manual forward pass and finite differences give."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from networks.build import Network, RecurrentNetwork, build
from networks.config import NetworkConfig
from networks.feature_maps import feature_maps, kernels, saliency
from networks.noisy import resample_noise


def network(**fields: Any) -> Network | RecurrentNetwork:
    torch.manual_seed(0)
    defaults = {"head": "policy_value", "num_actions": 3, "hidden_sizes": (5,), "channels": 4, "blocks": 1}
    return build(NetworkConfig(**(defaults | fields)))


def test_kernels_are_those_of_the_first_convolution_as_a_copy() -> None:
    nature = network(trunk="nature_cnn", input_shape=(4, 84, 84))
    shown = kernels(nature)
    assert shown.shape == (32, 4, 8, 8)
    np.testing.assert_array_equal(shown, nature.trunk.layer1.conv.weight.detach())
    shown[:] = 0
    assert kernels(nature).any()


def test_the_kernels_of_an_impala_network_are_those_that_meet_the_frame() -> None:
    impala = network(trunk="impala_cnn", input_shape=(3, 20, 20))
    shown = kernels(impala)
    assert shown.shape == (4, 3, 3, 3)
    np.testing.assert_array_equal(shown, impala.trunk.stage1.layer.conv.weight.detach())


def test_an_impala_network_shows_its_stages_from_shallow_to_deep() -> None:
    maps = feature_maps(
        network(trunk="impala_cnn", input_shape=(3, 20, 14), norm="layer"), torch.rand(2, 3, 20, 14)
    )
    names = list(maps)
    assert names[:3] == ["trunk.stage1.layer.conv", "trunk.stage1.pool", "trunk.stage1.block1.norm"]
    assert names.index("trunk.activation") < names.index("trunk.dense.layers.hidden1.linear")
    sides = {stage: maps[f"trunk.stage{stage}.block2.conv"].shape[1:] for stage in (1, 2, 3)}
    assert sides == {1: (4, 10, 7), 2: (8, 5, 4), 3: (8, 3, 2)}


def test_a_network_without_convolution_has_no_kernels() -> None:
    with pytest.raises(ValueError, match="kernels: Network has no convolution"):
        kernels(network(trunk="mlp", input_shape=(4,)))


def test_feature_maps_come_from_shallow_to_deep_to_output_and_equal_a_manual_forward() -> None:
    net = network(trunk="nature_cnn", input_shape=(2, 40, 36), head="q", norm="batch", dropout=0.5)
    net(torch.randn(4, 2, 40, 36))  # moves the running statistics away from 0 and 1
    obs = torch.randn(3, 2, 40, 36)
    maps = feature_maps(net, obs)
    layers = [f"trunk.layer{n}.{part}" for n in (1, 2, 3) for part in ("conv", "norm", "activation")]
    dense = [f"trunk.dense.layers.hidden1.{part}" for part in ("linear", "norm", "activation")]
    assert list(maps) == [*layers, *dense, "head.q", "output.q"]
    net.eval()
    x = obs
    with torch.no_grad():
        for layer in (net.trunk.layer1, net.trunk.layer2, net.trunk.layer3):
            for part in ("conv", "norm", "activation"):
                x = getattr(layer, part)(x)
                name = next(iter(maps))
                np.testing.assert_allclose(maps.pop(name), x, atol=1e-6, err_msg=name)
        np.testing.assert_allclose(maps["output.q"], net(obs), atol=1e-6)


def test_a_board_network_shows_its_tower_and_both_outputs() -> None:
    net = network(trunk="board_resnet", input_shape=(2, 3, 4), dropout=0.5, norm="layer")
    maps = feature_maps(net, torch.randn(6, 2, 3, 4))
    names = list(maps)
    assert names[0] == "trunk.stem.conv"
    assert names[-2:] == ["output.logits", "output.value"]
    assert maps["trunk.tower.block1.activation"].shape == (6, 4, 3, 4)
    assert maps["output.logits"].shape == (6, 3)
    assert maps["output.value"].shape == (6,)
    assert all(array.dtype == np.float32 for array in maps.values())


def test_the_noise_that_a_network_acts_with_is_shown_and_stays() -> None:
    net = network(trunk="mlp", input_shape=(4,), head="q", noisy=True)
    obs = torch.randn(2, 4)
    silent = feature_maps(net, obs)
    resample_noise(net)
    noisy = feature_maps(net, obs)
    assert list(noisy) == list(silent)
    assert not np.allclose(noisy["trunk.layers.hidden1.linear"], silent["trunk.layers.hidden1.linear"])
    np.testing.assert_allclose(noisy["output.q"], net(obs).detach(), atol=1e-6)


def test_a_distribution_is_shown_as_the_q_that_is_its_mean_and_saliency_is_of_that() -> None:
    net = network(trunk="mlp", input_shape=(4,), head="q", distribution="categorical", atoms=5).double()
    obs = torch.randn(2, 4, dtype=torch.float64)
    maps = feature_maps(net, obs)
    np.testing.assert_allclose(maps["output.q"], net(obs).detach(), atol=1e-6)
    assert maps["head.outputs.q"].shape == (2, 3 * 5)
    step = torch.tensor([1e-6, 0, 0, 0], dtype=torch.float64)
    slope = (net(obs + step) - net(obs - step))[:, 1].detach() / 2e-6
    np.testing.assert_allclose(saliency(net, obs, 1)[:, 0], slope, atol=1e-6)


def test_a_recurrent_network_shows_its_memory_over_time() -> None:
    net = network(trunk="mlp", input_shape=(4,), memory="lstm", memory_size=7)
    maps = feature_maps(net, torch.randn(5, 2, 4))
    assert maps["trunk.layers.hidden1.linear"].shape == (10, 5)
    assert maps["memory"].shape == (5, 2, 7)
    assert maps["output.logits"].shape == (5, 2, 3)


def test_looking_leaves_no_trace() -> None:
    """Modes (one layer alone is frozen), statistics, weights, gradients and hooks are as before."""
    net = network(trunk="conv_pool", input_shape=(1, 8, 8), norm="batch", dropout=0.5)
    net.trunk.stages.layer1.norm.eval()
    modes = [module.training for module in net.modules()]
    before = {name: tensor.clone() for name, tensor in net.state_dict().items()}
    obs = torch.randn(2, 1, 8, 8)
    first, second = feature_maps(net, obs), feature_maps(net, obs)
    saliency(net, obs, None)
    assert all(np.array_equal(first[name], second[name]) for name in first)
    assert [module.training for module in net.modules()] == modes
    assert all(torch.equal(tensor, before[name]) for name, tensor in net.state_dict().items())
    assert all(parameter.grad is None for parameter in net.parameters())
    assert not any(module._forward_hooks for module in net.modules())
    assert not obs.requires_grad


def test_modes_and_hooks_are_restored_after_an_error_too() -> None:
    net = network(trunk="mlp", input_shape=(4,))
    with pytest.raises(ValueError, match="obs must be"):
        feature_maps(net, torch.zeros(2, 5))
    assert net.training
    assert not any(module._forward_hooks for module in net.modules())


@pytest.mark.parametrize(("index", "output"), [(2, "output.logits"), (None, "output.value")])
def test_saliency_is_the_slope_of_the_chosen_output(index: int | None, output: str) -> None:
    net = network(trunk="board_resnet", input_shape=(2, 3, 3), activation="tanh", norm="batch", dropout=0.5)
    for parameter in net.parameters():
        nn.init.normal_(parameter, std=0.5)
    net = net.double()
    obs = torch.randn(2, 2, 3, 3, dtype=torch.float64)
    shown = saliency(net, obs, index)
    assert shown.shape == obs.shape
    assert shown.dtype == np.float32
    net.eval()

    def chosen(x: torch.Tensor) -> torch.Tensor:
        logits, value = net(x)
        return value if index is None else logits[:, index]

    for cell in np.ndindex(2, 3, 3):
        step = torch.zeros(2, 3, 3, dtype=torch.float64)
        step[cell] = 1e-6
        with torch.no_grad():
            slope = (chosen(obs + step) - chosen(obs - step)) / 2e-6
        np.testing.assert_allclose(shown[(slice(None), *cell)], slope, atol=1e-5)


def test_saliency_of_pixels_is_that_of_the_scaled_image_and_works_inside_no_grad() -> None:
    net = network(trunk="nature_cnn", input_shape=(1, 36, 36), head="q")
    frames = torch.randint(0, 256, (1, 1, 36, 36), dtype=torch.uint8)
    with torch.no_grad():
        shown = saliency(net, frames, 1)
    assert shown.any()
    np.testing.assert_allclose(shown, saliency(net, frames.float() / 255, 1), atol=1e-6)


def test_saliency_of_a_recurrent_network_reaches_back_in_time() -> None:
    net = network(trunk="mlp", input_shape=(4,), memory="lstm", head="value", num_actions=0)
    obs = torch.randn(5, 2, 4)
    shown = saliency(net, obs, None)
    assert shown.shape == (5, 2, 4)
    assert shown[0].any()


def test_an_output_that_does_not_exist_is_refused() -> None:
    obs = torch.zeros(1, 4)
    q = network(trunk="mlp", input_shape=(4,), head="q")
    with pytest.raises(ValueError, match=r"output_index must be in \[0, 3\) with head 'q', got 3"):
        saliency(q, obs, 3)
    with pytest.raises(
        ValueError, match=r"output_index must be an action in \[0, 3\) with head 'q', got None"
    ):
        saliency(q, obs, None)
    value = network(trunk="mlp", input_shape=(4,), head="value", num_actions=0)
    with pytest.raises(ValueError, match=r"output_index must be None with head 'value', got 0"):
        saliency(value, obs, 0)
