"""The opening book: its positions, its file, and that the solver with it says what it says without."""

from pathlib import Path

import numpy as np
import pytest

from agents.arena.openings import every_opening, openings
from agents.search.connect_four_solver import Solver
from agents.search.opening_book import (
    NOT_IN_BOOK,
    Book,
    book_key,
    book_score,
    load_book,
    save_book,
    shipped_book,
)
from envs.boards import rules
from envs.boards.game import game

CONNECT_FOUR = game("connect_four")
# V. Allis 1988 (who wins), P. Pons, blog.gamesolver.org (the scores).
FIRST_MOVES = {0: -2, 1: -1, 2: 0, 3: 1, 4: 0, 5: -1, 6: -2}


def test_the_empty_board_is_solved_at_once() -> None:
    solver = Solver(entries=1 << 18, book=shipped_book())
    assert solver.analyse(CONNECT_FOUR.initial) == FIRST_MOVES
    assert solver.best_line(CONNECT_FOUR.initial) == ((3,), 1)
    assert solver.nodes < 100_000  # 1.2 billion without a book, and that only for who wins


def test_the_book_says_what_a_search_finds() -> None:
    book, solver = shipped_book(), Solver(entries=1 << 18)
    states = [position.state for position in openings(CONNECT_FOUR, 300, book.stones, seed=0)]
    scores = [book_score(book, state) for state in states]
    assert NOT_IN_BOOK not in scores
    decided = [(state, score) for state, score in zip(states, scores, strict=True) if abs(score) >= 9]
    assert len(decided) > 40
    for state, score in decided:  # soon, so a search takes little time
        assert solver.solve(state) == score


def test_mirror_images_have_one_key_and_other_states_another() -> None:
    states = [position.state for position in every_opening(CONNECT_FOUR, 6)]
    keys = [int(book_key(state)) for state in states]
    assert keys == [int(book_key(rules.transform(state, 1))) for state in states]
    assert len(set(keys)) == len(keys)


def test_a_search_reads_its_book_and_only_at_its_number_of_stones() -> None:
    position = CONNECT_FOUR.position("23163416124767223154467471")
    score = Solver(entries=1 << 18).solve(position.state)
    children = [rules.play(position.state, column) for column in position.legal()]
    keys = np.array(sorted({book_key(child) for child in children}), np.uint64)
    lies = Book(27, keys, np.full(len(keys), -5, np.int8))
    assert Solver(entries=1 << 18, book=lies).solve(position.state) == 5 != score
    assert Solver(entries=1 << 18, book=lies._replace(stones=25)).solve(position.state) == score
    others = lies._replace(keys=keys + np.uint64(1))
    assert book_score(others, children[0]) == NOT_IN_BOOK
    assert Solver(entries=1 << 18, book=others).solve(position.state) == score


def test_a_book_survives_its_file(tmp_path: Path) -> None:
    book = Book(2, np.array([3, 5, 2**62], np.uint64), np.array([-18, 0, 18], np.int8))
    save_book(tmp_path / "book.npz", book)
    loaded = load_book(tmp_path / "book.npz")
    assert loaded.stones == 2
    np.testing.assert_array_equal(loaded.keys, book.keys)
    np.testing.assert_array_equal(loaded.scores, book.scores)
    assert loaded.keys.dtype == np.uint64


@pytest.mark.parametrize("content", [b"", b"no book", b"PK"])
def test_a_file_that_is_no_book_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "book.npz").write_bytes(content)
    with pytest.raises(ValueError, match=r"book\.npz is no opening book"):
        load_book(tmp_path / "book.npz")
