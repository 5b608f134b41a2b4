"""What experts look for in Othello: moves to choose from, corners and what hangs on them; discs only at the
end.

Early on few discs are better than many, since every disc borders on squares where the other side may play. So
the side with more moves (mobility), and with fewer empty squares around its own discs (potential mobility),
dictates what is played. Corners can never be taken back, nor can the edge discs that are chained to them; the
squares beside an empty corner, X on the diagonal and C on the edge, tend to give it away.

Sources: P. Rosenbloom, A World-Championship-Level Othello Program, Artificial Intelligence 19 (1982) 279-320:
mobility and potential mobility as normalised differences, how their weights and that of the edges grow with
the move number; B. Rose, Othello: A Minute to Learn... (2005), chapters 3-5, on X and C squares.
"""

from typing import NamedTuple

import numpy as np

from agents.values.handcrafted.terms import clipped_sum, contributions
from agents.values.value import score
from envs.boards.bits import ONE, popcount
from envs.boards.dispatch import kernel
from envs.boards.othello import Othello, mobility

_SEVEN, _EIGHT, _NINE = np.uint64(7), np.uint64(8), np.uint64(9)
_CORNERS = np.uint64(0x8100000000000081)
_X_SQUARES = np.uint64(0x0042000000004200)
_C_SQUARES = np.uint64(0x4281000000008142)
_EDGE_ROWS = np.uint64(0xFF000000000000FF)
_EDGE_COLUMNS = np.uint64(0x8181818181818181)
_NOT_A, _NOT_H = np.uint64(0xFEFEFEFEFEFEFEFE), np.uint64(0x7F7F7F7F7F7F7F7F)
_MIDDLE_MOVES = 25  # Rosenbloom's middle game
_LATE_MOVES = 48  # of 60; from here on discs count


class HandcraftedOthello(NamedTuple):
    """Weights in score units.

    How mobility and edges grow with the move number is Rosenbloom's: 50 + 2 a move and 312 + 6.24 a move. The
    weights were set by hand, so that tanh(score / SCORE_SCALE) is about the mean result of games at depth 4,
    and are the best of eight such sets in matches at depth 5.
    """

    mobility: int = 450  # times own minus their moves, over their sum; at move 0
    potential_mobility: int = 250  # likewise for the empty squares beside discs of the other side
    corners: int = 150  # a corner; at move 0
    stable_edges: int = 40  # an edge disc chained to an own corner; at move 0
    x_squares: int = 250  # a disc diagonally beside an empty corner, against its owner
    c_squares: int = 70  # a disc beside an empty corner on the edge, against its owner
    discs: int = 3  # a disc, for each move past the 48th
    tempo: int = 20  # to be the side that plays last if nobody passes


@kernel
def _normalised(own: np.uint64, theirs: np.uint64) -> float:
    """(own - theirs) / (own + theirs + 2) for two sets of squares, in (-1, 1)."""
    ours, others = popcount(own), popcount(theirs)
    return float((ours - others) / (ours + others + 2))


@kernel
def neighbours(discs: np.uint64) -> np.uint64:
    """The squares that touch one of the discs in any of the eight directions."""
    sideways = discs | ((discs << ONE) & _NOT_A) | ((discs >> ONE) & _NOT_H)
    return sideways | (sideways << _EIGHT) | (sideways >> _EIGHT)


@kernel
def chained_edges(discs: np.uint64) -> np.uint64:
    """Corner and edge discs that reach an own corner along the edge without a gap: never turned over."""
    chained = discs & _CORNERS
    for _ in range(6):
        along_rows = ((chained << ONE) & _NOT_A) | ((chained >> ONE) & _NOT_H)
        along_columns = (chained << _EIGHT) | (chained >> _EIGHT)
        chained |= discs & ((along_rows & _EDGE_ROWS) | (along_columns & _EDGE_COLUMNS))
    return chained


@kernel
def beside_empty_corners(empty: np.uint64) -> np.uint64:
    """The X and C squares of the corners that are empty."""
    return neighbours(empty & _CORNERS) & ~_CORNERS


@kernel
def features(state: Othello) -> tuple[float, float, float, float, float, float, float, float]:
    """What the terms look at, own minus theirs, in the order of the weights' fields.

    The two mobilities are normalised, corners to discs are counted, the tempo is 1 or -1.
    """
    own, theirs = state.own, state.opponent
    empty = ~(own | theirs)
    own_edges, their_edges = chained_edges(own), chained_edges(theirs)
    risky = beside_empty_corners(empty)
    return (
        _normalised(mobility(own, theirs), mobility(theirs, own)),
        _normalised(neighbours(theirs) & empty, neighbours(own) & empty),
        float(popcount(own & _CORNERS) - popcount(theirs & _CORNERS)),
        float(popcount(own_edges & ~_CORNERS) - popcount(their_edges & ~_CORNERS)),
        float(popcount(own & risky & _X_SQUARES) - popcount(theirs & risky & _X_SQUARES)),
        float(popcount(own & risky & _C_SQUARES) - popcount(theirs & risky & _C_SQUARES)),
        float(popcount(own) - popcount(theirs)),
        1.0 if popcount(empty) & 1 else -1.0,
    )


@contributions.register(HandcraftedOthello)
@kernel
def _contributions(
    weights: HandcraftedOthello, state: Othello
) -> tuple[int, int, int, int, int, int, int, int]:
    f = features(state)
    move = int(popcount(state.own | state.opponent)) - 4
    # Rosenbloom: 50 + 2 move up to the middle game, then 75 + move; edges 312 + 6.24 move.
    mobility_weight = weights.mobility * (50 + 2 * move if move < _MIDDLE_MOVES else 75 + move) // 50
    edge_percent = 100 + 2 * move
    return (
        int(mobility_weight * f[0]),
        int(weights.potential_mobility * f[1]),
        int(weights.corners * edge_percent * f[2] / 100),
        int(weights.stable_edges * edge_percent * f[3] / 100),
        -weights.x_squares * int(f[4]),
        -weights.c_squares * int(f[5]),
        weights.discs * max(0, move - _LATE_MOVES) * int(f[6]),
        weights.tempo * int(f[7]),
    )


@score.register(HandcraftedOthello)
@kernel
def _score(weights: HandcraftedOthello, state: Othello) -> int:
    return clipped_sum(contributions(weights, state))
