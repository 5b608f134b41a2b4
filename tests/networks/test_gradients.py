"""Autograd against finite differences in float64, for every kind of module and loss."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from networks.blocks import PreActivationBlock, ResidualBlock, Style
from networks.build import RecurrentNetwork, build
from networks.cnn import BoardResNet, ConvPool, ImpalaCNN, NatureCNN, NipsCNN
from networks.config import ACTIVATIONS, NetworkConfig
from networks.heads import DuelingHead, PolicyHead, QHead, Squeeze, ValueHead, masked_log_softmax
from networks.losses import cross_entropy, huber, squared_error
from networks.lstm import LSTM, SimpleRNN
from networks.mlp import MLP
from networks.noisy import NoisyLinear, resample_noise

STEP = 1e-6


def assert_gradient_is_the_slope(module: nn.Module, *inputs: Tensor, entries: int = 60) -> None:
    """Compare d(loss)/d(x) with (loss(x + step) - loss(x - step)) / (2 step) for inputs and parameters.

    The loss weighs all outputs by fixed random numbers; of each tensor up to `entries` entries are tried.
    """
    module.double()
    for parameter in module.parameters():  # no zeros: a module that starts at 0 would hide its gradients
        nn.init.normal_(parameter, std=0.3)
    inputs = tuple(x.double() if x.is_floating_point() else x for x in inputs)

    def loss() -> Tensor:
        output = module(*inputs)
        parts = output if isinstance(output, tuple) else (output,)
        mixing = torch.Generator().manual_seed(5)
        terms = [(part * torch.randn(part.shape, generator=mixing).double()).sum() for part in parts]
        return torch.stack(terms).sum()

    tensors = [x.requires_grad_() for x in inputs if x.is_floating_point()] + list(module.parameters())
    gradients = torch.autograd.grad(loss(), tensors)
    assert any((gradient != 0).any() for gradient in gradients)
    picker = torch.Generator().manual_seed(7)
    for tensor, gradient in zip(tensors, gradients, strict=True):
        flat = tensor.detach().view(-1)
        chosen = torch.randperm(len(flat), generator=picker)[:entries]
        slopes = torch.empty(len(chosen), dtype=torch.float64)
        with torch.no_grad():
            for number, index in enumerate(chosen):
                kept = flat[index].clone()
                flat[index] = kept + STEP
                above = loss()
                flat[index] = kept - STEP
                slopes[number] = (above - loss()) / (2 * STEP)
                flat[index] = kept
        torch.testing.assert_close(gradient.reshape(-1)[chosen], slopes, atol=1e-5, rtol=1e-4)


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(0)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_mlp(activation: str) -> None:
    assert_gradient_is_the_slope(MLP((3,), (5, 4), Style(activation=activation)), torch.randn(4, 3))


@pytest.mark.parametrize("norm", ["batch", "layer"])
def test_norms_in_dense_and_convolutional_layers(norm: str) -> None:
    assert_gradient_is_the_slope(MLP((3,), (5, 4), Style("tanh", norm)), torch.randn(6, 3))
    trunk = ConvPool((1, 4, 4), (3,), Style("tanh", norm), channels=2, blocks=1)
    assert_gradient_is_the_slope(trunk, torch.randn(5, 1, 4, 4))


@pytest.mark.parametrize(("kind", "side"), [(NipsCNN, 20), (NatureCNN, 36)])
def test_strided_convolutions(kind: type[NipsCNN | NatureCNN], side: int) -> None:
    trunk = kind((1, side, side), (4,), Style("tanh"))
    assert_gradient_is_the_slope(trunk, torch.randn(1, 1, side, side), entries=8)


@pytest.mark.parametrize(
    ("module", "shape"),
    [
        (ConvPool((2, 5, 4), (3,), Style(), channels=2, blocks=2), (2, 2, 5, 4)),
        (BoardResNet((2, 3, 4), Style(), channels=3, blocks=2), (2, 2, 3, 4)),
        (ImpalaCNN((2, 5, 4), (3,), Style("tanh", "layer"), channels=2), (2, 2, 5, 4)),
        (PreActivationBlock(2, Style("elu", "layer")), (2, 2, 3, 3)),
        (ResidualBlock(2, Style("elu", "layer")), (2, 2, 3, 3)),
        (Squeeze(3, 2, Style()), (2, 3, 2, 2)),
        (QHead(4, 3), (2, 4)),
        (DuelingHead(4, 3), (2, 4)),
        (PolicyHead(4, 3), (2, 4)),
        (ValueHead(4), (2, 4)),
    ],
    ids=lambda given: type(given).__name__ if isinstance(given, nn.Module) else "",
)
def test_trunks_and_heads(module: nn.Module, shape: tuple[int, ...]) -> None:
    assert_gradient_is_the_slope(module, torch.randn(shape))


def test_a_noisy_layer_for_means_and_sigmas() -> None:
    layer = NoisyLinear(4, 3)
    resample_noise(layer)
    assert_gradient_is_the_slope(layer, torch.randn(2, 4))


@pytest.mark.parametrize("kind", [SimpleRNN, LSTM])
def test_memories_with_a_start_inside_the_window(kind: type[SimpleRNN] | type[LSTM]) -> None:
    core = kind(2, 3)
    starts = torch.tensor([[False, False], [False, True], [False, False]])
    assert_gradient_is_the_slope(core, torch.randn(3, 2, 2), torch.randn(core.parts, 2, 3), starts)


@pytest.mark.parametrize(
    "changes",
    [
        {"trunk": "mlp", "input_shape": (3,), "head": "q"},
        {"trunk": "mlp", "input_shape": (3,), "head": "q", "dueling": True},
        {"trunk": "conv_pool", "input_shape": (1, 4, 4), "head": "policy_value", "channels": 2, "blocks": 1},
        {
            "trunk": "board_resnet",
            "input_shape": (2, 3, 3),
            "head": "policy_value",
            "channels": 3,
            "blocks": 1,
        },
        {"trunk": "board_resnet", "input_shape": (2, 3, 3), "head": "value", "num_actions": 0, "channels": 3},
    ],
)
def test_whole_networks(changes: dict[str, Any]) -> None:
    config = NetworkConfig(**({"num_actions": 3, "hidden_sizes": (4,), "activation": "tanh"} | changes))
    assert_gradient_is_the_slope(build(config), torch.randn(2, *config.input_shape), entries=20)


def test_a_whole_recurrent_network() -> None:
    config = NetworkConfig(
        trunk="mlp",
        input_shape=(2,),
        head="policy_value",
        num_actions=3,
        hidden_sizes=(3,),
        memory="lstm",
        memory_size=3,
    )
    network = build(config)
    assert isinstance(network, RecurrentNetwork)

    class OutputsOnly(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.network = network

        def forward(self, obs: Tensor, state: Tensor, starts: Tensor) -> tuple[Tensor, ...]:
            (logits, value), state = self.network(obs, state, starts)
            return logits, value, state

    starts = torch.tensor([[True], [False], [True]])
    assert_gradient_is_the_slope(OutputsOnly(), torch.randn(3, 1, 2), torch.randn(2, 1, 3), starts)


class Loss(nn.Module):
    """A loss as a module of its prediction."""

    def __init__(self, function: Any) -> None:
        super().__init__()
        self.function = function

    def forward(self, prediction: Tensor) -> Tensor:
        loss: Tensor = self.function(prediction)
        return loss


def test_losses_and_the_masked_policy() -> None:
    legal = torch.tensor([[True, False, True], [True, True, False]])
    soft = torch.tensor([[0.25, 0.0, 0.75], [0.5, 0.5, 0.0]], dtype=torch.float64)
    target = torch.randn(2, 3, dtype=torch.float64) * 3
    weights = torch.tensor([0.5, 2.0], dtype=torch.float64)
    for function in (
        lambda x: squared_error(x, target, weights),
        lambda x: huber(x, target, weights, delta=0.7),
        lambda x: cross_entropy(x, soft, weights, legal=legal),
        lambda x: cross_entropy(x, torch.tensor([2, 0])),
        lambda x: masked_log_softmax(x, legal).exp(),
    ):
        assert_gradient_is_the_slope(Loss(function), torch.randn(2, 3))
