"""The oldest judgement of Othello: every square has a weight, and whoever holds more of it is better off.

The yardstick of beginners' programs, and what the better handcrafted value has to beat.
Source of the table: P. Norvig, Paradigms of Artificial Intelligence Programming (1992), chapter 18.
"""

from typing import NamedTuple

import numpy as np

from agents.values.handcrafted.terms import clipped_sum, contributions
from agents.values.value import score
from envs.boards.bits import popcount
from envs.boards.dispatch import kernel
from envs.boards.othello import Othello

_QUARTER = np.array([[120, -20, 20, 5], [-20, -40, -5, -5], [20, -5, 15, 3], [5, -5, 3, 3]])
_BOARD = np.block([[_QUARTER, _QUARTER[:, ::-1]], [_QUARTER[::-1], _QUARTER[::-1, ::-1]]]).ravel()
_CLASSES = tuple(sorted(set(_BOARD.tolist()) - {0}))
_MASKS = np.array([sum(1 << i for i in range(64) if _BOARD[i] == weight) for weight in _CLASSES], np.uint64)
_WEIGHTS = np.array(_CLASSES)


class SquaresOthello(NamedTuple):
    """Score units for one unit of the table: a corner is worth 480."""

    squares: int = 4


@contributions.register(SquaresOthello)
@kernel
def _contributions(weights: SquaresOthello, state: Othello) -> tuple[int]:
    total = 0
    for i in range(len(_MASKS)):
        count = popcount(state.own & _MASKS[i]) - popcount(state.opponent & _MASKS[i])
        total += int(_WEIGHTS[i] * count)
    return (weights.squares * total,)


@score.register(SquaresOthello)
@kernel
def _score(weights: SquaresOthello, state: Othello) -> int:
    return clipped_sum(contributions(weights, state))
