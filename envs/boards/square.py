"""The eight symmetries of a square board, numbered alike in all games that have them.

Symmetry k mirrors the columns if k & 1, then flips the rows if k & 2, then transposes the board if k & 4.
"""

import numpy as np
from numpy.typing import NDArray

MIRROR_COLUMNS, FLIP_ROWS, TRANSPOSE = 1, 2, 4
NUM_SYMMETRIES = 8


def cell_permutation(size: int) -> NDArray[np.int64]:
    """int64[8, size * size]: where symmetry k takes each cell, numbered row by row from the top left."""
    permutation = np.empty((NUM_SYMMETRIES, size * size), np.int64)
    for symmetry in range(NUM_SYMMETRIES):
        for cell in range(size * size):
            row, column = divmod(cell, size)
            if symmetry & MIRROR_COLUMNS:
                column = size - 1 - column
            if symmetry & FLIP_ROWS:
                row = size - 1 - row
            if symmetry & TRANSPOSE:
                row, column = column, row
            permutation[symmetry, cell] = row * size + column
    return permutation
