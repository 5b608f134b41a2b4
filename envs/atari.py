"""Atari 2600 games by the standard protocol, as a fast vector of emulators and as one picture to watch.

The protocol is Machado et al. 2018 (arXiv:1709.06009) with the observations of Mnih et al. 2015: four
emulator frames a step, the last two max-pooled, 84 x 84 grey, four of them stacked (newest last, zeros
before the first); an action is repeated with probability 0.25 against what the agent chose ("sticky"); an
episode ends when the game is over, not when a life is lost, and is truncated after 108,000 emulator frames
(half an hour of play). Rewards are the game's own score.

`ale_py.vector_env.AtariVectorEnv` (native code, many emulators) has other defaults, so every one of them is
set here. Two of its habits are avoided:

- Its last observation at its own frame cap still shows the moving things of the step before (ale-py 0.12.1:
  the frame loop breaks off before both pooled frames are fresh). Its cap is set out of reach, and
  `EmulatorVector` truncates.
- Its automatic reset takes no seed. Finished games are reset by mask, with a seed or without.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, NamedTuple

import ale_py
import gymnasium
import numpy as np
from ale_py.registration import rom_id_to_name
from ale_py.vector_env import AtariVectorEnv
from gymnasium import spaces
from gymnasium.vector import AutoresetMode
from numpy.typing import NDArray

from envs.names import nearest

PREFIX = "ALE/"
FRAMES_PER_SECOND = 60  # of the console
UNSEEDED = -1  # go on with the emulator's own random stream
SCREEN_HEIGHT, SCREEN_WIDTH = 210, 160
WHOLE_HEIGHT, CUT_TOP, CUT_HEIGHT = 110, 18, 84  # rows of the whole screen, and of the playing area in it

gymnasium.register_envs(ale_py)


@dataclass(frozen=True, kw_only=True, slots=True)
class AtariConfig:
    """One Atari game and how it is shown."""

    env_id: str = "ALE/Pong-v5"
    frame_skip: int = 4  # emulator frames a step (Mnih et al. 2015)
    frame_stack: int = 4  # observations stacked (Mnih et al. 2015)
    frame_size: int = 84  # pixels, height and width (Mnih et al. 2015)
    playing_area_only: bool = False  # a cut without the score, a third taller (Mnih et al. 2013, section 4.1)
    repeat_action_probability: float = 0.25  # sticky actions (Machado et al. 2018)
    max_episode_frames: int = 108_000  # emulator frames, idle start included: 30 min (Machado et al. 2018)
    noop_max: int = 30  # at most so many idle frames at the start (Mnih et al. 2015)
    full_action_space: bool = False  # all 18 actions instead of those the game uses

    def __post_init__(self) -> None:
        rom_name(self.env_id)
        for field in ("frame_skip", "frame_stack", "max_episode_frames"):
            if getattr(self, field) < 1:
                raise ValueError(f"AtariConfig.{field} must be at least 1, got {getattr(self, field)!r}")
        if self.frame_size < 36:
            raise ValueError(f"AtariConfig.frame_size must be at least 36, got {self.frame_size!r}")
        if not 0 <= self.repeat_action_probability < 1:
            raise ValueError(
                "AtariConfig.repeat_action_probability must be in [0, 1), got "
                f"{self.repeat_action_probability!r}"
            )
        if self.noop_max < 0:
            raise ValueError(f"AtariConfig.noop_max must not be negative, got {self.noop_max!r}")

    @property
    def seen_rows(self) -> slice:
        """Of the screen's 210 rows, those that the observations show."""
        if not self.playing_area_only:
            return slice(0, SCREEN_HEIGHT)
        bounds = (CUT_TOP, CUT_TOP + CUT_HEIGHT)
        return slice(*(round(row * SCREEN_HEIGHT / WHOLE_HEIGHT) for row in bounds))


def rom_name(env_id: str) -> str:
    """`ALE/SpaceInvaders-v5` -> `space_invaders`. Raises ValueError naming the nearest game."""
    ids = {f"{PREFIX}{rom_id_to_name(rom)}-v5": rom for rom in ale_py.roms.get_all_rom_ids()}
    if env_id not in ids:
        raise ValueError(f"no Atari game {env_id!r}; nearest: {nearest(env_id, ids)}")
    return ids[env_id]


def action_names(config: AtariConfig) -> tuple[str, ...]:
    """The actions by their names (`NOOP`, `FIRE`, `UPRIGHT`, ...), in the order of their numbers."""
    emulators = _emulators(config, num_envs=1, num_threads=1)
    names = tuple(action.name for action in emulators.ale.get_action_set())
    emulators.close()
    return names


class EmulatorStep(NamedTuple):
    """What N emulators answer. Finished games stand still until they are reset."""

    obs: NDArray[np.uint8]  # [N, stack, H, W], of the last step where the game ended
    reward: NDArray[np.float32]  # [N], the game's own score, unclipped
    terminated: NDArray[np.bool_]  # [N]
    truncated: NDArray[np.bool_]  # [N], the frame cap
    life_lost: NDArray[np.bool_]  # [N]; the game goes on


class EmulatorVector:
    """N emulators of one game that step together, in native threads, and are reset one by one."""

    def __init__(self, config: AtariConfig, num_envs: int, num_threads: int = 1, **picture: Any) -> None:
        self.config = config
        self.emulators = _emulators(config, num_envs, num_threads, **picture)
        self.num_actions = len(self.emulators.ale.get_action_set())
        shape: tuple[int, ...] = tuple(self.emulators.ale.get_observation_shape())
        cut = config.playing_area_only and not picture
        self._top = config.frame_size * CUT_TOP // CUT_HEIGHT if cut else 0
        self._rows = config.frame_size if cut else shape[1]
        self.obs_shape: tuple[int, ...] = (shape[0], self._rows, *shape[2:])
        self._lives = np.zeros(num_envs, np.int64)

    def reset(self, seeds: NDArray[np.int64], which: NDArray[np.bool_]) -> NDArray[np.uint8]:
        """Start a new episode in the emulators of the mask `which` [N]; returns obs of all [N, ...].

        `seeds` int64, one for each of them; `UNSEEDED` goes on with the emulator's own random stream.
        """
        obs, info = self.emulators.reset(seed=seeds, options={"reset_mask": which})
        self._lives[which] = info["lives"][which]
        return self._cut(obs)

    def send(self, actions: NDArray[np.int64]) -> None:
        """Let the emulators step; returns at once."""
        self.emulators.send(actions)

    def receive(self) -> EmulatorStep:
        """Wait for the step that was sent."""
        obs, reward, terminated, _, info = self.emulators.recv()
        capped = info["episode_frame_number"] >= self.config.max_episode_frames
        life_lost = (info["lives"] < self._lives) & ~terminated
        self._lives = info["lives"].copy()
        truncated = capped & ~terminated
        return EmulatorStep(self._cut(obs), reward.astype(np.float32), terminated, truncated, life_lost)

    def _cut(self, obs: NDArray[np.uint8]) -> NDArray[np.uint8]:
        return obs[:, :, self._top : self._top + self._rows]

    def close(self) -> None:
        """Free the emulators."""
        self.emulators.close()


def _emulators(config: AtariConfig, num_envs: int, num_threads: int, **picture: Any) -> AtariVectorEnv:
    size = config.frame_size
    shown = {
        "img_height": size * WHOLE_HEIGHT // CUT_HEIGHT if config.playing_area_only else size,
        "img_width": size,
        "stack_num": config.frame_stack,
        "grayscale": True,
    }
    return AtariVectorEnv(
        rom_name(config.env_id),
        num_envs,
        batch_size=0,  # all of them at each step
        num_threads=num_threads,
        thread_affinity_offset=-1,
        max_num_frames_per_episode=config.max_episode_frames
        + 2 * config.frame_skip,  # out of reach, see above
        repeat_action_probability=config.repeat_action_probability,
        full_action_space=config.full_action_space,
        continuous=False,
        continuous_action_threshold=0.5,
        autoreset_mode=AutoresetMode.NEXT_STEP,  # which a reset by mask forestalls
        frameskip=config.frame_skip,
        maxpool=True,
        noop_max=config.noop_max,
        episodic_life=False,
        life_loss_info=False,
        reward_clipping=False,
        use_fire_reset=False,
        **(shown | picture),
    )


class AtariEnv(gymnasium.Env[NDArray[np.uint8], np.int64]):
    """One game to watch: the same observations as in training, and `render()` in colour.

    A second emulator with the same seed and actions draws the colour picture, so both show the same moment.
    """

    metadata: dict[str, Any] = {"render_modes": ["rgb_array"], "render_fps": 15}  # noqa: RUF012

    def __init__(self, config: AtariConfig, render_mode: str | None = None) -> None:
        self.config = config
        self.render_mode = render_mode
        self.metadata = self.metadata | {"render_fps": FRAMES_PER_SECOND // config.frame_skip}
        self._games = [EmulatorVector(config, 1)]
        if render_mode == "rgb_array":
            colour = {
                "img_height": SCREEN_HEIGHT,
                "img_width": SCREEN_WIDTH,
                "stack_num": 1,
                "grayscale": False,
            }
            self._games.append(EmulatorVector(config, 1, **colour))
        self.observation_space = spaces.Box(0, 255, self._games[0].obs_shape, np.uint8)
        self.action_space = spaces.Discrete(self._games[0].num_actions)
        self._shown: NDArray[np.uint8] = np.zeros((1, SCREEN_HEIGHT, SCREEN_WIDTH, 3), np.uint8)

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[NDArray[np.uint8], dict[str, Any]]:
        """Start a game; without `seed`, one drawn from the env's own stream."""
        super().reset(seed=seed)
        episode_seed = self.np_random.integers(2**31, size=1)
        obs = [game.reset(episode_seed, np.ones(1, np.bool_)) for game in self._games]
        self._shown = obs[-1][0]
        return obs[0][0], {}

    def step(self, action: np.int64) -> tuple[NDArray[np.uint8], float, bool, bool, dict[str, Any]]:
        """Play `action` for `frame_skip` emulator frames."""
        steps = []
        for game in self._games:
            game.send(np.array([action], np.int64))
            steps.append(game.receive())
        self._shown = steps[-1].obs[0]
        played = steps[0]
        return (
            played.obs[0],
            float(played.reward[0]),
            bool(played.terminated[0]),
            bool(played.truncated[0]),
            {},
        )

    def render(self) -> NDArray[np.uint8]:
        """The colour screen, uint8[210, 160, 3]."""
        return np.asarray(self._shown[-1])

    def close(self) -> None:
        """Free the emulators."""
        for game in self._games:
            game.close()


def looks_like_atari(env_id: str) -> bool:
    """Whether `env_id` names a game of this module, or one of gymnasium's older Atari ids
    (`PongNoFrameskip-v4`).
    """
    return env_id.startswith(PREFIX) or re.search(r"(NoFrameskip|Deterministic)-v\d+$", env_id) is not None
