"""The opening book's maker, from the shipped book instead of the large one that it is made for."""

from pathlib import Path

import numpy as np
import pytest

from agents.outside import bitbully_book
from agents.search.connect_four_solver import Solver
from agents.search.opening_book import Book, book_key, load_book, shipped_book
from envs.boards.game import game
from scripts import import_book

SOON_WON = game("connect_four").position("1727374").state  # 3 stones in a row with both ends open


@pytest.fixture
def source(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setattr(import_book, "STONES", 3)
    monkeypatch.setattr(bitbully_book, "read_book", lambda path: shipped_book())
    return tmp_path / "large.dat"


def test_a_book_is_made_from_a_later_one(
    source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "book.npz"
    assert import_book.main([str(source), "--out", str(out), "--check", "0"]) == 0
    assert f"{out}: 121 positions" in capsys.readouterr().out
    book, solver = load_book(out), Solver(entries=1 << 18, book=shipped_book())
    assert book.stones == 3
    state = game("connect_four").position("443").state
    assert book.scores[np.searchsorted(book.keys, book_key(state))] == solver.solve(state)


def test_a_score_that_is_not_confirmed_ends_in_no_book(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(import_book, "_confirmed", lambda book, states: len(states) != 2)
    out = tmp_path / "book.npz"
    assert import_book.main([str(source), "--out", str(out), "--check", "2"]) == 1
    assert not out.exists()


def test_more_checks_than_positions_are_refused(source: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert import_book.main([str(source), "--check", "122"]) == 2
    assert "--check must be in 0 to 121" in capsys.readouterr().err


@pytest.mark.parametrize(("error", "confirmed"), [(0, True), (1, False)])
def test_scores_are_confirmed_by_a_search(
    error: int, confirmed: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    scores = np.array([Solver().solve(SOON_WON) + error], np.int8)
    book = Book(7, np.array([book_key(SOON_WON)], np.uint64), scores)
    assert import_book._confirmed(book, [SOON_WON]) == confirmed
    assert ("no book written" in capsys.readouterr().err) != confirmed
