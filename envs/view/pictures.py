"""What can be drawn, as plain data: a game with judgements, an episode, the inside of a network, a search.

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


@dataclass(frozen=True, slots=True)
class Spot:
    """What a click on a page means, where it is no cell of the board."""

    name: str  # of the panel: "graph", or of a layer
    cell: Cell  # in a graph (0, x)
    channel: int = 0


@dataclass(frozen=True, slots=True)
class Tabs:
    """The pages of a scene and which of them is shown."""

    names: Sequence[str]
    current: int


NO_TABS = Tabs((), 0)


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
    cursor: int | None = None  # the ply on the board, where it is not the last one of the histories
    disagreement: int | None = None  # the ply at which the judgements lie furthest apart
    tabs: Tabs = NO_TABS
    help: Help | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class ActionValue:
    """One bar of the Q panel."""

    name: str
    value: float
    chosen: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class ReturnDistribution:
    """How likely the chosen action's returns are, as a distributional agent sees it."""

    returns: Sequence[float]  # rising
    weights: Sequence[float]  # probability of each; of quantiles their equal share
    mean: float  # its Q value
    others: Sequence[float] = ()  # the means of the other actions


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
    cursor: int | None = None  # the step shown, where the curves go further
    distribution: ReturnDistribution | None = None
    tabs: Tabs = NO_TABS
    help: Help | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class MapGrid:
    """Maps of one layer, each a tile: amounts from black over blue to white, signed in orange and blue."""

    name: str  # of the layer; clicks on its cells are spots of that name
    title: str
    maps: NDArray[np.float32]  # [C, h, w]; a vector is [1, 1, F]
    picked: tuple[int, Cell] | None = None  # channel and cell


@dataclass(frozen=True, kw_only=True, slots=True)
class InsidePicture:
    """The page of a network on one input."""

    title: str
    status: str = ""
    footer: str = ""
    frame: NDArray[np.uint8] | None = None  # [H, W, 3], what heat and field lie over
    board: BoardPicture | None = None  # instead of a frame
    heat: NDArray[np.float32] | None = None  # [h, w] >= 0, over all of frame or board
    heat_title: str = ""
    field: tuple[float, float, float, float] | None = None  # top, left, bottom, right in [0, 1]
    kernels: NDArray[np.float32] | None = None  # [O, h, w]
    initial: NDArray[np.float32] | None = None  # the same at the start
    kernels_title: str = ""
    initial_title: str = ""
    verdict: str = ""  # what became of the kernels, in words and numbers
    layers: Sequence[MapGrid] = ()  # shallow, deep, dense
    output_title: str = ""
    actions: Sequence[ActionValue] = ()  # Q values
    numbers: Sequence[tuple[str, float]] = ()  # or the policy's likeliest moves, in %
    missing: str = ""  # said in place of everything, where there is nothing to see
    tabs: Tabs = NO_TABS
    help: Help | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Strip:
    """The state of many units over time: negative numbers in orange, positive ones in blue."""

    title: str
    values: NDArray[np.float32]  # [units, steps]
    high: float  # gets the full colour


@dataclass(frozen=True, kw_only=True, slots=True)
class Series:
    """A number over the same steps as the strips."""

    name: str
    values: Sequence[float]


@dataclass(frozen=True, kw_only=True, slots=True)
class MemoryPicture:
    """The page of a network with memory over a stretch of an episode."""

    title: str
    status: str = ""
    footer: str = ""
    frame: NDArray[np.uint8] | None = None  # [H, W, 3]
    strips: Sequence[Strip] = ()  # hidden state, and of an LSTM the cells
    gates: Sequence[Series] = ()  # in [0, 1]
    q: Sequence[Series] = ()
    actions: Sequence[ActionValue] = ()  # at the step that is shown
    first: int = 0  # the step of the first column
    cursor: int = 0  # the column of the step that is shown
    tabs: Tabs = NO_TABS
    help: Help | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class TreeNode:
    """A position of a search tree and the move that leads to it."""

    move: str
    player: int  # who makes the move
    visits: int
    share: float  # of the root's visits
    expected_score: float | None  # of the first player
    prior: float
    proof: str  # "X wins", "draw"; empty for an estimate
    parent: int | None  # index of its parent; None: the root
    depth: int  # 1 for the root's children
    row: float  # leaves have 0, 1, 2, ..., others the middle of their children
    is_line: bool  # whether the search expects it


@dataclass(frozen=True, kw_only=True, slots=True)
class DepthLine:
    """What alpha-beta found at one depth."""

    depth: int
    expected_score: float  # of the first player
    score_text: str
    nodes: int
    cutoffs: int  # states in which a move refuted the one before it
    first_cutoffs: int  # those of them in which the first move tried did
    line: str  # the principal variation in words
    is_new: bool  # another first move than at the depth before


@dataclass(frozen=True, kw_only=True, slots=True)
class TreePicture:
    """The page of a search."""

    title: str
    board: BoardPicture
    status: str = ""
    footer: str = ""
    tree_title: str = ""
    tree_note: str = ""
    nodes: Sequence[TreeNode] = ()
    depths: Sequence[DepthLine] = ()
    line_boards: Sequence[BoardPicture] = ()  # after each move of the deepest line; `title` names the move
    missing: str = ""
    tabs: Tabs = NO_TABS
    help: Help | None = None


Picture: TypeAlias = BoardPicture | EpisodePicture | InsidePicture | MemoryPicture | TreePicture
