"""One layer draws one line; a hidden layer bends it. Depth needs ReLU."""

import itertools
import math

import numpy as np
import pytest
import torch

from networks.blocks import Style
from networks.build import build
from networks.config import NetworkConfig
from networks.losses import cross_entropy, squared_error
from networks.mlp import MLP
from networks.optimisers import make_optimiser

CORNERS = torch.tensor([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
XOR = torch.tensor([0, 1, 1, 0])
AND = torch.tensor([0, 0, 0, 1])


def best_accuracy(hidden_sizes: tuple[int, ...], labels: torch.Tensor, seed: int, updates: int) -> float:
    """The best accuracy on the four corners seen at any time of a training with full batches."""
    torch.manual_seed(seed)
    network = build(
        NetworkConfig(
            trunk="mlp",
            input_shape=(2,),
            head="q",
            num_actions=2,
            hidden_sizes=hidden_sizes,
            activation="tanh",
        )
    )
    optimiser = make_optimiser("adam", network.parameters(), 0.05)
    best = 0.0
    for _ in range(updates):
        scores = network(CORNERS)
        best = max(best, (scores.argmax(dim=1) == labels).float().mean().item())
        optimiser.zero_grad()
        cross_entropy(scores, labels).backward()
        optimiser.step()
    return best


def test_a_perceptron_learns_and_but_never_xor() -> None:
    assert best_accuracy((), AND, seed=0, updates=300) == 1.0
    assert max(best_accuracy((), XOR, seed=seed, updates=300) for seed in range(6)) <= 0.75


def test_one_hidden_layer_learns_xor_from_every_seed() -> None:
    assert all(best_accuracy((8,), XOR, seed=seed, updates=300) == 1.0 for seed in range(6))


def test_no_line_at_all_separates_xor() -> None:
    """f(00) + f(11) = f(01) + f(10) for every weighted sum: the two sides cannot lie below and above 0."""
    grid = np.linspace(-2, 2, 41)
    weights = np.array(list(itertools.product(grid, grid, grid)))  # w1, w2, bias
    sums = weights[:, :2] @ CORNERS.numpy().T + weights[:, 2:]  # [N, 4]
    np.testing.assert_allclose(sums[:, 0] + sums[:, 3], sums[:, 1] + sums[:, 2], atol=1e-12)
    right = ((sums > 0) == XOR.numpy().astype(bool)).sum(axis=1)
    assert right.max() == 3


def test_an_mlp_without_hidden_layers_passes_the_obs_on() -> None:
    obs = torch.randn(3, 2, 4)
    assert torch.equal(MLP((2, 4), (), Style())(obs), obs.flatten(1))


def test_a_forward_pass_is_weighted_sums_and_relu() -> None:
    torch.manual_seed(0)
    mlp = MLP((3,), (5, 2), Style())
    x = np.random.default_rng(0).normal(size=(4, 3))
    expected = x
    w = [parameter.detach().numpy().astype(float) for parameter in mlp.parameters()]
    for weight, bias in zip(w[::2], w[1::2], strict=True):
        expected = np.maximum(expected @ weight.T + bias, 0)
    np.testing.assert_allclose(mlp(torch.tensor(x).float()).detach().numpy(), expected, atol=1e-6)


def gradient_of_first_layer(activation: str, depth: int) -> float:
    torch.manual_seed(0)
    network = build(
        NetworkConfig(
            trunk="mlp",
            input_shape=(16,),
            head="value",
            num_actions=0,
            hidden_sizes=(64,) * depth,
            activation=activation,
        )
    )
    squared_error(network(torch.randn(32, 16)), torch.ones(32)).backward()
    gradient = next(network.parameters()).grad
    assert gradient is not None
    return gradient.norm().item()


def test_sigmoid_gradients_vanish_with_depth_and_relu_gradients_do_not() -> None:
    sigmoid = [gradient_of_first_layer("sigmoid", depth) for depth in (2, 6, 10)]
    relu = [gradient_of_first_layer("relu", depth) for depth in (2, 6, 10)]
    assert sigmoid[1] < sigmoid[0] / 50
    assert sigmoid[2] < sigmoid[1] / 50  # the derivative of sigmoid is at most 1/4: four layers cost 4^4
    assert min(relu) > max(relu) / 20


@pytest.mark.parametrize("activation", ["relu", "tanh", "sigmoid", "identity"])
def test_the_first_weights_keep_the_size_of_a_signal(activation: str) -> None:
    """No explosion or fading within ten layers, whatever the activation (sigmoid settles around 1/2)."""
    torch.manual_seed(1)
    features = MLP((128,), (128,) * 10, Style(activation=activation))(torch.randn(256, 128))
    assert 0.1 < features.square().mean().sqrt().item() < 3


def test_only_the_first_layer_on_raw_numbers_starts_with_its_kinks_apart_from_the_origin() -> None:
    config = NetworkConfig(
        trunk="mlp", input_shape=(4,), head="q", num_actions=2, hidden_sizes=(512, 512), activation="relu"
    )
    first, second = (p for name, p in build(config).named_parameters() if name.endswith("linear.bias"))
    assert first.abs().max() <= 1 / 2  # uniform in +-1 / sqrt(4)
    assert abs(first.std().item() - 1 / math.sqrt(12)) < 0.02
    assert not second.any()
    inside = MLP((4,), (8,), Style()).get_parameter("layers.hidden1.linear.bias")
    assert not inside.any()
