"""Which moves to try first when nothing is known yet: the game's own rule of thumb.

A good order costs no truth, only time: alpha-beta returns the same score for every order, but visits far
fewer states when the best moves come first.
"""

import numpy as np
from numpy.typing import NDArray

from envs.boards import rules
from envs.boards.bits import popcount
from envs.boards.connect_four import ConnectFour, winning_cells
from envs.boards.dispatch import generic, inner_kernel, kernel
from envs.boards.othello import Othello
from envs.boards.tic_tac_toe import TicTacToe

PROMISE_MAX = 1000
ACTION_BITS = 8
_ACTION_MASK = (1 << ACTION_BITS) - 1
_CENTRE_FIRST = np.array([0, 1, 2, 3, 2, 1, 0])
_CELLS = np.array([2, 1, 2, 1, 3, 1, 2, 1, 2])
_QUARTER = np.array([[90, 20, 60, 50], [20, 0, 30, 35], [60, 30, 45, 40], [50, 35, 40, 40]])
_SQUARES = np.append(
    np.block([[_QUARTER, _QUARTER[:, ::-1]], [_QUARTER[::-1], _QUARTER[::-1, ::-1]]]).ravel(), 0
)


@generic
def promise(state: rules.State, action: int) -> int:
    """How early to try `action`: more is earlier, in [0, PROMISE_MAX]."""
    raise NotImplementedError


@promise.register(ConnectFour)
@kernel
def _connect_four(state: ConnectFour, action: int) -> int:
    """Moves that make threats, then the centre (Pons, parts 5 and 10)."""
    after = rules.play(state, action)
    threats = winning_cells(after.own ^ after.occupied, after.occupied)
    return int(10 * popcount(threats) + _CENTRE_FIRST[action])


@promise.register(TicTacToe)
@kernel
def _tic_tac_toe(state: TicTacToe, action: int) -> int:
    """Centre, corners, edges."""
    return int(_CELLS[action])


@promise.register(Othello)
@kernel
def _othello(state: Othello, action: int) -> int:
    """Corners first, squares that give up a corner last."""
    return int(_SQUARES[action])


@inner_kernel
def take_best(ranked: NDArray[np.int64], start: int, end: int) -> int:
    """What has the highest rank among ranked[start:end], which is moved to `start`.

    Each entry is rank << ACTION_BITS | an action, or the place of one in another list.
    """
    best = start
    for i in range(start + 1, end):
        if ranked[i] > ranked[best]:
            best = i
    chosen = ranked[best]
    ranked[best] = ranked[start]
    ranked[start] = chosen
    return int(chosen & _ACTION_MASK)
