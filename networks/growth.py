"""A larger network that computes what a small one does, so that learning goes on instead of beginning anew.

Wider: every new feature is a copy of an old one, and what an old feature sent on is shared out among its
copies, at random, so that they learn to differ. Deeper: a new residual block begins as the identity.

Source: Chen, Goodfellow & Shlens 2016 (Net2Net).
"""

from dataclasses import replace

import torch
from torch import Tensor

from networks.build import Network, build
from networks.config import GROWING, NetworkConfig

SHARE_MIN = 0.5  # of the largest: the random part that a copy takes of what its original sent on


def grow(small: Network, config: NetworkConfig, *, seed: int) -> Network:
    """A network of `config` with the outputs of `small` in eval mode, up to rounding.

    Args:
        small: not changed.
        config: that of `small`, but for more channels, blocks or squeezed planes, or wider hidden layers.
        seed: of the shares and of what is new. The same seed grows networks of one config alike: the grown
            mean of two is the mean of the grown ones.
    Raises: ValueError where `config` is not larger in these ways, or the kind of layer cannot be copied.
    """
    _check(small.config, config)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        large = build(config)
        assert isinstance(large, Network)
        weights = large.state_dict()
        for name, weight in small.state_dict().items():
            weights[name] = _widened(weight, weights[name].shape)
    large.load_state_dict(weights)
    return large.train(small.training)


def _widened(weight: Tensor, shape: torch.Size) -> Tensor:
    """A layer's weights [outputs, inputs, ...] or [outputs] for more features on one side or on both."""
    if weight.ndim == 0:  # a counter
        return weight
    wide = weight[_originals(weight.shape[0], shape[0])]
    if weight.ndim == 1 or shape[1] == weight.shape[1]:
        return wide
    originals = _originals(weight.shape[1], shape[1])
    parts = SHARE_MIN + (1 - SHARE_MIN) * torch.rand(shape[0], shape[1])
    sums = torch.zeros(shape[0], weight.shape[1]).index_add_(1, originals, parts)
    shares = parts / sums[:, originals]
    return wide[:, originals] * shares.reshape(*shares.shape, *[1] * (weight.ndim - 2)).to(weight.dtype)


def _originals(old: int, new: int) -> Tensor:
    """Which of `old` features each of `new` ones copies. Flattened planes keep their cells: [C * H * W]."""
    return torch.arange(new) % old


def _check(small: NetworkConfig, large: NetworkConfig) -> None:
    sizes = {name: getattr(large, name) for name in GROWING}
    if replace(small, **sizes) != large or len(large.hidden_sizes) != len(small.hidden_sizes):
        raise ValueError(f"growth changes {', '.join(GROWING)} alone: not from {small} to {large}")
    old, new = (
        [*(getattr(each, name) for name in GROWING[:-1]), *each.hidden_sizes] for each in (small, large)
    )
    if any(n < o for o, n in zip(old, new, strict=True)):
        raise ValueError(f"a network can only grow: not from ({', '.join(GROWING)}) {old} to {new}")
    if small.memory != "none" or small.noisy or small.norm == "layer":
        raise ValueError("networks with memory, noisy layers or layer norm do not grow")
    if large.blocks > small.blocks and (small.trunk != "board_resnet" or small.activation != "relu"):
        raise ValueError("only a board_resnet with relu grows deeper: its new blocks begin as the identity")
