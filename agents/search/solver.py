"""The player that never errs where it can look to the end: it knows the game-theoretic value of each move."""

import time
from collections.abc import Mapping
from typing import Protocol

import numpy as np

from agents.players import BasePlayer, Decision, check_turn
from agents.search.alpha_beta import AlphaBeta
from agents.search.connect_four_solver import Solver
from agents.search.limits import DEPTH_MAX, Limits, StopFlag
from agents.search.opening_book import shipped_book
from agents.search.othello_solver import OthelloSolver, empty_squares
from agents.values.handcrafted import HandcraftedValue
from envs.boards import rules
from envs.boards.game import Game, Position
from envs.boards.rules import State

GAMES = ("connect_four", "othello", "tic_tac_toe")
OTHELLO_EMPTY_MAX = 20  # squares, up to which Othello is solved: at most about a second each
_BEFORE_IT_CAN_SOLVE = Limits(depth=8)
_TO_THE_END = Limits(depth=DEPTH_MAX)


class ExactSolver(Protocol):
    """What the solvers share. A score is positive where the side to move wins, 0 for a draw.

    Every method takes an unfinished state and raises Stopped when the flag is set from another thread.
    """

    @property
    def nodes(self) -> int:
        """States visited by the last call."""

    def best_line(self, state: State) -> tuple[tuple[int, ...], int]:
        """Best moves, at least one, and the score."""

    def analyse(self, state: State, weak: bool = False) -> dict[int, int]:
        """The score of each legal action, only its sign if `weak`."""

    def reaches(self, state: State, action: int, score: int) -> bool:
        """Whether a legal action scores at least `score`."""


class SolverPlayer(BasePlayer):
    """Wins as soon, or by as much, as it can, and loses as late, or by as little.

    Connect Four is known from a book up to eight stones, takes seconds for a few more, and milliseconds from
    the middle game on. Othello is solved, by discs, once at most OTHELLO_EMPTY_MAX squares are empty; before
    that `choose` is an alpha-beta search of eight plies, and says that nothing is proven.

    Raises: ValueError for a game without a solver.
    """

    def __init__(self, name: str, game: Game) -> None:
        super().__init__(name)
        if game.name not in GAMES:
            raise ValueError(f"solver plays {', '.join(GAMES)}, not {game.name}")
        self._game = game
        self._flag = StopFlag()
        self._search = AlphaBeta(HandcraftedValue(game).kernel, self._flag)
        self._solver = self._make_solver()

    def stop(self) -> None:
        """Break off a running call; Stopped is raised in its thread where nothing is known yet."""
        self._flag.set()

    def reset(self, seed: int) -> None:
        """Forget the search's table; what is solved stays true. There is no chance in this player."""
        self._search.forget()

    def choose(self, position: Position) -> Decision:
        """A best move. Raises: Stopped; ValueError for a finished position or another game."""
        check_turn(self.name, self._game, position)
        started = time.perf_counter()
        statistics: Mapping[str, float]
        self._flag.clear()
        if self._can_solve(position):
            line, score = self._solver.best_line(position.state)
            value = float(np.sign(score))
            statistics = {"nodes": self._solver.nodes, "proven": 1.0, "score": score}
        else:
            found = self._search.search(position.state, _BEFORE_IT_CAN_SOLVE)
            line, value = found.line, found.value
            statistics = {"nodes": found.nodes, "proven": float(found.proven), "depth": found.depth}
        seconds = time.perf_counter() - started
        return Decision(
            action=line[0],
            value=value,
            principal_variation=line,
            statistics={**statistics, "seconds": seconds},
        )

    def analyse(self, position: Position) -> dict[int, int]:
        """The value, 1, 0 or -1 for the side to move, of each legal action.

        Raises: Stopped; ValueError for a finished position, another game, or one that cannot be solved yet.
        """
        self._check_solvable(position)
        self._flag.clear()
        return self._solver.analyse(position.state, weak=True)

    def reaches(self, position: Position, action: int, value: int) -> bool:
        """Whether a legal action is worth `value` or more to the side to move. Raises: as `analyse`."""
        self._check_solvable(position)
        self._flag.clear()
        return value == -1 or self._solver.reaches(position.state, action, value)

    def _make_solver(self) -> ExactSolver:
        if self._game.name == "connect_four":
            return Solver(self._flag, book=shipped_book())
        if self._game.name == "othello":
            return OthelloSolver(self._flag)
        return _Exhaustive(self._search)

    def _can_solve(self, position: Position) -> bool:
        return self._game.name != "othello" or empty_squares(position.state) <= OTHELLO_EMPTY_MAX

    def _check_solvable(self, position: Position) -> None:
        check_turn(self.name, self._game, position)
        if not self._can_solve(position):
            raise ValueError(
                f"{self.name} knows othello with at most {OTHELLO_EMPTY_MAX} empty squares, "
                f"this position has {empty_squares(position.state)}"
            )


class _Exhaustive:
    """Alpha-beta to the end, for games small enough. A score is 1, 0 or -1."""

    def __init__(self, search: AlphaBeta) -> None:
        self._search = search
        self.nodes = 0

    def best_line(self, state: State) -> tuple[tuple[int, ...], int]:
        found = self._search.search(state, _TO_THE_END)
        self.nodes = found.nodes
        return found.line, int(found.value)

    def analyse(self, state: State, weak: bool = False) -> dict[int, int]:
        self.nodes = 0
        mask = int(rules.legal_moves(state))
        return {a: self._value_after(state, a) for a in range(mask.bit_length()) if mask >> a & 1}

    def reaches(self, state: State, action: int, score: int) -> bool:
        self.nodes = 0
        return self._value_after(state, action) >= score

    def _value_after(self, state: State, action: int) -> int:
        child = rules.play(state, action)
        if rules.is_over(child):
            return -int(rules.outcome(child))
        found = self._search.search(child, _TO_THE_END)
        self.nodes += found.nodes
        return -int(found.value)
