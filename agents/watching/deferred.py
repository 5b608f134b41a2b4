"""A player that is built when it is first asked, in the thread that asks: the window need not wait for it."""

from collections.abc import Callable

from agents.players import BasePlayer, Decision, Player
from envs.boards.game import Position


class DeferredPlayer(BasePlayer):
    """Stands in for the player that `build` will make."""

    def __init__(self, name: str, build: Callable[[], Player]) -> None:
        super().__init__(name)
        self._build = build
        self._built: Player | None = None

    def reset(self, seed: int) -> None:
        """Of the player itself."""
        self._player().reset(seed)

    def choose(self, position: Position) -> Decision:
        """The player's own decision."""
        return self._player().choose(position)

    def stop(self) -> None:
        """Ask the player to decide at once, if there is one yet and it can be asked."""
        stop_player(self._built)

    @property
    def built(self) -> Player | None:
        """The player itself; None until it is first asked."""
        return self._built

    def _player(self) -> Player:
        if self._built is None:
            self._built = self._build()
        return self._built


def built(player: Player | None) -> Player | None:
    """The player itself, where it is one that had to be built."""
    return player.built if isinstance(player, DeferredPlayer) else player


def stop_player(player: Player | None) -> None:
    """Ask a player to decide at once, if it is one that can be asked."""
    stop = getattr(player, "stop", None)
    if stop is not None:
        stop()
