"""Judgement as one protocol: how good is this state for the side to move?

A value function has two forms, tested equal to each other. *Batched*: `values(states)`; torch networks live
there. *In-kernel*: a NamedTuple for which `score` is registered; alpha-beta calls it millions of times a
second. A score is an integer, a value is tanh(score / SCORE_SCALE): strictly inside (-1, 1), since 1, 0 and
-1 are kept for what is proven.
"""

from typing import Any, Protocol, TypeAlias, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from envs.boards import rules
from envs.boards.dispatch import generic, kernel
from envs.boards.game import Game

SCORE_SCALE = 1000  # score units for a value of tanh(1); the same for every in-kernel value
SCORE_MAX = 5000  # |score| <= SCORE_MAX keeps float32 values strictly inside (-1, 1)

ValueKernel: TypeAlias = Any  # a NamedTuple of arrays and numbers; its class tells the value function


@generic
def score(value: ValueKernel, state: rules.State) -> int:
    """How good the unfinished `state` is for the side to move, in [-SCORE_MAX, SCORE_MAX]."""
    raise NotImplementedError


@kernel
def scores(value: ValueKernel, like: rules.State, states: NDArray[np.uint64]) -> NDArray[np.int64]:
    """`score` of each row of packed states uint64[B, 2]; `like` is any state of the game."""
    result = np.empty(len(states), np.int64)
    for i in range(len(states)):
        result[i] = score(value, rules.rebuild(like, states[i, 0], states[i, 1]))
    return result


def as_value(score_units: NDArray[np.int64]) -> NDArray[np.float32]:
    """Values in (-1, 1) of scores."""
    return np.tanh(score_units / SCORE_SCALE).astype(np.float32)


def as_score(values: NDArray[np.float32]) -> NDArray[np.int64]:
    """Scores of values in (-1, 1), rounded: the inverse of `as_value`."""
    units = np.arctanh(values.astype(np.float64)) * SCORE_SCALE
    rounded: NDArray[np.int64] = np.rint(units).clip(-SCORE_MAX, SCORE_MAX).astype(np.int64)
    return rounded


class Value(Protocol):
    """An opinion on the states of one game, for the side to move."""

    name: str
    game: Game
    kernel: ValueKernel | None  # the in-kernel form, where there is one

    def values(self, states: NDArray[np.uint64]) -> NDArray[np.float32]:
        """Values float32[B], strictly inside (-1, 1), of packed unfinished states uint64[B, 2]."""

    def evaluate(self, states: NDArray[np.uint64]) -> tuple[NDArray[np.float32], NDArray[np.float32] | None]:
        """Values float32[B] and, where it has a policy, priors float32[B, A]: 0 where illegal, sum 1."""


@runtime_checkable
class Resettable(Protocol):
    """A value that being asked changes: it draws by chance, or remembers."""

    def reset(self, seed: int) -> None:
        """Be as new, with chance from `seed`."""


class KernelValue:
    """A value function by its in-kernel form alone; it has no policy."""

    def __init__(self, name: str, game: Game, kernel: ValueKernel) -> None:
        self.name = name
        self.game = game
        self.kernel: ValueKernel | None = kernel

    def values(self, states: NDArray[np.uint64]) -> NDArray[np.float32]:
        """Values float32[B] of packed unfinished states uint64[B, 2]."""
        return as_value(scores(self.kernel, self.game.initial, states))

    def evaluate(self, states: NDArray[np.uint64]) -> tuple[NDArray[np.float32], None]:
        """The values, and no priors."""
        return self.values(states), None
