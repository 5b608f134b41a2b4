"""A board session at the window: its keys and clicks, and what of it is shown."""

from collections.abc import Sequence

from agents.watching.board_picture import NUMBERS, Numbers, Shown, board_picture
from agents.watching.board_session import MOVE_SECONDS, BoardSession
from agents.watching.keys import Key, Keys, next_speed
from agents.watching.moment import cell_of_digits, digits_of_a_move
from envs.view.pictures import BoardPicture, Cell, KeyHelp


class BoardScene:
    """Stands between the window and a session."""

    def __init__(self, session: BoardSession, numbers: Numbers = "visits") -> None:
        self.session = session
        self.shown = Shown(numbers=numbers)
        self._digits = ""
        self._keys = Keys(
            [
                Key(("space",), "space", "pause and go on", self._pause),
                Key((".", "right"), ".  right", "one move, then pause", session.step),
                Key(("left", "backspace"), "left  backspace", "take back", self._undo),
                Key(("+", "="), "+", "faster", lambda: self._change_speed(1)),
                Key(("-",), "-", "slower", lambda: self._change_speed(-1)),
                Key(("r",), "r", "new game", self._restart),
                Key(("f",), "f", "first seat: person and agent change places", lambda: self._hand_over(0)),
                Key(("s",), "s", "second seat: the same", lambda: self._hand_over(1)),
                Key(("n",), "n", "numbers: visits, prior, learned, handcrafted, none", self._next_numbers),
                Key(("v",), "v", "show or hide the expected line", self._toggle_line),
            ]
        )

    @property
    def title(self) -> str:
        """The game's name."""
        return self.session.game.title

    @property
    def keys(self) -> Sequence[KeyHelp]:
        """All keys with their meaning."""
        two = digits_of_a_move(self.session.game) == 2
        move = "play a move: column, then row" if two else "play that column or cell"
        return (*self._keys.help, ("1 - 9", move), ("click", "play the move of that cell"))

    @property
    def pictures_per_second(self) -> float:
        """Of a film with one picture for each move."""
        return self.session.speed / MOVE_SECONDS

    def picture(self) -> BoardPicture:
        """What is to be seen now."""
        return board_picture(self.session, self.shown)

    def advance(self, seconds: float) -> bool:
        """Let the session go on."""
        return self.session.advance(seconds)

    def settle(self) -> None:
        """Complete the picture, here and now."""
        self.session.settle()

    def step_now(self) -> bool:
        """One move, here and now; False when all games are over."""
        return self.session.step_now()

    def close(self) -> None:
        """End all thinking."""
        self.session.close()

    def press(self, key: str) -> None:
        """Obey a key; a digit is (a part of) a move."""
        self.shown.notice = ""
        if not self._keys.press(key) and len(key) == 1 and key.isdigit():
            self._digit(key)

    def release(self, key: str) -> None:
        """Keys act when they are pressed."""

    def click(self, cell: Cell) -> None:
        """Play the move of a cell, if a person is to move."""
        self.shown.notice = ""
        position = self.session.position
        if position.is_over:
            self.shown.notice = "the game is over: r begins a new one"
        elif not self.session.humans[position.player]:
            self.shown.notice = f"an agent is to move: {'fs'[position.player]} takes over its seat"
        elif (action := self.session.now.action_at(cell)) is None:
            self.shown.notice = "no legal move there"
        else:
            self.session.play(action)

    def _pause(self) -> None:
        self.session.paused = not self.session.paused

    def _undo(self) -> None:
        if not self.session.undo():
            self.shown.notice = "this is the start"

    def _restart(self) -> None:
        self.session.restart()
        self._digits = ""

    def _hand_over(self, seat: int) -> None:
        if not self.session.hand_over(seat):
            self.shown.notice = "there is no agent to hand this seat to"

    def _change_speed(self, by: int) -> None:
        self.session.speed = next_speed(self.session.speed, by)

    def _next_numbers(self) -> None:
        self.shown.numbers = NUMBERS[(NUMBERS.index(self.shown.numbers) + 1) % len(NUMBERS)]

    def _toggle_line(self) -> None:
        self.shown.line = not self.shown.line

    def _digit(self, digit: str) -> None:
        self._digits += digit
        if len(self._digits) < digits_of_a_move(self.session.game):
            self.shown.notice = f"column {self._digits}, and the row?"
            return
        cell, self._digits = cell_of_digits(self.session.game, self._digits), ""
        if cell is None:
            self.shown.notice = "there is no such cell"
        else:
            self.click(cell)
