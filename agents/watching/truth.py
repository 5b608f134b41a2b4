"""The game-theoretic value of each move, where it can be found while a person waits."""

from agents.search.alpha_beta import AlphaBeta
from agents.search.limits import DEPTH_MAX, Limits, StopFlag, Stopped
from agents.search.othello_solver import empty_squares
from agents.search.solver import SolverPlayer
from agents.values.handcrafted import HandcraftedValue
from envs.boards import rules
from envs.boards.game import Game, Position

OTHELLO_EMPTY_MAX = 14  # seconds
_TO_THE_END = Limits(depth=DEPTH_MAX)


class Truth:
    """Solves positions of one game; made for one thread at a time, stopped from any."""

    def __init__(self, game: Game) -> None:
        self._game = game
        self._flag = StopFlag()
        self._solver: SolverPlayer | None = None
        self._search: AlphaBeta | None = None

    def refusal(self, position: Position) -> str:
        """Why a position is not solved, in words; empty where it is."""
        if self._game.name == "othello" and empty_squares(position.state) > OTHELLO_EMPTY_MAX:
            return f"the solver answers when at most {OTHELLO_EMPTY_MAX} squares are empty"
        return "the game is over" if position.is_over else ""

    def solve(self, position: Position) -> dict[int, int]:
        """1, 0 or -1 for the side to move, of each legal action. Raises: Stopped; ValueError if refused."""
        if refusal := self.refusal(position):
            raise ValueError(refusal)
        if self._game.name == "connect_four":
            self._solver = self._solver or SolverPlayer("solver", self._game)
            return self._solver.analyse(position)
        self._search = self._search or AlphaBeta(HandcraftedValue(self._game).kernel, self._flag)
        self._flag.clear()
        return {action: self._after(self._search, position, action) for action in position.legal()}

    def stop(self) -> None:
        """Break off a running `solve`."""
        self._flag.set()
        if self._solver is not None:
            self._solver.stop()

    def _after(self, search: AlphaBeta, position: Position, action: int) -> int:
        child = rules.play(position.state, action)
        if rules.is_over(child):
            return -int(rules.outcome(child))
        result = search.search(child, _TO_THE_END)
        if not result.proven:
            raise Stopped
        return -int(result.value)
