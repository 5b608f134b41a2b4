"""Connect Four for Kaggle's ConnectX in one file, with numpy alone: `agent(observation, configuration)`.

A win is taken and a threat stopped at once. Then the position is solved, which from the middle game on takes
a fraction of the time, and what is not proven is decided by a tree search with a trained network.

    bit 7*column + row, row 0 at the bottom:   5 12 19 26 33 40 47   <- top row; bits 6, 13, ... stay 0
    `own`: stones of the side to move;         .  .  .  .  .  .  .
    `occupied`: stones of both.                0  7 14 21 28 35 42

Sources: P. Pons, Solving Connect Four (2015-2019), blog.gamesolver.org; Silver et al. 2018 (AlphaZero).
"""

from __future__ import annotations

import base64
import functools
import io
import math
import time
from typing import Any

import numpy as np
from numpy.typing import NDArray

WEIGHTS = ""
COLUMNS, ROWS, IN_A_ROW = 7, 6, 4
MOVE_SECONDS = 0.9  # of the 2 that Kaggle gives on a slow core
ACT_SHARE = 0.45  # of the configuration's own limit, where that is less
SOLVE_SHARE = 0.5  # of the time, for the solver
SOLVE_FROM_STONES = 8  # before, there is no hope
TABLE_MAX = 1_000_000  # proofs kept: about 100 MB
LEAVES = 8  # in a batch of the network
C_PUCT = 1.5
UNVISITED_REDUCTION = 0.2  # of an unvisited move: the node's value - this * sqrt(visited prior)

BOTTOM = sum(1 << 7 * column for column in range(COLUMNS))
BOARD = BOTTOM * 0b111111
CENTRE_FIRST = [0b111111 << 7 * column for column in (3, 2, 4, 1, 5, 0, 6)]
CELLS = COLUMNS * ROWS
CELL_BITS = np.array(
    [7 * (cell % 7) + 5 - cell // 7 for cell in range(CELLS)], np.uint64
)  # from the top left


# The rules


def read_board(observation: Any, configuration: Any) -> tuple[int, int]:
    """The bitboards of Kaggle's observation. ValueError for a board of another size."""
    sizes = tuple(field(configuration, name) for name in ("columns", "rows", "inarow"))
    if sizes != (COLUMNS, ROWS, IN_A_ROW):
        raise ValueError(
            f"this agent plays {COLUMNS} columns, {ROWS} rows, {IN_A_ROW} in a row; "
            f"the board has columns, rows, inarow {sizes}"
        )
    own = occupied = 0
    for cell, mark in enumerate(field(observation, "board")):
        if mark:
            bit = 1 << int(CELL_BITS[cell])
            occupied |= bit
            own |= bit if mark == field(observation, "mark") else 0
    return own, occupied


def winning_cells(stones: int, occupied: int) -> int:
    """The empty cells where one more of `stones` makes four in a line."""
    cells = (stones << 1) & (stones << 2) & (stones << 3)
    for step in (6, 7, 8):
        before = (stones << step) & (stones << 2 * step)
        after = (stones >> step) & (stones >> 2 * step)
        cells |= before & ((stones << 3 * step) | (stones >> step))
        cells |= after & ((stones >> 3 * step) | (stones << step))
    return cells & BOARD & ~occupied


def playable(occupied: int) -> int:
    """The lowest free cell of each open column."""
    return (occupied + BOTTOM) & BOARD


def non_losing(own: int, occupied: int) -> int:
    """The playable cells after which the other side cannot win at once; 0 if there is none."""
    possible = playable(occupied)
    threats = winning_cells(own ^ occupied, occupied)
    forced = possible & threats
    if forced:
        if forced & (forced - 1):
            return 0
        possible = forced
    return possible & ~(threats >> 1)


def moves_of(cells: int) -> list[int]:
    """The cells one by one, from the centre to the edge."""
    return [cell for column in CENTRE_FIRST if (cell := cells & column)]


def column_of(cell: int) -> int:
    """The column of a cell, 0 at the left."""
    return (cell.bit_length() - 1) // 7


# The solver: can a result be forced?


class OutOfTime(Exception):
    """The time for this search is over."""


class Solver:
    """Proofs, kept from move to move."""

    def __init__(self) -> None:
        self.proofs: dict[int, bool] = {}
        self.deadline = 0.0
        self.nodes = 0

    def good_moves(self, own: int, occupied: int, moves: list[int], deadline: float) -> list[int]:
        """Those of the moves that may be best, as far as can be proven in time.

        Args: moves: none of them lets the other side win at once; nor can the side to move.
        """
        self.deadline = deadline
        if len(self.proofs) > TABLE_MAX:
            self.proofs.clear()
        stones = occupied.bit_count()
        hopeful = list(moves)
        try:
            for move in moves:
                if not self._reaches(own ^ occupied, occupied | move, stones + 1, 0):
                    return [move]  # wins
            for move in moves:
                if self._reaches(own ^ occupied, occupied | move, stones + 1, 1):
                    hopeful.remove(move)  # loses
        except OutOfTime:
            pass  # what was excluded so far stays so
        return hopeful or moves

    def _reaches(self, own: int, occupied: int, stones: int, target: int) -> bool:
        """Whether the side to move, which cannot win at once, can force at least a win (1), a draw (0)."""
        self.nodes += 1
        if self.nodes % 64 == 0 and time.perf_counter() > self.deadline:
            raise OutOfTime
        possible = non_losing(own, occupied)
        if not possible:
            return False
        if stones >= CELLS - 2:
            return target == 0
        key = 2 * (own + occupied + BOTTOM) + target
        known = self.proofs.get(key)
        if known is not None:
            return known
        moves = moves_of(possible)
        if len(moves) > 1:
            moves.sort(key=lambda move: -winning_cells(own | move, occupied).bit_count())
        other = own ^ occupied
        for move in moves:
            if not self._reaches(other, occupied | move, stones + 1, 1 - target):
                self.proofs[key] = True
                return True
        self.proofs[key] = False
        return False


# The network


def unpacked(text: str) -> dict[str, NDArray[np.float32]]:
    """The arrays that the export has packed."""
    with np.load(io.BytesIO(base64.b64decode(text))) as arrays:
        return {name: arrays[name].astype(np.float32) for name in arrays}


def neighbours() -> NDArray[np.int64]:
    """int64[42, 9]: the cells around each, itself included; 42 stands for those off the board."""
    around = np.full((CELLS, 9), CELLS)
    for cell in range(CELLS):
        for k in range(9):
            row, column = cell // 7 + k // 3 - 1, cell % 7 + k % 3 - 1
            if 0 <= row < ROWS and 0 <= column < COLUMNS:
                around[cell, k] = 7 * row + column
    return around


class Network:
    """A residual tower with a policy and a value (AlphaGo Zero, smaller), as matrix products."""

    def __init__(self, arrays: dict[str, NDArray[np.float32]]) -> None:
        self.arrays = arrays
        self.blocks = sum(name.endswith("first.weight") for name in arrays)
        self.hidden = sum(name.startswith("hidden") and name.endswith("weight") for name in arrays)
        self.around = neighbours().ravel()

    def __call__(self, states: list[tuple[int, int]]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Logits [B, 7] and values [B] for the sides to move."""
        stones = np.array([(own, own ^ occupied) for own, occupied in states], np.uint64)  # [B, 2]
        planes = (stones[:, None, :] >> CELL_BITS[:, None]) & np.uint64(1)  # [B, 42, 2]
        x = relu(self._convolved(planes.astype(np.float32), "stem"))  # [B, 42, C]
        for block in range(self.blocks):
            change = relu(self._convolved(x, f"block{block}.first"))
            x = relu(x + self._convolved(change, f"block{block}.second"))
        logits = self._dense(self._squeezed(x, "policy_squeeze"), "policy")
        features = self._squeezed(x, "value_squeeze")
        for layer in range(self.hidden):
            features = relu(self._dense(features, f"hidden{layer}"))
        return logits, np.tanh(self._dense(features, "value"))[:, 0]

    def _dense(self, x: NDArray[np.float32], name: str) -> NDArray[np.float32]:
        result: NDArray[np.float32] = x @ self.arrays[f"{name}.weight"] + self.arrays[f"{name}.bias"]
        return result

    def _convolved(self, x: NDArray[np.float32], name: str) -> NDArray[np.float32]:
        """3x3, zeros around the board: [B, 42, C] -> [B, 42, C']."""
        count, _, channels = x.shape
        framed = np.concatenate([x, np.zeros((count, 1, channels), np.float32)], axis=1)
        patches = framed[:, self.around].reshape(count * CELLS, 9 * channels)
        return self._dense(patches, name).reshape(count, CELLS, -1)

    def _squeezed(self, x: NDArray[np.float32], name: str) -> NDArray[np.float32]:
        """To few planes, one after the other: [B, 42, C] -> [B, planes * 42]."""
        return relu(self._dense(x, name)).transpose(0, 2, 1).reshape(len(x), -1)


def relu(x: NDArray[np.float32]) -> NDArray[np.float32]:
    """What is positive."""
    return np.maximum(x, np.float32(0))


# The tree search


class Node:
    """A state whose side to move cannot win at once, with the moves that do not lose at once."""

    def __init__(self, own: int, occupied: int, moves: list[int]) -> None:
        self.own, self.occupied, self.moves = own, occupied, moves
        self.priors: list[float] = []  # none before the network was asked
        self.visits = [0] * len(moves)
        self.totals = [0.0] * len(moves)  # of values, for the side to move here
        self.children: list[Node | float | None] = [None] * len(moves)  # a float: the value for the side here

    def best(self) -> int:
        """The place of the move to look at next."""
        count = sum(self.visits)
        seen = sum(prior for prior, visits in zip(self.priors, self.visits, strict=True) if visits)
        mean = sum(self.totals) / count if count else 0.0
        unvisited = mean - UNVISITED_REDUCTION * math.sqrt(seen)
        root = C_PUCT * math.sqrt(count + 1)
        scores = [
            (total / visits if visits else unvisited) + root * prior / (1 + visits)
            for total, visits, prior in zip(self.totals, self.visits, self.priors, strict=True)
        ]
        return scores.index(max(scores))


def child_of(node: Node, move: int) -> Node | float:
    """The state after a move; where it is decided, the value for the side that moved."""
    own, occupied = node.own ^ node.occupied, node.occupied | move
    if occupied == BOARD:
        return 0.0
    moves = moves_of(non_losing(own, occupied))
    return Node(own, occupied, moves) if moves else 1.0


def descended(root: Node) -> tuple[list[tuple[Node, int]], Node | float]:
    """The way from the root to a node that the network has not seen, or to a result, and that end.

    The way is visited and lost for the time being, so that the next one differs (virtual loss).
    """
    path = []
    end: Node | float = root
    while isinstance(end, Node) and end.priors:
        node, place = end, end.best()
        node.visits[place] += 1
        node.totals[place] -= 1
        path.append((node, place))
        known = node.children[place]
        end = child_of(node, node.moves[place]) if known is None else known
        node.children[place] = end
    return path, end


def back_up(path: list[tuple[Node, int]], value: float) -> None:
    """Add the value, for the side that moved last, in place of the virtual losses."""
    for node, place in reversed(path):
        node.totals[place] += 1 + value
        value = -value


def expand(network: Network, nodes: list[Node]) -> list[float]:
    """Ask the network: set the priors and return the values, for the sides to move."""
    logits, values = network([(node.own, node.occupied) for node in nodes])
    for node, row in zip(nodes, logits, strict=True):
        columns = [column_of(move) for move in node.moves]
        weights = np.exp(row[columns] - row[columns].max())
        node.priors = (weights / weights.sum()).tolist()
    return [float(value) for value in values]


def searched(network: Network, root: Node, deadline: float) -> int:
    """The move that is visited most until the time is over; in batches, kept apart by virtual losses."""
    expand(network, [root])
    while time.perf_counter() < deadline:
        waiting = []
        for _ in range(LEAVES):
            path, end = descended(root)
            if isinstance(end, Node):
                waiting.append((path, end))
            else:
                back_up(path, end)
        if waiting:
            values = expand(network, [end for _, end in waiting])
            for (path, _), value in zip(waiting, values, strict=True):
                back_up(path, -value)
    return root.moves[root.visits.index(max(root.visits))]


# The agent


SOLVER = Solver()


@functools.cache
def network() -> Network:
    """The one in this file."""
    return Network(unpacked(WEIGHTS))


def decided(own: int, occupied: int, seconds: float) -> int:
    """The cell to play in an unfinished state, found in about `seconds`."""
    began = time.perf_counter()
    wins = winning_cells(own, occupied) & playable(occupied)
    if wins:
        return moves_of(wins)[0]
    moves = moves_of(non_losing(own, occupied))
    if not moves:
        blocks = winning_cells(own ^ occupied, occupied) & playable(occupied)
        return moves_of(blocks or playable(occupied))[0]  # lost: let it be seen
    if len(moves) > 1 and occupied.bit_count() >= SOLVE_FROM_STONES:
        moves = SOLVER.good_moves(own, occupied, moves, began + SOLVE_SHARE * seconds)
    if len(moves) == 1:
        return moves[0]
    return searched(network(), Node(own, occupied, moves), began + seconds)


def field(thing: Any, name: str) -> Any:
    """Of Kaggle's structures, which are dictionaries or have attributes."""
    return thing[name] if isinstance(thing, dict) else getattr(thing, name)


def agent(observation: Any, configuration: Any) -> int:
    """The column, 0 to 6, to drop a stone into: Kaggle calls the last function of a file."""
    own, occupied = read_board(observation, configuration)
    seconds = min(MOVE_SECONDS, ACT_SHARE * field(configuration, "actTimeout"))
    return column_of(decided(own, occupied, seconds))
