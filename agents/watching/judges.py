"""The two judgements of a position side by side: handcrafted and learned, in one unit.

The unit is the expected score: 1 for a sure win, 0.5 for a draw, 0 for a sure loss. A value in [-1, 1]
becomes an expected score by (1 + value) / 2; a finished game has its true one.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from agents.values.handcrafted import HandcraftedValue
from agents.values.value import Value
from envs.boards.game import Game, Position


@dataclass(frozen=True, kw_only=True, slots=True)
class Judged:
    """What is thought of one position without search.

    Attributes:
        handcrafted: expected score of the first player; None where the game has no handcrafted value.
        learned: the same by the learned value; None without one.
        terms: what each handcrafted term adds, in score units, positive for the first player.
        prior: float32[A], the network's policy; 0 where illegal.
        handcrafted_moves: float32[A], expected score of the side to move after each action; nan if illegal.
        learned_moves: the same by the learned value.
    """

    handcrafted: float | None = None
    learned: float | None = None
    terms: Mapping[str, float] = field(default_factory=dict)
    prior: NDArray[np.float32] | None = None
    handcrafted_moves: NDArray[np.float32] | None = None
    learned_moves: NDArray[np.float32] | None = None


class Judges:
    """The values that a window shows for one game; `policy` gives the prior where `learned` has none."""

    def __init__(
        self,
        game: Game,
        handcrafted: HandcraftedValue | None,
        learned: Value | None,
        policy: Value | None = None,
    ) -> None:
        self.game = game
        self.handcrafted = handcrafted
        self.learned = learned
        self.policy = policy

    def judge(self, position: Position) -> Judged:
        """Every opinion on a position, finished or not."""
        if position.is_over:
            exact = (1 + position.result) / 2
            return Judged(
                handcrafted=exact if self.handcrafted else None, learned=exact if self.learned else None
            )
        state = self.game.pack(position.state)[None]
        judged: dict[str, object] = {}
        sign = 1 if position.player == 0 else -1
        if self.handcrafted is not None:
            judged["handcrafted"] = expected_score(sign * float(self.handcrafted.values(state)[0]))
            explained = self.handcrafted.explain(position.state)
            judged["terms"] = {name: sign * float(units) for name, units in explained.items()}
            judged["handcrafted_moves"] = move_scores(self.handcrafted, position)
        if self.learned is not None:
            values, priors = self.learned.evaluate(state)
            if priors is None and self.policy is not None:
                _, priors = self.policy.evaluate(state)
            judged["learned"] = expected_score(sign * float(values[0]))
            judged["prior"] = None if priors is None else priors[0]
            judged["learned_moves"] = move_scores(self.learned, position)
        return Judged(**judged)  # type: ignore[arg-type]  # built by the names of its fields


def expected_score(value: float) -> float:
    """In [0, 1], of a value in [-1, 1]."""
    return (1 + value) / 2


def move_scores(value: Value, position: Position) -> NDArray[np.float32]:
    """Expected score of the side to move after each legal action, float32[A]; nan where illegal.

    The value judges the position after the action; a move that ends the game has its true score.
    """
    game = position.game
    scores = np.full(game.num_actions, np.nan, np.float32)
    open_actions, children = [], []
    for action in position.legal():
        child = position.play(action)
        if child.is_over:
            result = child.result if position.player == 0 else -child.result
            scores[action] = (1 + result) / 2
        else:
            open_actions.append(action)
            children.append(game.pack(child.state))
    if children:
        scores[open_actions] = (1 - value.values(np.stack(children))) / 2
    return scores
