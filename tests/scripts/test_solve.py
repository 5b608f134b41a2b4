"""The solver as a pipe: Pons's numbers, and lines that are no positions."""

import io
import signal
import subprocess
import sys
import time
from types import SimpleNamespace

import pytest

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
