"""python scripts/import_book.py book_12ply_distances.dat   Connect Four's opening book, from a larger one."""

from __future__ import annotations

import random
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from tyro.conf import Positional, arg

from agents.runs.model import PRETRAINED
from scripts.command_line import UsageError, command, parse

if TYPE_CHECKING:
    from agents.search.opening_book import Book
    from envs.boards.connect_four import ConnectFour

DESCRIPTION = """\
Make pretrained/connect_four_book.npz: the exact scores of all Connect Four positions after eight stones that
are not won at once. Each is searched down to positions after twelve, with scores of M. Thill's (MIT licence):

  pip download --no-deps bitbully-databases && unzip bitbully_databases-*.whl

Some of the positions, drawn by chance, are then solved from nothing, seconds to minutes each, and compared.
"""


@dataclass(frozen=True, kw_only=True)
class Import:
    """What is read, written and checked."""

    source: Annotated[Positional[Path], arg(metavar="FILE")]
    """book_12ply_distances.dat"""
    out: Path = PRETRAINED / "connect_four_book.npz"
    check: int = 20
    """positions solved from nothing"""
    seed: int = 0
    """of their choice"""


STONES = 8  # few enough for a small file, and enough to answer from the empty board at once
UNCONFIRMED = 1  # exit code


@command
def main(argv: Sequence[str] | None = None) -> int:
    """Read, search, check, write; returns the exit code."""
    options = parse(Import, argv, description=DESCRIPTION)
    from agents.arena.openings import every_opening
    from agents.outside.bitbully_book import read_book
    from agents.search.opening_book import book_key, save_book
    from envs.boards.game import game

    source = read_book(options.source)
    states = sorted((each.state for each in every_opening(game("connect_four"), STONES)), key=book_key)
    if not 0 <= options.check <= len(states):
        raise UsageError(
            f"--check must be in 0 to {len(states)}, the positions there are, got {options.check}"
        )
    book = _searched(states, source)
    if options.check and not _confirmed(book, random.Random(options.seed).sample(states, options.check)):
        return UNCONFIRMED
    save_book(options.out, book)
    print(f"{options.out}: {len(states):,} positions, {options.out.stat().st_size / 1000:.0f} kB")
    return 0


def _searched(states: list[ConnectFour], source: Book) -> Book:
    """The scores of `states`, which are in the order of their keys."""
    import numpy as np

    from agents.runs.progress import ProgressLine
    from agents.search.connect_four_solver import Solver
    from agents.search.opening_book import Book, book_key

    solver = Solver(book=source)
    scores = np.empty(len(states), np.int8)
    with ProgressLine("searched", total=len(states), unit="positions") as line:
        for i, state in enumerate(states):
            scores[i] = solver.solve(state)
            line.update(i + 1)
    return Book(STONES, np.array([book_key(state) for state in states], np.uint64), scores)


def _confirmed(book: Book, states: list[ConnectFour]) -> bool:
    """Whether a solver without a book finds the same scores."""
    from agents.runs.progress import ProgressLine
    from agents.search.connect_four_solver import Solver
    from agents.search.opening_book import book_score

    solver = Solver()
    with ProgressLine("confirmed", total=len(states), unit="positions") as line:
        for i, state in enumerate(states):
            found, told = solver.solve(state), book_score(book, state)
            if found != told:
                print(f"{state} scores {found}, not {told}: no book written", file=sys.stderr)
                return False
            line.update(i + 1)
    return True


if __name__ == "__main__":
    sys.exit(main())
