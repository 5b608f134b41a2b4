"""What a Q-network should have said, and which next action it is judged by.

Q(s, a) is moved towards  R + discount * Q'(s', a*):  R the (n-step) return so far, discount = gamma^k after
k steps, 0 where the episode terminated, Q' the target network. a* is the best action by the target network
(Mnih et al. 2015), or by the online network (Double DQN, van Hasselt et al. 2016), which does not prefer
actions for being overrated.
"""

from __future__ import annotations

import torch
from torch import Tensor


def td_target(reward: Tensor, discount: Tensor, next_q: Tensor, chooser_q: Tensor | None = None) -> Tensor:
    """The Q-learning target: reward + discount * next_q of the best next action.

    Args:
        reward: float32[...], the discounted sum of up to n rewards, after any clipping.
        discount: float32[...]; gamma^k where the episode goes on or was truncated, 0 where it terminated.
        next_q: float32[..., A], from the target network in eval mode at the true observation k steps on.
        chooser_q: float32[..., A], from the online network at the same observation: Double DQN; None: next_q.
    Returns: float32[...], detached.
    Raises: ValueError when shapes disagree (a [B, 1] reward would silently give [B, B]).
    """
    chooser = next_q if chooser_q is None else chooser_q
    for name, given in (("reward", reward), ("discount", discount)):
        if given.shape != next_q.shape[:-1]:
            raise ValueError(f"{name} must be {list(next_q.shape[:-1])}, got {list(given.shape)}")
    if chooser.shape != next_q.shape:
        raise ValueError(f"chooser_q must be {list(next_q.shape)}, got {list(chooser.shape)}")
    return (reward + discount * q_of(next_q, chooser.argmax(dim=-1))).detach()


def q_of(q: Tensor, action: Tensor) -> Tensor:
    """The values of the actions taken: q [..., A], action int64[...] -> [...]."""
    return torch.take_along_dim(q, action.unsqueeze(-1), dim=-1).squeeze(-1)
