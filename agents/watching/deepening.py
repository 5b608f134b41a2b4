"""What alpha-beta finds at each depth of its iterative deepening: scores, nodes and principal variations."""

from dataclasses import dataclass

from agents.players import Player
from agents.search.alpha_beta import AlphaBeta
from agents.search.alpha_beta_player import AlphaBetaPlayer
from agents.search.limits import Limits, StopFlag, Stopped
from agents.search.result import Result
from agents.watching.deferred import built
from envs.boards.game import Position

NODES_MAX = 20_000_000  # of one depth: seconds


@dataclass(frozen=True, slots=True)
class Depths:
    """The results at depths 1, 2, ...; values are for the side to move."""

    results: tuple[Result, ...]


class Deepening:
    """Searches a position again, one depth after the other, with a table of its own that all depths share."""

    def __init__(self) -> None:
        self._flag = StopFlag()

    def search(self, player: AlphaBetaPlayer, position: Position, depth_max: int) -> Depths:
        """Depths 1 to `depth_max`, fewer where the score is proven or NODES_MAX are met. Raises: Stopped."""
        kernel = player.value.kernel
        assert kernel is not None, "see alpha_beta_of"
        engine = AlphaBeta(kernel, self._flag, reductions=player.reductions)
        results: list[Result] = []
        self._flag.clear()
        for depth in range(1, depth_max + 1):
            result = engine.search(position.state, Limits(depth=depth, nodes=NODES_MAX))
            if self._flag.byte[0]:
                raise Stopped
            if result.depth < depth and not result.proven:
                break
            results.append(result)
            if result.proven:
                break
        return Depths(tuple(results))

    def stop(self) -> None:
        """End a running search, from another thread."""
        self._flag.set()


def alpha_beta_of(player: Player | None) -> AlphaBetaPlayer | None:
    """The player, if it has been built and searches a compiled value with alpha-beta.

    A network that is asked in batches works for one thread at a time, and that is the player's own.
    """
    searcher = built(player)
    if not isinstance(searcher, AlphaBetaPlayer) or searcher.value.kernel is None:
        return None
    return searcher
