"""What training makes small: means over a batch that refuse shapes which torch would silently broadcast.

A prediction [B] against a target [B, 1] gives [B, B] in plain torch: every sample against every other one.
Here it is a ValueError. Targets are constants: no gradient flows into them.
"""

import torch
from torch import Tensor

from networks.heads import masked_log_softmax


def squared_error(prediction: Tensor, target: Tensor, weights: Tensor | None = None) -> Tensor:
    """Mean of (prediction - target) squared.

    Args:
        prediction: float[B, ...].
        target: the same shape.
        weights: float[B], of each sample's share (prioritised replay); None counts all alike.
    Returns: float[], the mean over all elements.
    Raises: ValueError when shapes disagree.
    """
    _require_shape("target", target, prediction.shape)
    return _mean((prediction - target.detach()).square(), weights)


def huber(prediction: Tensor, target: Tensor, weights: Tensor | None = None, *, delta: float = 1.0) -> Tensor:
    """Mean of 0.5 * error squared within +-delta and a straight line of slope delta outside (Huber 1964).

    DQN's clipped error is its gradient with delta 1 (Mnih et al. 2015). Arguments, result and errors as for
    `squared_error`; note the factor 0.5.
    """
    _require_shape("target", target, prediction.shape)
    losses = torch.nn.functional.huber_loss(prediction, target.detach(), reduction="none", delta=delta)
    return _mean(losses, weights)


def cross_entropy(
    logits: Tensor, target: Tensor, weights: Tensor | None = None, *, legal: Tensor | None = None
) -> Tensor:
    """Mean over samples of -sum over classes of target * log softmax(logits).

    Args:
        logits: float[B, A].
        target: int64[B], the right class, or float[B, A], a distribution (visits of a search, summing to 1).
        weights: float[B], of each sample's share; None counts all alike.
        legal: bool[B, A]; illegal actions get probability 0 and no gradient. Their target must be 0.
    Returns: float[].
    Raises: ValueError when shapes disagree, or a target gives weight to an illegal action.
    """
    distribution = _distribution(logits, target)
    if legal is None:
        log_probabilities = torch.log_softmax(logits, dim=-1)
    else:
        log_probabilities = masked_log_softmax(logits, legal).masked_fill(~legal, 0.0)
        if bool((distribution[~legal] != 0).any()):
            row = int((distribution.masked_fill(legal, 0.0) != 0).any(dim=-1).nonzero()[0, 0])
            given = distribution[row].tolist()
            raise ValueError(f"target must be 0 for illegal actions, got {given} in row {row}")
    return _mean(-(distribution * log_probabilities).sum(dim=-1), weights)


def quantile_huber(
    prediction: Tensor, target: Tensor, weights: Tensor | None = None, *, delta: float = 1.0
) -> Tensor:
    """The Huber loss of all pairs, tilted so that output i settles at the quantile (2 i + 1) / 2 K.

    Args:
        prediction: float[B, K], quantiles.
        target: float[B, K'], samples or quantiles of the distribution that is aimed at.
        weights: float[B], of each sample's share; None counts all alike.
        delta: kappa in the paper.
    Returns: float[]: the mean over samples of the sum over predictions of the mean over targets.
    Source: Dabney et al. 2018, equation 10.
    """
    if prediction.ndim != 2 or target.ndim != 2 or len(prediction) != len(target):
        raise ValueError(f"quantiles must be [B, K], got {list(prediction.shape)}, {list(target.shape)}")
    K = prediction.shape[1]
    middles = (torch.arange(K, device=prediction.device, dtype=prediction.dtype) + 0.5) / K
    errors = target.detach()[:, None, :] - prediction[:, :, None]  # [B, K, K']
    size = errors.abs()
    losses = torch.where(size <= delta, 0.5 * errors.square(), delta * (size - 0.5 * delta)) / delta
    tilt = (middles[:, None] - (errors.detach() < 0).to(errors.dtype)).abs()
    return _mean((tilt * losses).mean(dim=2).sum(dim=1), weights)


def categorical_projection(
    probabilities: Tensor, reward: Tensor, discount: Tensor, support: Tensor
) -> Tensor:
    """The distribution of reward + discount * X, moved onto the atoms of X: each lump is shared by its
    two neighbours so that the mean stays, and what lies beyond the ends is put there.

    Args:
        probabilities: float[B, K], of X on `support`.
        reward, discount: float[B].
        support: float[K], evenly spaced and rising.
    Returns: float[B, K], summing to 1 as `probabilities` does.
    Source: Bellemare et al. 2017, Algorithm 1.
    """
    _require_shape("probabilities", probabilities, torch.Size((*reward.shape, *support.shape)))
    _require_shape("discount", discount, reward.shape)
    first, last, K = support[0], support[-1], len(support)
    moved = (reward[:, None] + discount[:, None] * support).clamp(first, last)  # [B, K]
    place = (moved - first) / (last - first) * (K - 1)
    lower = place.floor().clamp(max=K - 2)
    upper_share = place - lower
    lower = lower.long()
    projected = torch.zeros_like(probabilities)
    projected.scatter_add_(1, lower, probabilities * (1 - upper_share))
    projected.scatter_add_(1, lower + 1, probabilities * upper_share)
    return projected


def _distribution(logits: Tensor, target: Tensor) -> Tensor:
    """The target as float[B, A]."""
    if logits.ndim != 2:
        raise ValueError(f"logits must be [B, A], got {list(logits.shape)}")
    if target.is_floating_point():
        _require_shape("target", target, logits.shape)
        return target.detach()
    _require_shape("target", target, logits.shape[:1])
    return torch.nn.functional.one_hot(target.long(), logits.shape[1]).to(logits.dtype)


def _mean(losses: Tensor, weights: Tensor | None) -> Tensor:
    if weights is None:
        return losses.mean()
    _require_shape("weights", weights, losses.shape[:1])
    return (losses.flatten(1).mean(dim=1) * weights if losses.ndim > 1 else losses * weights).mean()


def _require_shape(name: str, given: Tensor, wanted: torch.Size) -> None:
    if given.shape != wanted:
        raise ValueError(f"{name} must be {list(wanted)}, got {list(given.shape)}")
