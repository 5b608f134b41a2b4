"""Output layers: what the features say about actions (Q values, policy) and about the state (value).

Every head returns at least float32, also in a bfloat16 network: targets, losses and probabilities need the
digits.
"""

import torch
from torch import Tensor, nn

from networks.blocks import Style, conv_layer, output_layer

VALUE_BOUND = 1 - 2**-20  # an estimate stays strictly inside (-1, 1), also where float32 tanh rounds to 1


class QHead(nn.Module):
    """One value for each action: [B, F] -> q [B, A]."""

    def __init__(self, inputs: int, num_actions: int) -> None:
        super().__init__()
        self.q = output_layer(inputs, num_actions)

    def forward(self, features: Tensor) -> Tensor:
        """[B, F] -> q [B, A]."""
        return _full_precision(self.q(features))


class DuelingHead(nn.Module):
    """q = value + advantage - mean over actions of advantage: [B, F] -> q [B, A].

    The subtraction makes the split unique: the mean of q over actions is the value stream's output. Both
    streams are one layer here. Source: Wang et al. 2016, equation 9.
    """

    def __init__(self, inputs: int, num_actions: int) -> None:
        super().__init__()
        self.value = output_layer(inputs, 1)
        self.advantage = output_layer(inputs, num_actions)

    def forward(self, features: Tensor) -> Tensor:
        """[B, F] -> q [B, A]."""
        advantage = _full_precision(self.advantage(features))  # [B, A]
        value = _full_precision(self.value(features))  # [B, 1]
        return value + advantage - advantage.mean(dim=-1, keepdim=True)


class ValueHead(nn.Module):
    """How good the state is for the side to move: [B, F] -> [B], strictly inside (-1, 1)."""

    def __init__(self, inputs: int) -> None:
        super().__init__()
        self.value = output_layer(inputs, 1)

    def forward(self, features: Tensor) -> Tensor:
        """[B, F] -> [B]."""
        return VALUE_BOUND * torch.tanh(_full_precision(self.value(features))).squeeze(-1)


class PolicyHead(nn.Module):
    """Unmasked logits of all actions: [B, F] -> [B, A]; `masked_log_softmax` makes probabilities of them."""

    def __init__(self, inputs: int, num_actions: int) -> None:
        super().__init__()
        self.policy = output_layer(inputs, num_actions)

    def forward(self, features: Tensor) -> Tensor:
        """[B, F] -> logits [B, A]."""
        return _full_precision(self.policy(features))


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


def _full_precision(x: Tensor) -> Tensor:
    return x.to(torch.promote_types(x.dtype, torch.float32))
