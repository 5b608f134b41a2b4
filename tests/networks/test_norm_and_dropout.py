"""Batch norm, layer norm and dropout by their formulas, in training and in eval mode."""

import numpy as np
import pytest
import torch
from torch import nn

from networks.averaging import mix_weights
from networks.blocks import Style, dense_layer, fold_batch_norm, norm_layer
from networks.build import build
from networks.config import NetworkConfig


def normalised(x: np.ndarray, axes: tuple[int, ...]) -> np.ndarray:
    return (x - x.mean(axes, keepdims=True)) / np.sqrt(x.var(axes, keepdims=True) + 1e-5)


@pytest.mark.parametrize(
    ("kind", "shape", "axes"),
    [
        ("batch", (6, 3), (0,)),
        ("batch", (6, 3, 4, 5), (0, 2, 3)),
        ("layer", (6, 3), (1,)),
        ("layer", (6, 3, 4, 5), (1, 2, 3)),
    ],
)
def test_a_norm_in_training_subtracts_the_mean_and_divides_by_the_deviation(
    kind: str, shape: tuple[int, ...], axes: tuple[int, ...]
) -> None:
    x = np.random.default_rng(0).normal(3, 2, size=shape)
    norm = norm_layer(kind, 3, dimensions=len(shape) // 2).double()
    np.testing.assert_allclose(norm(torch.tensor(x)).detach().numpy(), normalised(x, axes), atol=1e-9)


def test_batch_norm_in_eval_uses_running_statistics_and_leaves_them_alone() -> None:
    norm = norm_layer("batch", 2, dimensions=1).double()
    x = np.random.default_rng(0).normal(3, 2, size=(8, 2))
    norm(torch.tensor(x))
    mean, variance = 0.1 * x.mean(0), 0.9 + 0.1 * x.var(0, ddof=1)  # momentum 0.1 from mean 0, variance 1
    norm.eval()
    for _ in range(2):
        y = norm(torch.tensor(x[:1])).detach().numpy()
        np.testing.assert_allclose(y, (x[:1] - mean) / np.sqrt(variance + 1e-5), atol=1e-9)


def test_layer_norm_is_the_same_in_both_modes_and_for_any_batch() -> None:
    norm = norm_layer("layer", 4, dimensions=2)
    x = torch.randn(5, 4, 3, 3)
    together = norm(x)
    norm.eval()
    torch.testing.assert_close(norm(x[2:3]), together[2:3])


def test_dropout_zeroes_a_share_and_scales_the_rest_in_training_and_is_off_in_eval() -> None:
    torch.manual_seed(0)
    layer = dense_layer(10, 1000, Style(activation="identity", dropout=0.25))
    x = torch.randn(20, 10)
    plain = layer.linear(x)
    dropped = layer(x)
    kept = dropped != 0
    assert abs(kept.float().mean().item() - 0.75) < 0.02
    torch.testing.assert_close(dropped[kept], plain[kept] / 0.75)
    assert not torch.equal(layer(x), dropped)
    layer.eval()
    assert torch.equal(layer(x), plain)


TRUNKS = {
    "mlp": {"input_shape": (6,)},
    "nips_cnn": {"input_shape": (1, 20, 20), "hidden_sizes": (16,)},
    "nature_cnn": {"input_shape": (1, 36, 36), "hidden_sizes": (16,)},
    "impala_cnn": {"input_shape": (1, 9, 9), "channels": 4},
    "conv_pool": {"input_shape": (1, 8, 8), "channels": 4},
    "board_resnet": {"input_shape": (2, 3, 3), "channels": 4},
}


@pytest.mark.parametrize("trunk", TRUNKS)
def test_in_every_trunk_eval_judges_a_sample_apart_from_its_batch_and_batch_norm_training_does_not(
    trunk: str,
) -> None:
    for norm, mixes in (("none", False), ("layer", False), ("batch", True)):
        torch.manual_seed(0)
        network = build(NetworkConfig(trunk=trunk, head="q", num_actions=3, norm=norm, **TRUNKS[trunk]))
        obs = torch.randn(8, *network.config.input_shape)
        alike = torch.allclose(network(obs)[:4], network(obs[:4]), atol=1e-5)
        assert alike != mixes, (trunk, norm)
        network.eval()
        torch.testing.assert_close(network(obs)[:4], network(obs[:4]), atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("trunk", TRUNKS)
def test_in_every_trunk_dropout_acts_in_training_only(trunk: str) -> None:
    network = build(NetworkConfig(trunk=trunk, head="q", num_actions=3, dropout=0.5, **TRUNKS[trunk]))
    obs = torch.randn(4, *network.config.input_shape)
    assert not torch.equal(network(obs), network(obs))
    network.eval()
    assert torch.equal(network(obs), network(obs))


def drawn(network: nn.Module) -> nn.Module:
    """With all weights and running statistics drawn anew, in eval mode."""
    for name, tensor in network.state_dict().items():
        if tensor.is_floating_point():
            tensor.copy_(0.5 * torch.rand_like(tensor) + 0.3 * name.endswith("running_var"))
    return network.eval()


@pytest.mark.parametrize("trunk", TRUNKS)
def test_in_every_trunk_batch_norms_behind_weights_fold_into_them(trunk: str) -> None:
    torch.manual_seed(0)
    config = NetworkConfig(trunk=trunk, head="q", num_actions=3, norm="batch", **TRUNKS[trunk])
    network = drawn(build(config)).double()
    obs = torch.randn(4, *config.input_shape, dtype=torch.float64)
    with torch.inference_mode():
        before = network(obs)
        fold_batch_norm(network)
        torch.testing.assert_close(network(obs), before)
    left = [module for module in network.modules() if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d)]
    assert len(left) == (3 * 2 + 1 if trunk == "impala_cnn" else 0)  # those that stand before their weights


def test_a_batch_norm_behind_noisy_weights_stays() -> None:
    layer = dense_layer(4, 3, Style(norm="batch", noisy=True)).eval()
    fold_batch_norm(layer)
    assert isinstance(layer.norm, nn.BatchNorm1d)


def test_a_mean_of_networks_has_the_mean_statistics_and_the_newest_counter() -> None:
    mean, online = (norm_layer("batch", 2, dimensions=2) for _ in range(2))
    online(torch.randn(5, 2, 3, 3))
    expected = 0.75 * mean.running_mean + 0.25 * online.running_mean, 0.75 + 0.25 * online.running_var
    mix_weights(mean, online, 0.25)
    torch.testing.assert_close((mean.running_mean, mean.running_var), expected)
    assert mean.num_batches_tracked == 1
