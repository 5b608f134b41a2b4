"""The last few empty squares of an Othello game: no lists of moves, no table, no ranking.

`parity` is a bit for each quadrant of the board, set while an odd number of its squares is empty. Squares of
odd quadrants are tried first: the side that plays into an odd region tends to play last in it.

Sources: the end-game programs of J.-C. Weill and G. Andersson; R. Delorme's Edax.
"""

import numpy as np
from numpy.typing import NDArray

from envs.boards.bits import ONE, ZERO, lowest_index, popcount, without_lowest
from envs.boards.dispatch import inner_kernel, kernel
from envs.boards.othello import NUM_SQUARES, flips, mobility

INFINITY = NUM_SQUARES + 1
FEW = 6  # empty squares; with more it pays to rank moves
QUADRANT = np.array([1 << (2 * (square // 32) + square % 8 // 4) for square in range(NUM_SQUARES)])
_ODD_SQUARES = np.array(
    [sum(1 << square for square in range(NUM_SQUARES) if QUADRANT[square] & parity) for parity in range(16)],
    np.uint64,
)


@kernel
def final_score(own: np.uint64, opponent: np.uint64) -> int:
    """Disc difference of a finished game; its empty squares go to the winner."""
    ours, theirs = popcount(own), popcount(opponent)
    empty = NUM_SQUARES - ours - theirs
    if ours > theirs:
        return int(ours - theirs + empty)
    return int(ours - theirs - empty) if ours < theirs else 0


@inner_kernel
def last_one(own: np.uint64, square: int, nodes: NDArray[np.int64]) -> int:
    """Exact score with one empty square."""
    nodes[0] += 1
    disc = ONE << np.uint64(square)
    opponent = ~(own | disc)
    turned = popcount(flips(own, opponent, square))
    if turned != 0:
        return int(2 * (popcount(own) + turned + 1) - NUM_SQUARES)
    turned = popcount(flips(opponent, own, square))
    if turned != 0:
        return int(2 * (popcount(own) - turned) - NUM_SQUARES)
    return final_score(own, opponent)


@inner_kernel
def last_two(
    own: np.uint64,
    opponent: np.uint64,
    alpha: int,
    beta: int,
    first: int,
    second: int,
    nodes: NDArray[np.int64],
) -> int:
    """Score with two empty squares."""
    nodes[0] += 1
    best = -INFINITY
    turned = flips(own, opponent, first)
    if turned != ZERO:
        best = -last_one(opponent ^ turned, second, nodes)
        if best >= beta:
            return best
    turned = flips(own, opponent, second)
    if turned != ZERO:
        best = max(best, -last_one(opponent ^ turned, first, nodes))
    if best != -INFINITY:
        return best
    best = INFINITY  # the other side chooses
    turned = flips(opponent, own, first)
    if turned != ZERO:
        best = last_one(own ^ turned, second, nodes)
        if best <= alpha:
            return best
    turned = flips(opponent, own, second)
    if turned != ZERO:
        best = min(best, last_one(own ^ turned, first, nodes))
    return best if best != INFINITY else final_score(own, opponent)


@inner_kernel
def few(
    own: np.uint64,
    opponent: np.uint64,
    alpha: int,
    beta: int,
    num_empty: int,
    parity: int,
    nodes: NDArray[np.int64],
) -> int:
    """Score with 3..FEW empty squares: moves as they lie, odd regions first."""
    nodes[0] += 1
    empty = ~(own | opponent)
    odd = empty & _ODD_SQUARES[parity]
    best, floor = -INFINITY, alpha
    for squares in (odd, empty ^ odd):
        rest = squares
        while rest != ZERO:
            square = int(lowest_index(rest))
            rest = without_lowest(rest)
            turned = flips(own, opponent, square)
            if turned == ZERO:
                continue
            child_own, child_opponent = opponent ^ turned, own | turned | (ONE << np.uint64(square))
            if num_empty == 3:
                left = empty ^ (ONE << np.uint64(square))
                first, second = int(lowest_index(left)), int(lowest_index(without_lowest(left)))
                found = -last_two(child_own, child_opponent, -beta, -floor, first, second, nodes)
            else:
                child_parity = parity ^ QUADRANT[square]
                found = -few(child_own, child_opponent, -beta, -floor, num_empty - 1, child_parity, nodes)
            if found > best:
                best = found
                if best >= beta:
                    return best
                floor = max(floor, best)
    if best != -INFINITY:
        return best
    if mobility(opponent, own) == ZERO:
        return final_score(own, opponent)
    return -few(opponent, own, -beta, -alpha, num_empty, parity, nodes)
