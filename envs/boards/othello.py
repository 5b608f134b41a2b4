"""Othello: enclose the other side's discs in a line and they become yours; most discs at the end wins.

    bit 8*row + column, row 0 at the top:    0  1  2  3  4  5  6  7     a1 b1 c1 d1 e1 f1 g1 h1
    `own`: discs of the side to move;        8  9 10 11 12 13 14 15     a2 b2 ...
    `opponent`: discs of the other.         ...                   63    ...                  h8

An action is a square, or PASS when no square is legal; the game ends when neither side has one. Black, the
first player, starts on d5 and e4. World Othello Federation rules; the outcome counts discs alone.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from envs.boards import rules
from envs.boards.bits import (
    ONE,
    ZERO,
    columns_flipped,
    highest_bit,
    mixed,
    popcount,
    rows_flipped,
    transposed,
)
from envs.boards.dispatch import kernel, words
from envs.boards.facts import Facts
from envs.boards.rules import PASS
from envs.boards.square import FLIP_ROWS, MIRROR_COLUMNS, TRANSPOSE, cell_permutation

SIZE = 8
NUM_SQUARES = SIZE * SIZE
ALL = np.uint64(0xFFFFFFFFFFFFFFFF)
INNER = np.uint64(
    0x7E7E7E7E7E7E7E7E
)  # columns b-g: a run along a row or diagonal cannot cross the edge columns
_ONE, _SEVEN, _EIGHT, _NINE = np.uint64(1), np.uint64(7), np.uint64(8), np.uint64(9)
_TWO = np.uint64(2)
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_DOWN_DIRECTIONS = ((0, -1), (-1, 1), (-1, 0), (-1, -1))  # row, column: bits -1, -7, -8, -9


def _rays(directions: tuple[tuple[int, int], ...]) -> NDArray[np.uint64]:
    """uint64[64, 4]: the squares from each square on, without itself, in each direction."""
    rays = np.zeros((NUM_SQUARES, len(directions)), np.uint64)
    for square in range(NUM_SQUARES):
        for i, (row_step, column_step) in enumerate(directions):
            row, column = square // SIZE + row_step, square % SIZE + column_step
            while 0 <= row < SIZE and 0 <= column < SIZE:
                rays[square, i] |= np.uint64(1 << (SIZE * row + column))
                row, column = row + row_step, column + column_step
    return rays


_RAYS_DOWN = _rays(_DOWN_DIRECTIONS)
_RAYS_UP = _rays(tuple((-row, -column) for row, column in _DOWN_DIRECTIONS))


@words
class Othello(NamedTuple):
    """A position, seen from the side to move."""

    own: np.uint64
    opponent: np.uint64


@kernel
def _run_up(start: np.uint64, through: np.uint64, step: np.uint64) -> np.uint64:
    """Discs of `through` that join `start` without a gap towards higher bits, up to six (parallel prefix)."""
    run = through & (start << step)
    run |= through & (run << step)
    pairs = through & (through << step)
    double = step * _TWO
    run |= pairs & (run << double)
    return run | (pairs & (run << double))


@kernel
def _run_down(start: np.uint64, through: np.uint64, step: np.uint64) -> np.uint64:
    """The same towards lower bits."""
    run = through & (start >> step)
    run |= through & (run >> step)
    pairs = through & (through >> step)
    double = step * _TWO
    run |= pairs & (run >> double)
    return run | (pairs & (run >> double))


@kernel
def _reached(own: np.uint64, through: np.uint64, step: np.uint64) -> np.uint64:
    """Squares just beyond the runs that start at own discs, both ways along one line."""
    return (_run_up(own, through, step) << step) | (_run_down(own, through, step) >> step)


@kernel
def mobility(own: np.uint64, opponent: np.uint64) -> np.uint64:
    """The squares where `own` may play; 0 if there is none."""
    inner = opponent & INNER
    reached = _reached(own, inner, _ONE) | _reached(own, inner, _SEVEN) | _reached(own, inner, _NINE)
    reached |= _reached(own, opponent, _EIGHT)
    return reached & ~(own | opponent)


@kernel
def flips(own: np.uint64, opponent: np.uint64, square: int) -> np.uint64:
    """The opponent's discs that turn when `own` puts a disc on an empty `square`; 0 if that is illegal.

    Towards higher bits a carry runs along the opponent's discs to the first square that is not theirs;
    towards lower bits, that square is the highest of those that are not. The run counts if it is an own disc.
    """
    turned = ZERO
    for i in range(4):
        ray = _RAYS_UP[square, i]
        end = ((opponent | ~ray) + ONE) & own & ray
        turned |= (end - np.uint64(end != ZERO)) & ray
        ray = _RAYS_DOWN[square, i]
        end = highest_bit((ray & ~opponent) | ONE) & own & ray
        turned |= (ZERO - (end << ONE)) & ray
    return turned


@rules.legal_moves.register(Othello)
@kernel
def _legal_moves(state: Othello) -> np.uint64:
    return mobility(state.own, state.opponent)


@rules.play.register(Othello)
@kernel
def place(state: Othello, action: int) -> Othello:
    """Put a disc on square `action`, turn the enclosed discs over and swap sides; PASS only swaps sides."""
    if action == PASS:
        return Othello(state.opponent, state.own)
    turned = flips(state.own, state.opponent, action)
    return Othello(state.opponent ^ turned, state.own | turned | (ONE << np.uint64(action)))


@rules.is_over.register(Othello)
@kernel
def _is_over(state: Othello) -> bool:
    return bool(mobility(state.own, state.opponent) == ZERO and mobility(state.opponent, state.own) == ZERO)


@rules.outcome.register(Othello)
@kernel
def _outcome(state: Othello) -> int:
    difference = disc_difference(state)
    return int(difference > 0) - int(difference < 0)


@kernel
def disc_difference(state: Othello) -> np.int64:
    """Own discs minus the opponent's, in [-64, 64]."""
    return popcount(state.own) - popcount(state.opponent)


@rules.hash_key.register(Othello)
@kernel
def _hash_key(state: Othello) -> np.uint64:
    return mixed(mixed(state.own) + state.opponent * _GOLDEN)


@rules.rebuild.register(Othello)
@kernel
def _rebuild(like: Othello, first: np.uint64, second: np.uint64) -> Othello:
    return Othello(first, second)


@rules.fill_planes.register(Othello)
@kernel
def _fill_planes(state: Othello, out: NDArray[np.float32]) -> None:
    for square in range(NUM_SQUARES):
        bit = np.uint64(square)
        out[0, square // SIZE, square % SIZE] = np.float32((state.own >> bit) & ONE)
        out[1, square // SIZE, square % SIZE] = np.float32((state.opponent >> bit) & ONE)


@kernel
def _moved(discs: np.uint64, symmetry: int) -> np.uint64:
    if symmetry & MIRROR_COLUMNS:
        discs = columns_flipped(discs)
    if symmetry & FLIP_ROWS:
        discs = rows_flipped(discs)
    if symmetry & TRANSPOSE:
        discs = transposed(discs)
    return discs


@rules.transform.register(Othello)
@kernel
def _transform(state: Othello, symmetry: int) -> Othello:
    return Othello(_moved(state.own, symmetry), _moved(state.opponent, symmetry))


def _objection(state: Othello, action: int) -> str:
    if action == PASS:
        return "pass is not allowed while a square is legal"
    square = FACTS.move_names[action]
    if (int(state.own) | int(state.opponent)) >> action & 1:
        return f"{square} is taken"
    return f"{square} turns no disc over"


def _action_permutation() -> NDArray[np.int64]:
    squares = cell_permutation(SIZE)
    return np.pad(squares, ((0, 0), (0, 1)), constant_values=PASS)


def _board(*squares: str) -> np.uint64:
    return np.uint64(sum(1 << _SQUARE_NAMES.index(square) for square in squares))


_SQUARE_NAMES = tuple(column + row for row in "12345678" for column in "abcdefgh")
FACTS = Facts(
    name="othello",
    title="Othello",
    initial=Othello(own=_board("d5", "e4"), opponent=_board("d4", "e5")),
    board_shape=(SIZE, SIZE),
    num_planes=2,
    move_names=(*_SQUARE_NAMES, "pass"),
    move_aliases={"--": PASS},
    notation="squares a1-h8, or pass",
    column_labels="abcdefgh",
    row_labels="12345678",
    action_permutation=_action_permutation(),
    objection=_objection,
)
