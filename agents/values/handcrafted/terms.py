"""What all handcrafted values share: a score is a sum of terms, each with a meaning and a weight.

The kernel of a handcrafted value is a NamedTuple of weights in score units. `contributions` gives what each
term adds for a state, in the order of the weights' fields; the score is their sum, cut off at SCORE_MAX.
"""

from collections.abc import Sequence
from typing import Any

from agents.values.value import SCORE_MAX
from envs.boards import rules
from envs.boards.dispatch import generic, kernel


@generic
def contributions(weights: Any, state: rules.State) -> tuple[int, ...]:
    """Score units for the side to move that each term adds in an unfinished state."""
    raise NotImplementedError


@kernel
def clipped_sum(parts: tuple[int, ...]) -> int:
    """The sum of the contributions, within the range of scores."""
    total = 0
    for part in parts:
        total += part
    return min(max(total, -SCORE_MAX), SCORE_MAX)


def explained(weights: Any, state: rules.State, terms: Sequence[str]) -> dict[str, float]:
    """Score units that each of the named terms adds for the side to move; they sum to the score.

    Where the sum exceeds the range of scores, the term "limit" takes the excess away.
    """
    parts = tuple(int(part) for part in contributions(weights, state))
    excess = sum(parts) - int(clipped_sum(parts))
    told = dict(zip(terms, map(float, parts), strict=True))
    return told | ({"limit": float(-excess)} if excess else {})
