"""Acting with a Q-network: the best action, or with probability epsilon any other, in N envs side by side."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from agents.dqn.config import config_from_json
from agents.dqn.lanes import Lanes
from agents.dqn.precision import QNetwork
from agents.frames.scaling import network_input
from agents.runs.model import ModelHeader, load_model
from networks.build import RecurrentNetwork, build
from networks.config import NetworkConfig
from networks.noisy import resample_noise, silence_noise


class DQNAgent:
    """An epsilon-greedy policy over a Q-network, which it does not own: in training it acts as it learns.

    Call `reset`, then `act` for each step; the state of a memory is kept from one to the next.

    Args:
        network: maps obs to q; used in the mode it is in (eval, for acting).
        config: the network's own.
        epsilon: share of random actions.
        name: how tables call it.
        lanes: in which the envs are shared out.
        noisy: explore by fresh noise on the weights at each step, of a network that has noisy layers.
    """

    def __init__(
        self,
        network: QNetwork,
        config: NetworkConfig,
        *,
        epsilon: float = 0.0,
        name: str = "dqn",
        lanes: Lanes | None = None,
        noisy: bool = False,
    ) -> None:
        self.network, self.config, self.epsilon, self.name = network, config, epsilon, name
        self.noisy = noisy
        self.lanes = lanes if lanes is not None else Lanes()
        self.state: Tensor | None = None  # [parts, N, M], of a network with memory
        self._generator = np.random.default_rng(0)

    @classmethod
    def load(cls, path: str | Path, *, epsilon: float | None = None) -> DQNAgent:
        """The agent of a model file, acting as in its evaluations unless `epsilon` is given.

        Raises: ValueError when the file holds another kind of model; as `load_model`.
        """
        header, weights = load_model(path)
        if header.kind != "dqn":
            raise ValueError(
                f"{path} holds a {header.kind} model for {header.subject}; a dqn model is needed"
            )
        config = NetworkConfig.from_json(header.network)
        network = build(config)
        network.load_state_dict({name: tensor.float() for name, tensor in weights.items()})
        network.eval()
        if epsilon is None:
            epsilon = config_from_json(header.config).evaluation_epsilon
        return cls(network, config, epsilon=epsilon, name=_name(Path(path), header))

    def reset(self, num_envs: int, seed: int | np.random.Generator) -> None:
        """Forget everything; N fresh episodes begin. `seed`: of the random actions."""
        self._generator = np.random.default_rng(seed)
        if not self.noisy:
            silence_noise(self.network)
        memory = isinstance(self.network, RecurrentNetwork)
        self.state = cast(RecurrentNetwork, self.network).initial_state(num_envs) if memory else None

    def act(self, obs: NDArray[Any], starts: NDArray[np.bool_]) -> NDArray[np.int64]:
        """An action for each env.

        Args:
            obs: [N, ...].
            starts: bool[N]; True where obs is the first of an episode.
        Returns: int64[N].
        """
        random, actions = self._explore(len(obs))
        if self.state is None and random.all():
            return actions
        return np.where(random, actions, self.q_values(obs, starts).argmax(axis=1))

    def choose(self, q: NDArray[np.float32]) -> NDArray[np.int64]:
        """The actions int64[N] of `act`, where q [N, A] is known."""
        random, actions = self._explore(len(q))
        return np.where(random, actions, q.argmax(axis=1))

    def _explore(self, num_envs: int) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
        """Who acts at random, and how."""
        random = self._generator.random(num_envs) < self.epsilon
        return random, self._generator.integers(self.config.num_actions, size=num_envs)

    def q_values(self, obs: NDArray[Any], starts: NDArray[np.bool_]) -> NDArray[np.float32]:
        """float32[N, A]; where there is a memory it moves on by this step."""
        weight = next(self.network.parameters())
        shown, began = (torch.from_numpy(x).to(weight.device) for x in (obs, starts))
        state = self.state
        if self.noisy:
            resample_noise(self.network)

        def look(part: slice) -> tuple[Tensor, Tensor | None]:
            with torch.no_grad():
                if state is None:
                    return self.network(network_input(shown[part], weight.dtype)), None
                one_step = network_input(shown[None, part], weight.dtype)
                q, after = self.network(one_step, state[:, part], began[None, part])
                return q.squeeze(0), after

        answers = self.lanes.map(look, self.lanes.slices(len(obs)))
        if state is not None:
            self.state = torch.cat([cast(Tensor, after) for _, after in answers], dim=1)
        return cast(NDArray[np.float32], torch.cat([q for q, _ in answers]).cpu().numpy())

    def state_rows(self) -> NDArray[np.float32] | None:
        """The memory's state as float32[N, parts, M], for the replay; None without one."""
        return None if self.state is None else self.state.float().cpu().numpy().swapaxes(0, 1)


def _name(path: Path, header: ModelHeader) -> str:
    """`pretrained/pong.safetensors` -> pong; a run's best.safetensors -> the run's folder."""
    return path.parent.name if path.stem in ("best", "last") else (path.stem or header.subject)
