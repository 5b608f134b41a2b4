"""How much each place of the replay's tapes wants to be sampled: |td error|^exponent, kept in a sum tree.

A place has a leaf of value 0 until its window is complete, and again once the place is lost. Nothing is done
as steps are written: each draw first catches up with the tapes (`follow`).

Source: Schaul et al. 2016, "Prioritized Experience Replay", section 3.3, the proportional variant.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from agents.dqn.sum_tree import SumTree

EPSILON = 1e-6  # added to errors, so that a step without one can come again

Allowed = Callable[[NDArray[np.int64], NDArray[np.int64]], NDArray[np.bool_]]  # of [B] tapes and places


class Priorities:
    """The priorities of all places of N tapes.

    Args:
        num_envs: N.
        places: of each tape, a ring; places are numbered on from the tape's beginning, never again from 0.
        exponent: alpha, above 0.
    """

    def __init__(self, num_envs: int, places: int, exponent: float) -> None:
        self.places, self.exponent = places, exponent
        self.tree = SumTree(num_envs * places)  # tape after tape
        self.largest = 1.0  # leaf value seen so far; new steps get it, so that each is soon learned from
        self.first = np.zeros(num_envs, np.int64)  # of each tape, the oldest place that has a leaf
        self.until = np.zeros(num_envs, np.int64)  # and the place from which on none was entered yet

    def follow(self, oldest: NDArray[np.int64], written: NDArray[np.int64], allowed: Allowed) -> None:
        """Forget the places before `oldest`, enter those before `written` that are now allowed: [N] each."""
        lost = self._leaves(*stretches(self.first, oldest))
        tapes, places = stretches(np.maximum(self.until, oldest), written)
        good = allowed(tapes, places)
        tapes, places = tapes[good], places[good]
        new = self._leaves(tapes, places)
        values = np.repeat([0.0, self.largest], [lost.size, new.size])
        self.tree.set(np.concatenate([lost, new]), values)  # a new place may have the leaf of a lost one
        self.first = oldest
        np.maximum.at(self.until, tapes, places + 1)

    def draw(self, count: int, generator: np.random.Generator) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """(tapes, places), both [count], in proportion to the priorities."""
        tapes, slots = np.divmod(self.tree.draw(count, generator), self.places)
        first = self.first[tapes]
        return tapes, first + (slots - first) % self.places

    def weights(
        self, tapes: NDArray[np.int64], places: NDArray[np.int64], correction: float
    ) -> NDArray[np.float32]:
        """float32[B]: (N * P(i))^-correction over the largest of the batch; N and the total cancel."""
        values = self.tree.leaves[self._leaves(tapes, places)]
        return np.asarray((values / values.min()) ** -correction, np.float32)

    def update(
        self, tapes: NDArray[np.int64], places: NDArray[np.int64], errors: NDArray[np.floating]
    ) -> None:
        """Set priorities by [B] errors >= 0; those of places forgotten meanwhile are ignored."""
        known = places >= self.first[tapes]
        values = (errors[known].astype(np.float64) + EPSILON) ** self.exponent
        self.tree.set(self._leaves(tapes[known], places[known]), values)
        self.largest = float(values.max(initial=self.largest))

    def _leaves(self, tapes: NDArray[np.int64], places: NDArray[np.int64]) -> NDArray[np.int64]:
        return tapes * self.places + places % self.places

    def state(self) -> dict[str, NDArray[np.float64] | NDArray[np.int64]]:
        """A copy of all that `restore` needs; the sums follow from the leaves."""
        return {
            "leaves": self.tree.leaves.copy(),
            "largest": np.array(self.largest),
            "first": self.first.copy(),
            "until": self.until.copy(),
        }

    def restore(self, state: dict[str, NDArray[np.float64] | NDArray[np.int64]]) -> None:
        """Be as when `state` was taken, to the bit."""
        self.tree.fill(state["leaves"].astype(np.float64))
        self.largest = float(state["largest"])
        self.first = state["first"].astype(np.int64)
        self.until = state["until"].astype(np.int64)


def stretches(
    first: NDArray[np.int64], until: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """(tapes, places): the places from `first` to before `until` of each tape, tape after tape."""
    counts = np.maximum(until - first, 0)
    tapes = np.repeat(np.arange(len(counts)), counts)
    begins = counts.cumsum() - counts  # of each tape's stretch in the result
    return tapes, np.arange(counts.sum()) + (first - begins)[tapes]
