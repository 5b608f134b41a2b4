"""Munchausen Q-learning: an agent rewards itself for what it was sure of.

The policy is pi = softmax(q / temperature). A step's reward grows by share * temperature * ln pi(a | s), cut
off below, and a state is worth the soft value, sum of pi * (q - temperature * ln pi) over the actions. So
each policy is drawn to the one before, and the gap between good and bad actions widens, by 1 / (1 - share)
as the temperature falls to 0.

Source: Vieillard et al. 2020, "Munchausen reinforcement learning" (arXiv:2007.14430): M-DQN and M-IQN.
"""

from __future__ import annotations

import torch
from torch import Tensor

from agents.dqn.config import TrainingConfig
from networks.heads import CategoricalHead, DistributionHead


def bonus(q: Tensor, action: Tensor, config: TrainingConfig) -> Tensor:
    """What is added to the reward for each action: never above 0.

    Args:
        q: float32[..., A], of the states acted on.
        action: int64[...].
        config: with `munchausen`, the share (alpha), `policy_temperature` (tau) and `log_policy_min` (l0).
    Returns: float32[...].
    """
    log_policy = torch.log_softmax(q / config.policy_temperature, dim=-1)
    taken = log_policy.gather(-1, action.unsqueeze(-1)).squeeze(-1)
    return config.munchausen * (config.policy_temperature * taken).clamp(config.log_policy_min, 0.0)


def soft_value(q: Tensor, temperature: float) -> Tensor:
    """What states are worth: q float32[..., A] -> [...], between the highest q and temperature * ln A more.

    The policy's mean of q - temperature * ln pi, in closed form.
    """
    return temperature * torch.logsumexp(q / temperature, dim=-1)


def entropy_bonus(q: Tensor, temperature: float) -> Tensor:
    """What the policy's freedom is worth, temperature * its entropy in nats: q float32[..., A] -> [...]."""
    log_policy = torch.log_softmax(q / temperature, dim=-1)
    return -temperature * (log_policy.exp() * log_policy).sum(dim=-1)


def mixed(outputs: Tensor, q: Tensor, head: torch.nn.Module, temperature: float) -> Tensor:
    """What `head` says of an action drawn from the policy: outputs [..., A, (K)], q [..., A] -> [..., (K)].

    Probabilities are mixed as such, quantiles one by one, as by M-IQN.
    """
    policy = torch.softmax(q / temperature, dim=-1)
    if isinstance(head, CategoricalHead):
        return (torch.softmax(outputs, dim=-1) * policy.unsqueeze(-1)).sum(dim=-2).log()
    if isinstance(head, DistributionHead):
        return (outputs * policy.unsqueeze(-1)).sum(dim=-2)
    return (outputs * policy).sum(dim=-1)
