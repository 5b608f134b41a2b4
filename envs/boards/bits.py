"""Bit tricks on np.uint64 boards.

Every constant is a named np.uint64: a bare literal would make the result signed. Boards of eight by eight
keep the square (row, column) in bit 8*row + column.
"""

from collections.abc import Callable

import numpy as np
from numba.cpython.unsafe.numbers import leading_zeros, trailing_zeros
from numba.extending import overload

from envs.boards.dispatch import kernel

ZERO = np.uint64(0)
ONE = np.uint64(1)
_PAIRS = np.uint64(0x5555555555555555)
_QUADS = np.uint64(0x3333333333333333)
_NIBBLES = np.uint64(0x0F0F0F0F0F0F0F0F)
_BYTES = np.uint64(0x0101010101010101)
_DOUBLE_BYTES = np.uint64(0x00FF00FF00FF00FF)
_WORDS = np.uint64(0x0000FFFF0000FFFF)
_TWO, _FOUR, _EIGHT, _SIXTEEN = np.uint64(2), np.uint64(4), np.uint64(8), np.uint64(16)
_THIRTY_TWO, _TOP_BYTE = np.uint64(32), np.uint64(56)
_TRANSPOSE_1, _SEVEN = np.uint64(0x00AA00AA00AA00AA), np.uint64(7)
_TRANSPOSE_2, _FOURTEEN = np.uint64(0x0000CCCC0000CCCC), np.uint64(14)
_TRANSPOSE_4, _TWENTY_EIGHT = np.uint64(0x00000000F0F0F0F0), np.uint64(28)
_MIX_1, _MIX_2 = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
_TOP_BIT = np.uint64(1 << 63)
_S30, _S27, _S31 = np.uint64(30), np.uint64(27), np.uint64(31)


@kernel
def popcount(bits: np.uint64) -> np.int64:
    """How many bits are set. LLVM turns this pattern into one instruction where the processor has it."""
    bits = bits - ((bits >> ONE) & _PAIRS)
    bits = (bits & _QUADS) + ((bits >> _TWO) & _QUADS)
    bits = (bits + (bits >> _FOUR)) & _NIBBLES
    return np.int64((bits * _BYTES) >> _TOP_BYTE)


def _count_trailing_zeros(bits: np.uint64) -> int:
    return (int(bits) & -int(bits)).bit_length() - 1


@overload(_count_trailing_zeros, strict=False)
def _one_instruction(bits: object) -> Callable[[np.uint64], int]:
    def count(bits: np.uint64) -> int:
        return trailing_zeros(bits)  # type: ignore[call-arg]

    return count


def _count_leading_zeros(bits: np.uint64) -> int:
    return 64 - int(bits).bit_length()


@overload(_count_leading_zeros, strict=False)
def _one_instruction_too(bits: object) -> Callable[[np.uint64], int]:
    def count(bits: np.uint64) -> int:
        return leading_zeros(bits)  # type: ignore[call-arg]

    return count


@kernel
def lowest_index(bits: np.uint64) -> np.int64:
    """Index of the lowest set bit, 0..63. `bits` must not be 0."""
    return np.int64(_count_trailing_zeros(bits))


@kernel
def highest_bit(bits: np.uint64) -> np.uint64:
    """The highest set bit alone. `bits` must not be 0."""
    return _TOP_BIT >> np.uint64(_count_leading_zeros(bits))


@kernel
def without_lowest(bits: np.uint64) -> np.uint64:
    """`bits` with its lowest set bit cleared."""
    return bits & (bits - ONE)


@kernel
def rows_flipped(board: np.uint64) -> np.uint64:
    """An eight by eight board upside down: row r becomes row 7 - r."""
    board = ((board >> _EIGHT) & _DOUBLE_BYTES) | ((board & _DOUBLE_BYTES) << _EIGHT)
    board = ((board >> _SIXTEEN) & _WORDS) | ((board & _WORDS) << _SIXTEEN)
    return (board >> _THIRTY_TWO) | (board << _THIRTY_TWO)


@kernel
def columns_flipped(board: np.uint64) -> np.uint64:
    """An eight by eight board mirrored: column c becomes column 7 - c."""
    board = ((board >> ONE) & _PAIRS) | ((board & _PAIRS) << ONE)
    board = ((board >> _TWO) & _QUADS) | ((board & _QUADS) << _TWO)
    return ((board >> _FOUR) & _NIBBLES) | ((board & _NIBBLES) << _FOUR)


@kernel
def transposed(board: np.uint64) -> np.uint64:
    """An eight by eight board with rows and columns exchanged (Warren, Hacker's Delight, 7-3)."""
    swap = (board ^ (board >> _SEVEN)) & _TRANSPOSE_1
    board = board ^ swap ^ (swap << _SEVEN)
    swap = (board ^ (board >> _FOURTEEN)) & _TRANSPOSE_2
    board = board ^ swap ^ (swap << _FOURTEEN)
    swap = (board ^ (board >> _TWENTY_EIGHT)) & _TRANSPOSE_4
    return board ^ swap ^ (swap << _TWENTY_EIGHT)


@kernel
def mixed(bits: np.uint64) -> np.uint64:
    """A bijective scramble of 64 bits (the finaliser of SplitMix64: Steele, Lea & Flood 2014)."""
    bits = (bits ^ (bits >> _S30)) * _MIX_1
    bits = (bits ^ (bits >> _S27)) * _MIX_2
    return bits ^ (bits >> _S31)
