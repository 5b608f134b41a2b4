"""The rules that turn gradients into updates, by name: SGD, RMSProp, Adam and two of its relatives.

With gradient g, learning rate a, all per weight w:
  sgd      v = momentum * v + g;  w -= a * v
  rmsprop  s = 0.99 * s + 0.01 * g^2;  w -= a * g / (sqrt(s) + epsilon)              (Hinton 2012)
  adam     m, s = running means of g (0.9) and g^2 (0.999), corrected for their start at 0;
           w -= a * m / (sqrt(s) + epsilon)                                          (Kingma & Ba 2015)
  adamw    adam, with weight decay apart from g: w -= a * weight_decay * w          (Loshchilov & Hutter 2019)
  radam    adam that waits, as plain momentum, until s can be trusted                (Liu et al. 2020)
"""

from collections.abc import Iterable

import torch
from torch import nn

from networks.config import OPTIMISERS, check_choice


def make_optimiser(
    name: str,
    parameters: Iterable[nn.Parameter],
    learning_rate: float,
    *,
    momentum: float = 0.0,
    weight_decay: float = 0.0,
    epsilon: float = 1e-8,
) -> torch.optim.Optimizer:
    """A torch optimiser over `parameters`.

    Args:
        name: one of `networks.config.OPTIMISERS`.
        parameters: what it updates.
        learning_rate: step size a, above 0.
        momentum: of sgd and rmsprop, in [0, 1).
        weight_decay: pull of each weight towards 0, at least 0.
        epsilon: keeps the division finite; not used by sgd.
    Raises: ValueError for an unknown name (naming the nearest one), a learning rate not above 0, or
        momentum for one of the Adam family, which has its own.
    """
    check_choice("optimiser", name, OPTIMISERS)
    if not learning_rate > 0:
        raise ValueError(f"learning_rate must be above 0, got {learning_rate!r}")
    if momentum != 0 and name not in ("sgd", "rmsprop"):
        raise ValueError(f"momentum is for sgd and rmsprop, got {momentum!r} for {name}")
    if name == "sgd":
        return torch.optim.SGD(parameters, learning_rate, momentum=momentum, weight_decay=weight_decay)
    if name == "rmsprop":
        return torch.optim.RMSprop(
            parameters, learning_rate, momentum=momentum, weight_decay=weight_decay, eps=epsilon
        )
    if name == "radam":
        return torch.optim.RAdam(parameters, learning_rate, weight_decay=weight_decay, eps=epsilon)
    kind = torch.optim.Adam if name == "adam" else torch.optim.AdamW
    return kind(parameters, learning_rate, weight_decay=weight_decay, eps=epsilon, fused=True)
