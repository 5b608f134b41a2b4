"""The solver as a pipe: Pons's numbers, and lines that are no positions."""

import io
import os
import pty
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from agents.search.connect_four_solver import plies_to_go
from scripts.solve import LINE_BYTES_MAX, main

# P. Pons, blog.gamesolver.org, sets L3_R1 and L2_R1; the scores of columns are those of his solver.
POSITIONS = {
    "2252576253462244111563365343671351441": "-1",
    "7422341735647741166133573473242566": "1",
    "23163416124767223154467471272416755633": "0",
    "52753311433677442422121": "8",
}
COLUMNS = {
    "5554224333234511764415115": "-8 -8 -8 -8 -1000 4 -8",
    "52753311433677442422121": "2 3 7 7 8 7 2",
}


def _piped(
    text: bytes, *flags: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> tuple[int, list[str], list[str]]:
    """Exit code, lines of standard output, lines of standard error."""
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(text)))
    code = main(["connect_four", *flags])
    told = capsys.readouterr()
    return code, told.out.splitlines(), told.err.splitlines()


@pytest.mark.parametrize(
    ("flags", "scored"),
    [
        ((), POSITIONS),
        (("-w",), {moves: str((int(score) > 0) - (int(score) < 0)) for moves, score in POSITIONS.items()}),
        (("--table-mb", "1"), POSITIONS),
        (("--table-mb", "100"), POSITIONS),  # rounded down to a power of two
        # the empty board, from the book
        (("-a",), {"": "-2 -1 0 1 0 -1 -2", **COLUMNS}),
        (("-a", "-w"), {"5554224333234511764415115": "-1 -1 -1 -1 -1000 1 -1"}),
    ],
)
def test_each_line_comes_out_with_its_scores(
    flags: tuple[str, ...],
    scored: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    text = "\r\n".join(scored).encode()  # the last without an end
    code, out, err = _piped(text, *flags, monkeypatch=monkeypatch, capsys=capsys)
    assert out == [f"{moves} {scores}" for moves, scores in scored.items()]
    assert (code, err) == (0, [])


def test_lines_that_are_no_positions_are_told_and_the_others_solved(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    good = b"23163416124767223154467471272416755633\n"
    bad = [b"1111111", b"4142434", b"12 3", b"18", b"\xff\x00", b"1" * (LINE_BYTES_MAX + 1)]
    text = good + b"\n".join(bad) + b"\n" + good
    code, out, err = _piped(text, monkeypatch=monkeypatch, capsys=capsys)
    assert code == 1
    assert len(out) == 2
    reasons = [
        "column 1 is full",
        "the game is over",
        "'12 3' is not a row",
        "'18' is not",
        "is not",
        "bytes",
    ]
    assert len(err) == len(reasons)
    for number, (line, reason) in enumerate(zip(err, reasons, strict=True), start=2):
        assert line.startswith(f"line {number}: ")
        assert reason in line


def test_another_game_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["othello"]) == 2
    assert "no exact scores for 'othello'; games: connect_four" in capsys.readouterr().err


def test_a_table_without_entries_or_beyond_all_machines_is_refused(
    capsys: pytest.CaptureFixture[str],
) -> None:
    for megabytes in ("0", "1000000"):
        assert main(["connect_four", "--table-mb", megabytes]) == 2
        assert "--table-mb must be from 1 to" in capsys.readouterr().err


def test_ctrl_c_ends_a_long_solution() -> None:
    run = subprocess.Popen(
        [sys.executable, "scripts/solve.py", "connect_four", "--no-book"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert run.stdin is not None
    assert run.stdout is not None
    run.stdin.write(b"23163416124767223154467471272416755633\n\n")  # then the empty board: minutes
    run.stdin.flush()
    assert run.stdout.readline().endswith(b" 0\n")
    time.sleep(0.5)
    run.send_signal(signal.SIGINT)
    assert run.wait(timeout=30) == 130


def _drawn(capsys: pytest.CaptureFixture[str], *flags: str) -> list[tuple[str, int]]:
    assert main(["connect_four", *flags]) == 0
    lines = capsys.readouterr().out.splitlines()
    return [(moves, int(score)) for moves, score in map(str.split, lines)]


def test_drawn_positions_are_as_wanted_and_their_scores_are_the_solvers(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    wanted = ("--draw", "20", "--stones", "24", "30", "--plies-to-go", "6", "9", "--seed", "5")
    drawn = _drawn(capsys, *wanted)
    assert drawn == _drawn(capsys, *wanted)
    assert len(dict(drawn)) == 20
    assert {len(moves) for moves, _ in drawn} <= set(range(24, 31))
    assert all(6 <= plies_to_go(len(moves), score) <= 9 for moves, score in drawn)
    _, out, _ = _piped("\n".join(dict(drawn)).encode(), monkeypatch=monkeypatch, capsys=capsys)
    assert out == [f"{moves} {score}" for moves, score in drawn]


def test_positions_end_where_there_are_no_more(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["connect_four", "--draw", "100", "--stones", "0", "1"]) == 1
    told = capsys.readouterr()
    assert len(told.out.splitlines()) == 5  # the empty board, and four columns that no mirror makes alike
    assert "hardly more than these 5" in told.err


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (("--draw", "0"), "--draw must be at least 1"),
        (("--draw", "5", "-w"), "neither -w nor -a"),
        (("--stones", "4", "5"), "are of positions to --draw N"),
        (("--draw", "5", "--stones", "9", "8"), "error: --stones must rise"),
        (("--draw", "5", "--stones", "20", "21", "--plies-to-go", "23", "42"), "no position of 20 stones"),
    ],
)
def test_wishes_that_no_position_meets_are_refused(
    flags: tuple[str, ...], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["connect_four", *flags]) == 2
    assert message in capsys.readouterr().err


def test_drawn_positions_go_where_stdout_goes_beside_a_terminal(tmp_path: Path) -> None:
    """The progress line on stderr must not take them along."""
    terminal, other_end = pty.openpty()
    command = [sys.executable, "scripts/solve.py", "connect_four", "--draw", "3", "--stones", "30", "30"]
    with (tmp_path / "drawn.txt").open("wb") as file:
        run = subprocess.run(command, stdout=file, stderr=other_end, check=False)
    os.close(terminal)
    os.close(other_end)
    assert run.returncode == 0
    assert len((tmp_path / "drawn.txt").read_text().splitlines()) == 3


def test_a_reader_that_has_seen_enough_ends_it_quietly() -> None:
    command = f"{sys.executable} scripts/solve.py connect_four --draw 200 --stones 34 34 | head -n 1"
    run = subprocess.run(command, shell=True, capture_output=True, text=True, check=False)
    assert len(run.stdout.splitlines()) == 1
    assert "error" not in run.stderr
    assert "Broken pipe" not in run.stderr
