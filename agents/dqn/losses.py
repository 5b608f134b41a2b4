"""What a Q-network should have said, and how wrong it was.

Q(s, a) is moved towards  R + discount * Q'(s', a*):  R the (n-step) return so far, discount = gamma^k after
k steps, 0 where the episode terminated, Q' the target network. a* is the best action by the target network
(Mnih et al. 2015), or by the online network (Double DQN, van Hasselt et al. 2016), which does not prefer
actions for being overrated. Instead of Q, the mean of the return, its whole distribution can be moved: as
probabilities of fixed returns (C51, Bellemare et al. 2017) or as returns of fixed quantiles (QR-DQN, Dabney
et al. 2018). Or the mean alone is moved, but as a histogram (HL-Gauss, Farebrother et al. 2024).

Shapes: [...] is [B] or [length, B]; [..., (K)] is that, or with K numbers more where there is a distribution.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from networks.heads import CategoricalHead, DistributionHead, QuantileHead
from networks.losses import (
    categorical_projection,
    cross_entropy,
    gaussian_histogram,
    huber,
    quantile_huber,
    squared_error,
    weighted_mean,
)


class TDError(NamedTuple):
    """How far predictions are from what follows."""

    loss: Tensor  # float32[], with its gradient
    sizes: Tensor  # float32[B], detached: |difference of means|, or for C51 the divergence; for priorities
    outside: Tensor | None = None  # float32[]: the share of targets beyond the ends of a categorical head


def of_action(outputs: Tensor, action: Tensor, *, atoms: bool = False) -> Tensor:
    """What a head says of one action: outputs [..., A, (K)] and action int64[...] -> [..., (K)].

    Raises: ValueError when shapes disagree.
    """
    axis = -2 if atoms else -1
    if outputs.shape[: outputs.ndim + axis] != action.shape:
        raise ValueError(
            f"action must be {list(outputs.shape[: outputs.ndim + axis])}, got {list(action.shape)}"
        )
    index = action.unsqueeze(-1).unsqueeze(-1) if atoms else action.unsqueeze(-1)
    return torch.take_along_dim(outputs, index, dim=axis).squeeze(axis)


def mean_of(outputs: Tensor, head: torch.nn.Module) -> Tensor:
    """The q [...] of what `head` gives, [..., (K)]."""
    return head.expectation(outputs) if isinstance(head, DistributionHead) else outputs


def td_target(reward: Tensor, discount: Tensor, following: Tensor) -> Tensor:
    """The Q-learning target: reward + discount * following.

    Args:
        reward: float32[B], the discounted sum of up to n rewards, after any clipping.
        discount: float32[B]; gamma^k where the episode goes on or was truncated, 0 where it terminated.
        following: float32[B], or [B, K] quantiles: the target network's, of the best action k steps on.
    Returns: float32 like `following`, detached.
    Raises: ValueError when shapes disagree (a [B, 1] reward would silently give [B, B]).
    """
    for name, given in (("reward", reward), ("discount", discount)):
        if given.shape != following.shape[:1]:
            raise ValueError(f"{name} must be {list(following.shape[:1])}, got {list(given.shape)}")
    if following.ndim == 2:
        reward, discount = reward.unsqueeze(1), discount.unsqueeze(1)
    return (reward + discount * following).detach()


def value_error(
    predicted: Tensor, target: Tensor, weights: Tensor | None = None, *, loss: str, head: torch.nn.Module
) -> TDError:
    """Of one number for each sample from its target.

    Args:
        predicted: float32[B], q; with the loss "cross_entropy" the logits [B, K] of a categorical `head`.
        target: float32[B].
        weights: float32[B], of each sample's loss.
        loss: "huber", "squared_error" or "cross_entropy".
        head: that predicted.
    """
    if isinstance(head, CategoricalHead):
        histogram = gaussian_histogram(target, head.support(predicted))
        sizes = (target - head.expectation(predicted.detach())).abs()
        return TDError(cross_entropy(predicted, histogram, weights), sizes, head.share_outside(target))
    measure = huber if loss == "huber" else squared_error
    return TDError(measure(predicted, target, weights), (target - predicted.detach()).abs())


def quantile_error(predicted: Tensor, target: Tensor, weights: Tensor) -> TDError:
    """Of quantiles float32[B, K] from the target's."""
    sizes = (target.mean(dim=1) - predicted.detach().mean(dim=1)).abs()
    return TDError(quantile_huber(predicted, target, weights), sizes)


def categorical_error(
    predicted: Tensor, following: Tensor, reward: Tensor, discount: Tensor, weights: Tensor, support: Tensor
) -> TDError:
    """Of logits float32[B, K] from the projected distribution of reward + discount * what follows.

    `following`: the target network's logits [B, K]; the others as for `td_target`. The loss is the cross
    entropy; `sizes` are the divergences (Hessel et al. 2018), which vanish where there is nothing to learn.
    """
    target = categorical_projection(reward, discount, following.softmax(dim=1), support).detach()
    losses = cross_entropy(predicted, target, reduction="none")
    divergence = torch.special.xlogy(target, target).sum(dim=1) + losses.detach()
    return TDError(weighted_mean(losses, weights), divergence.clamp(min=0))


def td_error(
    predicted: Tensor,
    following: Tensor,
    reward: Tensor,
    discount: Tensor,
    weights: Tensor,
    *,
    loss: str,
    head: torch.nn.Module,
) -> TDError:
    """How far what `head` predicted is from what it should have said.

    Args:
        predicted, following: [B, (K)], as the head gives them: q, logits or quantiles of one action.
        reward, discount: as for `td_target`.
        weights: float32[B], of each sample's loss.
        loss: where no distribution is learned; "cross_entropy" learns the mean as a histogram.
    """
    if isinstance(head, QuantileHead):
        return quantile_error(predicted, td_target(reward, discount, following), weights)
    target = td_target(reward, discount, mean_of(following, head))
    if isinstance(head, CategoricalHead) and loss != "cross_entropy":
        support = head.support(predicted)
        error = categorical_error(predicted, following, reward, discount, weights, support)
        return error._replace(outside=head.share_outside(target))
    return value_error(predicted, target, weights, loss=loss, head=head)
