"""One position of a watched game with all that became known about it."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from agents.players import Decision
from agents.watching.deepening import Depths
from agents.watching.judges import Judged
from agents.watching.search_tree import SearchTree
from envs.boards.game import Game, Position
from envs.boards.rules import PASS
from envs.view.pictures import Cell

DIGIT_CELLS = 9  # a board of so many cells is played by one digit a cell


@dataclass(kw_only=True)
class Moment:
    """A position, what the judges think of it, and what its player decided; None: not known (yet).

    Attributes:
        tree: what the search of its player looked at, also while it runs.
        depths: what alpha-beta finds at each depth.
        truth: 1, 0 or -1 for the side to move, of each legal action.
    """

    position: Position
    judged: Judged | None = None
    decision: Decision | None = None
    tree: SearchTree | None = None
    depths: Depths | None = None
    truth: Mapping[int, int] | None = None

    @cached_property
    def cells(self) -> NDArray[np.int8]:
        """int8[H, W]: 0 empty, 1 the first player's, 2 the second's."""
        return self.position.game.cell_owner(self.position)

    @cached_property
    def landings(self) -> dict[int, Cell]:
        """For each legal action that places a stone, its cell."""
        found = {}
        for action in self.position.legal():
            if action != PASS:
                after = self.position.game.cell_owner(self.position.play(action))
                row, column = np.argwhere((self.cells == 0) & (after != 0))[0]
                found[action] = (int(row), int(column))
        return found

    def action_at(self, cell: Cell) -> int | None:
        """The legal action that a click on a cell means; any cell of a column where actions are columns."""
        for action, landing in self.landings.items():
            if landing == cell or (actions_are_columns(self.position.game) and landing[1] == cell[1]):
                return action
        return None


def actions_are_columns(game: Game) -> bool:
    """Whether a move is a column, into which a stone drops."""
    return game.num_actions == game.board_shape[1]


def digits_of_a_move(game: Game) -> int:
    """How many digits name a move: one (a column, or a cell in reading order) or two (column, then row)."""
    height, width = game.board_shape
    return 1 if actions_are_columns(game) or height * width <= DIGIT_CELLS else 2


def cell_of_digits(game: Game, digits: str) -> Cell | None:
    """The cell that one or two digits from 1 name; None where there is none."""
    height, width = game.board_shape
    if digits_of_a_move(game) == 2:
        column, row = int(digits[0]) - 1, int(digits[1]) - 1
    elif actions_are_columns(game):
        column, row = int(digits) - 1, 0
    else:
        row, column = divmod(int(digits) - 1, width)
    return (row, column) if 0 <= row < height and 0 <= column < width else None
