"""A board session at the window: its keys and clicks, and what of it is shown."""

from collections.abc import Sequence
from dataclasses import replace

from agents.players import Player
from agents.watching import tree_page
from agents.watching.board_picture import Shown, board_picture
from agents.watching.board_session import CLOSE_SECONDS, MOVE_SECONDS, BoardSession
from agents.watching.inside_page import InsidePage
from agents.watching.keys import Key, Keys, next_speed
from agents.watching.moment import Moment, cell_of_digits, digits_of_a_move
from agents.watching.move_numbers import NUMBERS, Numbers
from agents.watching.pages import Pages
from agents.watching.side_jobs import SideJobs
from agents.watching.study import Subject
from agents.watching.tree_page import searched_moment, tree_picture
from agents.watching.view import View, disagreement
from envs.view.pictures import BoardPicture, Cell, KeyHelp, Picture, Spot

PLAY, TREE, INSIDE = "Play", "Tree", "Inside"


class BoardScene:
    """Stands between the window and a session.

    Args:
        session: what is shown.
        numbers: on the legal moves, at first.
        inside: looks into the network that judges; None where there is none.
    """

    def __init__(
        self, session: BoardSession, numbers: Numbers = "visits", inside: InsidePage | None = None
    ) -> None:
        self.session = session
        self.shown = Shown(numbers=numbers)
        self.pages = Pages((PLAY, TREE) if inside is None else (PLAY, TREE, INSIDE))
        self._inside = inside
        self._jobs = SideJobs(session.game)
        self._numbers_before: Numbers = numbers  # the truth was asked for
        self._digits = ""
        self._keys = Keys(
            [
                Key(("space",), "space", "pause and go on", self._pause),
                Key((".", "right"), ".  right", "one move, then pause", self._step),
                Key(("left", "backspace"), "left  backspace", "take back", self._undo),
                Key(("+", "="), "+", "faster", lambda: self._change_speed(1)),
                Key(("-",), "-", "slower", lambda: self._change_speed(-1)),
                Key(("r",), "r", "new game", self._restart),
                Key(("f",), "f", "first seat: person and agent change places", lambda: self._hand_over(0)),
                Key(("s",), "s", "second seat: the same", lambda: self._hand_over(1)),
                Key(
                    ("n",),
                    "n",
                    "numbers: visits, prior, learned, handcrafted, truth, none",
                    self._next_numbers,
                ),
                Key(("t",), "t", "the true value of each move, by the solver", self._toggle_truth),
                Key(("v",), "v", "show or hide the expected line", self._toggle_line),
                Key(("d",), "d", "look at the largest disagreement, and back", self._toggle_disagreement),
                Key(
                    ("page up",), "page up", "look one ply back, without taking back", lambda: self._look(-1)
                ),
                Key(("page down",), "page down", "look one ply on", lambda: self._look(1)),
                Key(("end",), "end", "back to the newest position", self._look_at_newest),
                *self.pages.keys,
                *(inside.keys("board", self._tell) if inside else ()),
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
        return (*self._keys.help, ("1 - 9", move), ("click", "play the move of that cell; go to that ply"))

    @property
    def pictures_per_second(self) -> float:
        """Of a film with one picture for each move."""
        return self.session.speed / MOVE_SECONDS

    @property
    def view(self) -> View:
        """The position on the page and those before it."""
        return View(self.session, self.shown.ply)

    def picture(self) -> Picture:
        """What is to be seen now."""
        if self.pages.shown == TREE:
            return self._tree_page()
        if (inside := self._inside_shown) is not None:
            return replace(inside.picture(self.shown.notice), tabs=self.pages.tabs)
        return replace(self.board(), tabs=self.pages.tabs)

    def board(self) -> BoardPicture:
        """The board with all that is on the page of the game."""
        return board_picture(self.session, self.shown)

    def advance(self, seconds: float) -> bool:
        """Let the session go on, and what the page asks for."""
        changed = self.session.advance(seconds)
        self._check_ply()
        moment = self._searched()
        changed |= self._jobs.advance(moment, truth=self._wants_truth, player=self._deepened(moment))
        self._say_why_unsolved()
        if (inside := self._inside_shown) is not None:
            changed |= inside.advance(self._subject())
        return changed

    def settle(self) -> None:
        """Complete the picture, here and now."""
        self.session.settle()
        moment = self._searched()
        self._jobs.settle(moment, truth=self._wants_truth, player=self._deepened(moment))
        self._say_why_unsolved()
        if (inside := self._inside_shown) is not None:
            inside.settle(self._subject())

    def step_now(self) -> bool:
        """One move, here and now; False when all games are over."""
        return self.session.step_now()

    def close(self) -> None:
        """End all thinking."""
        self._jobs.close(0.0)
        self.session.close()
        self._jobs.close(CLOSE_SECONDS / 8)
        if self._inside is not None:
            self._inside.close(CLOSE_SECONDS / 8)

    def press(self, key: str) -> None:
        """Obey a key; a digit is (a part of) a move."""
        self.shown.notice = ""
        if not self._keys.press(key) and len(key) == 1 and key.isdigit():
            self._digit(key)

    def release(self, key: str) -> None:
        """Keys act when they are pressed."""

    def click(self, cell: Cell) -> None:
        """Play the move of a cell, for a person; in an earlier position the game goes on there."""
        self.shown.notice = ""
        now = self.view.now
        position = now.position
        if position.is_over:
            self.shown.notice = "the game is over: r begins a new one"
        elif not self.session.humans[position.player]:
            self.shown.notice = f"an agent is to move: {'fs'[position.player]} takes over its seat"
        elif (action := now.action_at(cell)) is None:
            self.shown.notice = "no legal move there"
        else:
            if self.shown.ply is not None:
                self.session.go_back_to(self.shown.ply)
                self.shown.ply = None
            self.session.play(action)

    def pick(self, spot: Spot) -> None:
        """A click on the graph looks at that ply; on a cell of a feature map, at what it sees."""
        self.shown.notice = ""
        if spot.name == "graph":
            self._look_at(min(spot.cell[1], len(self.session.moments) - 1))
        elif self._inside is not None:
            self._inside.pick(spot)

    # Keys

    @property
    def _inside_shown(self) -> InsidePage | None:
        """The look into the network, while its page is shown."""
        return self._inside if self.pages.shown == INSIDE else None

    def _tell(self, notice: str) -> None:
        self.shown.notice = notice

    def _pause(self) -> None:
        self._look_at_newest()
        self.session.paused = not self.session.paused

    def _step(self) -> None:
        self._look_at_newest()
        self.session.step()

    def _undo(self) -> None:
        self._look_at_newest()
        if not self.session.undo():
            self.shown.notice = "this is the start"

    def _restart(self) -> None:
        self._look_at_newest()
        self.session.restart()
        self._digits = ""

    def _hand_over(self, seat: int) -> None:
        if not self.session.hand_over(seat):
            self.shown.notice = "there is no agent to hand this seat to"

    def _change_speed(self, by: int) -> None:
        self.session.speed = next_speed(self.session.speed, by)

    def _next_numbers(self) -> None:
        self.shown.numbers = NUMBERS[(NUMBERS.index(self.shown.numbers) + 1) % len(NUMBERS)]

    def _toggle_truth(self) -> None:
        if self._wants_truth:
            self.shown.numbers = self._numbers_before
        else:
            self._numbers_before, self.shown.numbers = self.shown.numbers, "truth"

    def _toggle_line(self) -> None:
        self.shown.line = not self.shown.line

    def _toggle_disagreement(self) -> None:
        ply = disagreement(self.session.moments)
        if ply is None:
            self.shown.notice = "no position of this game is known to both judgements"
        elif self.shown.ply == ply:
            self._look_at_newest()
        else:
            self._look_at(ply)

    def _look(self, by: int) -> None:
        last = len(self.session.moments) - 1
        ply = last if self.shown.ply is None else self.shown.ply
        self._look_at(min(max(ply + by, 0), last))

    def _look_at(self, ply: int) -> None:
        """Show a position of this game and pause; the newest one is no looking back."""
        if ply == len(self.session.moments) - 1:
            self._look_at_newest()
        else:
            self.session.paused, self.shown.ply = True, ply

    def _look_at_newest(self) -> None:
        self.shown.ply = None

    def _check_ply(self) -> None:
        """A game that has become shorter has no such position any more."""
        if self.shown.ply is not None and self.shown.ply >= len(self.session.moments) - 1:
            self._look_at_newest()

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

    # What pages ask for

    @property
    def _wants_truth(self) -> bool:
        return self.shown.numbers == "truth"

    def _searched(self) -> Moment:
        """The moment that jobs are for: on the Tree page the one whose search is shown."""
        return searched_moment(self.view) if self.pages.shown == TREE else self.view.now

    def _deepened(self, moment: Moment) -> Player | None:
        """Whose search the Tree page wants depth by depth."""
        if self.pages.shown != TREE or moment.position.is_over:
            return None
        return self.session.agent_of(moment.position.player)

    def _say_why_unsolved(self) -> None:
        self.shown.unsolved = self._jobs.truth.refusal(self.view.now.position) or "solving …"

    def _tree_page(self) -> Picture:
        view = self.view
        moment = searched_moment(view)
        ply = len(moment.position.moves)
        newest = ply == len(self.session.moments) - 1
        board = board_picture(self.session, replace(self.shown, ply=None if newest else ply))
        footer = self.shown.notice or tree_page.FOOTER
        return replace(tree_picture(view, board, footer), tabs=self.pages.tabs)

    def _subject(self) -> Subject:
        """The position on the page, as the network is shown it."""
        now = self.view.now
        game = now.position.game
        planes = game.planes(game.pack(now.position.state)[None])[0]
        bare = replace(self.board(), hints=(), ghosts=(), marked=())
        return Subject(
            key=now.position.moves,
            obs=planes,
            board=bare,
            words=f"ply {len(now.position.moves)}",
            legal=now.position.legal(),
        )
