"""How each game's board looks: its colours, its stones and the names of its sides. Rules live elsewhere."""

from dataclasses import dataclass
from typing import Literal

from envs.view.style import ORANGE, SKY, VERMILLION, Colour


@dataclass(frozen=True, kw_only=True, slots=True)
class Look:
    """The dress of a game."""

    sides: tuple[str, str]  # what people call the first and the second player
    stones: tuple[Colour, Colour]
    marks: Literal["discs", "signs"]  # discs, or crosses and rings
    board: Colour
    cell: Colour  # an empty cell: the hole of Connect Four, the square of the others
    holes: bool  # round holes, or squares with lines between them
    row_labels: bool  # whether rows have numbers; columns always have a label
    column_letters: bool  # a, b, c, ... or 1, 2, 3, ...


LOOKS = {
    "tic_tac_toe": Look(
        sides=("X", "O"),
        stones=(ORANGE, SKY),
        marks="signs",
        board=(62, 72, 88),
        cell=(31, 37, 47),
        holes=False,
        row_labels=True,
        column_letters=True,
    ),
    "connect_four": Look(
        sides=("Yellow", "Red"),
        stones=((245, 200, 40), VERMILLION),
        marks="discs",
        board=(24, 74, 128),
        cell=(11, 24, 42),
        holes=True,
        row_labels=False,
        column_letters=False,
    ),
    "othello": Look(
        sides=("Black", "White"),
        stones=((20, 22, 26), (240, 240, 236)),
        marks="discs",
        board=(8, 66, 52),
        cell=(13, 107, 82),
        holes=False,
        row_labels=True,
        column_letters=True,
    ),
}


def look_of(game: str) -> Look:
    """Raises: ValueError for a game that has no look."""
    if game not in LOOKS:
        raise ValueError(f"no look for a board of {game!r}; there is one for: {', '.join(LOOKS)}")
    return LOOKS[game]
