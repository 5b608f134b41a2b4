"""The rules over many states at once: compiled loops over packed states, for any game.

Packed states are uint64[B, 2], one row for the two words of each state. `like` is any state of the game:
kernels go by its type.
"""

import numpy as np
from numpy.typing import NDArray

from envs.boards import rules
from envs.boards.bits import ONE, ZERO
from envs.boards.dispatch import kernel

NUM_MASK_BITS = 64


@kernel
def is_legal(state: rules.State, action: int) -> bool:
    """Whether `action` is one of the moves of `state`, PASS included; never in a finished game."""
    if rules.is_over(state):
        return False
    legal = rules.legal_moves(state)
    if action == rules.PASS:
        return bool(legal == ZERO)
    return 0 <= action < NUM_MASK_BITS and bool((legal >> np.uint64(action)) & ONE)


@kernel
def fill_legal(state: rules.State, out: NDArray[np.bool_]) -> None:
    """Write into `out` bool[A] which actions are legal: none in a finished game, PASS where it is forced."""
    out[:] = False
    if rules.is_over(state):
        return
    legal = rules.legal_moves(state)
    if legal == ZERO:
        out[rules.PASS] = True
        return
    for action in range(min(len(out), NUM_MASK_BITS)):
        out[action] = bool((legal >> np.uint64(action)) & ONE)


@kernel
def fill_legal_masks(like: rules.State, states: NDArray[np.uint64], out: NDArray[np.bool_]) -> None:
    """`fill_legal` for each of packed states [B, 2] into out[B, A]."""
    for i in range(len(states)):
        fill_legal(rules.rebuild(like, states[i, 0], states[i, 1]), out[i])


@kernel
def fill_all_planes(like: rules.State, states: NDArray[np.uint64], out: NDArray[np.float32]) -> None:
    """`fill_planes` for each of packed states [B, 2] into out[B, C, H, W]."""
    for i in range(len(states)):
        rules.fill_planes(rules.rebuild(like, states[i, 0], states[i, 1]), out[i])


@kernel
def fill_transformed(
    like: rules.State, states: NDArray[np.uint64], symmetries: NDArray[np.int64], out: NDArray[np.uint64]
) -> None:
    """Each packed state [B, 2] under the symmetry of its own number [B] into out[B, 2]."""
    for i in range(len(states)):
        state = rules.transform(rules.rebuild(like, states[i, 0], states[i, 1]), symmetries[i])
        out[i, 0] = state[0]
        out[i, 1] = state[1]
