"""Toy environments with known answers: where a learner is right or wrong, not better or worse.

| id                    | what it asks of a learner                   | best return | a memoryless policy |
|-----------------------|---------------------------------------------|-------------|---------------------|
| advantage/Corridor-v0 | look past a small reward to a larger one    | 1           | 1                   |
| advantage/Catch-v0    | credit an action nine steps before its pay  | 1           | 1                   |
| advantage/Recall-v0   | remember a cue that is no longer shown      | 1           | -1/2 (on average)   |

Importing this module registers the three with gymnasium. Each has `OPTIMAL_RETURN`, the best return
(undiscounted). Sources: Catch and Recall ("memory length") after bsuite, Osband et al. 2020,
arXiv:1908.03568.
"""

from __future__ import annotations

from typing import Any, ClassVar

import gymnasium
import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

Obs = NDArray[np.float32]
Outcome = tuple[Obs, float, bool, bool, dict[str, Any]]

CELL_PIXELS = 24
BACKGROUND, AGENT, GOAL, LURE = (24, 26, 32), (86, 156, 214), (98, 190, 110), (222, 170, 70)


class Toy(gymnasium.Env[Obs, np.int64]):
    """A toy on a small grid: float32 features as observation, a coloured grid as picture."""

    metadata: dict[str, Any] = {"render_modes": ["rgb_array"], "render_fps": 8}  # noqa: RUF012
    OPTIMAL_RETURN: ClassVar[float] = 1.0

    def __init__(self, num_features: int, num_actions: int, render_mode: str | None = None) -> None:
        self.observation_space = spaces.Box(0.0, 1.0, (num_features,), np.float32)
        self.action_space = spaces.Discrete(num_actions)
        self.render_mode = render_mode

    def render(self) -> NDArray[np.uint8]:
        """The grid as uint8[H, W, 3], `CELL_PIXELS` a cell."""
        return self._grid().repeat(CELL_PIXELS, axis=0).repeat(CELL_PIXELS, axis=1)

    def _grid(self) -> NDArray[np.uint8]:
        """One colour a cell: uint8[rows, columns, 3]."""
        raise NotImplementedError


def _blank(rows: int, columns: int) -> NDArray[np.uint8]:
    return np.full((rows, columns, 3), BACKGROUND, np.uint8)


class Corridor(Toy):
    """Walk left (0) or right (1): the left end pays 0.1, the right end 1, and both end the episode.

    The walk starts in cell 1, next to the small reward. The observation is the cell, one-hot.
    With discount g the value of cell c under the best policy is g ** (length - 2 - c), as long as that beats
    the lure (in the start cell: g ** (length - 3) > 0.1). So learned values can be held against exact ones.
    """

    LURE_REWARD = 0.1
    START = 1

    def __init__(self, length: int = 8, render_mode: str | None = None) -> None:
        if length < 4:
            raise ValueError(f"Corridor.length must be at least 4, got {length!r}")
        super().__init__(length, 2, render_mode)
        self.length = length
        self.cell = self.START

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Obs, dict[str, Any]]:
        """Go back to the start cell."""
        super().reset(seed=seed)
        self.cell = self.START
        return self._obs(), {}

    def step(self, action: np.int64) -> Outcome:
        """Walk one cell."""
        self.cell += 1 if action == 1 else -1
        if self.cell == self.length - 1:
            return self._obs(), 1.0, True, False, {}
        if self.cell == 0:
            return self._obs(), self.LURE_REWARD, True, False, {}
        return self._obs(), 0.0, False, False, {}

    def _obs(self) -> Obs:
        obs = np.zeros(self.length, np.float32)
        obs[self.cell] = 1.0
        return obs

    def _grid(self) -> NDArray[np.uint8]:
        grid = _blank(1, self.length)
        grid[0, 0], grid[0, -1] = LURE, GOAL
        grid[0, self.cell] = AGENT
        return grid


class Catch(Toy):
    """A ball falls one row a step; be under it at the bottom: left (0), stay (1), right (2). Caught pays 1,
    missed -1.

    The observation is the board, flattened, row 0 at the top: 1 where the ball is and where the paddle is.
    """

    ROWS, COLUMNS = 10, 5

    def __init__(self, render_mode: str | None = None) -> None:
        super().__init__(self.ROWS * self.COLUMNS, 3, render_mode)
        self.ball_row = self.ball_column = 0
        self.paddle_column = self.COLUMNS // 2

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Obs, dict[str, Any]]:
        """Drop a new ball from a random column; the paddle starts in the middle."""
        super().reset(seed=seed)
        self.ball_row, self.ball_column = 0, int(self.np_random.integers(self.COLUMNS))
        self.paddle_column = self.COLUMNS // 2
        return self._obs(), {}

    def step(self, action: np.int64) -> Outcome:
        """Move the paddle, then let the ball fall by one row."""
        self.paddle_column = min(max(self.paddle_column + int(action) - 1, 0), self.COLUMNS - 1)
        self.ball_row += 1
        landed = self.ball_row == self.ROWS - 1
        caught = self.ball_column == self.paddle_column
        reward = (1.0 if caught else -1.0) if landed else 0.0
        return self._obs(), reward, landed, False, {}

    def _obs(self) -> Obs:
        board = np.zeros((self.ROWS, self.COLUMNS), np.float32)
        board[self.ball_row, self.ball_column] = 1.0
        board[-1, self.paddle_column] = 1.0
        return board.ravel()

    def _grid(self) -> NDArray[np.uint8]:
        grid = _blank(self.ROWS, self.COLUMNS)
        grid[-1, self.paddle_column] = AGENT
        grid[self.ball_row, self.ball_column] = GOAL
        return grid


class Recall(Toy):
    """A cue is shown in the first step only; after a gap of blank steps a question is asked: which cue was
    it?

    The answer pays 1 if right, -1 if wrong, and ends the episode; actions before the question do nothing.
    The gap is drawn anew each episode, so that counting steps does not help. Without memory nothing beats a
    guess: with K cues its mean return is 2/K - 1. Observation: the cue one-hot (K features), then 1 while
    the question is asked.
    """

    NUM_CUES = 4

    def __init__(self, gap_min: int = 4, gap_max: int = 8, render_mode: str | None = None) -> None:
        if not 0 <= gap_min <= gap_max:
            raise ValueError(f"Recall needs 0 <= gap_min <= gap_max, got {gap_min!r} and {gap_max!r}")
        super().__init__(self.NUM_CUES + 1, self.NUM_CUES, render_mode)
        self.gap_min, self.gap_max = gap_min, gap_max
        self.cue = self.step_count = 0
        self.question_step = gap_min + 1

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Obs, dict[str, Any]]:
        """Draw a cue and a gap, and show the cue."""
        super().reset(seed=seed)
        self.cue = int(self.np_random.integers(self.NUM_CUES))
        self.question_step = 1 + int(self.np_random.integers(self.gap_min, self.gap_max + 1))
        self.step_count = 0
        return self._obs(), {}

    def step(self, action: np.int64) -> Outcome:
        """Answer if the question is asked; else let one step pass."""
        asked = self.step_count == self.question_step
        self.step_count += 1
        reward = (1.0 if action == self.cue else -1.0) if asked else 0.0
        return self._obs(), reward, asked, False, {}

    def _obs(self) -> Obs:
        obs = np.zeros(self.NUM_CUES + 1, np.float32)
        if self.step_count == 0:
            obs[self.cue] = 1.0
        elif self.step_count == self.question_step:
            obs[-1] = 1.0
        return obs

    def _grid(self) -> NDArray[np.uint8]:
        grid = _blank(1, self.NUM_CUES + 1)
        shown = self._obs()
        grid[0, :-1][shown[:-1] > 0] = GOAL
        grid[0, -1] = LURE if shown[-1] > 0 else BACKGROUND
        return grid


CORRIDOR, CATCH, RECALL = "advantage/Corridor-v0", "advantage/Catch-v0", "advantage/Recall-v0"

gymnasium.register(CORRIDOR, entry_point="envs.toys:Corridor", max_episode_steps=50)
gymnasium.register(CATCH, entry_point="envs.toys:Catch")
gymnasium.register(RECALL, entry_point="envs.toys:Recall")
