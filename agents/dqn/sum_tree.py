"""A binary tree of sums: draw indices in proportion to their values, change values; both in log(size) steps.

Node 1 is the root and node i has the children 2i and 2i + 1, so the leaves are the second half of one array:

    node            1            the total
               2         3
            4    5     6    7    the leaves 0, 1, 2, 3

A sum is always computed from its two children anew, never by adding a difference. So sums do not drift, and
they follow from the leaves to the bit, whatever the order of the updates was.

Source: Schaul et al. 2016, "Prioritized Experience Replay", appendix B.2.1.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def tree_bytes(size: int) -> int:
    """The memory of a `SumTree` with so many leaves."""
    return 8 * 2 * _capacity(size)


class SumTree:
    """Values >= 0 of `size` leaves, all 0 at first, and the sums above them."""

    def __init__(self, size: int) -> None:
        self._capacity = _capacity(size)
        self.sums = np.zeros(2 * self._capacity)  # by node; 0 is none
        self.leaves = self.sums[self._capacity : self._capacity + size]  # a view: read it, write by `set`

    @property
    def total(self) -> float:
        """The sum of all leaves."""
        return float(self.sums[1])

    def set(self, leaves: NDArray[np.int64], values: NDArray[np.float64]) -> None:
        """Give [K] leaves new values; where one comes twice, the later value counts."""
        if not leaves.size:
            return
        nodes = leaves + self._capacity
        self.sums[nodes] = values
        while nodes[0] > 1:  # all nodes are of one level
            nodes = nodes >> 1
            left = nodes << 1
            self.sums[nodes] = self.sums[left] + self.sums[left + 1]

    def fill(self, values: NDArray[np.float64]) -> None:
        """Give all leaves new values."""
        self.leaves[:] = values
        level = self._capacity
        while level > 1:
            pairs = self.sums[level : 2 * level].reshape(-1, 2)
            level >>= 1
            self.sums[level : 2 * level] = pairs[:, 0] + pairs[:, 1]

    def draw(self, count: int, generator: np.random.Generator) -> NDArray[np.int64]:
        """int64[count] leaves in ascending order, one from each of `count` equal parts of the total.

        Each leaf is expected count * value / total times; one of value 0 never comes, however sums round,
        unless all are 0.
        """
        left_over = (np.arange(count) + generator.random(count)) * (self.total / count)
        nodes = np.ones(count, np.int64)
        for _ in range(self._capacity.bit_length() - 1):
            nodes <<= 1
            left = self.sums[nodes]
            goes_right = (left_over >= left) & (self.sums[nodes + 1] > 0)
            left_over -= left * goes_right
            nodes += goes_right
        return nodes - self._capacity


def _capacity(size: int) -> int:
    """The power of two that holds `size` leaves."""
    return 1 << (size - 1).bit_length()
