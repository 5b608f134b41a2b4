"""Weights that follow other weights: target networks, and the running mean of a training.

The mean (Polyak averaging) plays better than the weights of the moment and changes smoothly.
Source: Polyak & Juditsky 1992, Acceleration of stochastic approximation by averaging.
"""

import torch
from torch import Tensor, nn

STATISTICS = ("running_mean", "running_var")  # of batch norm, where the names of its buffers end
WARMUP = 10  # the mean covers at most a tenth of the updates so far


def mix_weights(target: nn.Module, online: nn.Module, share: float) -> None:
    """Move target by `share` of its way to online, the running statistics of batch norm with the weights.

    Other buffers are copied whole.
    """
    with torch.no_grad():
        for old, new in zip(target.parameters(), online.parameters(), strict=True):
            _move(old, new, share)
        for (name, buffer), newest in zip(target.named_buffers(), online.buffers(), strict=True):
            _move(buffer, newest, share if name.endswith(STATISTICS) else 1)


def copy_buffers(target: nn.Module, online: nn.Module) -> None:
    """Give target online's buffers."""
    for old, new in zip(target.buffers(), online.buffers(), strict=True):
        old.copy_(new)


def share_of_now(decay: float, updates: int) -> float:
    """What the weights of now get of a running mean that keeps `decay` of itself; more in the beginning.

    Args:
        updates: so far, this one included.
    """
    return 1 - min(decay, updates / (updates + WARMUP))


def follow(mean: nn.Module, online: nn.Module, *, decay: float, updates: int) -> None:
    """Take the weights of now into the running mean; see `share_of_now`."""
    mix_weights(mean, online, share_of_now(decay, updates))


def _move(old: Tensor, new: Tensor, share: float) -> None:
    old.copy_(new) if share == 1 else old.lerp_(new, share)
