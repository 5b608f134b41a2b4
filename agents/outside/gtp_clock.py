"""How long an engine may think, by what its controller says about time, and a bell that ends a search then.

`time_settings MAIN BYO_YOMI STONES`: after the main time, each STONES moves may take BYO_YOMI seconds; 0
stones mean no limit, 0 byo-yomi that the main time is all. `time_left COLOUR SECONDS STONES`: what is left of
the main time (0 stones), or for so many stones. Source: the protocol's specification, section 4.2.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from agents.players import Player
from agents.watching.deferred import stop_player

USED = 0.9  # of the time for a move: the rest is for pipes and for the search to come to an end
RING_AGAIN_SECONDS = 0.01


class Clock:
    """The controller's words about time, and what the engine itself has used since."""

    def __init__(self) -> None:
        self._main = self._byo_yomi = 0.0
        self._stones = 0
        self._limited = False
        self._left: dict[int, tuple[float, int]] = {}  # by player: seconds, stones (0: of the main time)

    def set(self, main: float, byo_yomi: float, stones: int) -> None:
        """Begin anew with these settings."""
        self._main, self._byo_yomi, self._stones = main, byo_yomi, stones if byo_yomi > 0 else 0
        self._limited = stones > 0 if byo_yomi > 0 else main > 0
        self.restart()

    def restart(self) -> None:
        """A new game with the same settings."""
        first = (self._main, 0) if self._main > 0 else (self._byo_yomi, self._stones)
        self._left = dict.fromkeys((0, 1), first) if self._limited else {}

    def set_left(self, player: int, seconds: float, stones: int) -> None:
        """The controller's own clock, which is right."""
        self._left[player] = (seconds, stones)

    def used(self, player: int, seconds: float) -> None:
        """Take a move off the clock until the controller tells what is left."""
        if player not in self._left:
            return
        left, stones = self._left[player]
        left -= seconds
        if stones > 1:
            self._left[player] = (left, stones - 1)
        elif stones == 1 or (left <= 0 < self._stones):
            self._left[player] = (self._byo_yomi, self._stones)
        else:
            self._left[player] = (left, 0)

    def move_seconds(self, player: int, moves_to_come: int) -> float | None:
        """For the next move of `player`, who has so many to make at most; None without a limit."""
        if player not in self._left:
            return None
        seconds, stones = self._left[player]
        share = max(seconds, 0.0) / (stones or max(1, moves_to_come))
        if stones == 0 and self._stones > 0:
            share = max(share, self._byo_yomi / self._stones)
        return USED * share


@contextmanager
def bell(player: Player, seconds: float | None) -> Iterator[None]:
    """Have the player asked to decide when `seconds` of the block have passed (None: never).

    Asked again and again, should the first time come before its search has begun.
    """
    if seconds is None:
        yield
        return
    over = threading.Event()

    def ring() -> None:
        wait = min(seconds, threading.TIMEOUT_MAX)
        while not over.wait(wait):
            stop_player(player)
            wait = RING_AGAIN_SECONDS

    thread = threading.Thread(target=ring, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
