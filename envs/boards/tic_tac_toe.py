"""Tic-Tac-Toe: three by three, three in a line wins.

    bit 3*row + column, row 0 at the top:   0 1 2        a1 b1 c1
    `own`: stones of the side to move;      3 4 5        a2 b2 c2
    `occupied`: stones of both.             6 7 8        a3 b3 c3

An action is a cell.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from envs.boards import rules
from envs.boards.bits import ONE, ZERO, mixed
from envs.boards.dispatch import kernel, words
from envs.boards.facts import Facts
from envs.boards.square import cell_permutation

SIZE = 3
NUM_CELLS = SIZE * SIZE
NINE = np.uint64(9)
BOARD = np.uint64(0b111_111_111)
_LINES = ("012", "345", "678", "036", "147", "258", "048", "246")
LINES = tuple(np.uint64(sum(1 << int(cell) for cell in line)) for line in _LINES)
PERMUTATION = cell_permutation(SIZE)


@words
class TicTacToe(NamedTuple):
    """A position, seen from the side to move."""

    own: np.uint64
    occupied: np.uint64


@kernel
def has_line(stones: np.uint64) -> bool:
    """Whether three of the stones fill a row, a column or a diagonal."""
    filled = False
    for i in range(8):
        filled |= stones & LINES[i] == LINES[i]
    return filled


@rules.legal_moves.register(TicTacToe)
@kernel
def _legal_moves(state: TicTacToe) -> np.uint64:
    return ~state.occupied & BOARD


@rules.play.register(TicTacToe)
@kernel
def place(state: TicTacToe, action: int) -> TicTacToe:
    """Put a stone on cell `action` and swap sides."""
    return TicTacToe(state.occupied ^ state.own, state.occupied | (ONE << np.uint64(action)))


@rules.is_over.register(TicTacToe)
@kernel
def _is_over(state: TicTacToe) -> bool:
    return has_line(state.own ^ state.occupied) or state.occupied == BOARD


@rules.outcome.register(TicTacToe)
@kernel
def _outcome(state: TicTacToe) -> int:
    return -1 if has_line(state.own ^ state.occupied) else 0


@rules.hash_key.register(TicTacToe)
@kernel
def _hash_key(state: TicTacToe) -> np.uint64:
    return mixed((state.own << NINE) | state.occupied)


@rules.rebuild.register(TicTacToe)
@kernel
def _rebuild(like: TicTacToe, first: np.uint64, second: np.uint64) -> TicTacToe:
    return TicTacToe(first, second)


@rules.fill_planes.register(TicTacToe)
@kernel
def _fill_planes(state: TicTacToe, out: NDArray[np.float32]) -> None:
    theirs = state.own ^ state.occupied
    for cell in range(NUM_CELLS):
        bit = np.uint64(cell)
        out[0, cell // SIZE, cell % SIZE] = np.float32((state.own >> bit) & ONE)
        out[1, cell // SIZE, cell % SIZE] = np.float32((theirs >> bit) & ONE)


@kernel
def _moved(stones: np.uint64, symmetry: int) -> np.uint64:
    result = ZERO
    for cell in range(NUM_CELLS):
        result |= ((stones >> np.uint64(cell)) & ONE) << np.uint64(PERMUTATION[symmetry, cell])
    return result


@rules.transform.register(TicTacToe)
@kernel
def _transform(state: TicTacToe, symmetry: int) -> TicTacToe:
    return TicTacToe(_moved(state.own, symmetry), _moved(state.occupied, symmetry))


def _objection(state: TicTacToe, action: int) -> str:
    return f"{FACTS.move_names[action]} is taken"


FACTS = Facts(
    name="tic_tac_toe",
    title="Tic-Tac-Toe",
    initial=TicTacToe(ZERO, ZERO),
    board_shape=(SIZE, SIZE),
    num_planes=2,
    move_names=tuple(column + row for row in "123" for column in "abc"),
    move_aliases={},
    notation="cells a1-c3",
    column_labels="abc",
    row_labels="123",
    action_permutation=PERMUTATION,
    objection=_objection,
)
