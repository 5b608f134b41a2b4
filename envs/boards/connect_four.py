"""Connect Four: seven columns, six rows, four in a line wins.

    bit 7*column + row, row 0 at the bottom:   5 12 19 26 33 40 47   <- top row; bits 6, 13, ... stay 0
    `own`: stones of the side to move;         .  .  .  .  .  .  .
    `occupied`: stones of both.                0  7 14 21 28 35 42

An action is a column, 0 at the left. Moves are written as columns 1-7.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from envs.boards import rules
from envs.boards.bits import ONE, ZERO, mixed
from envs.boards.dispatch import kernel, words
from envs.boards.facts import Facts

NUM_COLUMNS, NUM_ROWS = 7, 6
SEVEN = np.uint64(7)
BOTTOM_ROW = np.uint64(sum(1 << (7 * column) for column in range(NUM_COLUMNS)))
TOP_ROW = np.uint64(sum(1 << (7 * column + 5) for column in range(NUM_COLUMNS)))
BOARD = np.uint64(sum(0b111111 << (7 * column) for column in range(NUM_COLUMNS)))
COLUMN = np.uint64(0b111111)
FIVE = np.uint64(5)
# Neighbours along a column, a row, and the two diagonals; and twice as far.
STEPS = (np.uint64(1), np.uint64(7), np.uint64(6), np.uint64(8))
DOUBLE_STEPS = (np.uint64(2), np.uint64(14), np.uint64(12), np.uint64(16))
TRIPLE_STEPS = (np.uint64(3), np.uint64(21), np.uint64(18), np.uint64(24))


@words
class ConnectFour(NamedTuple):
    """A position, seen from the side to move."""

    own: np.uint64
    occupied: np.uint64


INITIAL = ConnectFour(ZERO, ZERO)


@kernel
def has_four(stones: np.uint64) -> bool:
    """Whether four of the stones stand in a line."""
    for i in range(4):
        pairs = stones & (stones >> STEPS[i])
        if pairs & (pairs >> DOUBLE_STEPS[i]):
            return True
    return False


@kernel
def winning_cells(stones: np.uint64, occupied: np.uint64) -> np.uint64:
    """The empty cells, playable now or later, where one more of `stones` makes four in a line (Pons, 9)."""
    cells = (stones << STEPS[0]) & (stones << DOUBLE_STEPS[0]) & (stones << TRIPLE_STEPS[0])
    for i in range(1, 4):
        step, double, triple = STEPS[i], DOUBLE_STEPS[i], TRIPLE_STEPS[i]
        two_before = (stones << step) & (stones << double)
        two_after = (stones >> step) & (stones >> double)
        cells |= two_before & ((stones << triple) | (stones >> step))
        cells |= two_after & ((stones >> triple) | (stones << step))
    return cells & BOARD & ~occupied


@rules.legal_moves.register(ConnectFour)
@kernel
def _legal_moves(state: ConnectFour) -> np.uint64:
    open_top = ~state.occupied & TOP_ROW
    legal = ZERO
    for column in range(NUM_COLUMNS):
        legal |= ((open_top >> (SEVEN * np.uint64(column) + FIVE)) & ONE) << np.uint64(column)
    return legal


@rules.play.register(ConnectFour)
@kernel
def drop(state: ConnectFour, action: int) -> ConnectFour:
    """Drop a stone into column `action` and swap sides."""
    raised = state.occupied + (ONE << (SEVEN * np.uint64(action)))  # the carry lands on the lowest free cell
    return ConnectFour(state.occupied ^ state.own, state.occupied | raised)


@rules.is_over.register(ConnectFour)
@kernel
def _is_over(state: ConnectFour) -> bool:
    return has_four(state.own ^ state.occupied) or state.occupied == BOARD


@rules.outcome.register(ConnectFour)
@kernel
def _outcome(state: ConnectFour) -> int:
    return -1 if has_four(state.own ^ state.occupied) else 0


@rules.hash_key.register(ConnectFour)
@kernel
def _hash_key(state: ConnectFour) -> np.uint64:
    return mixed(state.own + state.occupied + BOTTOM_ROW)  # injective before mixing (Pons, part 7)


@rules.rebuild.register(ConnectFour)
@kernel
def _rebuild(like: ConnectFour, first: np.uint64, second: np.uint64) -> ConnectFour:
    return ConnectFour(first, second)


@rules.fill_planes.register(ConnectFour)
@kernel
def _fill_planes(state: ConnectFour, out: NDArray[np.float32]) -> None:
    """Plane 0: own stones; 1: the opponent's. Row 0 of the planes is the top row."""
    theirs = state.own ^ state.occupied
    for row in range(NUM_ROWS):
        for column in range(NUM_COLUMNS):
            bit = np.uint64(7 * column + NUM_ROWS - 1 - row)
            out[0, row, column] = np.float32((state.own >> bit) & ONE)
            out[1, row, column] = np.float32((theirs >> bit) & ONE)


@kernel
def _mirrored(stones: np.uint64) -> np.uint64:
    result = ZERO
    for column in range(NUM_COLUMNS):
        file = (stones >> (SEVEN * np.uint64(column))) & COLUMN
        result |= file << (SEVEN * np.uint64(NUM_COLUMNS - 1 - column))
    return result


@rules.transform.register(ConnectFour)
@kernel
def _transform(state: ConnectFour, symmetry: int) -> ConnectFour:
    """Symmetry 1 mirrors left and right."""
    if symmetry == 0:
        return state
    return ConnectFour(_mirrored(state.own), _mirrored(state.occupied))


def _objection(state: ConnectFour, action: int) -> str:
    return f"column {action + 1} is full"


FACTS = Facts(
    name="connect_four",
    title="Connect Four",
    initial=INITIAL,
    board_shape=(NUM_ROWS, NUM_COLUMNS),
    num_planes=2,
    move_names=tuple("1234567"),
    move_aliases={},
    notation="columns 1-7",
    column_labels="1234567",
    row_labels="",
    action_permutation=np.array([range(NUM_COLUMNS), range(NUM_COLUMNS - 1, -1, -1)], np.int64),
    objection=_objection,
)
