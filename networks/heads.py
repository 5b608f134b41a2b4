"""Output layers: what the features say about actions (Q values, policy) and about the state (value).

Every head returns at least float32, also in a bfloat16 network: targets, losses and probabilities need the
digits. A head that was itself left in float32 computes so, on features of any precision.
"""

import torch
from torch import Tensor, nn

from networks.blocks import Style, conv_layer, output_layer

VALUE_BOUND = 1 - 2**-20  # an estimate stays strictly inside (-1, 1), also where float32 tanh rounds to 1


class QHead(nn.Module):
    """One value for each action: [B, F] -> q [B, A]."""

    def __init__(self, inputs: int, num_actions: int, *, noisy: bool = False) -> None:
        super().__init__()
        self.q = output_layer(inputs, num_actions, noisy=noisy)

    def forward(self, features: Tensor) -> Tensor:
        """[B, F] -> q [B, A]."""
        return _apply(self.q, features)


class DuelingHead(nn.Module):
    """q = value + advantage - mean over actions of advantage: [B, F] -> q [B, A].

    The subtraction makes the split unique: the mean of q over actions is the value stream's output. Both
    streams are one layer here. Source: Wang et al. 2016, equation 9.
    """

    def __init__(self, inputs: int, num_actions: int, *, noisy: bool = False) -> None:
        super().__init__()
        self.value = output_layer(inputs, 1, noisy=noisy)
        self.advantage = output_layer(inputs, num_actions, noisy=noisy)

    def forward(self, features: Tensor) -> Tensor:
        """[B, F] -> q [B, A]."""
        advantage = _apply(self.advantage, features)  # [B, A]
        value = _apply(self.value, features)  # [B, 1]
        return value + advantage - advantage.mean(dim=-1, keepdim=True)


class DistributionalHead(nn.Module):
    """K numbers for each action that tell how its return is distributed; q is its mean: [B, F] -> q [B, A].

    categorical: logits of K returns, evenly spaced from value_min to value_max (Bellemare et al. 2017, C51).
    quantile: the returns at the K quantile midpoints (2 i + 1) / 2 K (Dabney et al. 2018, QR-DQN).
    With dueling streams as in Rainbow (Hessel et al. 2018): value [1, K] + advantage [A, K] - its mean.
    """

    def __init__(
        self,
        inputs: int,
        num_actions: int,
        atoms: int,
        support: tuple[float, float] | None,
        *,
        dueling: bool = False,
        noisy: bool = False,
    ) -> None:
        """`support`: first and last return of a categorical distribution; None: quantiles."""
        super().__init__()
        self.atoms, self._ends = atoms, support
        self.advantage = output_layer(inputs, num_actions * atoms, noisy=noisy)
        self.value = output_layer(inputs, atoms, noisy=noisy) if dueling else None

    def forward(self, features: Tensor) -> Tensor:
        """[..., F] -> q float32[..., A]."""
        return self.expectation(self.outputs(features))

    def outputs(self, features: Tensor) -> Tensor:
        """[..., F] -> logits or quantiles float32[..., A, K]."""
        flat: Tensor = _apply(self.advantage, features)
        advantage = flat.reshape(*flat.shape[:-1], -1, self.atoms)
        if self.value is None:
            return advantage
        value = _apply(self.value, features).unsqueeze(-2)
        return value + advantage - advantage.mean(dim=-2, keepdim=True)

    def expectation(self, outputs: Tensor) -> Tensor:
        """The mean return float32[..., A] of `outputs`."""
        if self._ends is None:
            return outputs.mean(dim=-1)
        return (outputs.softmax(dim=-1) * self.support(outputs.device)).sum(dim=-1)

    @property
    def is_categorical(self) -> bool:
        """Whether `outputs` are logits; else quantiles."""
        return self._ends is not None

    def support(self, device: torch.device) -> Tensor:
        """The returns float32[K] that a categorical distribution is over."""
        assert self._ends is not None
        return torch.linspace(*self._ends, self.atoms, device=device)


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
