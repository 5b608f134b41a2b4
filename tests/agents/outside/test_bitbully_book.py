"""M. Thill's file: positions as its description has them, and bytes that are none."""

from pathlib import Path

import pytest

from agents.outside.bitbully_book import STONES, read_book
from agents.search.connect_four_solver import Solver
from agents.search.opening_book import book_score
from envs.boards.game import game

CONNECT_FOUR = game("connect_four")
# Two examples of the documentation of bitbully-databases: moves, fifth byte, the score it means.
EXAMPLES = [("422224444666", 71, 1), ("262433433447", -88, -10)]
QUICK = 1  # of the examples, takes a search some milliseconds


def entry(moves: str, distance: int) -> bytes:
    """The five bytes of a position of twelve stones."""
    columns = [""] * 7
    for i, move in enumerate(moves):
        columns[int(move) - 1] += "11" if i % 2 else "10"
    bits = "0".join(columns) + "00"
    return int(bits, 2).to_bytes(4, "big") + distance.to_bytes(1, "big", signed=True)


def test_scores_of_positions_and_of_their_mirror_images(tmp_path: Path) -> None:
    drawn = ("111111222222", 0, 0)
    path = tmp_path / "book.dat"
    path.write_bytes(b"".join(entry(moves, distance) for moves, distance, _ in [*EXAMPLES, drawn]))
    book = read_book(path)
    assert book.stones == STONES
    assert (book.keys[:-1] < book.keys[1:]).all()
    for moves, _, score in [*EXAMPLES, drawn]:
        mirrored = "".join(str(8 - int(move)) for move in moves)
        for each in (moves, mirrored):
            assert book_score(book, CONNECT_FOUR.position(each).state) == score


def test_the_scores_are_those_of_a_search() -> None:
    moves, _, score = EXAMPLES[QUICK]
    assert Solver(entries=1 << 18).solve(CONNECT_FOUR.position(moves).state) == score


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "entries of 5 bytes"),
        (b"1234", "entries of 5 bytes"),
        (bytes(5), "entry 1 is no position of 12 stones"),
        (entry(*EXAMPLES[0][:2]) + b"\xff\xff\xff\xff\x00", "entry 2 is no position"),
    ],
)
def test_other_files_are_refused(tmp_path: Path, content: bytes, told: str) -> None:
    (tmp_path / "book.dat").write_bytes(content)
    with pytest.raises(ValueError, match=told):
        read_book(tmp_path / "book.dat")
