"""A board game as a PettingZoo environment: agents take turns, none is built in."""

from typing import Any

import gymnasium
import numpy as np
from gymnasium.spaces import Space
from pettingzoo import AECEnv
from pettingzoo.utils.wrappers import OrderEnforcingWrapper

from envs.boards.game import Position, game

AGENTS = ("player_0", "player_1")  # in the order of the first move


def board_aec(game_name: str, render_mode: str | None = None) -> OrderEnforcingWrapper[str, Any, Any]:
    """The environment behind PettingZoo's guard against calls in a wrong order."""
    return OrderEnforcingWrapper(BoardAEC(game_name, render_mode))


class BoardAEC(AECEnv[str, Any, Any]):
    """Agent-environment cycle of one board game.

    An observation is {"observation": float32[C, H, W], "action_mask": int8[A]}; plane 0 shows the stones of
    the agent that looks, plane 1 the other's; the mask is all 0 for an agent that is not to move. Rewards are
    0 until the end, then 1 and -1, or 0 and 0. An illegal action raises IllegalMove and changes nothing.

    Args:
        game_name: one of `envs.boards.game.GAMES`.
        render_mode: None or "ansi", a drawing as text.
    """

    def __init__(self, game_name: str, render_mode: str | None = None) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.game = game(game_name)
        self.render_mode = render_mode
        self.metadata = {"name": f"{game_name}_v0", "render_modes": ["ansi"], "is_parallelizable": False}
        self.possible_agents = list(AGENTS)
        shape = (self.game.num_planes, *self.game.board_shape)
        self.observation_spaces = {agent: self._observation_space(shape) for agent in AGENTS}
        self.action_spaces = {agent: gymnasium.spaces.Discrete(self.game.num_actions) for agent in AGENTS}
        self._position = self.game.start()

    def reset(self, seed: int | None = None, options: dict[str, Any] | None = None) -> None:
        """Begin a game. Nothing is random, so the seed changes nothing."""
        self._position = self.game.start()
        self.agents = list(AGENTS)
        self.agent_selection = AGENTS[0]
        self.rewards = dict.fromkeys(AGENTS, 0.0)
        self._cumulative_rewards = dict.fromkeys(AGENTS, 0.0)
        self.terminations = dict.fromkeys(AGENTS, False)
        self.truncations = dict.fromkeys(AGENTS, False)
        self.infos = {agent: {} for agent in AGENTS}

    def step(self, action: int | None) -> None:
        """Play `action` for the selected agent; None once the game is over."""
        if self.terminations[self.agent_selection]:
            self._was_dead_step(action)
            return
        if action is None:
            raise ValueError(f"{self.game.name}: {self.agent_selection} must give an action")
        self._position = self._position.play(action)
        self._cumulative_rewards[self.agent_selection] = 0.0
        self.agent_selection = AGENTS[self._position.player]
        if self._position.is_over:
            result = float(self._position.result)
            self.rewards = dict(zip(AGENTS, (result, -result), strict=True))
            self.terminations = dict.fromkeys(AGENTS, True)
        self._accumulate_rewards()

    def observe(self, agent: str) -> dict[str, Any]:
        """What `agent` sees, and what it may play if it is to move."""
        player = AGENTS.index(agent)
        mask = np.zeros(self.game.num_actions, np.int8)
        if player == self._position.player:
            mask[:] = self.game.legal_mask(self._position.state)
        return {"observation": self._position.planes(player), "action_mask": mask}

    def observation_space(self, agent: str) -> Space[Any]:
        """The same for both."""
        return self.observation_spaces[agent]

    def action_space(self, agent: str) -> Space[Any]:
        """The same for both."""
        return self.action_spaces[agent]

    def render(self) -> str | None:
        """The board as text in mode "ansi"."""
        return self._position.text() if self.render_mode == "ansi" else None

    def close(self) -> None:
        """Nothing is held."""

    @property
    def position(self) -> Position:
        """Where the game stands."""
        return self._position

    def _observation_space(self, shape: tuple[int, ...]) -> gymnasium.spaces.Dict:
        return gymnasium.spaces.Dict(
            {
                "observation": gymnasium.spaces.Box(0.0, 1.0, shape, np.float32),
                "action_mask": gymnasium.spaces.Box(0, 1, (self.game.num_actions,), np.int8),
            }
        )
