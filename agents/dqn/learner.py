"""One update of DQN after the other: a batch from the replay in, better weights out.

Sources: Mnih et al. 2015 (replay, target network), van Hasselt et al. 2016 (Double), Sutton 1988 (n steps),
Kapturowski et al. 2019 (sequences: stored state, burn-in).
"""

from __future__ import annotations

from copy import deepcopy
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from agents.dqn.config import DQNConfig
from agents.dqn.lanes import slice_of
from agents.dqn.losses import q_of, td_target
from agents.dqn.online import Judged, Metrics, OnlineNetwork
from agents.dqn.precision import QNetwork, WorkingCopy, mix_weights
from agents.dqn.replay import Sequences, Transitions
from networks.config import NetworkConfig
from networks.losses import huber, squared_error


class Learner:
    """The network that learns, and its slow copy that it is judged by."""

    def __init__(self, network_config: NetworkConfig, config: DQNConfig) -> None:
        self.config = config
        self.network = OnlineNetwork(network_config, config)
        self.target: QNetwork = deepcopy(self.network.online)
        self._target = WorkingCopy(self.target, self.network.dtype)
        self._target.network.eval()
        self._loss = huber if config.loss == "huber" else squared_error

    def learn(self, batch: Transitions | Sequences) -> Metrics:
        """One update. Returns scalars on the device: loss, mean q of the actions taken, gradient norm."""
        axis = 1 if isinstance(batch, Sequences) else 0
        slices = self.network.lanes.slices(batch.action.shape[axis])
        metrics, _ = self.network.update([slice_of(batch, part, axis) for part in slices], self._judge)
        if self.network.updates % self.config.sync_every_updates == 0:
            mix_weights(self.target, self.network.online, self.config.target_mix)
            self._target.push()
        return metrics

    def _judge(self, batch: Transitions | Sequences) -> Judged:
        if isinstance(batch, Sequences):
            return self._judge_sequences(batch)
        return self._judge_transitions(batch)

    def _judge_transitions(self, batch: Transitions) -> Judged:
        obs, next_obs = self._tensor(batch.obs), self._tensor(batch.next_obs)
        with torch.no_grad():
            next_q = self._target.network(next_obs)
            chooser_q = self.network.acting(next_obs) if self.config.double else None
        target = td_target(self._tensor(batch.reward), self._tensor(batch.discount), next_q, chooser_q)
        q = q_of(self.network.learning()(obs), self._tensor(batch.action))
        return self._judged(q, target)

    def _judge_sequences(self, batch: Sequences) -> Judged:
        """As `_judge_transitions`, over all places of the sequences that someone acted at."""
        obs, starts, state = (self._tensor(x) for x in (batch.obs, batch.starts, batch.state))
        with torch.no_grad():
            next_q = self._unroll(self._target.network, obs, starts, state)
            chooser_q = (
                self._unroll(self.network.acting, obs, starts, state) if self.config.double else next_q
            )
        ahead = self._tensor(batch.steps) + torch.arange(len(batch.steps), device=obs.device)[:, None]
        ahead = ahead.unsqueeze(-1)  # [length, B, 1]: where each window ends
        target = td_target(
            self._tensor(batch.reward),
            self._tensor(batch.discount),
            next_q.take_along_dim(ahead, dim=0),
            chooser_q.take_along_dim(ahead, dim=0),
        )
        length = len(batch.action)
        learned = self._tensor(batch.learned)
        q = self._unroll(self.network.learning(), obs, starts, state)[:length]
        return self._judged(q_of(q, self._tensor(batch.action))[learned], target[learned])

    def _judged(self, q: Tensor, target: Tensor) -> Judged:
        return Judged(self._loss(q, target), q, (target - q).abs())

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
        return torch.from_numpy(np.ascontiguousarray(array)).to(self.network.device)

    def state_dict(self) -> dict[str, Any]:
        """All that a resume needs."""
        return {"network": self.network.state_dict(), "target": self.target.state_dict()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from a `state_dict`."""
        self.network.load_state_dict(state["network"])
        self.target.load_state_dict(state["target"])
        self._target.push()
