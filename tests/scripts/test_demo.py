"""The demo stops at a failing step, refuses what cannot work, and never writes into an older demo."""

import subprocess
from pathlib import Path
from typing import Any

import pytest

from scripts import demo


def test_a_failing_step_ends_the_demo_with_its_command(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def fails(arguments: list[str], **_: Any) -> subprocess.CompletedProcess[str]:
        return subprocess.CompletedProcess(arguments, returncode=3)

    monkeypatch.setattr(demo.subprocess, "run", fails)
    assert demo.main(["--out", str(tmp_path / "demo")]) == 2
    told = capsys.readouterr().err
    assert "exit code 3" in told
    assert "scripts/evaluate.py tournament connect_four" in told


@pytest.mark.parametrize("games", ["3", "0"])
def test_an_odd_number_of_games_is_refused_before_anything_starts(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], games: str
) -> None:
    assert demo.main(["--games", games, "--out", str(tmp_path / "demo")]) == 2
    assert "even" in capsys.readouterr().err
    assert not (tmp_path / "demo").exists()


def test_a_second_demo_gets_a_folder_of_its_own(tmp_path: Path) -> None:
    assert [demo._new_folder(tmp_path / "demo").name for _ in range(3)] == ["demo", "demo-2", "demo-3"]


def test_the_command_in_the_report_is_the_one_that_ran(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    ran: list[list[str]] = []

    def succeeds(arguments: list[str], **_: Any) -> subprocess.CompletedProcess[str]:
        ran.append(arguments[1:])
        return subprocess.CompletedProcess(arguments, returncode=0)

    monkeypatch.setattr(demo.subprocess, "run", succeeds)
    shown = demo.Demo(demo.DemoConfig(), tmp_path)
    shown.run("scripts/watch.py", "pong", "--record", tmp_path / "a film.mp4")
    page = shown.report.write().read_text()
    assert ran == [["scripts/watch.py", "pong", "--record", str(tmp_path / "a film.mp4")]]
    assert "python scripts/watch.py pong --record" in page
