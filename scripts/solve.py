"""python scripts/solve.py connect_four < lines     exact scores: `moves` a line in, `moves score` out."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from tyro.conf import Positional, arg

from scripts.command_line import command, parse

if TYPE_CHECKING:
    from envs.boards.connect_four import ConnectFour

    Scorer = Callable[[ConnectFour], list[int]]

DESCRIPTION = """\
Solve Connect Four positions, one a line: the moves from the empty board as columns 1-7. Each is printed with
its exact score for the side to move: above 0 it wins with its (22 - score)-th stone, below 0 it loses to the
other side's (22 + score)-th, 0 is a draw (P. Pons, blog.gamesolver.org).

  echo 44455554221 | solve.py connect_four         44455554221 -15
  echo 44455554221 | solve.py connect_four -w      44455554221 -1

A line that is no unfinished game is told on standard error and left out; the exit code is then 1. Up to eight
stones a book answers at once (the empty line is the empty board); a few more take seconds, the middle game
milliseconds. Without the book, -w and --table-mb 1024 solve the lines 4444, 444, 44, 4 and the empty one in
minutes together: who begins wins.

  solve.py connect_four --draw 300 --stones 4 13 --plies-to-go 28 42 > hard.txt

draws positions of random games instead, all different, and keeps those that last so long when nobody errs: a
test set of one's own for `evaluate.py mistakes connect_four PLAYER hard.txt`. Few stones and many plies to go
are hardest, to play and to solve.
"""
GAMES = ("connect_four",)
NUM_CELLS = 42
STONES, PLIES_TO_GO = (8, 13), (1, NUM_CELLS)  # of drawn positions, unless others are asked for
NO_SCORE = -1000  # of a full column, as Pons's solver prints it
LINE_BYTES_MAX = 1024
TABLE_MB_MAX = 1 << 14
UNSOLVED = 1  # exit code


@dataclass(frozen=True, kw_only=True)
class Solve:
    """What is solved, and how much of it is told."""

    game: Annotated[Positional[str], arg(metavar="GAME", help="connect_four")]
    weak: Annotated[bool, arg(aliases=["-w"])] = False
    """who wins alone: scores are 1, 0 or -1; faster"""
    analyze: Annotated[bool, arg(aliases=["-a"])] = False
    """the score of each column, from the left, -1000 where it is full"""
    table_mb: Annotated[int, arg(metavar="N")] = 64
    """MiB of the table, rounded down to a power of two; more helps with few stones on the board"""
    book: bool = True
    """look up positions of up to eight stones in pretrained/connect_four_book.npz"""
    draw: Annotated[int | None, arg(metavar="N")] = None
    """print so many random positions with their scores; nothing is read"""
    stones: Annotated[tuple[int, int], arg(metavar="LOW HIGH")] = STONES
    """on the board of drawn positions, each number equally often before --plies-to-go chooses"""
    plies_to_go: Annotated[tuple[int, int], arg(metavar="LOW HIGH")] = PLIES_TO_GO
    """to the end of the game when nobody errs, of drawn positions"""
    seed: int = 0
    """of drawn positions"""

    def __post_init__(self) -> None:
        if not 1 <= self.table_mb <= TABLE_MB_MAX:
            raise ValueError(f"--table-mb must be from 1 to {TABLE_MB_MAX}, got {self.table_mb}")
        if self.draw is None:
            if (self.stones, self.plies_to_go, self.seed) != (STONES, PLIES_TO_GO, 0):
                raise ValueError("--stones, --plies-to-go and --seed are of positions to --draw N")
            return
        if self.draw < 1:
            raise ValueError(f"--draw must be at least 1, got {self.draw}")
        if self.weak or self.analyze:
            raise ValueError("--draw prints exact scores of positions; it goes with neither -w nor -a")
        for name, least, (low, high) in (("stones", 0, self.stones), ("plies-to-go", 1, self.plies_to_go)):
            if not least <= low <= high <= NUM_CELLS:
                raise ValueError(f"--{name} must rise within {least} to {NUM_CELLS}, got {low} {high}")
        if self.stones[0] + self.plies_to_go[0] > NUM_CELLS:
            raise ValueError(
                f"no position of {self.stones[0]} stones has {self.plies_to_go[0]} plies to go: "
                f"a game has {NUM_CELLS} at most"
            )


@command
def main(argv: Sequence[str] | None = None) -> int:
    """Answer line by line; returns the exit code."""
    options = parse(Solve, argv, description=DESCRIPTION)
    if options.game not in GAMES:
        raise ValueError(f"no exact scores for {options.game!r}; games: {', '.join(GAMES)}")
    scores = _scorer(options)
    return _answer(scores) if options.draw is None else _draw(options, options.draw, scores)


def _answer(scores: Scorer) -> int:
    """Every line of standard input; returns the exit code."""
    from agents.outside.foreign_text import bounded_lines
    from envs.boards.game import IllegalMove

    exit_code = 0
    for number, line in enumerate(bounded_lines(sys.stdin.buffer, LINE_BYTES_MAX), start=1):
        try:
            moves, state = _read(line)
        except IllegalMove as error:
            print(f"line {number}: {error}", file=sys.stderr)
            exit_code = UNSOLVED
        else:
            print(moves, *scores(state), flush=True)
    return exit_code


def _draw(options: Solve, count: int, scores: Scorer) -> int:
    """Random positions with their scores; returns the exit code."""
    import numpy as np

    from agents.arena.random_positions import random_positions
    from agents.runs.progress import ProgressLine
    from agents.search.connect_four_solver import plies_to_go
    from envs.boards.game import game

    connect_four, rng = game(options.game), np.random.default_rng(options.seed)
    low, high = options.plies_to_go
    found = 0
    with ProgressLine("drawn", count, "positions") as line:
        for position in random_positions(connect_four, options.stones, rng):
            (score,) = scores(position.state)
            if low <= plies_to_go(len(position.moves), score) <= high:
                print(connect_four.moves_text(position.moves), score, flush=True)
                found += 1
            line.update(found)
            if found == count:
                return 0
    print(f"there are hardly more than these {found}", file=sys.stderr)
    return UNSOLVED


def _read(line: bytes | None) -> tuple[str, ConnectFour]:
    """The moves on a line and the state after them. Raises: IllegalMove."""
    from agents.outside.foreign_text import shown
    from envs.boards.game import IllegalMove, game

    if line is None:
        raise IllegalMove(f"more than {LINE_BYTES_MAX} bytes")
    moves = line.decode("ascii", "replace").rstrip("\r\n")
    if not set(moves) <= set("1234567"):
        raise IllegalMove(f"{shown(moves)} is not a row of columns 1-7")
    position = game("connect_four").position(moves)
    if position.is_over:
        raise IllegalMove(f"the game is over after {moves}")
    return moves, position.state


def _scorer(options: Solve) -> Scorer:
    """What finds the numbers behind the moves; Ctrl-C stops it."""
    from agents.search.connect_four_solver import ENTRY_BYTES, Solver
    from agents.search.limits import StopFlag
    from agents.search.opening_book import NO_BOOK, shipped_book
    from agents.watching.thought import Thought
    from envs.boards.connect_four import NUM_COLUMNS

    flag = StopFlag()
    entries = 1 << ((options.table_mb << 20) // ENTRY_BYTES).bit_length() - 1
    solver = Solver(flag, entries, book=shipped_book() if options.book else NO_BOOK)

    def solve(state: ConnectFour) -> list[int]:
        if not options.analyze:
            return [solver.solve(state, options.weak)]
        scores = solver.analyse(state, options.weak)
        return [scores.get(column, NO_SCORE) for column in range(NUM_COLUMNS)]

    def scores(state: ConnectFour) -> list[int]:
        thought = Thought(lambda: solve(state))  # signals wait for compiled code in the main thread
        try:
            return thought.result()
        except KeyboardInterrupt:
            flag.set()
            raise

    return scores


if __name__ == "__main__":
    sys.exit(main())
