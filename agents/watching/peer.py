"""A stable-baselines3 model at the window: its action values, asked one observation at a time."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from agents.peers import SB3Agent


class PeerWithValues:
    """The face that an episode session asks for, around a dqn model of stable-baselines3; always greedy."""

    epsilon = 0.0
    state = None  # these models have no memory

    def __init__(self, agent: SB3Agent) -> None:
        self.name = agent.name
        self._agent = agent

    def reset(self, num_envs: int, seed: int) -> None:
        """Seed the model's own chance."""
        self._agent.reset(num_envs, seed)

    def q_values(self, obs: NDArray[Any], starts: NDArray[np.bool_]) -> NDArray[np.float32]:
        """float32[N, A]."""
        return self._agent.q_values(obs)
