"""One update after the other: a batch in, better weights out.

Sources: Mnih et al. 2015 (replay, target network), van Hasselt et al. 2016 (Double), Sutton 1988 (n steps),
Kapturowski et al. 2019 (sequences: stored state, burn-in).
"""

from __future__ import annotations

from copy import deepcopy
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from agents.dqn.config import DQNConfig
from agents.dqn.losses import q_of, td_target
from agents.dqn.precision import QNetwork, WorkingCopy, choose_device, choose_dtype, mix_weights
from agents.dqn.replay import Sequences, Transitions
from networks.build import build
from networks.config import NetworkConfig
from networks.losses import huber, squared_error
from networks.optimisers import make_optimiser

Metrics = dict[str, Tensor]


class Learner:
    """The online network, its target copy and its optimiser.

    `online` and `target` are the float32 weights that are saved; `acting` is the network to act with. Weights
    are drawn from torch's global generator.
    """

    def __init__(self, network_config: NetworkConfig, config: DQNConfig) -> None:
        self.config, self.network_config = config, network_config
        self.device = choose_device(config.device)
        convolutions = network_config.trunk != "mlp"
        dtype = choose_dtype(
            config.precision, self.device, convolutions=convolutions, batch_norm=config.norm == "batch"
        )
        network = build(network_config).to(self.device)
        if convolutions:
            network = network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.online: QNetwork = network
        self.target: QNetwork = deepcopy(network)
        self._online = WorkingCopy(self.online, dtype)
        self._target = WorkingCopy(self.target, dtype)
        self._online.network.eval()
        self._target.network.eval()
        self.optimiser = make_optimiser(
            config.optimiser, self.online.parameters(), config.learning_rate, epsilon=config.optimiser_epsilon
        )
        self._parameters = list(self.online.parameters())
        self._modes_differ = config.norm == "batch" or config.dropout > 0  # training mode from eval mode
        self._loss = huber if config.loss == "huber" else squared_error
        self.updates = 0

    @property
    def acting(self) -> QNetwork:
        """The online network as it computes; in eval mode, except within `learn`."""
        return self._online.network

    def learn(self, batch: Transitions | Sequences) -> Metrics:
        """One update. Returns scalars on the device: loss, mean q of the actions taken, gradient norm."""
        q, target = self._sequence_error(batch) if isinstance(batch, Sequences) else self._error(batch)
        if self._modes_differ:
            self._online.network.eval()
        loss = self._loss(q, target)
        loss.backward()  # type: ignore[no-untyped-call]
        self._online.lift_gradients()
        limit = self.config.clip_gradient_norm
        norm = nn.utils.clip_grad_norm_(self._parameters, limit if limit is not None else torch.inf)
        self.optimiser.step()
        self.optimiser.zero_grad(set_to_none=True)
        self._online.push()
        self.updates += 1
        if self.updates % self.config.sync_every_updates == 0:
            mix_weights(self.target, self.online, self.config.target_mix)
            self._target.push()
        return {"loss": loss.detach(), "q": q.detach().mean(), "gradient_norm": norm}

    def _error(self, batch: Transitions) -> tuple[Tensor, Tensor]:
        """The q of the actions taken, and what it should be: both float32[B]."""
        obs, next_obs = self._tensor(batch.obs), self._tensor(batch.next_obs)
        with torch.no_grad():
            next_q = self._target.network(next_obs)
            chooser_q = self.acting(next_obs) if self.config.double else None
        target = td_target(self._tensor(batch.reward), self._tensor(batch.discount), next_q, chooser_q)
        q = cast(Tensor, self._training()(obs))
        return q_of(q, self._tensor(batch.action)), target

    def _sequence_error(self, batch: Sequences) -> tuple[Tensor, Tensor]:
        """As `_error`, over all places of the sequences that someone acted at: float32[K]."""
        obs, starts, state = (self._tensor(x) for x in (batch.obs, batch.starts, batch.state))
        with torch.no_grad():
            next_q = self._unroll(self._target.network, obs, starts, state)
            chooser_q = self._unroll(self.acting, obs, starts, state) if self.config.double else next_q
        ahead = self._tensor(batch.steps) + torch.arange(len(batch.steps), device=self.device)[:, None]
        ahead = ahead.unsqueeze(-1)  # [length, B, 1]: where each window ends
        target = td_target(
            self._tensor(batch.reward),
            self._tensor(batch.discount),
            next_q.take_along_dim(ahead, dim=0),
            chooser_q.take_along_dim(ahead, dim=0),
        )
        length = len(batch.action)
        learned = self._tensor(batch.learned)
        q = self._unroll(self._training(), obs, starts, state)[:length]
        return q_of(q, self._tensor(batch.action))[learned], target[learned]

    def _training(self) -> QNetwork:
        """The online network in training mode."""
        return self._online.network.train() if self._modes_differ else self._online.network

    def _unroll(self, network: QNetwork, obs: Tensor, starts: Tensor, state: Tensor) -> Tensor:
        """The q [T - burn_in, B, A] after a burn-in that no gradient goes back through."""
        burn_in = self.config.burn_in
        state = state.to(next(network.parameters()).dtype)
        if burn_in:
            with torch.no_grad():
                _, state = network(obs[:burn_in], state, starts[:burn_in])
        q, _ = network(obs[burn_in:], state, starts[burn_in:])
        return cast(Tensor, q)

    def _tensor(self, array: NDArray[Any]) -> Tensor:
        return torch.from_numpy(np.ascontiguousarray(array)).to(self.device)

    def state_dict(self) -> dict[str, Any]:
        """All that a resume needs."""
        return {
            "online": self.online.state_dict(),
            "target": self.target.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "updates": self.updates,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from a `state_dict`."""
        self.online.load_state_dict(state["online"])
        self.target.load_state_dict(state["target"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.updates = state["updates"]
        self._online.push()
        self._target.push()
