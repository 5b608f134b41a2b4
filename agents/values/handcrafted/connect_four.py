"""What experts look for in Connect Four: the centre, open alignments, threats of the right parity, and the
tempo.

A *threat* of a side is an empty cell where it would complete four in a line. If nobody can win by force the
board fills up from below, and the players are made to play under the threats: the first player gets the odd
rows (1, 3, 5 from below), the second the even ones. So a threat is worth most on one's own rows, and least
above a threat of the other.

Source: V. Allis, A Knowledge-Based Approach of Connect-Four (1988), chapter 3 (zugzwang, odd and even
threats).
"""

from typing import NamedTuple

import numpy as np

from agents.values.handcrafted.terms import clipped_sum, contributions
from agents.values.value import score
from envs.boards.bits import ONE, ZERO, popcount, without_lowest
from envs.boards.connect_four import (
    BOARD,
    BOTTOM_ROW,
    DOUBLE_STEPS,
    NUM_COLUMNS,
    STEPS,
    ConnectFour,
    winning_cells,
)
from envs.boards.dispatch import kernel

_TWO, _FOUR = np.uint64(2), np.uint64(4)
_ODD_ROWS = BOTTOM_ROW | BOTTOM_ROW << _TWO | BOTTOM_ROW << _FOUR
_EVEN_ROWS = _ODD_ROWS << ONE
_FROM_ROW_3 = BOARD & ~(BOTTOM_ROW | BOTTOM_ROW << ONE)
_FROM_ROW_5 = BOTTOM_ROW << _FOUR | BOTTOM_ROW << np.uint64(5)
_INNER_5, _INNER_3, _INNER_1 = (
    np.uint64(sum(0b111111 << (7 * column) for column in range(edge, NUM_COLUMNS - edge)))
    for edge in (1, 2, 3)
)


class HandcraftedConnectFour(NamedTuple):
    """Weights in score units.

    Set by hand, so that tanh(score / SCORE_SCALE) is about the mean result of perfect play from there on: a
    threat of one's own parity wins 4 of 5.
    """

    centre: int = 20  # a stone one column nearer to the middle
    open_twos: int = 50  # a window of four cells with two own stones and no other
    open_threes: int = 100  # a window with three
    odd_threats: int = 700  # a threat of the first player on an odd row
    even_threats: int = 550  # a threat of the second player on an even row
    winning_move: int = 3000  # to be able to win at once
    forced_loss: int = 2500  # to be unable to stop the other from winning with the next move


@kernel
def centre(own: np.uint64, theirs: np.uint64) -> int:
    """Stones, each counting 0 at the edge to 3 in the middle column; own minus theirs, in [-36, 36]."""
    return nearness(own) - nearness(theirs)


@kernel
def nearness(stones: np.uint64) -> int:
    """Sum over the stones of 0 at the edge to 3 in the middle column."""
    return int(popcount(stones & _INNER_5) + popcount(stones & _INNER_3) + popcount(stones & _INNER_1))


@kernel
def open_windows(stones: np.uint64, others: np.uint64) -> tuple[int, int]:
    """How many of the 69 lines of four cells hold just two, and just three, `stones` and no `others`."""
    free = BOARD & ~others
    twos, threes = 0, 0
    for i in range(4):
        step, double = STEPS[i], DOUBLE_STEPS[i]
        free_pairs = free & (free >> step)
        windows = free_pairs & (free_pairs >> double)  # by their lowest cell
        next_stones = stones >> step
        single = stones ^ next_stones  # of two neighbours: one is set; both are
        both = stones & next_stones
        single_far, both_far = single >> double, both >> double
        odd = single ^ single_far
        two_or_three = windows & (both | both_far | (single & single_far))
        twos += int(popcount(two_or_three & ~odd))
        threes += int(popcount(two_or_three & odd))
    return twos, threes


@kernel
def above(cells: np.uint64) -> np.uint64:
    """All cells that lie higher in the same columns."""
    cells = (cells << ONE) & BOARD
    cells |= (cells << ONE) & BOARD
    cells |= (cells << _TWO) & _FROM_ROW_3
    return cells | ((cells << _FOUR) & _FROM_ROW_5)


@kernel
def parity_threats(first: np.uint64, second: np.uint64) -> tuple[int, int]:
    """The first player's threats on odd rows and the second's on even rows, but for those above the other's.

    Args: the threats (empty cells) of the two players.
    """
    odd = popcount(first & _ODD_ROWS & ~above(second))
    even = popcount(second & _EVEN_ROWS & ~above(first))
    return int(odd), int(even)


@kernel
def cannot_defend(their_threats: np.uint64, playable: np.uint64) -> bool:
    """Whether the other side wins with its next move: two threats at once, or one right above the other."""
    now = their_threats & playable
    return bool(now != ZERO and (without_lowest(now) != ZERO or (now << ONE) & their_threats != ZERO))


@contributions.register(HandcraftedConnectFour)
@kernel
def _contributions(
    weights: HandcraftedConnectFour, state: ConnectFour
) -> tuple[int, int, int, int, int, int, int]:
    own, theirs = state.own, state.own ^ state.occupied
    own_twos, own_threes = open_windows(own, theirs)
    their_twos, their_threes = open_windows(theirs, own)
    own_threats = winning_cells(own, state.occupied)
    their_threats = winning_cells(theirs, state.occupied)
    playable = (state.occupied + BOTTOM_ROW) & BOARD
    if popcount(state.occupied) & 1:
        odd, even = parity_threats(their_threats, own_threats)
        odd, even = -odd, -even
    else:
        odd, even = parity_threats(own_threats, their_threats)
    wins = own_threats & playable != ZERO
    loses = not wins and cannot_defend(their_threats, playable)
    return (
        weights.centre * centre(own, theirs),
        weights.open_twos * (own_twos - their_twos),
        weights.open_threes * (own_threes - their_threes),
        weights.odd_threats * odd,
        -weights.even_threats * even,
        weights.winning_move * int(wins),
        -weights.forced_loss * int(loses),
    )


@score.register(HandcraftedConnectFour)
@kernel
def _score(weights: HandcraftedConnectFour, state: ConnectFour) -> int:
    return clipped_sum(contributions(weights, state))
