"""What training makes small: means over a batch that refuse shapes which torch would silently broadcast.

A prediction [B] against a target [B, 1] gives [B, B] in plain torch: every sample against every other one.
Here it is a ValueError. Targets are constants: no gradient flows into them.

reduction="none" gives float[B], the loss of each sample, whose mean is the loss: a prioritised replay turns
it into priorities before `weighted_mean` makes one number of it.
"""

from typing import Literal

import torch
from torch import Tensor

from networks.config import check_choice
from networks.heads import masked_log_softmax

Reduction = Literal["mean", "none"]


def squared_error(
    prediction: Tensor, target: Tensor, weights: Tensor | None = None, *, reduction: Reduction = "mean"
) -> Tensor:
    """Mean of (prediction - target) squared.

    Args:
        prediction: float[B, ...].
        target: the same shape.
        weights: float[B], of each sample's share (prioritised replay); None counts all alike.
        reduction: "mean", or "none" for each sample's own.
    Returns: float[], the mean over all elements; float[B], over each sample's elements.
    Raises: ValueError when shapes disagree.
    """
    _require_shape("target", target, prediction.shape)
    return _reduce((prediction - target.detach()).square(), weights, reduction)


def huber(
    prediction: Tensor,
    target: Tensor,
    weights: Tensor | None = None,
    *,
    delta: float = 1.0,
    reduction: Reduction = "mean",
) -> Tensor:
    """Mean of 0.5 * error squared within +-delta and a straight line of slope delta outside (Huber 1964).

    DQN's clipped error is its gradient with delta 1 (Mnih et al. 2015). Arguments, result and errors as for
    `squared_error`; note the factor 0.5.
    """
    _require_shape("target", target, prediction.shape)
    losses = torch.nn.functional.huber_loss(prediction, target.detach(), reduction="none", delta=delta)
    return _reduce(losses, weights, reduction)


def quantile_huber(
    prediction: Tensor,
    target: Tensor,
    weights: Tensor | None = None,
    *,
    kappa: float = 1.0,
    reduction: Reduction = "mean",
) -> Tensor:
    """Mean over samples of the loss that pulls prediction k to the quantile tau = (2k + 1) / 2K of target.

    |tau - 1[error < 0]| * huber(error, delta=kappa) with error = target - prediction, summed over predictions
    and averaged over targets: a prediction of a high quantile pays more for lying below a target.

    Args:
        prediction: float[B, K], of quantiles k = 0 ... K - 1.
        target: float[B, K'], equally likely values; K' may be another number.
        weights: float[B], of each sample's share; None counts all alike.
        kappa: above 0; half-width of the quadratic part.
        reduction: "mean", or "none" for each sample's own.
    Returns: float[], or float[B].
    Raises: ValueError when shapes disagree.
    Source: Dabney et al. 2018 (QR-DQN), equation 10 and algorithm 1.
    """
    _require_dimensions("prediction", prediction, "[B, K]")
    _require_dimensions("target", target, "[B, K']")
    (batch, quantiles), targets = prediction.shape, target.shape[1]
    _require_shape("target", target, torch.Size([batch, targets]))
    predicted = prediction.unsqueeze(2).expand(batch, quantiles, targets)
    wanted = target.detach().unsqueeze(1).expand(batch, quantiles, targets)
    losses = torch.nn.functional.huber_loss(predicted, wanted, reduction="none", delta=kappa)
    tau = (torch.arange(quantiles, dtype=prediction.dtype, device=prediction.device) + 0.5) / quantiles
    slopes = (tau.unsqueeze(1) - (wanted < predicted).to(tau.dtype)).abs()  # [B, K, K']
    return _reduce((slopes * losses).mean(dim=2).sum(dim=1), weights, reduction)


def categorical_projection(
    reward: Tensor, discount: Tensor, probabilities: Tensor, support: Tensor
) -> Tensor:
    """The distribution of reward + discount * return on the atoms of `support`.

    Each atom's probability moves with its return and is shared by the two atoms it comes to lie between, the
    nearer getting more; beyond the ends it goes to the end. This is the target of `cross_entropy` against
    logits.

    Args:
        reward: float[B], over the n steps.
        discount: float[B]; gamma^n, 0 where the episode terminated.
        probabilities: float[B, K], of the return that follows, on `support`.
        support: float[K], K at least 2, rising evenly.
    Returns: float[B, K], each row with the sum of its probabilities.
    Raises: ValueError when shapes disagree.
    Source: Bellemare et al. 2017 (C51), algorithm 1.
    """
    _require_dimensions("probabilities", probabilities, "[B, K]")
    batch, atoms = probabilities.shape
    _require_shape("reward", reward, torch.Size([batch]))
    _require_shape("discount", discount, torch.Size([batch]))
    _require_shape("support", support, torch.Size([atoms]))
    low, high = support[0], support[-1]
    moved = (reward.unsqueeze(1) + discount.unsqueeze(1) * support).clamp(low, high)  # [B, K]
    places = (moved - low) / (high - low) * (atoms - 1)  # in atoms, within [0, K - 1]
    distances = (places.unsqueeze(1) - torch.arange(atoms, device=support.device).unsqueeze(1)).abs()
    shares = (1 - distances).clamp(min=0)  # [B, K atoms that receive, K that give]
    return (shares * probabilities.unsqueeze(1)).sum(dim=2)


def gaussian_histogram(values: Tensor, support: Tensor, *, spread: float = 0.75) -> Tensor:
    """Each value as a bell of probability over the atoms of `support`: a target of `cross_entropy`.

    An atom gets what a normal distribution around the value puts nearer to it than to its neighbours, all of
    them together 1. Regression becomes classification: gradients stay bounded and near values share atoms.
    Away from the ends the mean stays the value.

    Args:
        values: float[B]; beyond the ends they count as the end.
        support: float[K], K at least 2, rising evenly.
        spread: standard deviation in distances of atoms, above 0 (0.75 in the source).
    Returns: float[B, K], each row with the sum 1.
    Source: Farebrother et al. 2024, "Stop regressing" (HL-Gauss), section 3.1.
    """
    _require_shape("values", values, values.shape[:1])
    width = support[1] - support[0]
    borders = torch.cat([support - width / 2, support[-1:] + width / 2])
    distances = (borders - values.clamp(support[0], support[-1]).unsqueeze(1)) / (spread * width)
    shares: Tensor = torch.special.ndtr(distances).diff(dim=1)
    return shares / shares.sum(dim=1, keepdim=True)


def weighted_mean(losses: Tensor, weights: Tensor) -> Tensor:
    """Mean over samples of losses [B] times weights [B], not divided by the weights' sum.

    Raises: ValueError when shapes disagree.
    """
    _require_shape("weights", weights, losses.shape)
    return (losses * weights).mean()


def cross_entropy(
    logits: Tensor,
    target: Tensor,
    weights: Tensor | None = None,
    *,
    legal: Tensor | None = None,
    reduction: Reduction = "mean",
) -> Tensor:
    """Mean over samples of -sum over classes of target * log softmax(logits).

    Args:
        logits: float[B, A].
        target: int64[B], the right class, or float[B, A], a distribution (visits of a search, summing to 1).
        weights: float[B], of each sample's share; None counts all alike.
        legal: bool[B, A]; illegal actions get probability 0 and no gradient. Their target must be 0.
        reduction: "mean", or "none" for each sample's own.
    Returns: float[], or float[B].
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
    return _reduce(-(distribution * log_probabilities).sum(dim=-1), weights, reduction)


def _distribution(logits: Tensor, target: Tensor) -> Tensor:
    """The target as float[B, A]."""
    _require_dimensions("logits", logits, "[B, A]")
    if target.is_floating_point():
        _require_shape("target", target, logits.shape)
        return target.detach()
    _require_shape("target", target, logits.shape[:1])
    return torch.nn.functional.one_hot(target.long(), logits.shape[1]).to(logits.dtype)


def _reduce(losses: Tensor, weights: Tensor | None, reduction: Reduction) -> Tensor:
    """float[B, ...] -> float[B], the mean over each sample's elements times its weight, or the mean of it."""
    check_choice("reduction", reduction, ("mean", "none"))
    each = losses.flatten(1).mean(dim=1) if losses.ndim > 1 else losses
    if weights is not None:
        _require_shape("weights", weights, each.shape)
        each = each * weights
    return each if reduction == "none" else each.mean()


def _require_dimensions(name: str, given: Tensor, wanted: str) -> None:
    if given.ndim != 2:
        raise ValueError(f"{name} must be {wanted}, got {list(given.shape)}")


def _require_shape(name: str, given: Tensor, wanted: torch.Size) -> None:
    if given.shape != wanted:
        raise ValueError(f"{name} must be {list(wanted)}, got {list(given.shape)}")
