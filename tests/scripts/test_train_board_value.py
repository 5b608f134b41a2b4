"""The command that trains board values: what it leaves, how it goes on, what it refuses."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from agents.board_value.presets import PRESETS
from agents.runs.model import read_header
from agents.search.mcts import MCTSPlayer
from agents.values.learned import LearnedValue
from agents.values.mlp import MLPValue
from scripts.train_board_value import main

TINY = [
    *("--iterations", "4", "--games-per-iteration", "10", "--updates-per-iteration", "2"),
    *("--full-simulations", "12", "--fast-simulations", "6", "--channels", "8", "--blocks", "1"),
    *("--batch-size", "32", "--mlp-batch-size", "32", "--held-positions", "6"),
]


def run_folder(runs: Path) -> Path:
    (folder,) = runs.iterdir()
    return folder


def test_a_run_leaves_two_models_that_play_and_says_what_to_type_next(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["tic_tac_toe", *TINY, "--runs-dir", str(tmp_path)]) == 0
    folder = run_folder(tmp_path)
    for name in ("best", "last", "best_alpha_beta", "last_alpha_beta"):
        header = read_header(folder / f"{name}.safetensors")
        assert header.subject == "tic_tac_toe"
        assert header.step == 8 if name.startswith("last") else header.step <= 8
        assert header.score is not None
        assert 0 <= header.score <= 1
    value = LearnedValue.load(folder / "best.safetensors")
    assert MLPValue.load(folder / "best_alpha_beta.safetensors").game is value.game
    decision = MCTSPlayer("mcts", value.game, value, simulations=8).choose(value.game.start())
    assert decision.action in range(9)
    records = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    assert {"mistakes", "score", "alpha_beta_mistakes"} <= set(records[-1])
    assert (folder / "curve.png").stat().st_size > 1000
    said = capsys.readouterr().out
    assert f"run folder: {folder}" in said
    assert f"python scripts/watch.py tic_tac_toe human mcts:value=learned,model={folder}" in said


def test_a_killed_run_goes_on_and_ends_like_one_that_was_not(tmp_path: Path) -> None:
    arguments = ["tic_tac_toe", *TINY, "--iterations", "60", "--save-seconds", "0.01"]
    assert main([*arguments, "--runs-dir", str(tmp_path / "through")]) == 0
    command = [
        sys.executable,
        "scripts/train_board_value.py",
        *arguments,
        "--runs-dir",
        str(tmp_path / "killed"),
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        folder = Path(process.stdout.readline().removeprefix("run folder: ").strip())
        while not (folder / "training_state.pt").exists():
            time.sleep(0.02)
        time.sleep(0.3)
        os.kill(process.pid, signal.SIGKILL)
    assert main(["tic_tac_toe", "--resume", str(folder)]) == 0
    through = run_folder(tmp_path / "through")
    ours, theirs = ((path / "last.safetensors").read_bytes() for path in (through, folder))
    header = int.from_bytes(ours[:8], "little")
    assert ours[8 + header :] == theirs[8 + int.from_bytes(theirs[:8], "little") :]


def test_ctrl_c_stops_in_good_order_and_says_how_to_go_on(tmp_path: Path) -> None:
    command = [sys.executable, "scripts/train_board_value.py", "tic_tac_toe", "--minutes", "5"]
    command += ["--held-positions", "0", "--runs-dir", str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        process.stdout.readline()
        while not (run_folder(tmp_path) / "training_state.pt").exists():
            time.sleep(0.05)
        time.sleep(1.0)
        process.send_signal(signal.SIGINT)
        said = process.stdout.read()
    assert process.returncode == 0
    assert f"go on with: python scripts/train_board_value.py --resume {run_folder(tmp_path)}" in said


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["conect_four"], "did you mean connect_four?"),
        (["connect_four", "--minuts", "3"], "--minutes"),
        (["connect_four", "--minutes", "-1"], "--minutes must be above 0"),
        (["connect_four", "--workers", "rai"], "workers must be a number of processes from 1, or ray"),
        (["connect_four", "--ray-address", "head:6379"], "is for --workers ray"),
        (["connect_four", "--then", "tic_tac_toe"], "--then must be one of connect_four"),
        (["connect_four_90", "--minutes", "100"], "minutes must be below the 90 that connect_four_grown"),
        (["connect_four_90", "--channels", "96"], "channels must be at most 64, as in connect_four_grown"),
        (["connect_four", "--game", "othello"], "the game is the first argument"),
        (["--resume", "runs/nowhere"], "no run folder runs/nowhere"),
    ],
)
def test_mistakes_are_told_in_three_lines_and_leave_no_folder(
    arguments: list[str], told: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    extra = [] if "--resume" in arguments else ["--runs-dir", str(tmp_path / "runs")]
    assert main([*arguments, *extra]) == 2
    said = capsys.readouterr().err
    assert told in said
    assert len(said.splitlines()) <= 3
    assert not (tmp_path / "runs").exists()


def test_a_run_of_another_game_is_not_resumed_under_a_wrong_name(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert (
        main(
            ["tic_tac_toe", *TINY, "--iterations", "1", "--held-positions", "0", "--runs-dir", str(tmp_path)]
        )
        == 0
    )
    assert main(["othello", "--resume", str(run_folder(tmp_path))]) == 2
    assert "is a run of tic_tac_toe, not of othello" in capsys.readouterr().err


def test_a_run_goes_on_longer_with_larger_networks(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["tic_tac_toe", *TINY, "--runs-dir", str(tmp_path)]) == 0
    folder = run_folder(tmp_path)
    more = ["--iterations", "6", "--channels", "12", "--blocks", "2", "--mlp-hidden-sizes", "150", "32"]
    assert main(["--resume", str(folder), *more]) == 0
    header = read_header(folder / "last.safetensors")
    assert (header.step, header.network["channels"], header.network["blocks"]) == (12, 12, 2)
    assert LearnedValue.load(folder / "last.safetensors").game.name == "tic_tac_toe"
    for _ in range(2):  # as it was resumed last; then with nothing left to do
        assert main(["--resume", str(folder), "--iterations", "7"]) == 0
    assert read_header(folder / "last.safetensors").network == header.network
    assert main(["--resume", str(folder), "--channels", "8"]) == 2
    assert "can only grow" in capsys.readouterr().err
    assert main(["--resume", str(folder), "--iterations", "8", "--then", "othello"]) == 2
    assert "then must be one of tic_tac_toe" in capsys.readouterr().err
    assert read_header(folder / "last.safetensors").step == 14  # told before any training
    assert json.loads((folder / "config.json").read_text())["channels"] == 12


@pytest.mark.parametrize("resumed", [False, True])
def test_a_run_grows_by_itself(resumed: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sizes = {"iterations": 3, "games_per_iteration": 10, "updates_per_iteration": 2, "held_positions": 6}
    grown = replace(PRESETS["tic_tac_toe"], **sizes, channels=24, full_simulations=12, fast_simulations=6)
    monkeypatch.setitem(PRESETS, "grown", grown)
    begun = ["tic_tac_toe", *TINY, "--seed", "5", "--runs-dir", str(tmp_path)]
    if resumed:
        assert main([*begun, "--iterations", "1"]) == 0
        assert main(["--resume", str(run_folder(tmp_path)), "--iterations", "2", "--then", "grown"]) == 0
    else:
        assert main([*begun, "--iterations", "2", "--then", "grown"]) == 0
    folder = run_folder(tmp_path)
    header = read_header(folder / "last.safetensors")
    assert (header.step, header.network["channels"], header.config["seed"]) == (6, 24, 5)
    config = json.loads((folder / "config.json").read_text())
    assert (config["then"], config["channels"]) == (None, 24)


def test_without_arguments_the_usage_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    assert "games: tic_tac_toe, connect_four, othello" in capsys.readouterr().out
