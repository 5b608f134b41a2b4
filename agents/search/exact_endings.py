"""What a tree need not guess: late positions that a solver knows.

A search asks `ending_value` about each new leaf; an answer is a proof, as an outcome is, and no value
function is asked. Endgame tables serve chess and checkers programs in the same way.
"""

from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from agents.search.connect_four_solver import SCORE_MAX, SCORE_MIN, Memory, Solver, solve
from agents.search.mcts_tree import UNPROVEN
from envs.boards import rules
from envs.boards.bits import ZERO, lowest_index, popcount, without_lowest
from envs.boards.connect_four import ConnectFour
from envs.boards.dispatch import generic, kernel
from envs.boards.game import Game
from envs.boards.rules import State

ENTRIES = 1 << 20  # of a solver's table, 8 MiB: late positions are small problems

Endings: TypeAlias = Any  # a NamedTuple; its class tells who knows: NoEndings, or those of a game
_LOSS, _WIN = -1, 1


@generic
def ending_value(endings: Endings, state: State) -> int:
    """The exact value of an unfinished state for the side to move, -1, 0 or 1; UNPROVEN while it is early."""
    raise NotImplementedError


@generic
def best_moves(endings: Endings, state: State, best: NDArray[np.bool_]) -> int:
    """Mark the actions that win soonest, or lose latest, of an unfinished state among the endings.

    Args: best: written, bool[A].
    Returns: the exact value, as `ending_value`.
    """
    raise NotImplementedError


class NoEndings(NamedTuple):
    """Nothing is known before a game is over."""


NO_ENDINGS = NoEndings()


class ConnectFourEndings(NamedTuple):
    """Connect Four's solver, from a number of stones on."""

    stones_min: int
    memory: Memory


@ending_value.register(NoEndings)
@kernel
def _nothing(endings: NoEndings, state: State) -> int:
    return int(UNPROVEN)


@ending_value.register(ConnectFourEndings)
@kernel
def _connect_four(endings: ConnectFourEndings, state: ConnectFour) -> int:
    if popcount(state.occupied) < endings.stones_min:
        return int(UNPROVEN)
    return solve(state, _LOSS, _WIN, endings.memory)


@best_moves.register(ConnectFourEndings)
@kernel
def _connect_four_best(endings: ConnectFourEndings, state: ConnectFour, best: NDArray[np.bool_]) -> int:
    score = solve(state, SCORE_MIN - 1, SCORE_MAX + 1, endings.memory)
    best[:] = False
    moves = rules.legal_moves(state)
    while moves != ZERO:
        action = lowest_index(moves)
        moves = without_lowest(moves)
        after = rules.play(state, action)
        # Over means won, or drawn by the last stone: nothing is better.
        best[action] = rules.is_over(after) or -solve(after, -score, 1 - score, endings.memory) >= score
    return int(np.sign(score))


def endings_of(game: Game, plies_min: int) -> Endings:
    """The endings of a game that are `plies_min` or more plies from the start.

    Raises: ValueError for a game without a solver in compiled code.
    """
    if game.name != "connect_four":
        raise ValueError(f"endings are known for connect_four, not for {game.name}")
    return ConnectFourEndings(plies_min, Solver(entries=ENTRIES).memory)
