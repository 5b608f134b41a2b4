"""How often a player errs where the truth is known: error rates against solved positions.

A file has a line for each position: the moves that lead to it, its exact score for the side to move (> 0 won,
0 drawn, < 0 lost), and, so that no solver is needed, the exact score of each action in turn, any number where
it is illegal:

    5554224333234511764415115 4
    5554224333234511764415115 4 -8 -8 -8 -8 -1000 4 -8

Only the signs count. A mistake is a move after which the game-theoretic value in {-1, 0, 1} is worse than
after another. A position is trivial when all its moves are worth the same: there nobody can err.
"""

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agents.arena.rating import Interval, wilson
from agents.players import Player
from envs.boards.game import Game, IllegalMove, Position

POSITIONS_AT_ONCE = 128  # shown to the player together

Solver = Callable[[Position, int, int], bool]  # whether an action is worth at least so much, in {-1, 0, 1}


@dataclass(frozen=True, slots=True)
class SolvedPosition:
    """A position, its exact value for the side to move, and that of its actions where the file tells."""

    position: Position
    value: int
    action_values: dict[int, int] | None
    source: str  # file and line, for messages


@dataclass(frozen=True, slots=True)
class MistakeReport:
    """Counts over all positions and over the non-trivial ones; rates with 95 % intervals (Wilson)."""

    positions: int
    mistakes: int
    nontrivial_positions: int

    @property
    def rate(self) -> Interval:
        """Mistakes for each position."""
        return _rate(self.mistakes, self.positions)

    @property
    def nontrivial_rate(self) -> Interval:
        """Mistakes for each non-trivial position."""
        return _rate(self.mistakes, self.nontrivial_positions)

    def to_json(self) -> dict[str, Any]:
        """Plain values. All mistakes are made in non-trivial positions."""
        rate, nontrivial = self.rate, self.nontrivial_rate
        return {
            "positions": self.positions,
            "mistakes": self.mistakes,
            "rate": rate.estimate,
            "rate_low": rate.low,
            "rate_high": rate.high,
            "nontrivial_positions": self.nontrivial_positions,
            "nontrivial_mistakes": self.mistakes,
            "nontrivial_rate": nontrivial.estimate,
            "nontrivial_rate_low": nontrivial.low,
            "nontrivial_rate_high": nontrivial.high,
        }


def read_solved(path: Path, game: Game) -> list[SolvedPosition]:
    """The positions of a file as described above; empty lines do not count.

    Raises: OSError; ValueError, naming file and line, for a line that is not as described, an illegal move, a
        finished position, or scores that contradict each other; ValueError for a file without positions.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise ValueError(f"{path} is not a text file; lines are: moves score") from None
    solved = []
    for number, line in enumerate(text.splitlines(), start=1):
        if line.strip():
            try:
                solved.append(_parse(line.split(), game, f"{path}:{number}"))
            except ValueError as error:
                raise ValueError(f"{path}:{number}: {error}") from error
    if not solved:
        raise ValueError(f"{path}: no positions; lines are: moves score")
    return solved


def count_mistakes(
    player: Player,
    solved: Sequence[SolvedPosition],
    solver: Solver | None,
    *,
    seed: int = 0,
    on_progress: Callable[[int, int], None] = lambda positions_done, mistakes: None,
) -> MistakeReport:
    """Show the player every position and count.

    Args:
        solver: asked about actions whose scores the file does not tell, as few as possible. A file that says
            less than the truth is not found out.
        on_progress: told how many positions are done and how many mistakes were made in them.
    Raises: ValueError where a solver is needed and there is none, or where it finds less than the file says.
    """
    player.reset(seed)
    positions = mistakes = nontrivial = 0
    for batch in _batches(solved, POSITIONS_AT_ONCE):
        decisions = player.choose_many([each.position for each in batch])
        for each, decision in zip(batch, decisions, strict=True):
            if decision.action not in each.position.legal():
                raise IllegalMove(each.position.complaint(f"{player.name} played {decision.action}"))
            truth = _Truth(each, solver)
            positions += 1
            mistakes += truth.is_mistake(decision.action)
            nontrivial += truth.is_nontrivial()
            on_progress(positions, mistakes)
    return MistakeReport(positions, mistakes, nontrivial)


class _Truth:
    """What is known about one position; a solver is asked for no more than the counting needs."""

    def __init__(self, solved: SolvedPosition, solver: Solver | None) -> None:
        self._solved = solved
        self._solver = solver
        self._legal = solved.position.legal()
        self._worse: dict[int, bool] = {}  # than the position's value
        if solved.action_values is not None:
            self._worse = {action: value < solved.value for action, value in solved.action_values.items()}

    def is_mistake(self, action: int) -> bool:
        """Whether another action is worth more."""
        if not self._is_worse(action):
            return False
        if all(self._is_worse(other) for other in self._legal):
            raise ValueError(
                f"{self._solved.source}: the file says value {self._solved.value}, the solver says less"
            )
        return True

    def is_nontrivial(self) -> bool:
        """Whether the actions are not all worth the same."""
        return any(self._is_worse(action) for action in self._legal)

    def _is_worse(self, action: int) -> bool:
        """Whether the action is worth less than the position: none is where all is lost."""
        if self._solved.value == -1:
            return False
        if action not in self._worse:
            if self._solver is None:
                raise ValueError(
                    f"{self._solved.source}: the line does not tell the scores of the actions, and "
                    f"{self._solved.position.game.name} has no solver to find them"
                )
            self._worse[action] = not self._solver(self._solved.position, action, self._solved.value)
        return self._worse[action]


def _batches(solved: Sequence[SolvedPosition], size: int) -> Iterator[Sequence[SolvedPosition]]:
    for begin in itertools.count(0, size):
        if begin >= len(solved):
            return
        yield solved[begin : begin + size]


def _parse(words: Sequence[str], game: Game, source: str) -> SolvedPosition:
    if len(words) not in (2, 2 + game.num_actions):
        raise ValueError(
            f"needs moves and score, then nothing or the scores of {game.num_actions} actions; "
            f"got {len(words)} words"
        )
    position = game.position(words[0])
    if position.is_over:
        raise ValueError(f"the game is over after {words[0]}")
    try:
        score, *action_scores = (int(word) for word in words[1:])
    except ValueError:
        raise ValueError(f"scores must be whole numbers, got {' '.join(words[1:])}") from None
    if not action_scores:
        return SolvedPosition(position, _sign(score), None, source)
    values = {action: _sign(action_scores[action]) for action in position.legal()}
    if max(values.values()) != _sign(score):
        raise ValueError(f"score {score} contradicts the best of the actions' scores {action_scores}")
    return SolvedPosition(position, _sign(score), values, source)


def _sign(score: int) -> int:
    return (score > 0) - (score < 0)


def _rate(mistakes: int, positions: int) -> Interval:
    return wilson(mistakes / positions, positions) if positions else Interval(0.0, 0.0, 1.0)
