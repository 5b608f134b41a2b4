"""A board game against a given opponent, as a gymnasium environment.

Importing this module registers advantage/TicTacToe-v0, advantage/ConnectFour-v0 and advantage/Othello-v0.
"""

from collections.abc import Callable
from typing import Any, Literal, TypeAlias, get_args

import gymnasium
import numpy as np
from gymnasium.error import ResetNeeded
from numpy.typing import NDArray

from envs.boards.game import GAMES, IllegalMove, Position, game

Opponent: TypeAlias = Callable[[Position], int]
Seat: TypeAlias = Literal["first", "second", "alternate"]
OnIllegal: TypeAlias = Literal["raise", "lose"]


class BoardEnv(gymnasium.Env[NDArray[np.float32], np.int64]):
    """One side of a board game; the opponent answers within `step`.

    Observations are float32[C, H, W], always from the agent's side: plane 0 his stones, plane 1 the
    opponent's. The reward is 0 until the end, then 1, 0 or -1. `info["action_mask"]`, int8[A], is 1 where an
    action is legal, so that `action_space.sample(mask)` draws a legal one; it is all 0 after the end.

    Args:
        game_name: one of `envs.boards.game.GAMES`.
        opponent: given a position where it is to move, returns its action; by default draws a legal one with
            the env's own random stream.
        seat: whether the agent moves first, second, or first in every other episode since the last seed.
        on_illegal: "raise" raises IllegalMove and leaves the episode where it is; "lose" ends it with reward
            -1 and the message as `info["illegal_move"]`. An illegal move of the opponent always raises.
        render_mode: None or "ansi", a drawing as text.
    """

    metadata: dict[str, Any] = {"render_modes": ["ansi"], "render_fps": 1}  # noqa: RUF012 (as gymnasium has it)

    def __init__(
        self,
        game_name: str,
        opponent: Opponent | None = None,
        *,
        seat: Seat = "first",
        on_illegal: OnIllegal = "raise",
        render_mode: str | None = None,
    ) -> None:
        if seat not in get_args(Seat):
            raise ValueError(f"BoardEnv.seat must be one of {', '.join(get_args(Seat))}, got {seat!r}")
        if on_illegal not in get_args(OnIllegal):
            raise ValueError(
                f"BoardEnv.on_illegal must be one of {', '.join(get_args(OnIllegal))}, got {on_illegal!r}"
            )
        self.game = game(game_name)
        self.render_mode = render_mode
        self.action_space = gymnasium.spaces.Discrete(self.game.num_actions)
        self.observation_space = gymnasium.spaces.Box(
            0.0, 1.0, (self.game.num_planes, *self.game.board_shape), np.float32
        )
        self._opponent = opponent or self._random_move
        self._seat = seat
        self._on_illegal = on_illegal
        self._episodes = 0
        self._player = 0  # the agent's: 0 first, 1 second
        self._position: Position | None = None  # None before the first reset and after a forfeit

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[NDArray[np.float32], dict[str, Any]]:
        """Begin a game; where the agent is second, the opponent has moved."""
        super().reset(seed=seed)
        if seed is not None:
            self._episodes = 0
        self._player = {"first": 0, "second": 1, "alternate": self._episodes % 2}[self._seat]
        self._episodes += 1
        self._position = self._answered(self.game.start())
        return self._position.planes(self._player), self._info(self._position)

    def step(self, action: np.int64 | int) -> tuple[NDArray[np.float32], float, bool, bool, dict[str, Any]]:
        """Play `action` and let the opponent answer. ResetNeeded when no episode is going on."""
        before = self.position
        if before.is_over:
            raise ResetNeeded(f"{self.game.name}: the game is over; call reset")
        try:
            played = before.play(int(action))
        except IllegalMove as error:
            if self._on_illegal == "raise":
                raise
            self._position = None
            info = self._info(None) | {"illegal_move": str(error)}
            return before.planes(self._player), -1.0, True, False, info
        self._position = after = self._answered(played)
        reward = 0.0
        if after.is_over:
            reward = float(after.result if self._player == 0 else -after.result)
        return after.planes(self._player), reward, after.is_over, False, self._info(after)

    def render(self) -> str | None:
        """The board as text in mode "ansi"."""
        return self.position.text() if self.render_mode == "ansi" else None

    @property
    def position(self) -> Position:
        """Where the game stands, the agent to move or the game over. ResetNeeded when there is no game."""
        if self._position is None:
            raise ResetNeeded(f"{self.game.name}: no game is going on; call reset")
        return self._position

    def _answered(self, position: Position) -> Position:
        if position.is_over or position.player == self._player:
            return position
        return position.play(self._opponent(position))

    def _random_move(self, position: Position) -> int:
        return int(self.np_random.choice(position.legal()))

    def _info(self, position: Position | None) -> dict[str, Any]:
        if position is None:
            return {"action_mask": np.zeros(self.game.num_actions, np.int8)}
        return {"action_mask": self.game.legal_mask(position.state).astype(np.int8)}


for _name in GAMES:
    gymnasium.register(
        id=f"advantage/{''.join(word.capitalize() for word in _name.split('_'))}-v0",
        entry_point="envs.boards.gym_env:BoardEnv",
        kwargs={"game_name": _name},
    )
