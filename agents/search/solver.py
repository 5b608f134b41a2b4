"""The player that never errs: it knows the game-theoretic value of each move."""

import time

import numpy as np

from agents.players import BasePlayer, Decision, check_turn
from agents.search.alpha_beta import AlphaBeta
from agents.search.connect_four_solver import Solver
from agents.search.limits import DEPTH_MAX, Limits, StopFlag
from agents.values.handcrafted import HandcraftedValue
from envs.boards import rules
from envs.boards.game import Game, Position

GAMES = ("connect_four", "tic_tac_toe")
_TO_THE_END = Limits(depth=DEPTH_MAX)


class SolverPlayer(BasePlayer):
    """Wins as soon as it can and loses as late as it can.

    Connect Four takes milliseconds from the middle game on, seconds after some ten stones, and minutes from
    the empty board.

    Raises: ValueError for a game without a solver.
    """

    def __init__(self, name: str, game: Game) -> None:
        super().__init__(name)
        if game.name not in GAMES:
            raise ValueError(f"solver plays {' and '.join(GAMES)}, not {game.name}")
        self._game = game
        self._flag = StopFlag()
        self._solver = Solver(self._flag) if game.name == "connect_four" else None
        self._search = AlphaBeta(HandcraftedValue(game).kernel, self._flag)

    def stop(self) -> None:
        """Break off a running `choose` or `analyse`, which raises Stopped in its thread."""
        self._flag.set()

    def choose(self, position: Position) -> Decision:
        """A best move. Raises: Stopped; ValueError for a finished position or another game."""
        check_turn(self.name, self._game, position)
        started = time.perf_counter()
        with self._flag.during(None):
            if self._solver is not None:
                action, score = self._solver.best_move(position.state)
                line: tuple[int, ...] = (action,)
                nodes = self._solver.nodes
            else:
                result = self._search.search(position.state, _TO_THE_END)
                line, nodes, score = result.line, result.nodes, result.score
        return Decision(
            action=line[0],
            value=float(np.sign(score)),
            principal_variation=line,
            statistics={"nodes": nodes, "seconds": time.perf_counter() - started, "proven": 1.0},
        )

    def analyse(self, position: Position) -> dict[int, int]:
        """The value, 1, 0 or -1 for the side to move, of each legal action. Raises: as `choose`."""
        check_turn(self.name, self._game, position)
        with self._flag.during(None):
            if self._solver is not None:
                return self._solver.analyse(position.state, weak=True)
            return {action: self._value_after(position, action) for action in position.legal()}

    def reaches(self, position: Position, action: int, value: int) -> bool:
        """Whether a legal action is worth `value` or more to the side to move. Raises: as `choose`."""
        check_turn(self.name, self._game, position)
        with self._flag.during(None):
            if self._solver is not None:
                return value == -1 or self._solver.reaches(position.state, action, value)
            return self._value_after(position, action) >= value

    def _value_after(self, position: Position, action: int) -> int:
        child = rules.play(position.state, action)
        if rules.is_over(child):
            return -int(rules.outcome(child))
        return -int(self._search.search(child, _TO_THE_END).value)
