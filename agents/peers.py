"""Agents that other libraries trained, behind our own face: stable-baselines3 models, for comparison.

Such a model is written `sb3:ALGORITHM:ENV:PATH`, as in `sb3:dqn:CartPole-v1:zoo/dqn.zip`. Its zip holds
pickles, and loading a pickle runs whatever code it names: only a model that its user trusts is loaded.
"""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from stable_baselines3.common.base_class import BaseAlgorithm

PREFIX = "sb3:"
ALGORITHMS = {"a2c": "A2C", "dqn": "DQN", "ppo": "PPO"}
FORM = "sb3:ALGORITHM:ENV:PATH"
# What only training needs: schedules, which other versions of Python or numpy cannot read back, and a replay
# of gigabytes.
_NOT_LOADED: dict[str, Any] = {
    **dict.fromkeys(("learning_rate", "lr_schedule", "clip_range", "exploration_schedule"), 0.0),
    "buffer_size": 1,
    "n_steps": 1,
}


@dataclass(frozen=True, slots=True)
class PeerModel:
    """A model of stable-baselines3 and the env it plays; nothing is loaded yet."""

    algorithm: str
    env_id: str
    path: Path

    @property
    def name(self) -> str:
        """As tables print it."""
        return f"{PREFIX}{self.algorithm}:{self.path.stem}"


def is_peer(model: str) -> bool:
    """Whether MODEL is written as a peer's, not one of our own."""
    return model.startswith(PREFIX)


def parse_peer(model: str) -> PeerModel:
    """Read `sb3:ALGORITHM:ENV:PATH`. ValueError for another form or algorithm, or a file that is no zip."""
    parts = model.removeprefix(PREFIX).split(":", 2)
    if not is_peer(model) or len(parts) != 3 or not all(parts):
        raise ValueError(f"a stable-baselines3 model is written {FORM}, got {model!r}")
    algorithm, env_id, path = parts[0].lower(), parts[1], Path(parts[2]).expanduser()
    if algorithm not in ALGORITHMS:
        raise ValueError(f"{model}: unknown algorithm {parts[0]!r}; algorithms: {', '.join(ALGORITHMS)}")
    if not zipfile.is_zipfile(path):
        raise ValueError(f"{model}: {path} is not a zip file that stable-baselines3 saved")
    return PeerModel(algorithm, env_id, path)


def require_trust(peer: PeerModel, trusted: bool) -> None:
    """ValueError unless `trusted`, saying what is at stake."""
    if not trusted:
        raise ValueError(
            f"{peer.path} is a stable-baselines3 model: loading it runs code from the file; "
            "if you trust whoever made it, add --trust-pickle"
        )


class SB3Agent:
    """A stable-baselines3 model that plays episodes; see `agents.arena.episodes.EpisodeAgent`.

    Args:
        model: the loaded model.
        name: as tables print it.
        deterministic: the best action, instead of one drawn from the policy or by epsilon.
    """

    def __init__(self, model: BaseAlgorithm, name: str, *, deterministic: bool = True) -> None:
        self.name = name
        self._model = model
        self._deterministic = deterministic

    @classmethod
    def load(cls, peer: PeerModel, *, trusted: bool) -> SB3Agent:
        """Load the model on the CPU.

        Args:
            trusted: must be True; the caller vouches for the code in the file.
        Raises: ValueError unless trusted.
        """
        require_trust(peer, trusted)
        import stable_baselines3

        algorithm: type[BaseAlgorithm] = getattr(stable_baselines3, ALGORITHMS[peer.algorithm])
        return cls(algorithm.load(peer.path, device="cpu", custom_objects=_NOT_LOADED), peer.name)

    def check(self, obs_shape: tuple[int, ...], num_actions: int) -> None:
        """ValueError unless the model plays envs with such observations and so many actions."""
        spaces: Any = self._model.observation_space, self._model.action_space
        theirs = spaces[0].shape, int(getattr(spaces[1], "n", -1))
        if theirs != (obs_shape, num_actions):
            raise ValueError(
                f"{self.name} takes observations {theirs[0]} and has {theirs[1]} actions; "
                f"the env has {obs_shape} and {num_actions}"
            )

    def reset(self, num_envs: int, seed: int) -> None:
        """Seed the model's own chance. These models have no memory."""
        self._model.set_random_seed(seed)

    def act(self, obs: NDArray[Any], starts: NDArray[np.bool_]) -> NDArray[np.int64]:
        """Actions int64[N] for obs [N, ...]."""
        actions, _ = self._model.predict(obs, deterministic=self._deterministic)
        return np.asarray(actions, np.int64)

    def q_values(self, obs: NDArray[Any]) -> NDArray[np.float32]:
        """float32[N, A] of obs [N, ...]. Raises: ValueError for a model that has no action values."""
        network = getattr(self._model, "q_net", None)
        if network is None:
            raise ValueError(f"{self.name} has no action values: only dqn models have")
        import torch

        tensor, _ = self._model.policy.obs_to_tensor(obs)
        with torch.no_grad():
            values: NDArray[np.float32] = network(tensor).float().cpu().numpy()
        return values
