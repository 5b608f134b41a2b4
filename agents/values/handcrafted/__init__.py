"""Judgement written down by experts, one file for each game: named terms, named weights, explanations."""

from typing import Any

from agents.values.handcrafted import connect_four, othello, tic_tac_toe
from agents.values.handcrafted.terms import clipped_sum, contributions
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
        """Score units that each term adds for the side to move in an unfinished state; they sum to its score.

        Where the sum exceeds the range of scores, the term "limit" takes the excess away.
        """
        parts = [int(part) for part in contributions(self.weights, state)]
        explained = dict(zip(self.weights._fields, map(float, parts), strict=True))
        excess = sum(parts) - int(clipped_sum(tuple(parts)))
        return explained | ({"limit": float(-excess)} if excess else {})
