"""Output layers: what the features say about actions (Q values, returns, policy) and about the state (value).

Every head returns at least float32, also in a bfloat16 network: targets, losses and probabilities need the
digits. A head that was itself left in float32 computes so, on features of any precision.
"""

import math

import torch
from torch import Tensor, nn

from networks.blocks import Style, conv_layer, output_layer

VALUE_BOUND = 1 - 2**-20  # an estimate stays strictly inside (-1, 1), also where float32 tanh rounds to 1


class QHead(nn.Module):
    """One value for each action: [B, F] -> q [B, A]. With atoms, K numbers: [B, F] -> [B, A, K]."""

    def __init__(
        self, inputs: int, num_actions: int, *, atoms: int | None = None, noisy: bool = False
    ) -> None:
        super().__init__()
        self.shape = (num_actions,) if atoms is None else (num_actions, atoms)
        self.q = output_layer(inputs, math.prod(self.shape), noisy=noisy)

    def forward(self, features: Tensor) -> Tensor:
        """[B, F] -> q [B, A], with atoms [B, A, K]."""
        return _unfold(_apply(self.q, features), self.shape)


class DuelingHead(nn.Module):
    """q = value + advantage - mean over actions of advantage: [B, F] -> q [B, A], with atoms [B, A, K].

    The subtraction makes the split unique: the mean of q over actions is the value stream's output. Both
    streams are one layer here. Source: Wang et al. 2016, equation 9; atom by atom: Hessel et al. 2018.
    """

    def __init__(
        self, inputs: int, num_actions: int, *, atoms: int | None = None, noisy: bool = False
    ) -> None:
        super().__init__()
        self.shape = (num_actions,) if atoms is None else (num_actions, atoms)
        self.value = output_layer(inputs, math.prod(self.shape[1:]), noisy=noisy)
        self.advantage = output_layer(inputs, math.prod(self.shape), noisy=noisy)

    def forward(self, features: Tensor) -> Tensor:
        """[B, F] -> q [B, A], with atoms [B, A, K]."""
        over_actions = -len(self.shape)
        advantage = _unfold(_apply(self.advantage, features), self.shape)  # [B, A] or [B, A, K]
        value = _unfold(_apply(self.value, features), (1, *self.shape[1:]))  # [B, 1] or [B, 1, K]
        return value + advantage - advantage.mean(dim=over_actions, keepdim=True)


class DistributionHead(nn.Module):
    """The distribution of each action's return as K numbers; q is its mean: features -> [B, A, K].

    Args:
        outputs: layers from features to float[..., A, K], at least float32.
    """

    def __init__(self, outputs: nn.Module) -> None:
        super().__init__()
        self.outputs = outputs

    def forward(self, features: Tensor) -> Tensor:
        """Features or planes -> [B, A, K]."""
        outputs: Tensor = self.outputs(features)
        return outputs

    def expectation(self, outputs: Tensor) -> Tensor:
        """[..., K], of this head -> its mean [...]: q [B, A] for all actions."""
        raise NotImplementedError


class CategoricalHead(DistributionHead):
    """Logits of K returns, evenly spaced from value_min to value_max. Source: Bellemare et al. 2017 (C51)."""

    def __init__(self, outputs: nn.Module, *, atoms: int, value_min: float, value_max: float) -> None:
        super().__init__(outputs)
        self.atoms, self.value_min, self.value_max = atoms, value_min, value_max

    def support(self, like: Tensor) -> Tensor:
        """The returns [K] that the logits are of, with dtype and device of `like`.

        Made anew, since a buffer of a bfloat16 network would be rounded.
        """
        return torch.linspace(
            self.value_min, self.value_max, self.atoms, dtype=like.dtype, device=like.device
        )

    def expectation(self, outputs: Tensor) -> Tensor:
        """Logits [..., K] -> the mean return [...]."""
        return (torch.softmax(outputs, dim=-1) * self.support(outputs)).sum(dim=-1)

    def share_outside(self, returns: Tensor) -> Tensor:
        """Which share of `returns` lies beyond the ends, where all look alike to it: float32[]."""
        return ((returns < self.value_min) | (returns > self.value_max)).float().mean()


class QuantileHead(DistributionHead):
    """The returns at K quantiles, the midpoints (2i + 1) / 2K. Source: Dabney et al. 2018 (QR-DQN)."""

    def expectation(self, outputs: Tensor) -> Tensor:
        """Quantiles [..., K] -> the mean return [...]."""
        return outputs.mean(dim=-1)


class ValueHead(nn.Module):
    """How good the state is for the side to move: [B, F] -> [B], strictly inside (-1, 1)."""

    def __init__(self, inputs: int) -> None:
        super().__init__()
        self.value = output_layer(inputs, 1)

    def forward(self, features: Tensor) -> Tensor:
        """[B, F] -> [B]."""
        return VALUE_BOUND * torch.tanh(_apply(self.value, features)).squeeze(-1)


class PolicyHead(nn.Module):
    """Unmasked logits of all actions: [B, F] -> [B, A]; `masked_log_softmax` makes probabilities of them."""

    def __init__(self, inputs: int, num_actions: int) -> None:
        super().__init__()
        self.policy = output_layer(inputs, num_actions)

    def forward(self, features: Tensor) -> Tensor:
        """[B, F] -> logits [B, A]."""
        return _apply(self.policy, features)


class PolicyValueHead(nn.Module):
    """A policy and a value on the same features (AlphaGo Zero, Silver et al. 2017)."""

    def __init__(self, policy: nn.Module, value: nn.Module) -> None:
        super().__init__()
        self.policy = policy
        self.value = value

    def forward(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """Features or planes -> (logits [B, A], value [B])."""
        return self.policy(features), self.value(features)


class Squeeze(nn.Module):
    """A 1x1 convolution to few planes, flattened for dense layers: [B, C, H, W] -> [B, planes * H * W]."""

    def __init__(self, channels: int, planes: int, style: Style) -> None:
        super().__init__()
        self.layer = conv_layer(channels, planes, 1, style)

    def forward(self, planes: Tensor) -> Tensor:
        """[B, C, H, W] -> [B, planes * H * W]."""
        squeezed: Tensor = self.layer(planes)
        return squeezed.flatten(1)


def masked_log_softmax(logits: Tensor, legal: Tensor) -> Tensor:
    """Log-probabilities of a policy that plays legal actions only.

    Args:
        logits: float[..., A].
        legal: bool[..., A]; True is allowed, at least one in each row.
    Returns: float[..., A]; -inf exactly where illegal, so that `exp` gives 0 there and sums to 1 over the
    rest.
    Raises: ValueError when shapes disagree, `legal` is not bool, or a row has no legal action.
    """
    if logits.shape != legal.shape or legal.dtype != torch.bool:
        raise ValueError(
            f"legal must be bool{list(logits.shape)} like the logits, got {legal.dtype}{list(legal.shape)}"
        )
    if not bool(legal.any(dim=-1).all()):
        row = legal.any(dim=-1).logical_not().nonzero()[0].tolist()
        raise ValueError(f"legal must allow an action in each row, got none in row {row}")
    return torch.log_softmax(logits.masked_fill(~legal, -torch.inf), dim=-1)


def _apply(layer: nn.Linear, features: Tensor) -> Tensor:
    """The layer's output in its own precision, and then in float32 at least."""
    output: Tensor = layer(features.to(layer.weight.dtype))
    return output.to(torch.promote_types(output.dtype, torch.float32))


def _unfold(x: Tensor, shape: tuple[int, ...]) -> Tensor:
    """[B, product of shape] -> [B, *shape]."""
    return x.reshape(*x.shape[:-1], *shape)
