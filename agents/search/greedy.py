"""The player that looks at each of its moves once and takes the one whose outcome it likes best."""

import numpy as np

from agents.players import BasePlayer, Decision, check_turn
from agents.values.value import Value
from envs.boards import rules
from envs.boards.game import Position


class GreedyPlayer(BasePlayer):
    """Judgement without search: one batch of values for all moves.

    Args:
        name: as tables print it.
        value: judges the states after each move; finished ones have their result.
    """

    def __init__(self, name: str, value: Value) -> None:
        super().__init__(name)
        self.value = value

    def choose(self, position: Position) -> Decision:
        """The best move, the first of equals. ValueError for a finished position or another game."""
        check_turn(self.name, self.value.game, position)
        actions = position.legal()
        children = [rules.play(position.state, action) for action in actions]
        worth = np.array([-float(rules.outcome(c)) if rules.is_over(c) else 0.0 for c in children])
        open_ones = [i for i, child in enumerate(children) if not rules.is_over(child)]
        if open_ones:
            worth[open_ones] = -self.value.values(np.array([children[i] for i in open_ones], np.uint64))
        best = int(worth.argmax())
        return Decision(
            action=actions[best],
            value=float(worth[best]),
            principal_variation=(actions[best],),
            statistics={"depth": 1, "nodes": len(actions)},
        )
