"""Bit tricks on np.uint64 boards.

Every constant is a named np.uint64: a bare literal would make the result signed.
"""

import numpy as np

from envs.boards.dispatch import kernel

ZERO = np.uint64(0)
ONE = np.uint64(1)
_PAIRS = np.uint64(0x5555555555555555)
_QUADS = np.uint64(0x3333333333333333)
_NIBBLES = np.uint64(0x0F0F0F0F0F0F0F0F)
_BYTES = np.uint64(0x0101010101010101)
_TWO, _FOUR, _TOP_BYTE = np.uint64(2), np.uint64(4), np.uint64(56)
_DEBRUIJN = np.uint64(0x03F79D71B4CB0A89)
_DEBRUIJN_SHIFT = np.uint64(58)
_DEBRUIJN_INDEX = np.zeros(64, np.int64)
for _i in range(64):
    _DEBRUIJN_INDEX[((0x03F79D71B4CB0A89 << _i) & 0xFFFFFFFFFFFFFFFF) >> 58] = _i
_MIX_1, _MIX_2 = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
_S30, _S27, _S31 = np.uint64(30), np.uint64(27), np.uint64(31)


@kernel
def popcount(bits: np.uint64) -> np.int64:
    """How many bits are set. LLVM turns this pattern into one instruction where the processor has it."""
    bits = bits - ((bits >> ONE) & _PAIRS)
    bits = (bits & _QUADS) + ((bits >> _TWO) & _QUADS)
    bits = (bits + (bits >> _FOUR)) & _NIBBLES
    return np.int64((bits * _BYTES) >> _TOP_BYTE)


@kernel
def lowest_index(bits: np.uint64) -> np.int64:
    """Index of the lowest set bit, 0..63 (de Bruijn multiplication). `bits` must not be 0."""
    return _DEBRUIJN_INDEX[((bits & (ZERO - bits)) * _DEBRUIJN) >> _DEBRUIJN_SHIFT]


@kernel
def without_lowest(bits: np.uint64) -> np.uint64:
    """`bits` with its lowest set bit cleared."""
    return bits & (bits - ONE)


@kernel
def mixed(bits: np.uint64) -> np.uint64:
    """A bijective scramble of 64 bits (the finaliser of SplitMix64: Steele, Lea & Flood 2014)."""
    bits = (bits ^ (bits >> _S30)) * _MIX_1
    bits = (bits ^ (bits >> _S27)) * _MIX_2
    return bits ^ (bits >> _S31)
