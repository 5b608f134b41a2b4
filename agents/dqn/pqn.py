"""Parallel Q-learning: play a while in many envs, learn from exactly that a few times, forget it.

There is no replay and no target network. The target of each step is the lambda return of its own rollout,
Q(lambda) cut only where an episode ends; layer norm in the network keeps the bootstrap from running away.

With `play_ahead` the next rollout is played at the same time, by a copy of the weights from before: what is
learned from is one rollout older, and no core waits for the other at each step. Steps a second on two cores,
medians of 16 rollouts each in turn: 1.3 times as many with the network of 2013 (1.35 with one lane), 1.2 with
Nature's (0.75 with one).
Source: Gallici et al. 2024, "Simplifying deep temporal difference learning" (arXiv:2407.04811), Algorithm 1.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from copy import deepcopy
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from agents.dqn import munchausen
from agents.dqn.config import PQNConfig
from agents.dqn.lanes import Lanes
from agents.dqn.losses import mean_of, of_action, value_error
from agents.dqn.online import Judged, Metrics, OnlineNetwork
from agents.dqn.train import Progress, Training
from agents.frames.scaling import network_input
from networks.averaging import mix_weights
from networks.heads import DistributionHead


class Rollout(NamedTuple):
    """T steps of N envs, and what Q should say of them."""

    obs: Tensor  # [T, N, ...]
    starts: Tensor  # bool[T, N]: first observation of an episode
    action: Tensor  # int64[T, N]
    returns: Tensor  # float32[T, N]
    state: Tensor | None = None  # [parts, N, M]: of a memory before the first step


def lambda_returns(
    reward: NDArray[np.float32],
    terminated: NDArray[np.bool_],
    ended: NDArray[np.bool_],
    next_value: NDArray[np.float32],
    discount: float,
    trace_decay: float,
) -> NDArray[np.float32]:
    """Q(lambda) returns, from the last step back: each mixes its own bootstrap with the return that follows.

    G_t = r_t + discount * ((1 - lambda) * V(s_t+1) + lambda * G_t+1); where an episode ends, and after the
    last step, V stands alone, and nothing follows a termination.

    Args:
        reward: float32[T, N], after any clipping.
        terminated: bool[T, N].
        ended: bool[T, N]; terminated, or truncated: the next row belongs to another episode.
        next_value: float32[T, N]; the highest q of the true next observation; not read where terminated.
        discount, trace_decay: gamma and lambda.
    Returns: float32[T, N].
    Source: Peng & Williams 1994 in the form of Gallici et al. 2024, section 3.3.
    """
    returns = np.empty_like(reward)
    following = next_value[-1]
    for t in reversed(range(len(reward))):
        mixed = (1 - trace_decay) * next_value[t] + trace_decay * following
        ahead = np.where(ended[t], next_value[t], mixed)
        returns[t] = reward[t] + discount * np.where(terminated[t], 0.0, ahead)
        following = returns[t]
    return returns


class PQNTraining(Training):
    """Parallel Q-learning; see `Training`."""

    config: PQNConfig

    def __init__(self, config: PQNConfig) -> None:
        super().__init__(config, ("minibatches",))
        self.network = self.learner = OnlineNetwork(self.network_config, config)
        self.agent = self._make_agent()
        self._head = self.network.acting.head
        self._played: Rollout | None = None  # ahead, not learned from yet
        self._beside: ThreadPoolExecutor | None = None  # where to learn while playing
        if config.play_ahead:
            self._beside = ThreadPoolExecutor(1, "learning", torch.set_num_threads, (1,))
            self.agent.network, self.agent.lanes = deepcopy(self.network.acting), Lanes()

    def run(self) -> Iterator[Progress]:
        """Yields after each rollout and its updates."""
        while self.step < self.config.env_steps:
            self.network.learning_rate = self.config.learning_rate_at(self.step)
            metrics, updates = self._play_ahead() if self._beside else self._learn(self._play())
            yield Progress(self.step, metrics, updates)

    def _play_ahead(self) -> tuple[Metrics, int]:
        """Play the next rollout while the last one is learned from; `_learn`'s answer, if there was one."""
        assert self._beside is not None
        last = self._played
        learning = self._beside.submit(self._learn, last) if last is not None else None
        self._played = self._play()
        answer = learning.result() if learning is not None else ({}, 0)
        mix_weights(self.agent.network, self.network.acting, 1.0)
        return answer

    def state(self) -> dict[str, Any]:
        """See `Training.state`."""
        played = None if self._played is None else self._played._asdict()
        return super().state() | {"played": played}

    def restore(self, state: dict[str, Any]) -> None:
        """See `Training.restore`."""
        super().restore(state)
        played = state.get("played")  # of a run that was begun without, there is none
        self._played = Rollout(**played) if self._beside and played is not None else None
        if self._beside:
            mix_weights(self.agent.network, self.network.acting, 1.0)

    def _play(self) -> Rollout:
        """One rollout by the weights of now."""
        T, N = self.config.rollout_steps, self.config.num_envs
        state = self.agent.state
        seen = np.empty((T, N, *self.envs.obs_shape), self.envs.obs_dtype)
        actions = np.empty((T, N), np.int64)
        q = np.empty((T, N, self.network_config.num_actions), np.float32)
        reward = np.empty((T, N), np.float32)
        next_value = np.zeros((T, N), np.float32)
        starts, terminated, ended = np.empty((3, T, N), np.bool_)
        for t in range(T):
            self.agent.epsilon = self.config.epsilon(self.step)
            seen[t], starts[t] = self.obs, self.starts
            q[t] = self.agent.q_values(self.obs, self.starts)
            actions[t] = self.agent.choose(q[t])
            step = self.envs.step(actions[t])
            reward[t] = self._learned_reward(step.reward)
            cut = self._cut(step) & ~step.truncated
            terminated[t], ended[t] = step.terminated | cut, step.ended | cut
            if step.truncated.any():
                next_value[t] = self._glance(step.last_obs, np.zeros(N, np.bool_))
            self._move_on(step)
        last_value = self._glance(self.obs, self.starts)
        following = np.concatenate([self._worth(q[1:]), last_value[None]])
        next_value = np.where(ended, next_value, following)
        if self.config.munchausen:
            asked, taken = torch.from_numpy(q), torch.from_numpy(actions)
            reward += munchausen.bonus(asked, taken, self.config).numpy()
        returns = lambda_returns(
            reward, terminated, ended, next_value, self.config.discount, self.config.trace_decay
        )
        arrays = (seen, starts, actions, returns)
        obs, began, action, target = (torch.from_numpy(x).to(self.network.device) for x in arrays)
        return Rollout(obs, began, action, target, state)

    def _glance(self, obs: NDArray[Any], starts: NDArray[np.bool_]) -> NDArray[np.float32]:
        """What `obs` is worth: float32[N]; a memory does not move on."""
        state = self.agent.state
        value = self._worth(self.agent.q_values(obs, starts))
        self.agent.state = state
        return value

    def _worth(self, q: NDArray[np.float32]) -> NDArray[np.float32]:
        """What states are worth by q [..., A], to the policy that is learned: float32[...]."""
        if self.config.munchausen:
            return munchausen.soft_value(torch.from_numpy(q), self.config.policy_temperature).numpy()
        highest: NDArray[np.float32] = q.max(axis=-1)
        return highest

    def _learn(self, rollout: Rollout) -> tuple[Metrics, int]:
        """All epochs over one rollout. Returns the means of the updates' metrics, and their number."""
        samples = self.config.num_envs
        if rollout.state is None:  # any mixture of steps will do
            flat = (x.flatten(0, 1) for x in (rollout.obs, rollout.starts, rollout.action, rollout.returns))
            rollout = Rollout(*flat)
            samples = len(rollout.action)
        sums: Metrics = {}
        updates = 0
        for _ in range(self.config.epochs):
            order = torch.from_numpy(self.generators["minibatches"].permutation(samples))
            for batch in order.to(self.network.device).tensor_split(self.config.minibatches):
                parts = [batch[part] for part in self.network.lanes.slices(len(batch))]
                metrics, _ = self.network.update(parts, lambda part: self._judge(rollout, part))
                sums = {name: sums.get(name, 0.0) + value for name, value in metrics.items()}
                updates += 1
        return {name: total / updates for name, total in sums.items()}, updates

    def _judge(self, rollout: Rollout, which: Tensor) -> Judged:
        """The part's samples: steps, or with a memory the whole rollouts of some envs."""
        network = self.network.learning()
        atoms = isinstance(self._head, DistributionHead)
        if rollout.state is None:
            obs = network_input(rollout.obs, self.network.dtype, which)
            outputs = network(obs, distribution=atoms)
            action, target = rollout.action[which], rollout.returns[which]
        else:
            obs = network_input(rollout.obs[:, which], self.network.dtype)
            state, starts = rollout.state[:, which], rollout.starts[:, which]
            outputs = network(obs, state, starts, distribution=atoms)[0].flatten(0, 1)
            action, target = rollout.action[:, which].flatten(), rollout.returns[:, which].flatten()
        predicted = of_action(outputs, action, atoms=atoms)
        error = value_error(predicted, target, loss=self.config.loss, head=self._head)
        return Judged(error.loss, mean_of(predicted, self._head), error.sizes, error.outside)
