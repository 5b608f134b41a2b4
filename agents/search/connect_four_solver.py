"""Connect Four solved exactly: who wins, and how soon, when nobody errs.

A score is in P. Pons's convention: positive where the side to move wins, and larger the sooner: it wins with
its (22 - score)-th stone. Negative where it loses to the other's (22 + score)-th stone; 0 for a draw.

The search is a negamax with null windows that halve the range of scores. It never tries a move that lets the
other side win at once, tries the moves first that make most threats (then the centre), and remembers bounds
in a table. Where a book has the score, it looks no further.

Source: P. Pons, Solving Connect Four (2015-2019), blog.gamesolver.org, parts 4-12.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from agents.search.limits import StopFlag, Stopped
from agents.search.opening_book import NO_BOOK, NOT_IN_BOOK, Book, book_score
from envs.boards import rules
from envs.boards.bits import ONE, ZERO, popcount, without_lowest
from envs.boards.connect_four import (
    BOARD,
    BOTTOM_ROW,
    COLUMN,
    NUM_COLUMNS,
    ConnectFour,
    winning_cells,
)
from envs.boards.dispatch import inner_kernel, kernel

NUM_CELLS = 42
SCORE_MIN, SCORE_MAX = -18, 18  # nobody wins before the fourth stone
_STRONG, _WEAK = (SCORE_MIN - 1, SCORE_MAX + 1), (-1, 1)  # ranges of scores that are told apart
ENTRY_BYTES = 8
DEFAULT_ENTRIES = 1 << 23  # 64 MiB
_CENTRE_FIRST = (3, 2, 4, 1, 5, 0, 6)
_COLUMNS = np.array([int(COLUMN) << (7 * column) for column in _CENTRE_FIRST], np.uint64)
# A table entry is a state's 49-bit key and an 8-bit bound: upper bounds are 1..37, lower bounds follow.
_BOARD_BITS = np.uint64(49)  # above them stand the threats of a ranked move
_BOUND_BITS, _BOUND_MASK = np.uint64(8), np.uint64(255)
_UPPER_ZERO = 1 - SCORE_MIN
_LOWER_ZERO = _UPPER_ZERO + SCORE_MAX - SCORE_MIN + 1
_HALF_WORD = np.uint64(32)
_SPREAD = np.uint64(0x9E3779B97F4A7C15)  # 2**64 / golden ratio (Knuth's multiplicative hashing)


class Memory(NamedTuple):
    """What the search writes to."""

    table: NDArray[np.uint64]  # [entries], a power of two
    ranked: NDArray[np.uint64]  # [stones on the board, NUM_COLUMNS] moves still to be tried, the best last
    nodes: NDArray[np.int64]  # [1]
    stop: NDArray[np.uint8]  # [1] see agents.search.limits.StopFlag
    book: Book


class Solver:
    """The solver with its table, which makes related positions cheaper, until `forget`.

    Args:
        flag: stops a running `solve` from another thread.
        entries: of the table, a power of two.
        book: scores that need no search.

    Attributes:
        memory: for compiled code that calls `solve` itself.
    """

    def __init__(
        self, flag: StopFlag | None = None, entries: int = DEFAULT_ENTRIES, book: Book = NO_BOOK
    ) -> None:
        self.memory = Memory(
            table=np.zeros(entries, np.uint64),
            ranked=np.zeros((NUM_CELLS, NUM_COLUMNS), np.uint64),
            nodes=np.zeros(1, np.int64),
            stop=(flag or StopFlag()).byte,
            book=book,
        )

    @property
    def nodes(self) -> int:
        """States visited by the last call."""
        return int(self.memory.nodes[0])

    def forget(self) -> None:
        """Empty the table."""
        self.memory.table[:] = 0

    def solve(self, state: ConnectFour, weak: bool = False) -> int:
        """The exact score of an unfinished state for the side to move, in [SCORE_MIN, SCORE_MAX].

        Args: weak: only its sign, 1, 0 or -1, which takes less time.
        Raises: Stopped.
        """
        self.memory.nodes[0] = 0
        return self._solve(state, *(_WEAK if weak else _STRONG))

    def analyse(self, state: ConnectFour, weak: bool = False) -> dict[int, int]:
        """As `solve`, for the side to move, of each legal column of an unfinished state. Raises: Stopped."""
        self.memory.nodes[0] = 0
        bounds = _WEAK if weak else _STRONG
        return {column: self._solve_move(state, column, *bounds) for column in _legal_columns(state)}

    def reaches(self, state: ConnectFour, column: int, score: int) -> bool:
        """Whether a legal column scores at least `score`, which is cheaper to know. Raises: Stopped."""
        self.memory.nodes[0] = 0
        return self._solve_move(state, column, score - 1, score) >= score

    def best_line(self, state: ConnectFour) -> tuple[tuple[int, ...], int]:
        """A column that keeps the score of an unfinished state, the nearest to the centre, and that score.

        The line is that one move. Raises: Stopped.
        """
        score = self.solve(state)
        nodes = self.nodes
        for column in _CENTRE_FIRST:
            legal = column in _legal_columns(state)
            if legal and self._solve_move(state, column, score - 1, score) == score:
                self.memory.nodes[0] += nodes
                return (column,), score
        raise AssertionError(f"no column of {state} has its score {score}")

    def _solve(self, state: ConnectFour, low: int, high: int) -> int:
        score = int(solve(state, low, high, self.memory))
        if self.memory.stop[0]:
            raise Stopped
        return score

    def _solve_move(self, state: ConnectFour, column: int, low: int, high: int) -> int:
        """The score of a move for the side that makes it, within [low, high]."""
        child = rules.play(state, column)
        if not rules.is_over(child):
            return -self._solve(child, -high, -low)
        if rules.outcome(child) == 0:
            return min(max(0, low), high)
        return min((NUM_CELLS + 1 - int(popcount(state.occupied))) // 2, high)


def plies_to_go(stones: int, score: int) -> int:
    """How long the game still lasts when nobody errs, from a position of so many stones and its score."""
    if score == 0:
        return NUM_CELLS - stones
    won = score > 0
    own = stones // 2 if won else (stones + 1) // 2  # stones of the side that will win
    return 2 * (NUM_CELLS // 2 + 1 - abs(score) - own) - won


def _legal_columns(state: ConnectFour) -> list[int]:
    mask = int(rules.legal_moves(state))
    return [column for column in range(NUM_COLUMNS) if mask >> column & 1]


@kernel
def solve(state: ConnectFour, low: int, high: int, memory: Memory) -> int:
    """The score of an unfinished state, or the end of [low, high] that is nearer to it. 0 when stopped."""
    own, occupied = state.own, state.occupied
    stones = int(popcount(occupied))
    if winning_cells(own, occupied) & _playable(occupied) != ZERO:
        return min((NUM_CELLS + 1 - stones) // 2, high)
    ceiling = high
    low, high = max(low, -((NUM_CELLS - stones) // 2)), min(high, (NUM_CELLS + 1 - stones) // 2)
    while low < high:
        # Near 0 first: whether it is a win costs least to find out when the bounds are far apart.
        middle = low + (high - low) // 2
        if middle <= 0 and _half(low) < middle:
            middle = _half(low)
        elif middle >= 0 and _half(high) > middle:
            middle = _half(high)
        found = negamax(own, occupied, middle, middle + 1, stones, memory)
        if found <= middle:
            high = found
        else:
            low = found
    return min(low, ceiling)


@kernel
def _half(number: int) -> int:
    """Half of it, cut off towards 0."""
    return int(number / 2)


@inner_kernel
def negamax(own: np.uint64, occupied: np.uint64, alpha: int, beta: int, stones: int, memory: Memory) -> int:
    """Score of a state whose side to move cannot win at once, exact within (alpha, beta), else a bound.

    As in agents.search.alpha_beta.negamax, the integers must not come in as literals.
    """
    memory.nodes[0] += 1
    if memory.stop[0]:
        return 0
    if stones == memory.book.stones:
        known = book_score(memory.book, ConnectFour(own, occupied))
        if known != NOT_IN_BOOK:
            return known
    key = own + occupied + BOTTOM_ROW  # different for each state
    slot = ((key * _SPREAD) >> _HALF_WORD) & np.uint64(memory.table.size - 1)
    entry = memory.table[slot]  # on its way from memory while the moves are looked at
    possible = _non_losing(own, occupied)
    if possible == ZERO:
        return -((NUM_CELLS - stones) // 2)
    if stones >= NUM_CELLS - 2:
        return 0
    least = -((NUM_CELLS - 2 - stones) // 2)  # the other side cannot win with its next stone
    most = (NUM_CELLS - 1 - stones) // 2  # nor this side with this one
    if entry >> _BOUND_BITS == key:
        bound = int(entry & _BOUND_MASK)
        if bound >= _LOWER_ZERO + SCORE_MIN:
            least = max(least, bound - _LOWER_ZERO)
        else:
            most = min(most, bound - _UPPER_ZERO)
    if least >= beta:
        return least
    if most <= alpha:
        return most
    alpha, beta = max(alpha, least), min(beta, most)
    count = _rank_moves(own, occupied, possible, stones, memory.ranked)
    for i in range(count - 1, -1, -1):
        move = memory.ranked[stones, i] & BOARD
        score = -negamax(own ^ occupied, occupied | move, -beta, -alpha, stones + 1, memory)
        if memory.stop[0]:
            return 0
        if score >= beta:
            memory.table[slot] = key << _BOUND_BITS | np.uint64(score + _LOWER_ZERO)
            return score
        alpha = max(alpha, score)
    memory.table[slot] = key << _BOUND_BITS | np.uint64(alpha + _UPPER_ZERO)
    return alpha


@kernel
def _playable(occupied: np.uint64) -> np.uint64:
    """The lowest free cell of each open column."""
    return (occupied + BOTTOM_ROW) & BOARD


@kernel
def _non_losing(own: np.uint64, occupied: np.uint64) -> np.uint64:
    """The playable cells after which the other side cannot win at once; 0 if there is none."""
    possible = _playable(occupied)
    their_threats = winning_cells(own ^ occupied, occupied)
    forced = possible & their_threats
    if forced != ZERO:
        if without_lowest(forced) != ZERO:
            return ZERO
        possible = forced
    return possible & ~(their_threats >> ONE)


@inner_kernel
def _rank_moves(
    own: np.uint64, occupied: np.uint64, possible: np.uint64, stones: int, ranked: NDArray[np.uint64]
) -> int:
    """Write the possible moves to ranked[stones]; how many there are.

    Those that make most threats come last, and of equal ones the nearest to the centre.
    """
    count = 0
    for i in range(NUM_COLUMNS - 1, -1, -1):
        move = possible & _COLUMNS[i]
        if move != ZERO:
            threats = np.uint64(popcount(winning_cells(own | move, occupied)))
            place = count
            while place > 0 and ranked[stones, place - 1] >> _BOARD_BITS > threats:
                ranked[stones, place] = ranked[stones, place - 1]
                place -= 1
            ranked[stones, place] = threats << _BOARD_BITS | move
            count += 1
    return count
