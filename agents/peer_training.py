"""stable-baselines3's DQN, trained on our environments and measured by our protocol: a fair peer.

It learns in its own stack of environments and is evaluated in ours, as our agents are. Its run folder holds
`config.json`, `metrics.jsonl` with the names of our runs, and the models as `last_model.zip` and
`best_model.zip`; evaluations count into `wall_s`, as they do for us.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from io import BufferedIOBase
from typing import Any, cast

import gymnasium
import numpy as np
import torch
from gymnasium.wrappers import TransformReward
from numpy.typing import NDArray
from stable_baselines3 import DQN
from stable_baselines3.common.atari_wrappers import AtariWrapper, MaxAndSkipEnv, NoopResetEnv, WarpFrame
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.env_util import make_vec_env
from stable_baselines3.common.logger import Logger
from stable_baselines3.common.vec_env import VecEnv, VecFrameStack

from agents.arena.episodes import EpisodeReturns
from agents.dqn.config import DQNConfig, crossed
from agents.dqn.supervise import evaluate
from agents.dqn.train import make_envs
from agents.peer_settings import PeerSettings
from agents.peers import SB3Agent
from agents.runs import seeding
from agents.runs.atomic import replacing
from agents.runs.plots import learning_curve
from agents.runs.progress import ProgressLine
from agents.runs.run import Run
from agents.runs.stopping import stop_requests
from envs.atari import PREFIX, AtariConfig
from envs.vector import make_env

Env = gymnasium.Env[Any, Any]

LAST_MODEL, BEST_MODEL = "last_model.zip", "best_model.zip"


def make_peer_envs(config: DQNConfig, settings: PeerSettings) -> VecEnv:
    """The peer's own envs, stepped one after the other, as its `make_vec_env` has them.

    Atari: the emulator itself skips no frames and makes actions sticky, at each frame, as ours does; the
    peer's wrappers skip and pool four frames. With `atari_wrapper` these are all of `AtariWrapper`, as
    rl-baselines3-zoo trains: up to 30 idle frames, a lost life ends an episode (the game goes on after one
    idle step), FIRE and one more action begin each episode, rewards count by their sign. A game that waits
    for FIRE is therefore never learned to be started, and the evaluation in our envs does not start it.
    Without: our protocol, which has the idle frames only. The frame cap is the same, 108,000.
    """
    seed = seeding.child_seed(config.seed, "envs")
    if not config.env_id.startswith(PREFIX):
        return make_vec_env(
            lambda: make_env(config.env_id),
            settings.num_envs,
            seed,
            wrapper_class=lambda env: _clipped(env, settings.reward_clip),  # returns are counted below it
        )
    envs = make_vec_env(
        config.env_id,
        settings.num_envs,
        seed,
        wrapper_class=AtariWrapper if settings.atari_wrapper else _standard_wrapper(settings.reward_clip),
        env_kwargs={
            "frameskip": 1,
            "repeat_action_probability": config.repeat_action_probability,
            "render_mode": None,
        },
    )
    return VecFrameStack(envs, AtariConfig().frame_stack)


def _standard_wrapper(reward_clip: float | None) -> Callable[[Env], Env]:
    """The peer's pieces of our Atari protocol; see `envs.atari`."""

    def wrap(env: Env) -> Env:
        standard = AtariConfig()
        env = MaxAndSkipEnv(NoopResetEnv(env, standard.noop_max), standard.frame_skip)
        return _clipped(WarpFrame(env, standard.frame_size, standard.frame_size), reward_clip)

    return wrap


def _clipped(env: Env, limit: float | None) -> Env:
    if limit is None:
        return env
    return TransformReward(env, lambda reward: min(max(float(reward), -limit), limit))


def make_peer(config: DQNConfig, settings: PeerSettings) -> DQN:
    """The untrained peer in its envs. Its seed is `config.seed`."""
    envs = make_peer_envs(config, settings)
    shape = envs.observation_space.shape
    images = shape is not None and len(shape) == 3
    first, *others = settings.hidden_sizes
    network: dict[str, Any] = {"optimizer_kwargs": {"eps": settings.optimiser_epsilon}}
    if images:  # the first dense layer is a part of its convolutional network
        network |= {"features_extractor_kwargs": {"features_dim": first}, "net_arch": others}
    else:
        network |= {"net_arch": [first, *others]}
    return DQN(
        "CnnPolicy" if images else "MlpPolicy",
        envs,
        learning_rate=settings.learning_rate,
        buffer_size=settings.buffer_size,
        learning_starts=settings.learning_starts,
        batch_size=settings.batch_size,
        tau=settings.tau,
        gamma=settings.gamma,
        train_freq=settings.train_freq,
        gradient_steps=settings.gradient_steps,
        optimize_memory_usage=False,
        n_steps=settings.n_steps,
        target_update_interval=settings.target_update_interval,
        exploration_fraction=settings.exploration_fraction,
        exploration_initial_eps=settings.exploration_initial_eps,
        exploration_final_eps=settings.exploration_final_eps,
        max_grad_norm=settings.max_grad_norm,
        policy_kwargs=network,
        seed=config.seed,
        device=config.device,
    )


class PeerInTraining(SB3Agent):
    """The peer as it is measured while it learns: our evaluation's epsilon, and chance of its own.

    `SB3Agent.reset` seeds the generators that the learning draws from, so this one must not.
    """

    def __init__(self, model: DQN, num_actions: int, epsilon: float) -> None:
        super().__init__(model, "sb3:dqn")
        self._num_actions, self._epsilon = num_actions, epsilon
        self._generator = np.random.default_rng(0)

    def reset(self, num_envs: int, seed: int) -> None:
        """Seed the exploration."""
        self._generator = np.random.default_rng(seed)

    def act(self, obs: NDArray[Any], starts: NDArray[np.bool_]) -> NDArray[np.int64]:
        """The best action, or with probability epsilon any."""
        anything = self._generator.integers(self._num_actions, size=len(obs))
        explores = self._generator.random(len(obs)) < self._epsilon
        return np.where(explores, anything, super().act(obs, starts))


def train_peer(run: Run, model: DQN, config: DQNConfig, *, label: str, minutes: float | None = None) -> str:
    """Train until steps, a return, minutes or Ctrl-C end it, as `agents.dqn.supervise` does for ours.

    Args:
        run: where everything goes.
        model: from `make_peer`.
        config: its steps, its evaluations and the envs of these.
        label: of the progress line.
        minutes: of wall time.
    Returns: why it ended, for people.
    """
    model.set_logger(Logger(None, []))  # silent: metrics are written by us
    with stop_requests() as stopped, ProgressLine(label, config.env_steps) as line:
        supervisor = PeerSupervisor(run, config, line, stopped.is_set, minutes)
        model.learn(config.env_steps, callback=supervisor)
    if run.has_metrics:
        learning_curve({label: run.path}, run.path / "curve.png")
    return supervisor.reason


class PeerSupervisor(BaseCallback):
    """What goes on around the peer's training, after each step of its envs."""

    model: DQN

    def __init__(
        self,
        run: Run,
        config: DQNConfig,
        line: ProgressLine,
        stop_requested: Callable[[], bool],
        minutes: float | None,
    ) -> None:
        super().__init__()
        self.run, self.config, self.line, self.stop_requested = run, config, line, stop_requested
        self.evaluation_envs = make_envs(config, config.evaluation_envs)
        self.deadline = time.monotonic() + 60 * minutes if minutes is not None else float("inf")
        self.best = float("-inf")
        self.reason = "all steps are done"

    def _on_training_start(self) -> None:
        envs = self.evaluation_envs
        self.agent = PeerInTraining(self.model, envs.num_actions, self.config.evaluation_epsilon)
        self.agent.check(envs.obs_shape, envs.num_actions)

    def _on_step(self) -> bool:
        """Log, evaluate and save where it is due; False ends the training."""
        config, step, requested = self.config, self.num_timesteps, self.stop_requested()
        stop = requested or time.monotonic() > self.deadline
        last = stop or step >= config.env_steps
        if stop:
            self.reason = "stopped on request" if requested else "the minutes are over"
        if self._crossed(config.log_every_steps):
            self.run.log(step, {"epsilon": self.model.exploration_rate} | self._train_return())
        if self._crossed(config.evaluate_every_steps) or (last and not requested):
            returns = self._evaluate()
            self.line.update(step, evaluation=returns.mean)
            if config.stop_at_return is not None and returns.mean >= config.stop_at_return:
                stop, self.reason = True, f"an evaluation reached {config.stop_at_return:g}"
        elif stop:
            self._save(LAST_MODEL)
        self.line.update(step, **self._train_return())
        return not (stop or last)

    def _crossed(self, every: int) -> bool:
        """Whether the last step of all envs reached a multiple of `every`."""
        return crossed(self.num_timesteps, self.model.n_envs, every)

    def _train_return(self) -> dict[str, float]:
        """The mean true return of the last 100 whole games; nothing before the first."""
        games = self.model.ep_info_buffer
        return {"train_return": float(np.mean([game["r"] for game in games]))} if games else {}

    def _evaluate(self) -> EpisodeReturns:
        """Play fresh episodes with the weights of now, record the result, save the model."""
        returns = evaluate(self.run, self.agent, self.evaluation_envs, self.config, self.num_timesteps)
        self._save(LAST_MODEL)
        if returns.mean > self.best:
            self.best = returns.mean
            self._save(BEST_MODEL)
        return returns

    def _save(self, name: str) -> None:
        with replacing(self.run.path / name) as file:
            self.model.save(cast(BufferedIOBase, file))


def use_threads(threads: int) -> None:
    """Compute on so many threads; 0 leaves the choice to torch."""
    if threads:
        torch.set_num_threads(threads)
