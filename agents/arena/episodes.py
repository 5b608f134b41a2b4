"""How well an agent does: returns over fresh episodes, with an interval, beside agents that set the scale.

Episodes are played in N envs at once. Each env plays a fixed number of them: taking the first K to end
would prefer short ones. Seeds are the caller's; training must have used others.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from envs.toys import CATCH, CORRIDOR, RECALL, Catch
from envs.vector import VectorEnvs

CONFIDENCE = 0.95
RESAMPLES = 10_000


class EpisodeAgent(Protocol):
    """What plays episodes in N envs at once: a DQN, another library's model, a hand-written rule."""

    name: str

    def reset(self, num_envs: int, seed: int) -> None:
        """Forget everything; N fresh episodes begin."""

    def act(self, obs: NDArray[Any], starts: NDArray[np.bool_]) -> NDArray[np.int64]:
        """Actions int64[N] for obs [N, ...]; `starts` bool[N] is True where an episode begins."""


@dataclass(frozen=True)
class EpisodeReturns:
    """The undiscounted, unclipped returns of some episodes and their lengths in steps, in one order."""

    returns: tuple[float, ...]
    lengths: tuple[int, ...]

    @property
    def mean(self) -> float:
        """Mean return."""
        return float(np.mean(self.returns))

    def interval(self, seed: int = 0) -> tuple[float, float]:
        """The 95 % interval of the mean: percentile bootstrap (Efron 1979), with its own seed."""
        values = np.asarray(self.returns)
        picks = np.random.default_rng(seed).integers(len(values), size=(RESAMPLES, len(values)))
        tail = 50 * (1 - CONFIDENCE)
        low, high = np.percentile(values[picks].mean(axis=1), [tail, 100 - tail])
        return float(low), float(high)

    def to_json(self) -> dict[str, Any]:
        """episodes, mean, low, high; and each episode's return and length."""
        low, high = self.interval()
        figures = {"episodes": len(self.returns), "mean": self.mean, "low": low, "high": high}
        return figures | {"returns": list(self.returns), "lengths": list(self.lengths)}


def play_episodes(
    agent: EpisodeAgent,
    envs: VectorEnvs,
    episodes: int,
    seed: int,
    *,
    steps_max: int | None = None,
    on_episode: Callable[[int], None] | None = None,
) -> EpisodeReturns:
    """Play whole episodes from fresh seeds.

    Args:
        agent: who plays; it is reset.
        envs: where; they are reset with `seed`. Envs beyond the number of episodes idle.
        episodes: how many, at least 1; shared out evenly over the envs.
        seed: of the envs and of the agent's own chance.
        steps_max: an episode that lasts longer counts with its return so far.
        on_episode: called with the number of episodes that are done, after each.
    """
    if episodes < 1:
        raise ValueError(f"episodes must be at least 1, got {episodes!r}")
    N = envs.num_envs
    quota = np.full(N, episodes // N) + (np.arange(N) < episodes % N)
    results: list[list[tuple[float, int]]] = [[] for _ in range(N)]
    agent.reset(N, seed)
    obs, starts = envs.reset(seed), np.ones(N, np.bool_)
    returns, lengths = np.zeros(N), np.zeros(N, np.int64)
    left = episodes
    while left:
        step = envs.step(agent.act(obs, starts))
        returns += step.reward
        lengths += 1
        too_long = ~step.ended & (lengths == steps_max)
        over = step.ended | too_long
        for env in np.flatnonzero(over & (quota > 0)).tolist():
            results[env].append((float(returns[env]), int(lengths[env])))
            quota[env] -= 1
            left -= 1
            if on_episode is not None:
                on_episode(episodes - left)
        obs, starts = step.obs, over
        if too_long.any():
            obs = obs.copy()
            obs[too_long] = envs.restart(too_long)[too_long]
        returns[over], lengths[over] = 0.0, 0
    played = [result for of_env in results for result in of_env]
    return EpisodeReturns(tuple(r for r, _ in played), tuple(n for _, n in played))


class RandomAgent:
    """Every action alike: the bottom of the scale."""

    name = "random"

    def __init__(self, num_actions: int) -> None:
        self.num_actions = num_actions
        self._generator = np.random.default_rng(0)

    def reset(self, num_envs: int, seed: int) -> None:
        """Seed the choices."""
        self._generator = np.random.default_rng(seed)

    def act(self, obs: NDArray[Any], starts: NDArray[np.bool_]) -> NDArray[np.int64]:
        """Uniform over all actions."""
        return self._generator.integers(self.num_actions, size=len(obs))


class HandcraftedAgent:
    """A rule of thumb for one env, `rule(obs [N, ...]) -> actions [N]`: what an expert writes in a minute."""

    name = "handcrafted"

    def __init__(self, rule: Callable[[NDArray[Any]], NDArray[np.int64]]) -> None:
        self.rule = rule

    def reset(self, num_envs: int, seed: int) -> None:
        """Nothing to forget."""

    def act(self, obs: NDArray[Any], starts: NDArray[np.bool_]) -> NDArray[np.int64]:
        """What the rule says."""
        return self.rule(obs)


def balance_pole(obs: NDArray[np.float32]) -> NDArray[np.int64]:
    """CartPole: push to the side the pole falls to, counting its speed, and lean against drifting away."""
    position, velocity, angle, angular_velocity = obs.T
    return np.asarray(angle + 0.35 * angular_velocity + 0.03 * position + 0.08 * velocity > 0, np.int64)


def follow_ball(obs: NDArray[np.float32]) -> NDArray[np.int64]:
    """Catch: step towards the ball's column."""
    boards = obs.reshape(len(obs), Catch.ROWS, Catch.COLUMNS)
    paddle = boards[:, -1].argmax(axis=1)
    ball = boards[:, :-1].any(axis=1).argmax(axis=1)
    return np.asarray(np.sign(ball - paddle) + 1, np.int64)


def walk_right(obs: NDArray[np.float32]) -> NDArray[np.int64]:
    """Corridor: the larger reward is on the right."""
    return np.ones(len(obs), np.int64)


def always_first(obs: NDArray[np.float32]) -> NDArray[np.int64]:
    """Recall: the same answer each time, as good as any policy without memory."""
    return np.zeros(len(obs), np.int64)


HANDCRAFTED: Mapping[str, Callable[[NDArray[Any]], NDArray[np.int64]]] = {
    "CartPole-v1": balance_pole,
    CATCH: follow_ball,
    CORRIDOR: walk_right,
    RECALL: always_first,
}


def baselines(envs: VectorEnvs) -> list[EpisodeAgent]:
    """What to compare with in these envs: the random agent, and the handcrafted one where there is one."""
    agents: list[EpisodeAgent] = [RandomAgent(envs.num_actions)]
    if envs.env_id in HANDCRAFTED:
        agents.append(HandcraftedAgent(HANDCRAFTED[envs.env_id]))
    return agents
