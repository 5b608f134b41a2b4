"""What every board game states as fact: the generic functions that each game's file implements.

A state is a NamedTuple of exactly two np.uint64 bitboards, seen from the side to move. An action is an
integer from 0; `PASS` is an action of its own, outside the mask of `legal_moves`. These functions trust their
input and work from Python and inside kernels alike; `envs.boards.game.Game` is their checked face.
"""

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from envs.boards.dispatch import generic

State: TypeAlias = Any  # a NamedTuple of two np.uint64; its class tells the game

PASS = 64  # the action of a side that has no other; one past the largest mask bit


@generic
def legal_moves(state: State) -> np.uint64:
    """Bit a is set where action a is legal; 0 if the side to move must pass. Not for finished games."""
    raise NotImplementedError


@generic
def play(state: State, action: int) -> State:
    """The state after `action`, seen from the other side."""
    raise NotImplementedError


@generic
def is_over(state: State) -> bool:
    """Whether the game has ended: won, or nobody can move."""
    raise NotImplementedError


@generic
def outcome(state: State) -> int:
    """Of a finished game, for the side to move: 1 won, 0 drawn, -1 lost."""
    raise NotImplementedError


@generic
def hash_key(state: State) -> np.uint64:
    """A well-mixed 64-bit key, for tables. Equal states have equal keys."""
    raise NotImplementedError


@generic
def rebuild(like: State, first: np.uint64, second: np.uint64) -> State:
    """The state of the same game as `like` from its two words (a row of packed states)."""
    raise NotImplementedError


@generic
def fill_planes(state: State, out: NDArray[np.float32]) -> None:
    """Write the network's view, float32[C, H, W], into `out`; every cell is written.

    Plane 0 shows the stones of the side to move, plane 1 those of the other; row 0 is the top of the board.
    """
    raise NotImplementedError


@generic
def transform(state: State, symmetry: int) -> State:
    """The state under the game's symmetry of that number; 0 is the identity."""
    raise NotImplementedError
