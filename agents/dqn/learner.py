"""One update of DQN after the other: a batch from the replay in, better weights out.

Sources: Mnih et al. 2015 (replay, target network), van Hasselt et al. 2016 (Double), Sutton 1988 (n steps),
Kapturowski et al. 2019 (sequences: stored state, burn-in, mixed priorities), Hessel et al. 2018 (together),
Vieillard et al. 2020 (Munchausen; of a window of n steps, the first one's bonus counts).
"""

from __future__ import annotations

from copy import deepcopy
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from agents.dqn import munchausen
from agents.dqn.config import DQNConfig
from agents.dqn.losses import mean_of, of_action, td_error
from agents.dqn.online import Judged, Metrics, OnlineNetwork
from agents.dqn.precision import QNetwork, WorkingCopy
from agents.dqn.replay import Sequences, Transitions
from agents.frames.scaling import network_input
from networks.averaging import mix_weights
from networks.config import NetworkConfig
from networks.heads import DistributionHead
from networks.noisy import resample_noise

# Of a sequence's largest error in its priority, beside the mean (Kapturowski et al. 2019).
LARGEST_SHARE = 0.9


class Learner:
    """The network that learns, and its slow copy that it is judged by."""

    def __init__(self, network_config: NetworkConfig, config: DQNConfig) -> None:
        self.config = config
        self.network = OnlineNetwork(network_config, config)
        self.target: QNetwork = deepcopy(self.network.online)
        self._target = WorkingCopy(self.target, self.network.dtype)
        self._target.network.eval()
        self._head = self.network.acting.head
        self._atoms = isinstance(self._head, DistributionHead)
        self._double = config.double and not config.munchausen  # whose policy is the target's throughout

    def learn(self, batch: Transitions | Sequences) -> tuple[Metrics, NDArray[np.float32]]:
        """One update.

        Returns: scalars on the device (loss, mean q of the actions taken, gradient norm), and how wrong the
        network was on each of the B samples, for `Replay.update_priorities`.
        """
        if self.config.noisy:
            resample_noise(self.network.acting)
            resample_noise(self._target.network)
        parts = [batch.part(which) for which in self.network.lanes.slices(len(batch.keys))]
        metrics, errors = self.network.update(parts, self._judge)
        if self.network.updates % self.config.sync_every_updates == 0:
            mix_weights(self.target, self.network.online, self.config.target_mix)
            self._target.push()
        return metrics, errors.cpu().numpy()

    def _judge(self, batch: Transitions | Sequences) -> Judged:
        if isinstance(batch, Sequences):
            return self._judge_sequences(batch)
        return self._judge_transitions(batch)

    def _judge_transitions(self, batch: Transitions) -> Judged:
        obs, next_obs = self._input(batch.obs), self._input(batch.next_obs)
        action, reward, discount = (self._tensor(x) for x in (batch.action, batch.reward, batch.discount))
        with torch.no_grad():
            next_outputs = self._outputs(self._target.network, next_obs)
            chooser_q = self.network.acting(next_obs) if self._double else self._q(next_outputs)
            following = self._following(next_outputs, chooser_q)
            if self.config.munchausen:
                reward = reward + munchausen.bonus(self._target.network(obs), action, self.config)
                freedom = munchausen.entropy_bonus(chooser_q, self.config.policy_temperature)
                reward = reward + discount * freedom
        outputs = self._outputs(self.network.learning(), obs)
        predicted = of_action(outputs, action, atoms=self._atoms)
        error = td_error(
            predicted,
            following,
            reward,
            discount,
            self._tensor(batch.weights),
            loss=self.config.loss,
            head=self._head,
        )
        return Judged(error.loss, self._q(predicted.detach()), error.sizes, error.outside)

    def _judge_sequences(self, batch: Sequences) -> Judged:
        """As `_judge_transitions`, over all places of the sequences that someone acted at."""
        length = len(batch.action)
        obs = self._input(batch.obs)
        starts, state = self._tensor(batch.starts), self._tensor(batch.state)
        action, reward, discount = (self._tensor(x) for x in (batch.action, batch.reward, batch.discount))
        with torch.no_grad():
            target_outputs = self._unroll(self._target.network, obs, starts, state)
            chooser = target_outputs
            if self._double:
                chooser = self._unroll(self.network.acting, obs, starts, state)
            chooser_q = self._q(chooser)
            worth = self._following(target_outputs, chooser_q)
            ahead = self._tensor(batch.steps) + torch.arange(length, device=obs.device)[:, None]
            at = ahead.unsqueeze(-1) if self._atoms else ahead
            following = worth.take_along_dim(at, dim=0)  # [length, B, (K)]: where each window ends
            if self.config.munchausen:
                reward = reward + munchausen.bonus(self._q(target_outputs[:length]), action, self.config)
                freedom = munchausen.entropy_bonus(chooser_q, self.config.policy_temperature)
                reward = reward + discount * freedom.take_along_dim(ahead, dim=0)
        outputs = self._unroll(self.network.learning(), obs, starts, state)[:length]
        predicted = of_action(outputs, action, atoms=self._atoms)
        learned = self._tensor(batch.learned)
        error = td_error(
            predicted[learned],
            following[learned],
            reward[learned],
            discount[learned],
            self._tensor(batch.weights).expand(length, -1)[learned],
            loss=self.config.loss,
            head=self._head,
        )
        of_places = torch.zeros(learned.shape, device=obs.device).masked_scatter(
            learned, error.sizes
        )  # [length, B]
        mean = of_places.sum(dim=0) / learned.sum(dim=0).clamp(min=1)
        mixed = LARGEST_SHARE * of_places.amax(dim=0) + (1 - LARGEST_SHARE) * mean
        return Judged(error.loss, self._q(predicted.detach())[learned], mixed, error.outside)

    def _following(self, outputs: Tensor, chooser_q: Tensor) -> Tensor:
        """What `outputs` [..., A, (K)] say of the action that the policy by `chooser_q` takes: [..., (K)]."""
        if self.config.munchausen:
            return munchausen.mixed(outputs, chooser_q, self._head, self.config.policy_temperature)
        return of_action(outputs, chooser_q.argmax(dim=-1), atoms=self._atoms)

    def _outputs(self, network: QNetwork, obs: Tensor) -> Tensor:
        """[B, A, (K)]."""
        return cast(Tensor, network(obs, distribution=self._atoms))

    def _q(self, outputs: Tensor) -> Tensor:
        """The q [...] of [..., (K)]."""
        return mean_of(outputs, self._head)

    def _unroll(self, network: QNetwork, obs: Tensor, starts: Tensor, state: Tensor) -> Tensor:
        """The outputs [T - burn_in, B, A, (K)] after a burn-in that no gradient goes back through."""
        burn_in = self.config.burn_in
        state = state.to(next(network.parameters()).dtype)
        if burn_in:
            with torch.no_grad():
                _, state = network(obs[:burn_in], state, starts[:burn_in])
        outputs, _ = network(obs[burn_in:], state, starts[burn_in:], distribution=self._atoms)
        return cast(Tensor, outputs)

    def _input(self, obs: NDArray[Any]) -> Tensor:
        return network_input(self._tensor(obs), self.network.dtype)

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
