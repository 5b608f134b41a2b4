"""What a game tells about itself besides its kernels: names, sizes, notation, symmetries of actions."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from envs.boards.rules import State


@dataclass(frozen=True, kw_only=True, slots=True)
class Facts:
    """The constants of one game.

    Attributes:
        name: as it is typed; title: as it is printed.
        initial: the state at the start of a game.
        board_shape: (H, W) of the drawn board and of the planes; row 0 at the top.
        num_planes: C of `fill_planes`.
        move_names: how each action is written, by action; lower case, and none the beginning of another.
        move_aliases: other spellings that are understood, with their actions.
        notation: what moves look like, in words, for messages.
        column_labels, row_labels: one character for each column, each row of a drawing; "" for none.
        action_permutation: int64[K, A]; the K-th symmetry turns action a into action_permutation[k, a].
        objection: says why an action is illegal in an unfinished state; called only for illegal ones.
    """

    name: str
    title: str
    initial: State
    board_shape: tuple[int, int]
    num_planes: int
    move_names: tuple[str, ...]
    move_aliases: dict[str, int]
    notation: str
    column_labels: str
    row_labels: str
    action_permutation: NDArray[np.int64]
    objection: Callable[[State, int], str]
