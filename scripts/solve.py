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
"""
GAMES = ("connect_four",)
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
    """look positions of eight stones up, pretrained/connect_four_book.npz"""


@command
def main(argv: Sequence[str] | None = None) -> int:
    """Answer line by line; returns the exit code."""
    options = parse(Solve, argv, description=DESCRIPTION)
    if options.game not in GAMES:
        raise ValueError(f"no exact scores for {options.game!r}; games: {', '.join(GAMES)}")
    from agents.outside.foreign_text import bounded_lines
    from envs.boards.game import IllegalMove

    if not 1 <= options.table_mb <= TABLE_MB_MAX:
        raise ValueError(f"--table-mb must be from 1 to {TABLE_MB_MAX}, got {options.table_mb}")
    scores = _scorer(options)
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


def _scorer(options: Solve) -> Callable[[ConnectFour], list[int]]:
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
