"""Files of Othello positions with the exact score of each move, as the FFO end-game suite has them (.obf):

    --XXXXX--OOOXX-O-OOOXXOX-OXOXOXXOXXXOXXX--XOXOXX-XXXOOO--OOOOO-- X; G8:+18; H1:+12; H7:+6;

The board from a1 to h8, the side to move, then moves with their final disc difference for that side.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from envs.boards.othello import NUM_SQUARES, Othello


@dataclass(frozen=True, slots=True)
class EndGame:
    """A solved position.

    Attributes:
        score: final disc difference for the side to move; empty squares go to the winner.
        source: file and line, for messages.
    """

    state: Othello
    score: int
    source: str

    @property
    def num_empty(self) -> int:
        """How many squares are empty."""
        return NUM_SQUARES - (int(self.state.own) | int(self.state.opponent)).bit_count()


def read_end_games(path: Path) -> list[EndGame]:
    """The positions of a file; empty lines do not count.

    Raises: OSError; ValueError, naming file and line, for a line of another form, or for no positions.
    """
    lines = enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
    found = [_parse(line, f"{path}:{number}") for number, line in lines if line.strip()]
    if not found:
        raise ValueError(f"{path}: no positions; lines are: board side; move:score; ...")
    return found


def _parse(line: str, source: str) -> EndGame:
    head, *moves = (part.strip() for part in line.strip().rstrip(";").split(";"))
    board, _, side = head.partition(" ")
    if len(board) != NUM_SQUARES or set(board) - set("XO-") or side not in ("X", "O"):
        raise ValueError(f"{source}: expected {NUM_SQUARES} of X, O, - and the side, X or O, got {head!r}")
    try:
        score = max(int(move.partition(":")[2]) for move in moves)
    except ValueError:
        raise ValueError(f"{source}: expected moves such as G8:+18 after {head!r}, got {moves}") from None
    own = sum(1 << square for square, disc in enumerate(board) if disc == side)
    occupied = sum(1 << square for square, disc in enumerate(board) if disc != "-")
    return EndGame(Othello(np.uint64(own), np.uint64(occupied ^ own)), score, source)
