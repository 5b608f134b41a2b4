"""What can be drawn, as plain data: a board game with judgements, or an episode with an agent's thoughts.

A cell is (row, column) with row 0 at the top. Players are 0 (first) and 1 (second). Expected scores are of
the first player, in [0, 1]: a sure win is 1, a draw 0.5, a sure loss 0.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from envs.view.style import Colour

Cell: TypeAlias = tuple[int, int]
KeyHelp: TypeAlias = tuple[str, str]  # the key as written on it, and what it does


@dataclass(frozen=True, kw_only=True, slots=True)
class Seat:
    """Who sits on one side of the board."""

    name: str
    note: str = ""  # "thinking 1.2 s", "your move", ...


@dataclass(frozen=True, kw_only=True, slots=True)
class MoveHint:
    """A legal move's cell and, where there is one, its number."""

    cell: Cell
    label: str = ""
    weight: float = 0.0  # in [0, 1], how strongly the cell is tinted


@dataclass(frozen=True, kw_only=True, slots=True)
class Ghost:
    """A stone of the line that a player expects."""

    cell: Cell
    player: int
    number: int  # 1 is the next move


@dataclass(frozen=True, kw_only=True, slots=True)
class Judgement:
    """One opinion of the position and its history."""

    label: str
    colour: Colour
    expected_score: float | None  # None: no opinion (yet)
    history: Sequence[float] = ()  # expected score after 0, 1, 2, ... plies; nan where unknown
    missing: str = "…"  # said in place of the number where there is none


@dataclass(frozen=True, kw_only=True, slots=True)
class Help:
    """The overlay that explains the keys."""

    title: str
    keys: Sequence[KeyHelp]


@dataclass(frozen=True, kw_only=True, slots=True)
class BoardPicture:
    """All that the page of a board game shows."""

    title: str
    game: str  # chooses the look: "tic_tac_toe", "connect_four", "othello"
    cells: NDArray[np.int8]  # [H, W]: 0 empty, 1 the first player's, 2 the second's
    seats: tuple[Seat, Seat]
    to_move: int | None = None  # None: the game is over
    status: str = ""
    footer: str = ""
    last: Cell | None = None
    marked: Sequence[Cell] = ()  # cells of stones to point out, such as the winning line
    hints: Sequence[MoveHint] = ()
    hints_title: str = ""
    ghosts: Sequence[Ghost] = ()
    judgements: Sequence[Judgement] = ()
    terms: Sequence[tuple[str, float]] = ()  # handcrafted contributions, positive for the first player
    terms_note: str = ""
    search_title: str = "Search"
    search: Sequence[tuple[str, str]] = ()
    line: str = ""  # the principal variation in words
    help: Help | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class ActionValue:
    """One bar of the Q panel."""

    name: str
    value: float
    chosen: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class EpisodePicture:
    """All that the page of an environment shows."""

    title: str
    frame: NDArray[np.uint8] | None  # [H, W, 3]; None where the environment draws nothing
    obs: NDArray[np.generic]  # what the network is shown: uint8[stack, H, W] frames or float[features]
    status: str = ""
    footer: str = ""
    facts: Sequence[tuple[str, str]] = ()
    actions: Sequence[ActionValue] = ()
    choice: str = ""  # how the action was chosen, in words
    explored: bool = False  # not the greedy action
    values: Sequence[float] = ()  # the highest Q at each step of the episode
    returns: Sequence[float] = ()  # the return so far at each step
    help: Help | None = None


Picture: TypeAlias = BoardPicture | EpisodePicture
