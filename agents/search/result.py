"""What an iteratively deepened search found, and what each of its iterations had found."""

from dataclasses import dataclass

import numpy as np

from agents.values.value import SCORE_MAX, as_value


@dataclass(frozen=True, slots=True)
class Iteration:
    """A finished iteration, with counts since the start of the search.

    Attributes:
        depth: plies searched.
        score: for the side to move, as of a `Result`.
        line: the principal variation.
        nodes: states visited.
        cutoffs: states in which a move refuted the one before it (a score of at least beta).
        first_cutoffs: those of them in which the first move tried did; their share tells how good the
            move ordering is.
    """

    depth: int
    score: int
    line: tuple[int, ...]
    nodes: int
    cutoffs: int
    first_cutoffs: int


@dataclass(frozen=True, slots=True)
class Result:
    """What a search found.

    Attributes:
        score: for the side to move; see agents.search.alpha_beta.
        line: the principal variation; its first action is the choice.
        depth: plies searched in full.
        nodes: states visited.
        proven: whether the score is the game-theoretic truth.
        iterations: those finished, the shallowest first.
    """

    score: int
    line: tuple[int, ...]
    depth: int
    nodes: int
    proven: bool
    iterations: tuple[Iteration, ...] = ()

    @property
    def value(self) -> float:
        """In [-1, 1]: 1, 0, -1 where it is proven, else strictly inside."""
        if self.proven:
            return float(np.sign(self.score))
        heuristic = np.clip(
            self.score, -SCORE_MAX, SCORE_MAX
        )  # a search that was cut short may know of losses only
        return float(as_value(np.array([heuristic]))[0])
