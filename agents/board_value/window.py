"""The replay of a self-play training: the newest samples, a window that grows with the training.

Early games are played by a network that knows nothing; as the window grows more slowly than the samples come
(`share` below 1), they are forgotten.
"""

from typing import Any

import numpy as np
import torch

from agents.board_value.targets import Samples
from envs.boards.game import Game


class Window:
    """The newest samples, in a ring.

    Args:
        num_actions: A of the policies.
        minimum, maximum: samples in the window, once there are so many.
        share: of all samples so far that the window holds, between the two.
    """

    def __init__(self, num_actions: int, *, minimum: int, maximum: int, share: float) -> None:
        self._minimum, self._maximum, self._share = minimum, maximum, share
        self.total = 0  # samples ever added
        self._held = 0  # of them, in the ring
        self._states = np.zeros((maximum, 2), np.uint64)
        self._policy = np.zeros((maximum, num_actions), np.float16)
        self._value = np.zeros(maximum, np.float32)

    def __len__(self) -> int:
        """How many samples can be drawn."""
        return min(self._held, max(self._minimum, int(self.total * self._share)))

    def add(self, samples: Samples) -> None:
        """Append samples; the oldest ones go."""
        self.total += len(samples)
        self._held = min(self._held + len(samples), self._maximum)
        newest = samples[-self._maximum :]
        places = (self.total - len(newest) + np.arange(len(newest))) % self._maximum
        self._states[places] = newest.states
        self._policy[places] = newest.policy
        self._value[places] = newest.value

    def draw(self, rng: np.random.Generator, count: int) -> Samples:
        """Samples drawn from the window with replacement. ValueError while it is empty."""
        if not len(self):
            raise ValueError("no samples to draw from: the window is empty")
        places = (self.total - 1 - rng.integers(len(self), size=count)) % self._maximum
        return Samples(self._states[places], self._policy[places].astype(np.float32), self._value[places])

    def state_dict(self) -> dict[str, Any]:
        """All samples, for a resume, the oldest first."""
        places = (self.total - self._held + np.arange(self._held)) % self._maximum
        return {
            "total": self.total,
            "states": torch.from_numpy(self._states[places].view(np.int64)),
            "policy": torch.from_numpy(self._policy[places]),
            "value": torch.from_numpy(self._value[places]),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on with the samples of a `state_dict`, as many of them as this window has room for."""
        states = state["states"].numpy().view(np.uint64)
        self.total, self._held = state["total"] - len(states), 0
        self.add(Samples(states, state["policy"].numpy(), state["value"].numpy()))


def turned(game: Game, samples: Samples, rng: np.random.Generator) -> Samples:
    """Each sample under a random symmetry of the game, its policy with it."""
    symmetries = rng.integers(game.num_symmetries, size=len(samples))
    states = game.transformed(samples.states, symmetries)
    policy = np.empty_like(samples.policy)
    np.put_along_axis(policy, game.action_permutation[symmetries], samples.policy, axis=1)
    return Samples(states, policy, samples.value)
