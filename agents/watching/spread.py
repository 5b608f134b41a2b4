"""The distribution of returns behind a distributional agent's values."""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from agents.dqn.agent import DQNAgent
from agents.watching.episode_session import Spread, SpreadOf
from networks.build import RecurrentNetwork
from networks.heads import CategoricalHead


def spread_of(agent: DQNAgent) -> SpreadOf | None:
    """What looks the distribution up; None for an agent that knows means alone."""
    if agent.config.distribution == "none":
        return None
    network = agent.network
    head = network.head

    def look(obs: NDArray[Any], memory: Any) -> Spread:
        shown = torch.from_numpy(obs)[None]
        with torch.inference_mode():
            if isinstance(network, RecurrentNetwork):
                starts = torch.zeros(1, 1, dtype=torch.bool)
                outputs = network(shown[None], memory, starts, distribution=True)[0][0, 0]
            else:
                outputs = network(shown, distribution=True)[0]
            if isinstance(head, CategoricalHead):
                weights = torch.softmax(outputs, dim=-1)
                returns = head.support(outputs).expand_as(outputs)
            else:
                returns = outputs.sort(dim=-1).values
                weights = torch.full_like(outputs, 1 / outputs.shape[-1])
        return Spread(returns.numpy().copy(), np.asarray(weights.numpy()))

    return look
