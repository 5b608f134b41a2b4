"""The training loop: act, store, learn, in the order of time. It yields; the caller logs, saves, stops.

While the networks learn, the emulators already play the next step (`send`, updates, `receive`): a step's
action is chosen by the weights before these updates, as if the agent took as long to act as the step takes.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch

from agents.dqn.agent import DQNAgent
from agents.dqn.config import DQNConfig
from agents.dqn.learner import Learner, Metrics
from agents.dqn.memory_limit import available_bytes, require_memory
from agents.dqn.replay import Replay, Sequences, Transitions, bytes_needed
from agents.runs import seeding
from envs.atari import PREFIX, AtariConfig
from envs.vector import VectorEnvs, make_vector

RETURNS_KEPT = 100  # of training episodes, for the running mean


@dataclass(frozen=True)
class Progress:
    """Where training is after one step of all envs."""

    step: int  # env steps done, all envs together
    metrics: Metrics  # of the last update in this step; empty where there was none
    returns: list[float] = field(
        default_factory=list
    )  # of episodes that ended in this step, true and unclipped


class Training:
    """One DQN run: envs, agent, replay and learner, and a state from which it goes on to the bit.

    Args:
        config: all of it. Its seed decides everything (torch's global generator is seeded too).
    Raises: ValueError where env and config do not go together, or the replay would not fit into memory.
    """

    def __init__(self, config: DQNConfig) -> None:
        self.config = config
        torch.set_num_threads(config.torch_threads or torch.get_num_threads())
        self.envs = make_envs(config, config.num_envs)
        network_config = config.network(self.envs.obs_shape, self.envs.num_actions)
        seeding.seed_everything(config.seed)
        self.learner = Learner(network_config, config)
        self.agent = DQNAgent(self.learner.acting, network_config)
        self.generators = seeding.generators(config.seed, "actions", "replay")
        self.agent.reset(config.num_envs, self.generators["actions"])
        self.replay = make_replay(config, self.envs, self.agent)
        self.step = 0
        self.obs = self.envs.reset(seeding.child_seed(config.seed, "envs"))
        self.starts = np.ones(config.num_envs, np.bool_)
        self.running_returns = np.zeros(config.num_envs)
        self.returns: deque[float] = deque(maxlen=RETURNS_KEPT)

    def run(self) -> Iterator[Progress]:
        """Go on to the last step; yields after each step of all envs."""
        while self.step < self.config.env_steps:
            self.agent.epsilon = self.config.epsilon(self.step)
            state = self.agent.state_rows()
            actions = self.agent.act(self.obs, self.starts)
            self.envs.send(actions)
            metrics: Metrics = {}
            for _ in range(self.config.updates_due(self.step)):
                metrics = self.learner.learn(self._sample())
            step = self.envs.receive()
            reward = self._learned_reward(step.reward)
            self.replay.add(
                self.obs, actions, reward, step.terminated, step.truncated, step.last_obs, state=state
            )
            self.obs, self.starts = step.obs, step.ended
            self.step += self.config.num_envs
            yield Progress(self.step, metrics, self._count_returns(step.reward, step.ended))

    def _sample(self) -> Transitions | Sequences:
        config, generator = self.config, self.generators["replay"]
        if config.memory == "none":
            return self.replay.sample(config.batch_size, generator)
        return self.replay.sample_sequences(
            config.batch_size, config.burn_in, config.sequence_length, generator
        )

    def _learned_reward(self, reward: Any) -> Any:
        limit = self.config.reward_clip
        return reward if limit is None else reward.clip(-limit, limit)

    def _count_returns(self, reward: Any, ended: Any) -> list[float]:
        self.running_returns += reward
        over: list[float] = self.running_returns[ended].tolist()
        self.running_returns[ended] = 0.0
        self.returns.extend(over)
        return over

    def state(self) -> dict[str, Any]:
        """Everything but the replay, as tensors and plain values."""
        return {
            "step": self.step,
            "learner": self.learner.state_dict(),
            "envs": self.envs.state(),
            "starts": self.starts.tolist(),
            "memory": self.agent.state,
            "generators": seeding.capture(self.generators),
            "torch_generator": torch.get_rng_state(),
            "running_returns": self.running_returns.tolist(),
            "returns": list(self.returns),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Be where `state` was taken; the replay is restored beside it."""
        self.step = state["step"]
        self.learner.load_state_dict(state["learner"])
        self.obs = self.envs.restore(state["envs"])
        self.starts = np.array(state["starts"], np.bool_)
        self.agent.state = state["memory"]
        seeding.restore(self.generators, state["generators"])
        torch.set_rng_state(state["torch_generator"])
        self.running_returns = np.array(state["running_returns"], np.float64)
        self.returns = deque(state["returns"], maxlen=RETURNS_KEPT)


def make_envs(config: DQNConfig, num_envs: int) -> VectorEnvs:
    """N envs as `config` has them."""
    atari = None
    if config.env_id.startswith(PREFIX):
        atari = AtariConfig(env_id=config.env_id, repeat_action_probability=config.repeat_action_probability)
    return make_vector(config.env_id, num_envs, num_threads=config.env_threads, atari=atari)


def make_replay(config: DQNConfig, envs: VectorEnvs, agent: DQNAgent) -> Replay:
    """The replay for these envs. Raises: ValueError where it would not fit into memory."""
    rows = agent.state_rows()
    state_shape = None if rows is None else (rows.shape[1], rows.shape[2])
    needed = bytes_needed(
        config.replay_size,
        envs.num_envs,
        envs.obs_shape,
        envs.obs_dtype,
        frame_stack=envs.frame_stack,
        n_step=config.n_step,
        state_shape=state_shape,
    )
    require_memory(needed, config.replay_size, available_bytes())
    return Replay(
        config.replay_size,
        envs.num_envs,
        envs.obs_shape,
        envs.obs_dtype,
        frame_stack=envs.frame_stack,
        n_step=config.n_step,
        discount=config.discount,
        state_shape=state_shape,
    )
