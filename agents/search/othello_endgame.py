"""The search behind agents.search.othello_solver: Othello to its end, while many squares are empty.

Fail-soft negamax principal variation search. It remembers bounds in a table, cuts off where stable discs
decide, and tries first the moves after which the other side has fewest moves (fastest first), corners, edges
and parity counted in; far from the end it ranks moves by a short search with the handcrafted value. The last
squares are those of agents.search.othello_last_squares.

Sources: the end-game programs of J.-C. Weill and G. Andersson, and R. Delorme's Edax, whose worth of the
squares, weighted mobility and stability cut-off are used.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from agents.search.ordering import ACTION_BITS, take_best
from agents.search.othello_last_squares import (
    FEW,
    INFINITY,
    QUADRANT,
    few,
    final_score,
    last_one,
    last_two,
)
from agents.search.stability import stable_discs
from agents.values.handcrafted.othello import HandcraftedOthello
from agents.values.value import score
from envs.boards.bits import ONE, ZERO, lowest_index, mixed, popcount, without_lowest
from envs.boards.dispatch import inner_kernel, kernel
from envs.boards.othello import NUM_SQUARES, Othello, flips, mobility

MOVES_MAX = NUM_SQUARES - 4  # the four squares in the centre are never empty
NO_MOVE = NUM_SQUARES
_TABLE_FROM = 9  # empty squares from which bounds are remembered
_JUDGE_FROM = 12  # empty squares from which the handcrafted value ranks moves
_JUDGE_STEP = 3  # more empty squares for each ply that it looks further
_JUDGE_DEPTH_MAX = 4  # plies
_STABILITY_MARGIN = 8  # looked at only when alpha is so near a bound that stable discs may decide
# Ranks of moves, in units of `_WORTH` where mobility decides and in score units where the value does.
_MOBILITY_WORTH, _ODD_WORTH = 64, 30
_TABLE_MOVE_RANK = _RANK_ZERO = 1 << 20
_OUTLOOK_MAX, _SCORE_FOR_A_DISC = 1 << 18, 200
_JUDGEMENT = HandcraftedOthello()
_CORNERS = np.uint64(0x8100000000000081)
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
# A table entry is three words: own, opponent, and best move | lower << 8 | upper << 16 | empties << 24,
# both bounds plus 64. Two entries share a bucket: the first is kept while it has more empty squares.
_WORDS = 3
_EIGHT, _SIXTEEN, _TWENTY_FOUR, _BYTE = np.uint64(8), np.uint64(16), np.uint64(24), np.uint64(255)

_QUARTER_WORTH = [[18, 4, 16, 12], [4, 2, 6, 8], [16, 6, 14, 10], [12, 8, 10, 0]]  # J.-C. Weill's, as in Edax
_WORTH = np.block(
    [
        [np.array(_QUARTER_WORTH), np.array(_QUARTER_WORTH)[:, ::-1]],
        [np.array(_QUARTER_WORTH)[::-1], np.array(_QUARTER_WORTH)[::-1, ::-1]],
    ]
).ravel()


class Memory(NamedTuple):
    """What the search writes to. The first index of the move lists is the number of empty squares."""

    table: NDArray[np.uint64]  # [entries, 3]; entries is a power of two
    ranked: NDArray[np.int64]  # [65, MOVES_MAX] rank << ACTION_BITS | place in the two lists below
    squares: NDArray[np.int64]  # [65, MOVES_MAX] the legal moves
    turned: NDArray[np.uint64]  # [65, MOVES_MAX] the discs that they turn over
    nodes: NDArray[np.int64]  # [1]
    stop: NDArray[np.uint8]  # [1] see agents.search.limits.StopFlag


def new_memory(entries: int, stop: NDArray[np.uint8]) -> Memory:
    """Fresh memory around a stop byte. ValueError unless `entries` is a power of two, at least 2."""
    if entries < 2 or entries & (entries - 1):
        raise ValueError(f"a table has a power of two of entries, at least 2, got {entries!r}")
    rows = NUM_SQUARES + 1
    return Memory(
        table=np.zeros((entries, _WORDS), np.uint64),
        ranked=np.zeros((rows, MOVES_MAX), np.int64),
        squares=np.zeros((rows, MOVES_MAX), np.int64),
        turned=np.zeros((rows, MOVES_MAX), np.uint64),
        nodes=np.zeros(1, np.int64),
        stop=stop,
    )


@kernel
def solve(own: np.uint64, opponent: np.uint64, low: int, high: int, memory: Memory) -> int:
    """Score for the side to move: exact within (low, high), else a bound. Meaningless once stopped.

    Args: low, high: low < high.
    """
    empty = ~(own | opponent)
    num_empty = int(popcount(empty))
    if num_empty == 0:
        return final_score(own, opponent)
    if num_empty == 1:
        return last_one(own, int(lowest_index(empty)), memory.nodes)
    if num_empty == 2:
        first, second = int(lowest_index(empty)), int(lowest_index(without_lowest(empty)))
        return last_two(own, opponent, low, high, first, second, memory.nodes)
    parity = 0
    while empty != ZERO:
        parity ^= QUADRANT[lowest_index(empty)]
        empty = without_lowest(empty)
    if num_empty <= FEW:
        return few(own, opponent, low, high, num_empty, parity, memory.nodes)
    return many(own, opponent, low, high, num_empty, parity, memory)


@kernel
def remembered_move(own: np.uint64, opponent: np.uint64, memory: Memory) -> int:
    """The move found best in an earlier search of the state, NO_MOVE if there is none in the table."""
    slot = _find(memory.table, own, opponent)
    if memory.table[slot, 0] == own and memory.table[slot, 1] == opponent:
        return int(memory.table[slot, 2] & _BYTE)
    return NO_MOVE


@inner_kernel
def many(
    own: np.uint64, opponent: np.uint64, alpha: int, beta: int, num_empty: int, parity: int, memory: Memory
) -> int:
    """Score with more empty squares: bounds remembered, moves ranked.

    As in agents.search.alpha_beta.negamax, the integers must not come in as literals.
    """
    memory.nodes[0] += 1
    if memory.stop[0]:
        return 0
    if 2 * num_empty - _STABILITY_MARGIN < alpha:
        most = NUM_SQUARES - 2 * int(popcount(stable_discs(opponent, own)))
        if most <= alpha:
            return most
    legal = mobility(own, opponent)
    if legal == ZERO:
        if mobility(opponent, own) == ZERO:
            return final_score(own, opponent)
        return -many(opponent, own, -beta, -alpha, num_empty, parity, memory)

    least, most, table_move, slot = -NUM_SQUARES, NUM_SQUARES, NO_MOVE, 0
    if num_empty >= _TABLE_FROM:
        slot = _find(memory.table, own, opponent)
        if memory.table[slot, 0] == own and memory.table[slot, 1] == opponent:
            entry = memory.table[slot, 2]
            table_move = int(entry & _BYTE)
            least = int((entry >> _EIGHT) & _BYTE) - NUM_SQUARES
            most = int((entry >> _SIXTEEN) & _BYTE) - NUM_SQUARES
            if least >= beta or least == most:
                return least
            if most <= alpha:
                return most

    num_moves = _rank_moves(own, opponent, legal, num_empty, parity, table_move, memory)
    best, best_move, floor = -INFINITY, NO_MOVE, max(alpha, least)
    ceiling = min(beta, most)
    for i in range(num_moves):
        place = take_best(memory.ranked[num_empty], i, num_moves)
        square, turned = memory.squares[num_empty, place], memory.turned[num_empty, place]
        child_own, child_opponent = opponent ^ turned, own | turned | (ONE << np.uint64(square))
        left, child_parity = num_empty - 1, parity ^ QUADRANT[square]
        if left <= FEW:
            found = -few(child_own, child_opponent, -ceiling, -floor, left, child_parity, memory.nodes)
        elif i == 0 or ceiling - floor <= 2:
            found = -many(child_own, child_opponent, -ceiling, -floor, left, child_parity, memory)
        else:
            found = -many(child_own, child_opponent, -floor - 2, -floor, left, child_parity, memory)
            if floor < found < ceiling:
                found = -many(child_own, child_opponent, -ceiling, -found, left, child_parity, memory)
        if memory.stop[0]:
            return 0
        if found > best:
            best, best_move = found, square
            floor = max(floor, best)
            if floor >= ceiling:
                break
    if num_empty >= _TABLE_FROM:
        if best < ceiling:
            most = max(best, least)
        if best > max(alpha, least):
            least = best
        _store(memory.table, own, opponent, num_empty, best_move, least, most)
    return best


@inner_kernel
def _rank_moves(
    own: np.uint64,
    opponent: np.uint64,
    legal: np.uint64,
    num_empty: int,
    parity: int,
    table_move: int,
    memory: Memory,
) -> int:
    """Write the legal moves, what they turn over and their ranks; how many there are."""
    count = 0
    while legal != ZERO:
        square = int(lowest_index(legal))
        legal = without_lowest(legal)
        turned = flips(own, opponent, square)
        memory.squares[num_empty, count], memory.turned[num_empty, count] = square, turned
        child_own, child_opponent = opponent ^ turned, own | turned | (ONE << np.uint64(square))
        rank = _TABLE_MOVE_RANK
        if square != table_move:
            odd = QUADRANT[square] & parity != 0
            if num_empty < _JUDGE_FROM:
                worse = _MOBILITY_WORTH * _weighted_mobility(child_own, child_opponent)
                rank = _WORTH[square] - worse + (_MOBILITY_WORTH if odd else 0)
            else:
                depth = min((num_empty - _JUDGE_FROM) // _JUDGE_STEP, _JUDGE_DEPTH_MAX)
                low, high = int(-_OUTLOOK_MAX), int(_OUTLOOK_MAX)  # see `many`
                worse = _outlook(child_own, child_opponent, low, high, depth)
                rank = _WORTH[square] - worse + (_ODD_WORTH if odd else 0)
        memory.ranked[num_empty, count] = (rank + _RANK_ZERO) << ACTION_BITS | count
        count += 1
    return count


@kernel
def _weighted_mobility(own: np.uint64, opponent: np.uint64) -> int:
    """The number of moves, those to a corner counted twice."""
    moves = mobility(own, opponent)
    return int(popcount(moves) + popcount(moves & _CORNERS))


@inner_kernel
def _outlook(own: np.uint64, opponent: np.uint64, alpha: int, beta: int, depth: int) -> int:
    """What the handcrafted value expects `depth` plies on, for the side to move."""
    if depth == 0:
        return int(score(_JUDGEMENT, Othello(own, opponent)))
    legal = mobility(own, opponent)
    if legal == ZERO:
        if mobility(opponent, own) == ZERO:
            return int(_SCORE_FOR_A_DISC * final_score(own, opponent))
        return -_outlook(opponent, own, -beta, -alpha, depth - 1)
    best = -_OUTLOOK_MAX
    while legal != ZERO:
        square = int(lowest_index(legal))
        legal = without_lowest(legal)
        turned = flips(own, opponent, square)
        child_own, child_opponent = opponent ^ turned, own | turned | (ONE << np.uint64(square))
        best = max(best, -_outlook(child_own, child_opponent, -beta, -max(alpha, best), depth - 1))
        if best >= beta:
            break
    return best


@inner_kernel
def _find(table: NDArray[np.uint64], own: np.uint64, opponent: np.uint64) -> int:
    """Index of the state's entry, or of the one to overwrite with a state that has none."""
    slot = _bucket(table, own, opponent)
    if table[slot, 0] == own and table[slot, 1] == opponent:
        return slot
    return slot + 1


@inner_kernel
def _bucket(table: NDArray[np.uint64], own: np.uint64, opponent: np.uint64) -> int:
    key = mixed(own + mixed(opponent) * _GOLDEN)
    return 2 * int(key & np.uint64(table.shape[0] // 2 - 1))


@inner_kernel
def _store(
    table: NDArray[np.uint64],
    own: np.uint64,
    opponent: np.uint64,
    num_empty: int,
    move: int,
    least: int,
    most: int,
) -> None:
    slot = _bucket(table, own, opponent)
    same = table[slot, 0] == own and table[slot, 1] == opponent
    if not same and int(table[slot, 2] >> _TWENTY_FOUR) > num_empty:
        slot += 1
    bounds = np.uint64(least + NUM_SQUARES) << _EIGHT | np.uint64(most + NUM_SQUARES) << _SIXTEEN
    table[slot, 0], table[slot, 1] = own, opponent
    table[slot, 2] = np.uint64(move) | bounds | np.uint64(num_empty) << _TWENTY_FOUR
