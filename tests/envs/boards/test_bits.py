import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from envs.boards.bits import (
    columns_flipped,
    lowest_index,
    mixed,
    popcount,
    rows_flipped,
    transposed,
    without_lowest,
)

WORDS = st.integers(0, 2**64 - 1)
NONZERO = st.integers(1, 2**64 - 1) | st.integers(0, 63).map(lambda index: 1 << index)


def as_array(board: int) -> np.ndarray:
    return np.array([board >> square & 1 for square in range(64)]).reshape(8, 8)


@given(WORDS)
def test_popcount_counts_ones(bits):
    assert popcount(np.uint64(bits)) == bits.bit_count()


@given(NONZERO)
def test_lowest_index_and_without_lowest_split_off_the_last_one(bits):
    index = lowest_index(np.uint64(bits))
    assert bits % 2 ** (index + 1) == 2**index
    assert int(without_lowest(np.uint64(bits))) == bits - 2**index


@given(WORDS)
def test_flips_and_transposition_do_what_numpy_does(bits):
    board = np.uint64(bits)
    np.testing.assert_array_equal(as_array(rows_flipped(board)), as_array(bits)[::-1])
    np.testing.assert_array_equal(as_array(columns_flipped(board)), as_array(bits)[:, ::-1])
    np.testing.assert_array_equal(as_array(transposed(board)), as_array(bits).T)


def test_mixed_is_splitmix64():
    # The first outputs for seed 1234567 (Vigna's splitmix64.c; the values of Rosetta Code).
    gamma, seed = 0x9E3779B97F4A7C15, 1234567
    states = [(seed + gamma * i) % 2**64 for i in (1, 2, 3)]
    expected = [6457827717110365317, 3203168211198807973, 9817491932198370423]
    assert [int(mixed(np.uint64(state))) for state in states] == expected
