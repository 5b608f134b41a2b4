"""One face for N environments that step together: gymnasium's and the native Atari emulators.

An episode that ends starts anew in the same step. What gymnasium and ALE report differently, and a naive
loop gets wrong, is hidden here: `Step.obs` is what the agent acts on next, `Step.last_obs` is what its
action really led to. The two differ only where an episode ended. No fake transition is ever seen.

An env is started with a seed made from (seed, env, how many seeded starts it has had), and its actions since
then are kept. So `state()` is a few integers, holds no pickled object, and `restore()` plays the open logs
again up to the same moment: exact for every environment whose `reset(seed)` decides all of its chance, as
Atari's does.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import Any, NamedTuple

import gymnasium
import numpy as np
from gymnasium import spaces
from gymnasium.wrappers import FlattenObservation, TransformObservation
from numpy.typing import NDArray

import envs.toys  # noqa: F401  (registers the toys)
from envs.atari import UNSEEDED, AtariConfig, AtariEnv, EmulatorVector, looks_like_atari
from envs.names import nearest

IMAGE_SIDE_MIN = 36  # pixels: what the Nature network's three convolutions need


class Step(NamedTuple):
    """One step of N envs. `obs` and `last_obs` are one array where no episode ended."""

    obs: NDArray[Any]  # [N, ...]: to act on next; the first of a new episode where one ended
    last_obs: NDArray[Any]  # [N, ...]: the true next observation
    reward: NDArray[np.float32]  # [N], as the environment pays it
    terminated: NDArray[np.bool_]  # [N]: over, nothing follows
    truncated: NDArray[np.bool_]  # [N]: cut off by a limit; the last state still has a value
    life_lost: NDArray[np.bool_]  # [N]: one of several lives, Atari only; the game goes on

    @property
    def ended(self) -> NDArray[np.bool_]:
        """bool[N]: an episode ended in this step, one way or the other."""
        return self.terminated | self.truncated


class VectorEnvs(ABC):
    """N envs of one kind. `reset` once, then `step` (or `send`, other work, `receive`)."""

    seed_after_steps = 0  # steps of an env after which its next episode gets a new seed

    def __init__(
        self,
        env_id: str,
        num_envs: int,
        num_actions: int,
        obs_shape: tuple[int, ...],
        obs_dtype: np.dtype[Any],
    ) -> None:
        self.env_id = env_id
        self.num_envs = num_envs
        self.num_actions = num_actions
        self.obs_shape = obs_shape
        self.obs_dtype = obs_dtype
        self.frame_stack = 0  # frames that `obs` holds along its first axis, newest last; 0: it is no stack
        self._seed = 0
        self._starts = [0] * num_envs  # seeded ones, of each env
        self._actions: list[list[int]] = [[] for _ in range(num_envs)]  # since then

    def reset(self, seed: int) -> NDArray[Any]:
        """Start all envs anew. Returns obs [N, ...]."""
        self._seed = seed
        self._starts = [0] * self.num_envs
        self._actions = [[] for _ in range(self.num_envs)]
        return self._reset(np.ones(self.num_envs, np.bool_), self._seeds(range(self.num_envs)))

    def send(self, actions: NDArray[np.int64]) -> None:
        """Start a step with actions int64[N]; where the environment can, it runs while the caller goes on."""
        for log, action in zip(self._actions, actions.tolist(), strict=True):
            log.append(action)
        self._send(actions)

    def receive(self) -> Step:
        """Finish the step that was sent; start ended episodes anew."""
        step = self._receive()
        return step._replace(obs=self._restart(step.last_obs, step.ended)) if step.ended.any() else step

    def _restart(self, last_obs: NDArray[Any], ended: NDArray[np.bool_]) -> NDArray[Any]:
        """Start the ended envs' next episodes, with a seed where the log is long enough to be dropped."""
        seeds = np.full(self.num_envs, UNSEEDED)
        for env in np.flatnonzero(ended).tolist():
            if len(self._actions[env]) >= self.seed_after_steps:
                self._starts[env] += 1
                self._actions[env] = []
                seeds[env] = self._seeds([env])[0]
        obs = last_obs.copy()
        obs[ended] = self._reset(ended, seeds[ended])[ended]
        return obs

    def step(self, actions: NDArray[np.int64]) -> Step:
        """`send`, then `receive`."""
        self.send(actions)
        return self.receive()

    def restart(self, which: NDArray[np.bool_]) -> NDArray[Any]:
        """Break off the open episodes of the envs in the mask [N] and start new ones.

        Returns: obs [N, ...], defined for these envs only.
        """
        for env in np.flatnonzero(which).tolist():
            self._starts[env] += 1
            self._actions[env] = []
        return self._reset(which, self._seeds(np.flatnonzero(which).tolist()))

    def state(self) -> dict[str, Any]:
        """Where all envs are, as plain numbers: the seed, each env's seeded starts and its actions since."""
        return {
            "seed": self._seed,
            "starts": list(self._starts),
            "actions": [list(log) for log in self._actions],
        }

    def restore(self, state: dict[str, Any]) -> NDArray[Any]:
        """Play the logs of `state` again. Returns obs [N, ...], what `reset` or `step` gave last."""
        if len(state["starts"]) != self.num_envs:
            raise ValueError(f"a state of {len(state['starts'])} envs does not fit {self.num_envs} envs")
        self._seed, self._starts = state["seed"], list(state["starts"])
        self._actions = [list(log) for log in state["actions"]]
        return self._replay()

    def _seeds(self, which: Iterable[int]) -> NDArray[np.int64]:
        return np.array([start_seed(self._seed, env, self._starts[env]) for env in which], np.int64)

    def _replay(self) -> NDArray[Any]:
        """Play all logs so that they end in the same last step; before its log begins an env plays on."""
        lengths = np.array([len(log) for log in self._actions])
        obs = self._reset(np.ones(self.num_envs, np.bool_), self._seeds(range(self.num_envs)))
        for to_come in range(int(lengths.max()), 0, -1):
            actions = [log[-to_come] if to_come <= len(log) else 0 for log in self._actions]
            self._send(np.array(actions, np.int64))
            step = self._receive()
            obs = step.last_obs
            due = lengths == to_come - 1  # the log begins now
            again = step.ended | due
            if again.any():
                seeds = np.where(due, self._seeds(range(self.num_envs)), UNSEEDED)
                obs = obs.copy()
                obs[again] = self._reset(again, seeds[again])[again]
        return obs

    @abstractmethod
    def _reset(self, which: NDArray[np.bool_], seeds: NDArray[np.int64]) -> NDArray[Any]:
        """Start an episode in the envs of the mask, each with its seed or UNSEEDED.

        Returns: obs [N, ...], undefined outside of the mask.
        """

    @abstractmethod
    def _send(self, actions: NDArray[np.int64]) -> None:
        """Start a step of all envs."""

    @abstractmethod
    def _receive(self) -> Step:
        """What the step led to; nothing is reset, `obs` is `last_obs`."""

    @abstractmethod
    def close(self) -> None:
        """Free what the envs hold."""


class GymVector(VectorEnvs):
    """N gymnasium envs, stepped one after the other."""

    def __init__(self, env_id: str, num_envs: int) -> None:
        self.envs = [make_env(env_id) for _ in range(num_envs)]
        space, actions = self.envs[0].observation_space, self.envs[0].action_space
        assert isinstance(space, spaces.Box)
        assert isinstance(actions, spaces.Discrete)
        dtype = np.dtype(np.uint8 if space.dtype == np.uint8 else np.float32)
        super().__init__(env_id, num_envs, int(actions.n), space.shape, dtype)
        self._sent: NDArray[np.int64] = np.zeros(num_envs, np.int64)

    def _reset(self, which: NDArray[np.bool_], seeds: NDArray[np.int64]) -> NDArray[Any]:
        obs = np.zeros((self.num_envs, *self.obs_shape), self.obs_dtype)
        for env, seed in zip(np.flatnonzero(which).tolist(), seeds.tolist(), strict=True):
            obs[env], _ = self.envs[env].reset(seed=None if seed == UNSEEDED else seed)
        return obs

    def _send(self, actions: NDArray[np.int64]) -> None:
        self._sent = actions

    def _receive(self) -> Step:
        obs = np.empty((self.num_envs, *self.obs_shape), self.obs_dtype)
        reward = np.empty(self.num_envs, np.float32)
        terminated, truncated = np.empty((2, self.num_envs), np.bool_)
        for n, env in enumerate(self.envs):
            obs[n], reward[n], terminated[n], truncated[n], _ = env.step(self._sent[n])
        no_lives = np.zeros(self.num_envs, np.bool_)
        return Step(obs, obs, reward, terminated, truncated & ~terminated, no_lives)

    def close(self) -> None:
        """Close the envs."""
        for env in self.envs:
            env.close()


class AtariVector(VectorEnvs):
    """N Atari emulators in native threads; they run while the caller works between `send` and `receive`."""

    seed_after_steps = 4_000  # a seeded start costs 0.1 s (it builds the emulator anew), an unseeded one 5 ms

    def __init__(self, config: AtariConfig, num_envs: int, num_threads: int = 1) -> None:
        self.games = EmulatorVector(config, num_envs, num_threads)
        super().__init__(
            config.env_id, num_envs, self.games.num_actions, self.games.obs_shape, np.dtype(np.uint8)
        )
        self.frame_stack = config.frame_stack

    def _reset(self, which: NDArray[np.bool_], seeds: NDArray[np.int64]) -> NDArray[Any]:
        return self.games.reset(seeds, which)

    def _send(self, actions: NDArray[np.int64]) -> None:
        self.games.send(actions)

    def _receive(self) -> Step:
        step = self.games.receive()
        return Step(step.obs, *step)

    def close(self) -> None:
        """Free the emulators."""
        self.games.close()


def start_seed(seed: int, env: int, start: int) -> int:
    """The seed of one seeded start, in [0, 2**31): well mixed, so that neighbouring seeds share none."""
    return int(np.random.SeedSequence((seed, env, start)).generate_state(1)[0] >> 1)


def make_vector(
    env_id: str, num_envs: int, *, num_threads: int = 1, atari: AtariConfig | None = None
) -> VectorEnvs:
    """N envs of `env_id`: those of `ALE/` native, by `atari` or its defaults, others by gymnasium.

    Raises: ValueError where the id is unknown (naming the nearest), or its spaces do not suit a Q-network.
    """
    if num_envs < 1:
        raise ValueError(f"num_envs must be at least 1, got {num_envs!r}")
    if looks_like_atari(env_id):
        config = atari if atari is not None else AtariConfig(env_id=env_id)
        return AtariVector(config, num_envs, num_threads)
    return GymVector(env_id, num_envs)


def make_env(
    env_id: str, render_mode: str | None = None, *, atari: AtariConfig | None = None
) -> gymnasium.Env[NDArray[Any], np.int64]:
    """One env with the observations that the networks take, to watch or step by hand. See `make_vector`."""
    if looks_like_atari(env_id):
        return AtariEnv(atari if atari is not None else AtariConfig(env_id=env_id), render_mode)
    options: dict[str, Any] = {} if render_mode is None else {"render_mode": render_mode}
    try:
        env = gymnasium.make(env_id, disable_env_checker=True, **options)
    except gymnasium.error.UnregisteredEnv as error:
        raise ValueError(
            f"no environment {env_id!r}; nearest: {nearest(env_id, gymnasium.registry)}"
        ) from error
    except (gymnasium.error.Error, ImportError) as error:  # a package is missing, or the version is gone
        where = " (a module is looked for in the current folder and on PYTHONPATH)" if ":" in env_id else ""
        raise ValueError(f"{env_id}: {error}{where}") from error
    if not isinstance(env.action_space, spaces.Discrete) or env.action_space.start != 0:
        raise ValueError(f"{env_id}: needs discrete actions 0..A-1, has {env.action_space}")
    return _network_obs(env_id, env)


def _network_obs(env_id: str, env: gymnasium.Env[Any, Any]) -> gymnasium.Env[NDArray[Any], np.int64]:
    """Show vectors as float32[features], images as uint8[C, H, W]; flatten what is neither."""
    space = env.observation_space
    if isinstance(space, spaces.Box) and len(space.shape) == 1 and space.dtype != np.uint8:
        return env
    if isinstance(space, spaces.Box) and space.dtype == np.uint8 and len(space.shape) in (2, 3):
        return _channels_first(env, space)
    if not space.is_np_flattenable:
        raise ValueError(f"{env_id}: observations of {space} cannot be shown to a network")
    return FlattenObservation(env)


def _channels_first(env: gymnasium.Env[Any, Any], space: spaces.Box) -> gymnasium.Env[NDArray[Any], np.int64]:
    """uint8[H, W], [H, W, C] or [C, H, W] as uint8[C, H, W]; those too small for convolutions flattened.

    The first of three axes is that of the channels where it alone is small.
    """
    if len(space.shape) == 3 and space.shape[0] < min(space.shape[1:]) >= IMAGE_SIDE_MIN:
        return env
    if min(space.shape[:2]) < IMAGE_SIDE_MIN:
        return FlattenObservation(env)
    channels = space.shape[2] if len(space.shape) == 3 else 1
    shape = (channels, *space.shape[:2])

    def show(obs: NDArray[np.uint8]) -> NDArray[np.uint8]:
        return np.moveaxis(obs.reshape(*obs.shape[:2], channels), 2, 0)

    return TransformObservation(env, show, spaces.Box(0, 255, shape, np.uint8))
