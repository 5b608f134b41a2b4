"""Mistakes: counted by hand, and against a plain minimax."""

import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from agents.arena.mistakes import SolvedPosition, count_mistakes, read_solved
from agents.arena.openings import openings
from agents.players import BasePlayer, Decision, RandomPlayer
from envs.boards import rules
from envs.boards.game import IllegalMove, Position, game

CONNECT_FOUR, TIC_TAC_TOE = game("connect_four"), game("tic_tac_toe")

# From P. Pons's test set L2_R1 (blog.gamesolver.org), with the score of each column (-1000: full).
SOLVED = """\
5554224333234511764415115 4 -8 -8 -8 -8 -1000 4 -8
52753311433677442422121 8 2 3 7 7 8 7 2
1233722555341451114725221333 -1 -1000 -1000 -1000 -1 -1 -1 -1
"""


class Column(BasePlayer):
    """Plays one column, or the lowest open one where that is full."""

    def __init__(self, column: int) -> None:
        super().__init__(f"column {column}")
        self._action = column - 1

    def choose(self, position: Position) -> Decision:
        legal = position.legal()
        return Decision(action=self._action if self._action in legal else legal[0])


@pytest.fixture
def solved_file(tmp_path: Path) -> Path:
    path = tmp_path / "solved.txt"
    path.write_text(SOLVED)
    return path


def test_a_move_that_gives_the_win_away_is_a_mistake_and_a_slower_win_is_none(solved_file: Path) -> None:
    solved = read_solved(solved_file, CONNECT_FOUR)
    # First line: only column 6 wins. Second: all win. Third: all lose.
    wrong = count_mistakes(Column(1), solved, None)
    assert (wrong.positions, wrong.mistakes, wrong.nontrivial_positions) == (3, 1, 1)
    right = count_mistakes(Column(6), solved, None)
    assert (right.positions, right.mistakes, right.nontrivial_positions) == (3, 0, 1)


def test_rates_count_over_all_and_over_nontrivial_positions(solved_file: Path) -> None:
    told = count_mistakes(Column(1), read_solved(solved_file, CONNECT_FOUR), None).to_json()
    assert told["rate"] == pytest.approx(1 / 3)
    assert told["nontrivial_rate"] == 1
    assert told["nontrivial_mistakes"] == told["mistakes"] == 1
    assert told["rate_low"] < told["rate"] < told["rate_high"] < 1
    assert told["nontrivial_rate_low"] == pytest.approx(1 / (1 + 1.959964**2), abs=1e-4)  # Wilson, 1 of 1


def test_without_nontrivial_positions_the_rate_is_unknown_and_says_so(tmp_path: Path) -> None:
    path = tmp_path / "trivial.txt"
    path.write_text(SOLVED.splitlines()[1])
    told = count_mistakes(Column(1), read_solved(path, CONNECT_FOUR), None).to_json()
    assert told["nontrivial_positions"] == 0
    assert (told["nontrivial_rate"], told["nontrivial_rate_low"], told["nontrivial_rate_high"]) == (0, 0, 1)


@pytest.mark.parametrize("column", range(1, 10))
def test_a_solver_finds_what_the_file_does_not_tell(tmp_path: Path, column: int) -> None:
    solved = _tic_tac_toe(tmp_path)
    asked: list[tuple[Position, int]] = []

    def solver(position: Position, action: int, value: int) -> bool:
        asked.append((position, action))
        return _reaches(position, action, value)

    report = count_mistakes(Column(column), solved, solver)
    mistakes = nontrivial = 0
    for each in solved:
        legal = each.position.legal()
        values = {action: _value_after(each.position, action) for action in legal}
        mistakes += values[column - 1 if column - 1 in legal else legal[0]] < max(values.values())
        nontrivial += len(set(values.values())) > 1
    assert (report.positions, report.mistakes, report.nontrivial_positions) == (40, mistakes, nontrivial)
    assert mistakes > 0
    assert nontrivial < 40
    assert len(set(asked)) == len(asked)


def test_a_solver_is_not_asked_where_all_is_lost(tmp_path: Path) -> None:
    path = tmp_path / "solved.txt"
    path.write_text("a1b1b2 -1")

    def solver(position: Position, action: int, value: int) -> bool:
        raise AssertionError("asked")

    report = count_mistakes(Column(1), read_solved(path, TIC_TAC_TOE), solver)
    assert (report.positions, report.mistakes, report.nontrivial_positions) == (1, 0, 0)


def test_a_solver_that_finds_less_than_the_file_says_stops_the_count(tmp_path: Path) -> None:
    path = tmp_path / "wrong.txt"
    path.write_text("a1 5")  # b2 draws, all else loses
    with pytest.raises(ValueError, match=r"wrong.txt:1: the file says value 1, the solver says less"):
        count_mistakes(Column(5), read_solved(path, TIC_TAC_TOE), _reaches)


def test_a_file_without_action_scores_needs_a_solver(tmp_path: Path) -> None:
    path = tmp_path / "bare.txt"
    path.write_text("\n".join(line.rsplit(maxsplit=7)[0] for line in SOLVED.splitlines()))
    with pytest.raises(ValueError, match=r"bare.txt:1: .*connect_four has no solver"):
        count_mistakes(RandomPlayer(), read_solved(path, CONNECT_FOUR), None)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("44 x", "whole numbers, got x"),
        ("44", "needs moves and score"),
        ("44 1 2 3", "got 4 words"),
        ("4444444 1", "column 4 is full"),
        ("49 1", "is not a move"),
        ("1212121 5", "the game is over after 1212121"),
        ("44 2 -1 -1 -1 -1 -1 -1 -1", "contradicts the best"),
    ],
)
def test_a_bad_line_is_named_by_file_and_number(tmp_path: Path, line: str, message: str) -> None:
    path = tmp_path / "bad.txt"
    path.write_text(SOLVED.splitlines()[0] + f"\n\n{line}\n")
    with pytest.raises(ValueError, match=rf"bad.txt:3: .*{re.escape(message)}"):
        read_solved(path, CONNECT_FOUR)


def test_a_file_without_positions_or_text_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "empty.txt"
    path.write_text("\n\n")
    with pytest.raises(ValueError, match=r"empty.txt: no positions; lines are: moves score"):
        read_solved(path, CONNECT_FOUR)
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ValueError, match="is not a text file"):
        read_solved(path, CONNECT_FOUR)


def test_an_illegal_move_raises_and_names_the_player(solved_file: Path) -> None:
    class Wild(Column):
        def choose(self, position: Position) -> Decision:
            return Decision(action=77)

    with pytest.raises(IllegalMove, match="column 1 played 77"):
        count_mistakes(Wild(1), read_solved(solved_file, CONNECT_FOUR), None)


def test_progress_counts_positions_and_mistakes(tmp_path: Path) -> None:
    path = tmp_path / "many.txt"
    path.write_text(SOLVED * 100)
    told: list[tuple[int, int]] = []
    solved = read_solved(path, CONNECT_FOUR)
    count_mistakes(Column(1), solved, None, on_progress=lambda done, wrong: told.append((done, wrong)))
    assert told[:4] == [(1, 1), (2, 1), (3, 1), (4, 2)]
    assert told[-1] == (300, 100)


@cache
def _minimax(state: Any) -> int:
    if rules.is_over(state):
        return int(rules.outcome(state))
    return max(-_minimax(rules.play(state, action)) for action in TIC_TAC_TOE.legal(state))


def _value_after(position: Position, action: int) -> int:
    return -_minimax(position.play(action).state)


def _reaches(position: Position, action: int, value: int) -> bool:
    return _value_after(position, action) >= value


def _tic_tac_toe(tmp_path: Path) -> list[SolvedPosition]:
    """40 positions with the values of plain minimax."""
    positions = openings(TIC_TAC_TOE, 20, 3, seed=1) + openings(TIC_TAC_TOE, 20, 4, seed=1)
    lines = [f"{TIC_TAC_TOE.moves_text(p.moves)} {3 * _minimax(p.state)}" for p in positions]
    path = tmp_path / "solved.txt"
    path.write_text("\n".join(lines))
    return read_solved(path, TIC_TAC_TOE)
