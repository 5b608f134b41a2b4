"""The command: its table against metrics written by hand, its picture, and what it refuses."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from matplotlib.image import imread

from scripts.compare_runs import main

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def runs(tmp_path):
    """Two runs of a slow learner, one of a quick one."""
    folders = []
    for name, values in {"a": [0, 10, 18], "b": [0, 14, 20], "c": [19, 20, 21]}.items():
        folder = tmp_path / name
        folder.mkdir()
        folders.append(str(folder))
        records = [
            {"step": 1000 * n, "wall_s": 120.0 * n, "evaluation_return": value}
            for n, value in enumerate(values, 1)
        ]
        (folder / "metrics.jsonl").write_text("".join(json.dumps(record) + "\n" for record in records))
    return folders


def test_the_table_says_what_each_label_reached_and_how_soon(runs, tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "160")
    out = tmp_path / "pictures" / "c.png"
    labels = ["--labels", "slow", "slow", "quick"]
    assert main([*runs, *labels, "--thresholds", "18", "20", "30", "--x", "minutes", "--out", str(out)]) == 0
    printed = capsys.readouterr().out
    slow, quick = (
        next(line for line in printed.splitlines() if label in line) for label in ("slow", "quick")
    )
    cells = [cell.strip() for cell in slow.strip(" │").split("│")]
    assert cells == [
        "slow",
        "2",
        "10.33 (1.4)",
        "19",
        "19",
        "3,000 steps, 6.0 min",
        "not reached (1 of 2 runs)",
        "not reached (0 of 2 runs)",
    ]
    cells = [cell.strip() for cell in quick.strip(" │").split("│")]
    assert cells[:7] == ["quick", "1", "20", "21", "21", "1,000 steps, 2.0 min", "2,000 steps, 4.0 min"]
    assert str(out) in printed
    assert imread(out).std() > 0


def test_without_labels_each_run_stands_for_itself(runs, tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "300")
    assert main([*runs, "--out", str(tmp_path / "c.png")]) == 0
    printed = capsys.readouterr().out
    assert all(run in printed for run in runs)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "RUN"),
        (["nowhere"], "no run at nowhere"),
        (["a", "--metric", "score"], "no metric 'score' in a; recorded: evaluation_return"),
        (["a", "b", "--labels", "x"], "1 labels for 2 runs"),
        (["a", "--out", "c.jpg"], "--out must end in .png, got c.jpg"),
        (["a", "--x", "hours"], "hours"),
    ],
)
def test_a_mistake_is_told_in_three_lines_and_draws_nothing(
    arguments, said, runs, tmp_path, capsys, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    assert main(arguments) == 2
    error = capsys.readouterr().err
    assert said in error
    assert len(error.strip().splitlines()) <= 3
    assert not list(tmp_path.rglob("*.png"))


def test_it_needs_no_torch(runs, tmp_path):
    code = (
        f"import sys; from scripts.compare_runs import main; main([{runs[0]!r}, '--out', "
        f"{str(tmp_path / 'c.png')!r}]); sys.exit('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
