"""Tic-Tac-Toe: a line is worth something as long as only one side has marked it.

Source: A. Newell & H. Simon, Human Problem Solving (1972): a line with two own marks before one with one.
"""

from typing import NamedTuple

import numpy as np

from agents.values.handcrafted.terms import clipped_sum, contributions
from agents.values.value import score
from envs.boards.bits import ZERO, popcount
from envs.boards.dispatch import kernel
from envs.boards.tic_tac_toe import LINES, TicTacToe


class HandcraftedTicTacToe(NamedTuple):
    """Weights in score units, set by hand: four open lines more, or two with two marks, win 3 of 4."""

    open_ones: int = 120  # a line with one own mark and no other
    open_twos: int = 300  # a line with two own marks and no other


@kernel
def open_lines(marks: np.uint64, others: np.uint64) -> tuple[int, int]:
    """How many of the 8 lines hold just one, and just two, of `marks` and none of `others`."""
    ones, twos = 0, 0
    for i in range(8):
        if others & LINES[i] == ZERO:
            count = popcount(marks & LINES[i])
            ones += int(count == 1)
            twos += int(count == 2)
    return ones, twos


@contributions.register(HandcraftedTicTacToe)
@kernel
def _contributions(weights: HandcraftedTicTacToe, state: TicTacToe) -> tuple[int, int]:
    own, theirs = state.own, state.own ^ state.occupied
    own_ones, own_twos = open_lines(own, theirs)
    their_ones, their_twos = open_lines(theirs, own)
    return weights.open_ones * (own_ones - their_ones), weights.open_twos * (own_twos - their_twos)


@score.register(HandcraftedTicTacToe)
@kernel
def _score(weights: HandcraftedTicTacToe, state: TicTacToe) -> int:
    return clipped_sum(contributions(weights, state))
