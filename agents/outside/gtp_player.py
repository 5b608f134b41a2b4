"""An outside engine that speaks the Go Text Protocol, seated as one of our players.

The engine's board follows ours: where the position continues the moves that it knows it is sent the new ones,
else it clears its board and is sent them all. A forced pass is played without asking, and an engine may
refuse to be told of one: GRhino knows no pass and takes it as done.

Whatever the engine does wrong is an OutsideFailure: the game is forfeited, the engine ended. The next game
begins with a new process, unless the engine never came up, or failed FAILURES_MAX times without a move.
"""

import math
import time
from collections.abc import Sequence

from agents.outside.engine_process import EngineProcess
from agents.outside.foreign_text import shown
from agents.outside.gtp_text import COLOURS
from agents.players import BasePlayer, Decision, OutsideFailure, check_turn
from envs.boards.game import Game, IllegalMove, Position
from envs.boards.rules import PASS

START_SECONDS = 10.0  # at least, from the start of the program to its first move: it may load much
FAILURES_MAX = 3  # in a row; a program that hangs each time would cost its whole time in each game
_RESIGN = "resign"


class GTPPlayer(BasePlayer):
    """The engine that a command line starts, when it is first asked.

    Args:
        name: as tables print it.
        game: that it plays; the engine must know it.
        arguments: the program and its arguments.
        seconds: the longest that a move may take. The engine is told of the whole seconds below that, if it
            knows `time_settings`, whose unit they are.
    """

    is_outside = True

    def __init__(self, name: str, game: Game, arguments: Sequence[str], seconds: float) -> None:
        super().__init__(name)
        self._game = game
        self._arguments = tuple(arguments)
        self._seconds = seconds
        self._engine: EngineProcess | None = None
        self._known: tuple[int, ...] = ()  # the moves on the engine's board
        self._failures = 0  # since the last move
        self._given_up = ""  # why it is not started again

    def reset(self, seed: int) -> None:
        """End the engine: the next one knows nothing of earlier games. It has no seed that we could set."""
        self.close()
        self._failures, self._given_up = 0, ""

    def close(self) -> None:
        """End the engine and everything it started."""
        if self._engine is not None:
            self._engine.end()
            self._engine = None

    def choose(self, position: Position) -> Decision:
        """Ask the engine.

        Raises: OutsideFailure for whatever it does wrong; ValueError for a finished position or another game.
        """
        check_turn(self.name, self._game, position)
        if position.legal() == [PASS]:
            return Decision(action=PASS)
        began = time.monotonic()
        engine = self._engine or self._start()
        try:
            deadline = time.monotonic() + self._seconds
            self._follow(engine, position, deadline)
            action = self._asked(engine, position, deadline)
        except OutsideFailure as error:
            engine.kill()
            self._engine = None
            self._failures += 1
            if self._failures >= FAILURES_MAX:
                self._given_up = f"failed {FAILURES_MAX} times in a row, at last: {error}"
            raise
        self._known = (*position.moves, action)
        self._failures = 0
        return Decision(action=action, statistics={"seconds": time.monotonic() - began})

    def _start(self) -> EngineProcess:
        if self._given_up:
            raise OutsideFailure(f"is not started again: {self._given_up}")
        deadline = time.monotonic() + max(START_SECONDS, self._seconds)
        engine = None
        try:
            engine = EngineProcess(self._arguments)
            self._introduce(engine, deadline)
        except OutsideFailure as error:
            if engine is not None:
                engine.kill()
            self._given_up = str(error)
            raise
        self._engine, self._known = engine, ()
        return engine

    def _introduce(self, engine: EngineProcess, deadline: float) -> None:
        """Agree on game, board and time, as far as the engine knows the commands."""
        commands = _accepted(engine, "list_commands", deadline).split()
        height, width = self._game.board_shape
        if "set_game" in commands:
            _accepted(engine, f"set_game {self._game.title}", deadline)
        if height == width:
            _accepted(engine, f"boardsize {height}", deadline)
        told_seconds = math.ceil(self._seconds) - 1
        if "time_settings" in commands and told_seconds >= 1:
            _accepted(engine, f"time_settings 0 {told_seconds} 1", deadline)
        _accepted(engine, "clear_board", deadline)

    def _follow(self, engine: EngineProcess, position: Position, deadline: float) -> None:
        """Bring the engine's board to the position."""
        begin = len(self._known)
        if position.moves[:begin] != self._known:
            _accepted(engine, "clear_board", deadline)
            begin = 0
        for ply in range(begin, len(position.moves)):
            action = position.moves[ply]
            command = f"play {COLOURS[ply % 2]} {self._game.action_text(action).upper()}"
            answer = engine.ask(command, deadline)
            if not answer.accepted and action != PASS:
                raise OutsideFailure(f"refused {command!r}, a legal move: {shown(answer.text)}")

    def _asked(self, engine: EngineProcess, position: Position, deadline: float) -> int:
        """The engine's move, which is legal."""
        text = _accepted(engine, f"genmove {COLOURS[position.player]}", deadline)
        if text.lower() == _RESIGN:
            raise OutsideFailure("resigned")
        try:
            action = self._game.parse_action(text)
        except IllegalMove:
            raise OutsideFailure(f"answered genmove with {shown(text)}") from None
        if action not in position.legal():
            raise OutsideFailure(position.complaint(f"played {shown(text)}, which is illegal,"))
        return action


def _accepted(engine: EngineProcess, command: str, deadline: float) -> str:
    """The text of an answer. OutsideFailure where the engine refuses."""
    answer = engine.ask(command, deadline)
    if not answer.accepted:
        raise OutsideFailure(f"refused {command!r}: {shown(answer.text)}")
    return answer.text
