"""One of our players as an engine of the Go Text Protocol, for the controllers and tournaments of others.

Moves are written as each game writes them: D3 or PASS in Othello, 1-7 in Connect Four, A1-C3 in Tic-Tac-Toe.
A forced pass may be played, asked for, or left out: a move of the other colour implies it.
"""

import inspect
import math
import time
from collections.abc import Callable
from typing import BinaryIO

import numpy as np

from agents.outside.foreign_text import bounded_lines
from agents.outside.gtp_clock import Clock, bell
from agents.outside.gtp_text import LINE_BYTES_MAX, NotGTP, answer_text, parse_colour, parse_command
from agents.players import OutsideFailure, Player
from agents.search.limits import Stopped
from envs.boards.game import Game, IllegalMove, Position
from envs.boards.rules import PASS

PROTOCOL_VERSION = "2"


class Refused(ValueError):
    """A command that cannot be carried out; the message is what the controller is told."""


class GTPEngine:
    """A board, a clock and the player who is asked.

    Args:
        game: the only one that it plays.
        player: of that game.
        version: of this program.
        seed: of the player in the first game; each further game adds one.
    """

    def __init__(self, game: Game, player: Player, *, version: str, seed: int = 0) -> None:
        self.has_quit = False
        self._game = game
        self._player = player
        self._version = version
        self._seed = seed
        self._clock = Clock()
        self._positions = [game.start()]  # before each `play` and `genmove`, and the present one
        self._commands: dict[str, Callable[..., str]] = {
            "protocol_version": lambda: PROTOCOL_VERSION,
            "name": lambda: f"Advantage {player.name}",
            "version": lambda: self._version,
            "known_command": lambda name: str(name in self._commands).lower(),
            "list_commands": lambda: "\n".join(self._commands),
            "quit": self._quit,
            "list_games": lambda: game.title,
            "set_game": self._set_game,
            "boardsize": self._set_board_size,
            "clear_board": self._clear_board,
            "komi": self._ignore_komi,
            "play": self._play,
            "genmove": self._generate_move,
            "reg_genmove": self._suggest_move,
            "undo": self._undo,
            "showboard": lambda: "\n" + self._position.text(),
            "time_settings": self._set_time,
            "time_left": self._set_time_left,
        }

    def answer(self, line: bytes | None) -> str | None:
        """What is answered to a line; None where it held no command. A line of None was too long."""
        if line is None:
            return answer_text("", f"syntax error: more than {LINE_BYTES_MAX} bytes", accepted=False)
        command = parse_command(line)
        if command is None:
            return None
        carry_out = self._commands.get(command.name)
        if carry_out is None:
            return answer_text(command.number, "unknown command", accepted=False)
        try:
            inspect.signature(carry_out).bind(*command.arguments)
        except TypeError:
            return answer_text(command.number, "syntax error: too few or too many arguments", accepted=False)
        try:
            text = carry_out(*command.arguments)
        except (Refused, NotGTP) as error:
            return answer_text(command.number, str(error), accepted=False)
        return answer_text(command.number, text, accepted=True)

    @property
    def _position(self) -> Position:
        return self._positions[-1]

    # The session

    def _quit(self) -> str:
        self.has_quit = True
        return ""

    def _set_game(self, *words: str) -> str:
        if " ".join(words).lower() not in (self._game.title.lower(), self._game.name):
            raise Refused("unsupported game")
        return self._clear_board()

    def _set_board_size(self, size: str) -> str:
        if _number(size) != self._game.board_shape[1]:
            raise Refused("unacceptable size")
        return self._clear_board()

    def _clear_board(self) -> str:
        self._positions = [self._game.start()]
        self._clock.restart()
        self._player.reset(self._seed)
        self._seed += 1
        return ""

    def _ignore_komi(self, komi: str) -> str:
        _number(komi)
        return ""

    # Moves

    def _play(self, colour: str, move: str) -> str:
        try:
            action = self._game.parse_action(move)
            self._positions.append(self._turned_to(parse_colour(colour)).play(action))
        except IllegalMove as error:
            raise Refused(f"illegal move: {error}") from None
        return ""

    def _generate_move(self, colour: str) -> str:
        position = self._turned_to(parse_colour(colour))
        action = self._decided(position)
        self._positions.append(position.play(action))
        return self._game.action_text(action).upper()

    def _suggest_move(self, colour: str) -> str:
        return self._game.action_text(self._decided(self._turned_to(parse_colour(colour)))).upper()

    def _undo(self) -> str:
        if len(self._positions) == 1:
            raise Refused("cannot undo")
        self._positions.pop()
        return ""

    def _turned_to(self, player: int) -> Position:
        """The position with `player` to move, after a pass of the other that is forced and was left out."""
        position = self._position
        if position.is_over:
            raise Refused("illegal move: the game is over")
        if position.player == player:
            return position
        if position.legal() != [PASS]:
            raise Refused("illegal move: it is the other colour's turn")
        return position.play(PASS)

    def _decided(self, position: Position) -> int:
        seat, began = position.player, time.monotonic()
        if position.legal() == [PASS]:
            return PASS
        empty = int(np.count_nonzero(self._game.cell_owner(position) == 0))
        try:
            with bell(self._player, self._clock.move_seconds(seat, (empty + 1) // 2)):
                action = self._player.choose(position).action
        except (Stopped, OutsideFailure) as error:
            raise Refused(f"no move: {error or 'stopped before it was found'}") from error
        self._clock.used(seat, time.monotonic() - began)
        return action

    # Time

    def _set_time(self, main: str, byo_yomi: str, stones: str) -> str:
        self._clock.set(_number(main), _number(byo_yomi), int(_number(stones)))
        return ""

    def _set_time_left(self, colour: str, seconds: str, stones: str) -> str:
        self._clock.set_left(parse_colour(colour), _number(seconds), int(_number(stones)))
        return ""


def serve(engine: GTPEngine, source: BinaryIO, sink: BinaryIO) -> None:
    """Answer commands until `quit` or the end of the stream."""
    for line in bounded_lines(source, LINE_BYTES_MAX):
        answer = engine.answer(line)
        if answer is not None:
            sink.write(answer.encode())
            sink.flush()
        if engine.has_quit:
            return


def _number(text: str) -> float:
    """A number that is not negative. Raises: Refused."""
    try:
        number = float(text)
    except ValueError:
        raise Refused("syntax error: a number is needed") from None
    if not 0 <= number < math.inf:
        raise Refused("syntax error: the number must be finite and at least 0")
    return number
