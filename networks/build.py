"""NetworkConfig -> module: the one place that knows every kind of trunk, memory and head."""

import math

import torch
from torch import Tensor, nn

from networks.blocks import Style, as_floats
from networks.cnn import BoardResNet, ConvPool, ImpalaCNN, NatureCNN, NipsCNN
from networks.config import NetworkConfig
from networks.heads import (
    CategoricalHead,
    DistributionHead,
    DuelingHead,
    PolicyHead,
    PolicyValueHead,
    QHead,
    QuantileHead,
    Squeeze,
    ValueHead,
)
from networks.lstm import LSTM, Memory, SimpleRNN
from networks.mlp import MLP

# q [B, A] or its distribution [B, A, K] | (logits [B, A], value [B]) | value [B]
Output = Tensor | tuple[Tensor, Tensor]


class Network(nn.Module):
    """trunk -> head, without memory."""

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        self.config = config
        if config.trunk == "board_resnet":
            self.trunk: nn.Module = BoardResNet(
                config.input_shape, _style(config), channels=config.channels, blocks=config.blocks
            )
            self.head = _with_distribution(config, _board_head(config))
        else:
            trunk = _flat_trunk(config)
            self.trunk = trunk
            self.head = _with_distribution(config, _flat_head(config, trunk.num_features))

    def forward(self, obs: Tensor, *, distribution: bool = False) -> Output:
        """Evaluate a batch.

        Args:
            obs: [B, *input_shape]; uint8 is scaled to [0, 1], other types are cast to the weights' own.
            distribution: answer with the distribution that q is the mean of, where `config` has one.
        Returns: by `config.head`: q [B, A]; (logits [B, A], value [B]); value [B]. The distribution is
            float[B, A, K], logits or quantiles; `head.expectation` makes q of it.
        Raises: ValueError when the shape is not [B, *input_shape], or there is no distribution.
        """
        _check_obs(obs, 1, self.config.input_shape)
        features = self.trunk(as_floats(obs, _dtype(self)))
        return _output(self.head, features, distribution=distribution)


class RecurrentNetwork(nn.Module):
    """trunk -> memory -> head over windows of time; the memory's state goes in and comes out."""

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        self.config = config
        self.trunk = _flat_trunk(config)
        self.memory = _memory(config, self.trunk.num_features)
        self.head = _with_distribution(config, _flat_head(config, self.memory.num_features))

    def forward(
        self, obs: Tensor, state: Tensor, starts: Tensor, *, distribution: bool = False
    ) -> tuple[Output, Tensor]:
        """Evaluate T steps of B episodes.

        Args:
            obs: [T, B, *input_shape], as for `Network`.
            state: [parts, B, M] before the first step: `initial_state(B)` or what the last call returned.
            starts: bool[T, B]; True where an obs is the first of an episode: the state before it is zeroed.
            distribution: as for `Network`.
        Returns: (output as of `Network` with [T, B] in place of [B], state after the last step).
        Raises: ValueError when shapes disagree, or there is no distribution.
        """
        _check_obs(obs, 2, self.config.input_shape)
        steps_and_batch = obs.shape[:2]
        features = self.trunk(as_floats(obs.flatten(0, 1), _dtype(self)))  # [T * B, F]
        remembered, state = self.memory(features.unflatten(0, steps_and_batch), state, starts)  # [T, B, M]
        return _output(self.head, remembered, distribution=distribution), state

    def initial_state(self, batch: int) -> Tensor:
        """The state [parts, batch, M] before an episode: zeros."""
        return self.memory.initial_state(batch)


def build(config: NetworkConfig) -> Network | RecurrentNetwork:
    """A new network in training mode, its weights drawn from torch's global generator."""
    return Network(config) if config.memory == "none" else RecurrentNetwork(config)


def _flat_trunk(config: NetworkConfig) -> MLP | NipsCNN | NatureCNN | ImpalaCNN | ConvPool:
    """The trunk that turns an obs into flat features [B, num_features]."""
    shape, hidden_sizes, style = config.input_shape, config.hidden_sizes, _style(config)
    if config.trunk == "mlp":
        return MLP(shape, hidden_sizes, style, spread=True)
    if config.trunk == "nips_cnn":
        return NipsCNN(shape, hidden_sizes, style)
    if config.trunk == "nature_cnn":
        return NatureCNN(shape, hidden_sizes, style)
    if config.trunk == "impala_cnn":
        return ImpalaCNN(shape, hidden_sizes, style, channels=config.channels)
    return ConvPool(shape, hidden_sizes, style, channels=config.channels, blocks=config.blocks)


def _memory(config: NetworkConfig, inputs: int) -> Memory:
    kind = LSTM if config.memory == "lstm" else SimpleRNN
    return kind(inputs, config.memory_size)


def _flat_head(config: NetworkConfig, inputs: int) -> nn.Module:
    """A head on flat features [..., inputs]."""
    if config.head == "policy_value":
        return PolicyValueHead(PolicyHead(inputs, config.num_actions), ValueHead(inputs))
    if config.head == "value":
        return ValueHead(inputs)
    kind = DuelingHead if config.dueling else QHead
    atoms = None if config.distribution == "none" else config.atoms
    return kind(inputs, config.num_actions, atoms=atoms, noisy=config.noisy)


def _board_head(config: NetworkConfig) -> nn.Module:
    """A head on [B, channels, H, W]: squeezed to few planes, then dense (the policy without hidden layer)."""
    squeezed = config.squeezed_planes * math.prod(config.input_shape[1:])
    dense = MLP((squeezed,), config.hidden_sizes, _style(config))
    if config.head == "policy_value":
        policy = nn.Sequential(_squeeze(config), PolicyHead(squeezed, config.num_actions))
        value = nn.Sequential(_squeeze(config), dense, ValueHead(dense.num_features))
        return PolicyValueHead(policy, value)
    return nn.Sequential(_squeeze(config), dense, _flat_head(config, dense.num_features))


def _with_distribution(config: NetworkConfig, head: nn.Module) -> nn.Module:
    """The head itself, or one that knows what its K numbers for each action mean."""
    if config.distribution == "categorical":
        low, high = config.value_min, config.value_max
        return CategoricalHead(head, atoms=config.atoms, value_min=low, value_max=high)
    return QuantileHead(head) if config.distribution == "quantile" else head


def _output(head: nn.Module, features: Tensor, *, distribution: bool) -> Output:
    """What the head makes of the features; of a distribution its mean, unless it is asked for."""
    if isinstance(head, DistributionHead):
        outputs: Tensor = head(features)
        return outputs if distribution else head.expectation(outputs)
    if distribution:
        raise ValueError("distribution=True needs a NetworkConfig.distribution, got 'none'")
    output: Output = head(features)
    return output


def _squeeze(config: NetworkConfig) -> Squeeze:
    return Squeeze(config.channels, config.squeezed_planes, _style(config))


def _style(config: NetworkConfig) -> Style:
    return Style(activation=config.activation, norm=config.norm, dropout=config.dropout, noisy=config.noisy)


def _dtype(network: nn.Module) -> torch.dtype:
    return next(network.parameters()).dtype


def _check_obs(obs: Tensor, batch_dimensions: int, input_shape: tuple[int, ...]) -> None:
    if obs.ndim != batch_dimensions + len(input_shape) or obs.shape[batch_dimensions:] != input_shape:
        wanted = ["B"] if batch_dimensions == 1 else ["T", "B"]
        raise ValueError(f"obs must be {[*wanted, *input_shape]}, got {list(obs.shape)}")
