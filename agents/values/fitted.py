"""The experts' features with weights fitted to games: half-way between handcrafted and learned.

Logistello's half-way house: people say what matters in Othello, a regression says how much, separately for
each number of empty squares. One more term, the turn, says what it is worth to be the side to move.

Source: M. Buro 1995, Statistical feature combination for the evaluation of game positions.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from agents.values.handcrafted.othello import HandcraftedOthello, features
from agents.values.handcrafted.terms import clipped_sum, contributions, explained
from agents.values.value import KernelValue, score
from envs.boards.bits import popcount
from envs.boards.dispatch import kernel
from envs.boards.game import game
from envs.boards.othello import NUM_SQUARES, Othello
from envs.boards.rules import State

KIND = "board_value_fitted"  # of its model files
TERMS = (*HandcraftedOthello._fields, "turn")


class FittedOthello(NamedTuple):
    """The in-kernel form: score units for one unit of each feature."""

    weights: NDArray[np.float32]  # [NUM_SQUARES + 1, len(TERMS)], by the number of empty squares


class FittedValue(KernelValue):
    """Expert features, fitted weights; Othello alone.

    Args:
        weights: float32[NUM_SQUARES + 1, len(TERMS)], score units by empty squares and term.
        name: as tables print it.
    Raises: ValueError for another shape.
    """

    def __init__(self, weights: NDArray[np.float32], name: str = "fitted") -> None:
        if weights.shape != (NUM_SQUARES + 1, len(TERMS)):
            raise ValueError(
                f"fitted weights are [{NUM_SQUARES + 1}, {len(TERMS)}], got {list(weights.shape)}; fit again"
            )
        super().__init__(name, game("othello"), FittedOthello(np.ascontiguousarray(weights, np.float32)))

    @classmethod
    def load(cls, path: str | Path, name: str = "fitted") -> FittedValue:
        """The value of a model file of this KIND. FileNotFoundError; ValueError for another kind."""
        from agents.runs.model import load_model

        header, tensors = load_model(path)
        if header.kind != KIND:
            raise ValueError(f"{path} is a model of kind {header.kind!r}, not {KIND!r}")
        return cls(tensors["weights"].numpy(), name)

    def explain(self, state: State) -> dict[str, float]:
        """Score units that each term adds for the side to move in an unfinished state."""
        return explained(self.kernel, state, TERMS)


@contributions.register(FittedOthello)
@kernel
def _contributions(
    fitted: FittedOthello, state: Othello
) -> tuple[int, int, int, int, int, int, int, int, int]:
    w = fitted.weights[NUM_SQUARES - int(popcount(state.own | state.opponent))]
    f = features(state)
    return (
        int(np.rint(w[0] * f[0])),
        int(np.rint(w[1] * f[1])),
        int(np.rint(w[2] * f[2])),
        int(np.rint(w[3] * f[3])),
        int(np.rint(w[4] * f[4])),
        int(np.rint(w[5] * f[5])),
        int(np.rint(w[6] * f[6])),
        int(np.rint(w[7] * f[7])),
        int(np.rint(w[8])),
    )


@score.register(FittedOthello)
@kernel
def _score(fitted: FittedOthello, state: Othello) -> int:
    return clipped_sum(contributions(fitted, state))
