"""Othello discs that nobody can turn over any more, whatever is played: a bound on the final score.

A disc is stable when, along each of the four lines through it, the line is full, or a neighbour is the edge
of the board or a stable disc of the same side. Not all stable discs are found so, and none that is not
stable.
"""

import numpy as np

from envs.boards.bits import ONE, ZERO
from envs.boards.dispatch import kernel
from envs.boards.othello import ALL as _ALL

_TWO, _FOUR = np.uint64(2), np.uint64(4)
_SEVEN, _EIGHT, _NINE = np.uint64(7), np.uint64(8), np.uint64(9)
_EDGE_COLUMNS, _EDGE_ROWS = np.uint64(0x8181818181818181), np.uint64(0xFF000000000000FF)
_EDGES = _EDGE_COLUMNS | _EDGE_ROWS
# The columns that a shift by one, two or four columns towards higher or lower bits can reach.
_NOT_A, _NOT_AB, _NOT_A_TO_D = (np.uint64(row * 0x0101010101010101) for row in (0xFE, 0xFC, 0xF0))
_NOT_H, _NOT_GH, _NOT_E_TO_H = (np.uint64(row * 0x0101010101010101) for row in (0x7F, 0x3F, 0x0F))


@kernel
def stable_discs(own: np.uint64, opponent: np.uint64) -> np.uint64:
    """Discs of `own` that are stable by the rule above."""
    empty = ~(own | opponent)
    rows = ~_gaps(empty, ONE, _NOT_A, _NOT_AB, _NOT_A_TO_D, _NOT_H, _NOT_GH, _NOT_E_TO_H) | _EDGE_COLUMNS
    columns = ~_gaps(empty, _EIGHT, _ALL, _ALL, _ALL, _ALL, _ALL, _ALL) | _EDGE_ROWS
    falling = ~_gaps(empty, _NINE, _NOT_A, _NOT_AB, _NOT_A_TO_D, _NOT_H, _NOT_GH, _NOT_E_TO_H) | _EDGES
    rising = ~_gaps(empty, _SEVEN, _NOT_H, _NOT_GH, _NOT_E_TO_H, _NOT_A, _NOT_AB, _NOT_A_TO_D) | _EDGES
    stable = own & rows & columns & falling & rising
    before = ZERO
    while stable != before:
        before = stable
        along_row = rows | ((stable << ONE) & _NOT_A) | ((stable >> ONE) & _NOT_H)
        along_column = columns | (stable << _EIGHT) | (stable >> _EIGHT)
        along_falling = falling | ((stable << _NINE) & _NOT_A) | ((stable >> _NINE) & _NOT_H)
        along_rising = rising | ((stable << _SEVEN) & _NOT_H) | ((stable >> _SEVEN) & _NOT_A)
        stable = own & along_row & along_column & along_falling & along_rising
    return stable


@kernel
def _gaps(
    empty: np.uint64,
    step: np.uint64,
    up_1: np.uint64,
    up_2: np.uint64,
    up_4: np.uint64,
    down_1: np.uint64,
    down_2: np.uint64,
    down_4: np.uint64,
) -> np.uint64:
    """The squares of all lines of direction `step` that hold an empty square (parallel prefix).

    Args: up_k, down_k: where a shift by k steps up or down may land without leaving its line.
    """
    up = empty | ((empty << step) & up_1)
    up |= (up << (step * _TWO)) & up_2
    up |= (up << (step * _FOUR)) & up_4
    down = empty | ((empty >> step) & down_1)
    down |= (down >> (step * _TWO)) & down_2
    return up | down | ((down >> (step * _FOUR)) & down_4)
