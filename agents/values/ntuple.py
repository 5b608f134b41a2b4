"""A learned judgement of Othello by the shapes on the board: an n-tuple network in compiled code.

The board is covered with overlapping tuples of squares: edges, corners, rows, diagonals. Each tuple has a
table with a weight for each of its 3^n contents (empty, own, the other's), and a position is worth the sum of
the weights it finds. Nothing else is looked at: no mobility, no stability, only squares. Tables differ with
the stage of the game, and all turned and mirrored copies of a tuple share one.

A side's discs on a tuple are gathered as a group of bits; a table of ternary numbers turns the two groups
into the index of the weight, without a loop over squares.

Sources: W. Bledsoe & I. Browning 1959 (n-tuples); M. Buro, From Simple Features to Sophisticated Evaluation
Functions (1999): patterns and stages in Othello; S. Lucas 2008 (learned n-tuple networks for Othello).
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from agents.values.value import SCORE_MAX, KernelValue, score
from envs.boards.bits import popcount, rows_flipped, transposed
from envs.boards.dispatch import kernel
from envs.boards.game import game
from envs.boards.othello import NUM_SQUARES, Othello

KIND = "board_value_ntuple"  # of its model files
STAGE_EMPTIES = 4  # empty squares that share a stage
STAGES = 15  # stage s: 4 * s + 1 to 4 * s + 4 empty squares
VIEWS = 4  # quarter turns of the board, each looked at by all tuples

# Squares of each tuple in one view, as (row, column) from its corner; the digit of a square grows with its
# place in the tuple. Tuples of the same name share a table.
TUPLES: tuple[tuple[str, tuple[tuple[int, int], ...]], ...] = (
    ("edge", (*((0, c) for c in range(8)), (1, 1), (1, 6))),
    ("row 2", tuple((1, c) for c in range(8))),
    ("row 3", tuple((2, c) for c in range(8))),
    ("row 4", tuple((3, c) for c in range(8))),
    ("corner 3x3", tuple((r, c) for r in range(3) for c in range(3))),
    ("corner 2x5", tuple((r, c) for r in range(2) for c in range(5))),
    ("corner 2x5", tuple((r, 7 - c) for r in range(2) for c in range(5))),
    ("diagonal 8", tuple((i, i) for i in range(8))),
    ("diagonal 7", tuple((i, i + 1) for i in range(7))),
    ("diagonal 6", tuple((i, i + 2) for i in range(6))),
    ("diagonal 5", tuple((i, i + 3) for i in range(5))),
    ("diagonal 4", tuple((i, i + 4) for i in range(4))),
)
NUM_LOOKED_AT = VIEWS * len(TUPLES)  # weights summed for a position

_BYTE = np.uint64(0xFF)
_ONE, _THREE, _FOUR, _FIVE, _SIX = (np.uint64(n) for n in (1, 3, 4, 5, 6))
_EIGHT, _TEN, _SIXTEEN, _TWENTY_FOUR = (np.uint64(n) for n in (8, 10, 16, 24))
_BIT_8, _BIT_9 = np.uint64(0x100), np.uint64(0x200)
_THREE_BITS, _NEXT_THREE, _LAST_THREE = np.uint64(0x7), np.uint64(0x38), np.uint64(0x1C0)
_FIVE_BITS, _NEXT_FIVE = np.uint64(0x1F), np.uint64(0x3E0)
_COLUMNS_TO_TOP = np.uint64(
    0x0101010101010101
)  # times a board with one bit a column: they meet in the top row
_TOP_8, _TOP_7, _TOP_6, _TOP_5, _TOP_4 = (np.uint64(64 - n) for n in (8, 7, 6, 5, 4))
_DIAGONALS = tuple(np.uint64(sum(1 << (8 * i + i + 8 - n) for i in range(n))) for n in (8, 7, 6, 5, 4))
_DIAGONAL_8, _DIAGONAL_7, _DIAGONAL_6, _DIAGONAL_5, _DIAGONAL_4 = _DIAGONALS
_MIRRORED = np.uint64(1024)  # the second half of TERNARY: the five bits of each row in reverse


def _table_starts() -> tuple[NDArray[np.int64], int]:
    starts: dict[str, int] = {}
    total = 0
    for name, squares in TUPLES:
        if name not in starts:
            starts[name] = total
            total += 3 ** len(squares)
    return np.array([starts[name] for name, _ in TUPLES]), total


def _ternary() -> NDArray[np.int64]:
    digits = np.array([sum(3**i for i in range(10) if bits >> i & 1) for bits in range(1024)])
    reverse_5 = [int(f"{bits:05b}"[::-1], 2) for bits in range(32)]
    mirrored = [reverse_5[bits & 31] | reverse_5[bits >> 5] << 5 for bits in range(1024)]
    return np.concatenate([digits, digits[mirrored]])


_START, NUM_WEIGHTS = _table_starts()  # where each tuple's table begins; weights of one stage
_S = tuple(int(start) for start in _START)
_TERNARY = _ternary()


class NTupleWeights(NamedTuple):
    """The in-kernel form, in score units."""

    tables: NDArray[np.int16]  # [STAGES, NUM_WEIGHTS]
    bias: NDArray[np.int16]  # [NUM_SQUARES + 1], by the number of empty squares: whose turn is the last


class NTupleValue(KernelValue):
    """An n-tuple network for compiled search; no policy.

    Args:
        weights: in score units.
        name: as tables print it.
    """

    def __init__(self, weights: NTupleWeights, name: str = "learned") -> None:
        super().__init__(name, game("othello"), weights)

    @classmethod
    def load(cls, path: str | Path, name: str = "learned") -> NTupleValue:
        """The value of a model file of this KIND. FileNotFoundError; ValueError for another kind or shape."""
        from agents.runs.model import load_model

        header, tensors = load_model(path)
        if header.kind != KIND:
            raise ValueError(f"{path} is a model of kind {header.kind!r}, not {KIND!r}")
        weights = NTupleWeights(**{key: tensor.numpy() for key, tensor in tensors.items()})
        shapes = weights.tables.shape, weights.bias.shape
        if shapes != ((STAGES, NUM_WEIGHTS), (NUM_SQUARES + 1,)):
            raise ValueError(f"{path} has tables of other tuples or stages: {shapes}; fit it again")
        return cls(weights, name)


@kernel
def stage(empties: int) -> int:
    """The stage of a position with so many empty squares, 0 (the end) to STAGES - 1."""
    return max(0, int(empties) - 1) // STAGE_EMPTIES


@kernel
def _quarter_turned(board: np.uint64) -> np.uint64:
    return rows_flipped(transposed(board))


@kernel
def _diagonal(board: np.uint64, squares: np.uint64, top: np.uint64) -> np.uint64:
    """The bits of a diagonal that ends in column h, by columns."""
    return ((board & squares) * _COLUMNS_TO_TOP) >> top


@kernel
def _groups(board: np.uint64) -> tuple[np.uint64, ...]:
    """The bits of each of TUPLES in one view, as indices into _TERNARY."""
    left, right = board & _FIVE_BITS, (board >> _THREE) & _FIVE_BITS
    return (
        (board & _BYTE) | ((board >> _ONE) & _BIT_8) | ((board >> _FIVE) & _BIT_9),
        (board >> _EIGHT) & _BYTE,
        (board >> _SIXTEEN) & _BYTE,
        (board >> _TWENTY_FOUR) & _BYTE,
        (board & _THREE_BITS) | ((board >> _FIVE) & _NEXT_THREE) | ((board >> _TEN) & _LAST_THREE),
        left | ((board >> _THREE) & _NEXT_FIVE),
        right | ((board >> _SIX) & _NEXT_FIVE) | _MIRRORED,
        _diagonal(board, _DIAGONAL_8, _TOP_8),
        _diagonal(board, _DIAGONAL_7, _TOP_7),
        _diagonal(board, _DIAGONAL_6, _TOP_6),
        _diagonal(board, _DIAGONAL_5, _TOP_5),
        _diagonal(board, _DIAGONAL_4, _TOP_4),
    )


@kernel
def _view_sum(table: NDArray[np.int16], own: np.uint64, theirs: np.uint64) -> int:
    """The weights that one view finds. Written out: a loop over the groups would go through memory."""
    a, b = _groups(own), _groups(theirs)
    t = _TERNARY
    return (
        int(table[_S[0] + t[a[0]] + 2 * t[b[0]]])
        + int(table[_S[1] + t[a[1]] + 2 * t[b[1]]])
        + int(table[_S[2] + t[a[2]] + 2 * t[b[2]]])
        + int(table[_S[3] + t[a[3]] + 2 * t[b[3]]])
        + int(table[_S[4] + t[a[4]] + 2 * t[b[4]]])
        + int(table[_S[5] + t[a[5]] + 2 * t[b[5]]])
        + int(table[_S[6] + t[a[6]] + 2 * t[b[6]]])
        + int(table[_S[7] + t[a[7]] + 2 * t[b[7]]])
        + int(table[_S[8] + t[a[8]] + 2 * t[b[8]]])
        + int(table[_S[9] + t[a[9]] + 2 * t[b[9]]])
        + int(table[_S[10] + t[a[10]] + 2 * t[b[10]]])
        + int(table[_S[11] + t[a[11]] + 2 * t[b[11]]])
    )


@score.register(NTupleWeights)
@kernel
def _score(weights: NTupleWeights, state: Othello) -> int:
    own, theirs = state.own, state.opponent
    empties = NUM_SQUARES - int(popcount(own | theirs))
    table = weights.tables[stage(empties)]
    total = int(weights.bias[empties]) + _view_sum(table, own, theirs)
    for _ in range(VIEWS - 1):
        own, theirs = _quarter_turned(own), _quarter_turned(theirs)
        total += _view_sum(table, own, theirs)
    return min(max(total, -SCORE_MAX), SCORE_MAX)


@kernel
def fill_indices(states: NDArray[np.uint64], out: NDArray[np.int32]) -> None:
    """Write for each packed state [B, 2] which weights it finds, int32[B, NUM_LOOKED_AT]."""
    for i in range(len(states)):
        own, theirs = states[i, 0], states[i, 1]
        for view in range(VIEWS):
            a, b = _groups(own), _groups(theirs)
            for k in range(len(_S)):
                out[i, view * len(_S) + k] = _START[k] + _TERNARY[a[k]] + 2 * _TERNARY[b[k]]
            own, theirs = _quarter_turned(own), _quarter_turned(theirs)


def shared_weights() -> NDArray[np.int32]:
    """For each weight the one it shares its value with, since a mirror turns their contents into each other.

    Returns: int32[NUM_WEIGHTS]; the smaller index of each pair, itself where the content is symmetric.
    """
    result = np.arange(NUM_WEIGHTS, dtype=np.int32)
    for start, (name, squares) in zip(_S, TUPLES, strict=True):
        if name == "corner 2x5":
            continue  # both mirror images are looked at
        places = [squares.index(_mirrored(name, square)) for square in squares]
        contents = np.arange(3 ** len(squares))
        mirrored = sum((contents // 3**i % 3) * 3**place for i, place in enumerate(places))
        result[start + contents] = start + np.minimum(contents, mirrored)
    return result


def _mirrored(name: str, square: tuple[int, int]) -> tuple[int, int]:
    """The square's image in the mirror that maps the tuple of that name onto itself."""
    row, column = square
    if name == "corner 3x3":
        return column, row
    return (7 - column, 7 - row) if name.startswith("diagonal") else (row, 7 - column)
