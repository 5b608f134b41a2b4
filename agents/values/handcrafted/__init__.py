"""Judgement written down by experts, one file for each game: named terms, named weights, explanations."""

from typing import Any

from agents.values.handcrafted import connect_four, othello, othello_squares, tic_tac_toe
from agents.values.handcrafted.terms import explained
from agents.values.value import KernelValue
from envs.boards.game import Game
from envs.boards.rules import State

_WEIGHTS: dict[str, Any] = {
    "tic_tac_toe": tic_tac_toe.HandcraftedTicTacToe(),
    "connect_four": connect_four.HandcraftedConnectFour(),
    "othello": othello.HandcraftedOthello(),
}


class HandcraftedValue(KernelValue):
    """Expert features with expert weights. ValueError for a game without experts."""

    def __init__(self, game: Game) -> None:
        if game.name not in _WEIGHTS:
            raise ValueError(f"no handcrafted value for {game.name} (games: {', '.join(_WEIGHTS)})")
        self.weights = _WEIGHTS[game.name]
        super().__init__("handcrafted", game, self.weights)

    def explain(self, state: State) -> dict[str, float]:
        """Score units that each term adds for the side to move in an unfinished state."""
        return explained(self.weights, state, self.weights._fields)


class SquaresValue(KernelValue):
    """A weight for each square. ValueError for another game than Othello."""

    def __init__(self, game: Game) -> None:
        if game.name != "othello":
            raise ValueError(f"no weights of squares for {game.name}; there are some for othello")
        super().__init__("squares", game, othello_squares.SquaresOthello())

    def explain(self, state: State) -> dict[str, float]:
        """Score units for the side to move in an unfinished state, all in one term."""
        return explained(self.kernel, state, othello_squares.SquaresOthello._fields)
