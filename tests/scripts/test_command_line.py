"""Scripts report a caller's mistakes in three lines and keep the traceback of their own faults."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from scripts.command_line import UsageError, check_minutes, check_output, command, parse


@dataclass(frozen=True)
class Options:
    env_steps: int = 3
    name: str = "x"


def test_flags_are_the_fields_in_kebab_case_over_the_given_default() -> None:
    options = parse(Options, ["--env-steps", "4"], description="", default=Options(name="preset"))
    assert options == Options(env_steps=4, name="preset")


@pytest.mark.parametrize(
    ("argv", "told"),
    [
        (["--env-stepz", "4"], "--env-stepz"),
        (["--env-steps", "many"], "many"),
        (["--env-steps"], "--env-steps"),
        (["stray"], "stray"),
    ],
)
def test_a_bad_flag_is_named_in_at_most_two_lines_and_a_cure(argv: list[str], told: str) -> None:
    with pytest.raises(UsageError) as error:
        parse(Options, argv, description="")
    lines = str(error.value).splitlines()
    assert told in lines[0]
    assert len(lines) <= 3
    assert "--help" in lines[-1]


def test_help_prints_the_description_and_ends_with_success(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        parse(Options, ["--help"], description="Counts sheep.")
    assert end.value.code == 0
    assert "Counts sheep." in capsys.readouterr().out


def test_a_value_error_of_ours_becomes_exit_code_2_and_at_most_three_lines(
    capsys: pytest.CaptureFixture[str],
) -> None:
    @command
    def main(argv: Sequence[str] | None = None) -> int:
        raise ValueError("one\ntwo\nthree\nfour")

    assert main([]) == 2
    assert capsys.readouterr().err == "error: one\ntwo\nthree\n"


def test_a_missing_file_becomes_exit_code_2_and_names_the_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    @command
    def main(argv: Sequence[str] | None = None) -> int:
        absent.read_text()
        return 0

    absent = tmp_path / "absent.txt"
    assert main([]) == 2
    assert capsys.readouterr().err == f"error: {absent}: No such file or directory\n"


def test_the_place_of_an_error_is_shown_on_request(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ADVANTAGE_TRACEBACK", "1")

    @command
    def main(argv: Sequence[str] | None = None) -> int:
        raise ValueError("one")

    with pytest.raises(ValueError, match="one"):
        main([])


def test_ctrl_c_ends_with_the_code_that_shells_expect() -> None:
    @command
    def main(argv: Sequence[str] | None = None) -> int:
        raise KeyboardInterrupt

    assert main([]) == 130


@pytest.mark.parametrize("minutes", [0.0, -1.0, float("nan"), float("inf")])
def test_minutes_that_are_no_limit_are_refused(minutes: float) -> None:
    with pytest.raises(UsageError, match="--minutes must be above 0"):
        check_minutes(minutes)
    check_minutes(None)
    check_minutes(0.5)


def test_an_output_that_could_not_be_written_is_refused_before_the_work(tmp_path: Path) -> None:
    check_output("--json", tmp_path / "new.json")
    with pytest.raises(UsageError, match=r"--json .*: this is a folder; name a file in it"):
        check_output("--json", tmp_path)
    with pytest.raises(UsageError, match=r"--plot .*: there is no folder .*/none"):
        check_output("--plot", tmp_path / "none" / "x.png")
