"""How well the networks of a training play: what its log shows and its best model is chosen by.

Where a game has an exact solver, positions of random games are solved once at the start and never learned
from. Elsewhere a short match is played against alpha-beta with the handcrafted value.
"""

from collections.abc import Callable
from typing import Protocol

import numpy as np

from agents.arena.match import play_match
from agents.arena.random_positions import after_random_moves
from agents.board_value.config import BoardValueConfig
from agents.players import Player
from agents.runs.seeding import child_seed, generators
from agents.search.alpha_beta_player import AlphaBetaPlayer
from agents.search.limits import Limits
from agents.search.solver import SolverPlayer
from agents.values.handcrafted import HandcraftedValue
from envs.boards.game import Game, Position

MATCH_DEPTH = 3  # plies of the handcrafted opponent
HELD_PLIES = {  # of held positions, as many of each range: what the solvers answer in milliseconds
    "tic_tac_toe": ((1, 8),),
    "connect_four": ((4, 7), (16, 41)),  # before the book's eight stones, and late
    "othello": ((46, 59),),
}


class Yardstick(Protocol):
    """Measures players; the same player gets the same figures again."""

    def measure(self, player: Player) -> dict[str, float]:
        """Figures for the log; `score` is among them, higher is better."""


class SolvedPositions:
    """Positions in which one can err, with the exact values of their moves.

    Args:
        game: of the positions.
        solver: finds the value of each action.
        count: how many.
        rng: draws the positions.
    """

    def __init__(
        self,
        game: Game,
        solver: Callable[[Position], dict[int, int]],
        *,
        count: int,
        rng: np.random.Generator,
    ) -> None:
        self._game = game
        self._positions: list[Position] = []
        self._errors = np.zeros((count, game.num_actions), np.bool_)  # actions that give value away
        ranges = HELD_PLIES[game.name]
        for number in range(count):
            values: dict[int, int] = {}
            while len(set(values.values())) < 2:
                position = _random_position(game, ranges[number % len(ranges)], rng)
                values = solver(position)
            best = max(values.values())
            worse = [action for action, value in values.items() if value < best]
            self._errors[number, worse] = True
            self._positions.append(position)

    def measure(self, player: Player) -> dict[str, float]:
        """`mistakes`: their rate; `score`: 1 - the policy share on errors, which varies less by chance."""
        player.reset(0)
        decisions = player.choose_many(self._positions)
        mistakes = self._errors[np.arange(len(decisions)), [decision.action for decision in decisions]]
        wasted = [
            float(mistake) if decision.policy is None else float(decision.policy @ errors)
            for decision, errors, mistake in zip(decisions, self._errors, mistakes, strict=True)
        ]
        return {"mistakes": float(mistakes.mean()), "score": 1.0 - float(np.mean(wasted))}


class HandcraftedMatch:
    """A match against shallow alpha-beta with the handcrafted value.

    Args:
        game: that is played.
        games: even.
        seed: of the openings.
    """

    def __init__(self, game: Game, *, games: int, seed: int) -> None:
        self._game, self._games, self._seed = game, games, seed
        self._opponent = AlphaBetaPlayer("handcrafted", HandcraftedValue(game), Limits(depth=MATCH_DEPTH))

    def measure(self, player: Player) -> dict[str, float]:
        """`score`: points for each game, in [0, 1]."""
        return {"score": play_match(self._game, (player, self._opponent), self._games, seed=self._seed).score}


def yardstick_for(game: Game, config: BoardValueConfig) -> Yardstick | None:
    """The measure of a training; None where its config asks for none."""
    if config.held_positions:
        rng = generators(config.seed, "held")["held"]
        return SolvedPositions(
            game, SolverPlayer("solver", game).analyse, count=config.held_positions, rng=rng
        )
    if config.held_games:
        return HandcraftedMatch(game, games=config.held_games, seed=child_seed(config.seed, "held"))
    return None


def _random_position(game: Game, plies: tuple[int, int], rng: np.random.Generator) -> Position:
    """An unfinished position of a random game after so many moves."""
    while True:
        position = after_random_moves(game, int(rng.integers(*plies, endpoint=True)), rng)
        if not position.is_over:
            return position
