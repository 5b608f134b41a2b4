"""M. Thill's opening book of Connect Four: all positions after twelve stones that are not won at once.

The file is `book_12ply_distances.dat` of the Python package bitbully-databases (MIT licence). An entry has
five bytes. Four, big-endian, are the position, read from the highest bit: column by column from the left, 10
is a stone of the first player and 11 one of the second, from the bottom up, 0 ends the column; the last bit
is free. The fifth is signed: 0 for a draw, 100 - n where the first player, who is to move, wins with the n-th
stone from here, n - 100 where the second does. Of mirror images one is there.
"""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from agents.search.connect_four_solver import NUM_CELLS
from agents.search.opening_book import Book, book_key
from envs.boards.bits import ONE
from envs.boards.connect_four import NUM_COLUMNS, NUM_ROWS, ConnectFour
from envs.boards.dispatch import kernel

STONES = 12
_ENTRY = np.dtype([("position", ">u4"), ("distance", "i1")])
_AT_ONCE = 100


def read_book(path: Path) -> Book:
    """All of the file. Raises: OSError; ValueError where it is not such a file."""
    content = path.read_bytes()
    if not content or len(content) % _ENTRY.itemsize:
        raise ValueError(
            f"{path} does not have entries of {_ENTRY.itemsize} bytes: a book_12ply_distances.dat?"
        )
    entries = np.frombuffer(content, _ENTRY)
    keys = _keys(entries["position"].astype(np.uint32))
    if not keys.all():
        raise ValueError(f"{path}: entry {int(keys.argmin()) + 1} is no position of {STONES} stones")
    order = keys.argsort()
    distances, which = np.unique(entries["distance"], return_inverse=True)
    scores = np.array([_score(int(each)) for each in distances], np.int8)
    return Book(STONES, keys[order], scores[which][order])


def _score(distance: int) -> int:
    """The score of a position whose fifth byte is `distance`; see `connect_four_solver`."""
    last_stone = (STONES + _AT_ONCE - abs(distance) + 1) // 2  # of the winner's, counted from its first
    return int(np.sign(distance)) * (NUM_CELLS // 2 + 1 - last_stone)


@kernel
def _keys(positions: NDArray[np.uint32]) -> NDArray[np.uint64]:
    """The `book_key` of each position, 0 where the bits are none."""
    keys = np.zeros(positions.size, np.uint64)
    for i in range(positions.size):
        position, at = int(positions[i]), 31
        own = occupied = np.uint64(0)
        column = row = stones = 0
        while column < NUM_COLUMNS and at > 0:
            if position >> at & 1 == 0:
                column, row, at = column + 1, 0, at - 1
                continue
            if row == NUM_ROWS:
                break
            cell = ONE << np.uint64(7 * column + row)
            occupied |= cell
            if position >> (at - 1) & 1 == 0:
                own |= cell
            row, stones, at = row + 1, stones + 1, at - 2
        if column == NUM_COLUMNS and stones == STONES:
            keys[i] = book_key(ConnectFour(own, occupied))
    return keys
