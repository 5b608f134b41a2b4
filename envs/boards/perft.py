"""Perft: count the games of a given length. The classic test of rules, and their speed test.

A pass counts as a ply. A game that ends earlier counts nothing.
"""

from envs.boards import rules
from envs.boards.bits import ZERO, lowest_index, popcount, without_lowest
from envs.boards.dispatch import kernel


@kernel
def perft(state: rules.State, depth: int) -> int:
    """How many different sequences of `depth` plies start at `state`; the last ply is counted, not played."""
    if depth == 0:
        return 1
    if rules.is_over(state):
        return 0
    legal = rules.legal_moves(state)
    if legal == ZERO:
        return perft(rules.play(state, rules.PASS), depth - 1)
    if depth == 1:
        return int(popcount(legal))
    leaves = 0
    while legal != ZERO:
        leaves += perft(rules.play(state, lowest_index(legal)), depth - 1)
        legal = without_lowest(legal)
    return leaves
