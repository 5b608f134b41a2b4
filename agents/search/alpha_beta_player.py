"""The player that searches with alpha-beta and any value function."""

import time

from agents.players import BasePlayer, Decision, check_turn
from agents.search.alpha_beta import AlphaBeta
from agents.search.batched_alpha_beta import BatchedAlphaBeta
from agents.search.limits import Limits, StopFlag
from agents.values.value import Resettable, Value
from envs.boards.game import Position

_SHALLOW = Limits(depth=1)


class AlphaBetaPlayer(BasePlayer):
    """Plays the first move of the principal variation.

    Args:
        name: as tables print it.
        value: judges the leaves; its in-kernel form is searched by compiled code, others in batches.
        limits: of each decision.
        reductions: search late moves less deep; for values with an in-kernel form.
    Raises: ValueError for reductions with another value.
    """

    def __init__(self, name: str, value: Value, limits: Limits, reductions: bool = False) -> None:
        super().__init__(name)
        self.value = value
        self.limits = limits
        self._flag = StopFlag()
        self.reductions = reductions
        self._engine = _engine(name, value, self._flag, reductions)
        self._compiled = False

    def reset(self, seed: int) -> None:
        """Forget the table and what the value remembers. No chance but the value's is in this player."""
        self._engine.forget()
        if isinstance(self.value, Resettable):
            self.value.reset(seed)

    def stop(self) -> None:
        """Break off a running `choose`, from another thread; it decides with what it has found."""
        self._flag.set()

    def choose(self, position: Position) -> Decision:
        """Search. ValueError for a finished position or another game."""
        check_turn(self.name, self.value.game, position)
        self._compile(position)
        started = time.perf_counter()
        self._flag.clear()
        result = self._engine.search(position.state, self.limits)
        seconds = time.perf_counter() - started
        return Decision(
            action=result.line[0],
            value=result.value,
            principal_variation=result.line,
            statistics={
                "depth": result.depth,
                "nodes": result.nodes,
                "seconds": seconds,
                "proven": float(result.proven),
            },
        )

    def _compile(self, position: Position) -> None:
        """Let no compilation count as thinking time."""
        if not self._compiled:
            self._flag.clear()
            self._engine.search(position.state, _SHALLOW)
            self._engine.forget()
            self._compiled = True


def _engine(name: str, value: Value, flag: StopFlag, reductions: bool) -> AlphaBeta | BatchedAlphaBeta:
    if value.kernel is not None:
        return AlphaBeta(value.kernel, flag, reductions=reductions)
    if reductions:
        raise ValueError(f"{name}: reductions need a value that is compiled into the search")
    return BatchedAlphaBeta(value, flag)
