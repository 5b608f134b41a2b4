"""The training loop: act, store, learn, in the order of time. It yields; the caller logs, saves, stops.

While the networks learn, the emulators already play the next step (`send`, updates, `receive`): a step's
action is chosen by the weights before these updates, as if the agent took as long to act as the step takes.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from agents.dqn.agent import DQNAgent
from agents.dqn.config import DQNConfig, TrainingConfig
from agents.dqn.learner import Learner
from agents.dqn.memory_limit import available_bytes, require_memory
from agents.dqn.online import Metrics, OnlineNetwork
from agents.dqn.replay import Replay, Sequences, Transitions, bytes_needed
from agents.runs import seeding
from envs.atari import PREFIX, AtariConfig
from envs.vector import Step, VectorEnvs, make_vector

RETURNS_KEPT = 100  # of training episodes, for the running mean


@dataclass(frozen=True)
class Progress:
    """Where training is after one stride."""

    step: int  # env steps done, all envs together
    metrics: Metrics  # of its updates, DQN's last or the means of PQN's; empty where there was none
    updates: int  # in this stride


class Training(ABC):
    """What all runs of Q-learning share: envs, an agent that plays in them, the returns that it gets.

    Args:
        config: all of it. Its seed decides everything (torch's global generator is seeded too).
    Raises: ValueError where env and config do not go together.
    """

    agent: DQNAgent
    network: OnlineNetwork
    learner: Learner | OnlineNetwork  # whose state is that of the learning

    def __init__(self, config: TrainingConfig, streams: tuple[str, ...]) -> None:
        self.config = config
        torch.set_num_threads(config.torch_threads or torch.get_num_threads())
        self.envs = make_envs(config, config.num_envs)
        self.network_config = config.network(self.envs.obs_shape, self.envs.num_actions)
        seeding.seed_everything(config.seed)
        self.generators = seeding.generators(config.seed, "actions", *streams)
        self.step = 0
        self.obs = self.envs.reset(seeding.child_seed(config.seed, "envs"))
        self.starts = np.ones(config.num_envs, np.bool_)
        self.running_returns = np.zeros(config.num_envs)
        self.returns: deque[float] = deque(maxlen=RETURNS_KEPT)

    def _make_agent(self) -> DQNAgent:
        """Who plays with the weights as they are learned."""
        agent = DQNAgent(
            self.network.acting,
            self.network_config,
            lanes=self.network.lanes,
            noisy=self.network_config.noisy,
        )
        agent.reset(self.config.num_envs, self.generators["actions"])
        return agent

    @abstractmethod
    def run(self) -> Iterator[Progress]:
        """Go on to the last step; yields after each stride."""

    def _learned_reward(self, reward: NDArray[np.float32]) -> NDArray[np.float32]:
        limit = self.config.reward_clip
        return reward if limit is None else reward.clip(-limit, limit)

    def _cut(self, step: Step) -> NDArray[np.bool_]:
        """bool[N]: the game may go on, but nothing that follows counts for what is learned."""
        cut = np.zeros(self.config.num_envs, np.bool_)
        if self.config.life_loss_ends:
            cut |= step.life_lost
        if self.config.reward_ends:
            cut |= step.reward != 0
        return cut

    def _move_on(self, step: Step) -> None:
        """Make `step` the present: what is acted on next, and the returns of episodes that ended in it."""
        self.obs, self.starts = step.obs, step.ended
        self.running_returns += step.reward
        self.returns.extend(self.running_returns[step.ended].tolist())
        self.running_returns[step.ended] = 0.0
        self.step += self.config.num_envs

    def state(self) -> dict[str, Any]:
        """Everything but a replay, as tensors and plain values; between two strides."""
        return {
            "step": self.step,
            "learned": self.learner.state_dict(),
            "envs": self.envs.state(),
            "starts": self.starts.tolist(),
            "memory": self.agent.state,
            "generators": seeding.capture(self.generators),
            "torch_generator": torch.get_rng_state(),
            "running_returns": self.running_returns.tolist(),
            "returns": list(self.returns),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Be where `state` was taken; a replay is restored beside it."""
        self.step = state["step"]
        self.learner.load_state_dict(state["learned"])
        self.obs = self.envs.restore(state["envs"])
        self.starts = np.array(state["starts"], np.bool_)
        if (memory := state["memory"]) is not None:
            weight = next(self.network.acting.parameters())
            self.agent.state = memory.to(weight.device, weight.dtype)
        seeding.restore(self.generators, state["generators"])
        torch.set_rng_state(state["torch_generator"])
        self.running_returns = np.array(state["running_returns"], np.float64)
        self.returns = deque(state["returns"], maxlen=RETURNS_KEPT)


class DQNTraining(Training):
    """Deep Q-learning: every step is stored, and learned from later. See `Training`.

    Raises: ValueError also where the replay would not fit into memory.
    """

    config: DQNConfig
    learner: Learner

    def __init__(self, config: DQNConfig) -> None:
        super().__init__(config, ("replay",))
        self.learner = Learner(self.network_config, config)
        self.network = self.learner.network
        self.agent = self._make_agent()
        self.replay = make_replay(config, self.envs, self.agent)

    def run(self) -> Iterator[Progress]:
        """Yields after each step of all envs."""
        while self.step < self.config.env_steps:
            self.agent.epsilon = self.config.epsilon(self.step)
            state = self.agent.state_rows()
            actions = self.agent.act(self.obs, self.starts)
            self.envs.send(actions)
            updates = self.config.updates_due(self.step)
            self.network.learning_rate = self.config.learning_rate_at(self.step)
            metrics: Metrics = {}
            for _ in range(updates):
                batch = self._sample()
                metrics, errors = self.learner.learn(batch)
                self.replay.update_priorities(batch.keys, errors)
            step = self.envs.receive()
            self.replay.add(
                self.obs,
                actions,
                self._learned_reward(step.reward),
                step.terminated,
                step.truncated,
                step.last_obs,
                state=state,
                cut=self._cut(step),
            )
            self._move_on(step)
            yield Progress(self.step, metrics, updates)

    def _sample(self) -> Transitions | Sequences:
        config, generator = self.config, self.generators["replay"]
        correction = config.priority_correction_at(self.step)
        if config.memory == "none":
            return self.replay.sample(config.batch_size, generator, correction)
        return self.replay.sample_sequences(
            config.batch_size, config.burn_in, config.sequence_length, generator, correction
        )


def atari_config(config: TrainingConfig) -> AtariConfig | None:
    """The Atari game as `config` has it; None where it is another environment."""
    if not config.env_id.startswith(PREFIX):
        return None
    return AtariConfig(
        env_id=config.env_id,
        repeat_action_probability=config.repeat_action_probability,
        playing_area_only=config.playing_area_only,
    )


def make_envs(config: TrainingConfig, num_envs: int) -> VectorEnvs:
    """N envs as `config` has them."""
    return make_vector(config.env_id, num_envs, num_threads=config.env_threads, atari=atari_config(config))


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
        priority_exponent=config.priority_exponent,
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
        priority_exponent=config.priority_exponent,
    )
