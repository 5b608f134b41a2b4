"""The command: errors before work, a complete run folder, Ctrl-C, kill -9, resume."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import nullcontext
from pathlib import Path

import pytest

from agents.dqn import supervise
from agents.runs.metrics import read_records
from agents.runs.model import read_header
from agents.runs.run import Run
from scripts.train_dqn import main

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = [sys.executable, str(ROOT / "scripts" / "train_dqn.py")]
TINY = ["corridor", "--env-steps", "1200", "--learning-starts", "100", "--log-every-steps", "200"]
TINY += ["--evaluate-every-steps", "400", "--evaluation-episodes", "4", "--stop-at-return", "None"]


def the_run(root):
    (folder,) = root.iterdir()
    return folder


def test_a_run_leaves_a_model_metrics_and_a_curve(tmp_path, capsys):
    assert main([*TINY, "--runs-dir", str(tmp_path), "--seed", "3"]) == 0
    run = the_run(tmp_path)
    for name in ("best.safetensors", "last.safetensors", "training_state.pt", "curve.png", "config.json"):
        assert (run / name).stat().st_size > 0
    assert list((run / "tensorboard").iterdir())
    assert json.loads((run / "config.json").read_text())["seed"] == 3
    records = read_records(run / "metrics.jsonl")
    assert records[-1]["step"] == 1200
    names = {name for record in records for name in record}
    assert {"loss", "q", "gradient_norm", "epsilon", "train_return", "evaluation_return"} <= names
    header = read_header(run / "best.safetensors")
    assert header.subject == "advantage/Corridor-v0"
    assert header.score == max(record.get("evaluation_return", -1) for record in records)
    assert str(run) in capsys.readouterr().out


@pytest.mark.parametrize(("value_max", "told"), [("0.5", 1), ("1.5", 0)])
def test_returns_that_the_support_cannot_tell_are_told_once(value_max, told, tmp_path, capsys):
    """The corridor's end pays 1."""
    support = ["--loss", "cross_entropy", "--value-min", "-0.5", "--value-max", value_max]
    assert main([*TINY, *support, "--runs-dir", str(tmp_path)]) == 0
    assert capsys.readouterr().err.count("wider --value-min, --value-max") == told
    records = read_records(the_run(tmp_path) / "metrics.jsonl")
    assert (max(record.get("outside_support", 0) for record in records) > 0.01) == bool(told)


def test_an_environment_of_ones_own_is_found_in_the_current_folder(tmp_path, monkeypatch):
    (tmp_path / "my_own_module.py").write_text(
        "import gymnasium\n"
        "from envs.toys import Corridor\n"
        "gymnasium.register('MyOwn-v0', entry_point=Corridor)\n"
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    assert main(["my_own_module:MyOwn-v0", "--env-steps", "64", "--evaluation-episodes", "1"]) == 0
    assert (the_run(tmp_path / "runs") / "last.safetensors").is_file()


def test_a_stop_before_anything_was_recorded_ends_in_good_order(tmp_path, capsys, monkeypatch):
    stopped = threading.Event()
    stopped.set()
    monkeypatch.setattr(supervise, "stop_requests", lambda: nullcontext(stopped))
    assert main([*TINY, "--runs-dir", str(tmp_path)]) == 0
    told = capsys.readouterr().out
    assert "stopped on request; not evaluated yet, model of step" in told
    assert "curve" not in told
    monkeypatch.undo()
    assert main(["--resume", str(the_run(tmp_path))]) == 0


def test_a_run_that_is_being_trained_cannot_be_resumed_but_tells_its_flags(tmp_path, capsys):
    assert main([*TINY, "--runs-dir", str(tmp_path)]) == 0
    run = the_run(tmp_path)
    with Run.open(run):
        assert main(["--resume", str(run)]) == 2
        assert "still being trained" in capsys.readouterr().err
        assert main(["cartpole", "--resume", str(run)]) == 2
        assert "leave out cartpole" in capsys.readouterr().err
        with pytest.raises(SystemExit, match="0"):
            main(["--resume", str(run), "--help"])
    assert "--env-steps" in capsys.readouterr().out


def test_parallel_q_learning_runs_from_the_same_command_and_resumes(tmp_path, capsys):
    tiny = [
        "pqn",
        "--env-id",
        "advantage/Catch-v0",
        "--num-envs",
        "4",
        "--rollout-steps",
        "8",
        "--env-steps",
        "640",
    ]
    tiny += [
        "--minibatches",
        "2",
        "--hidden-sizes",
        "16",
        "--evaluate-every-steps",
        "320",
        "--log-every-steps",
        "96",
    ]
    assert main([*tiny, "--runs-dir", str(tmp_path)]) == 0
    run = the_run(tmp_path)
    records = read_records(run / "metrics.jsonl")
    assert [r["step"] for r in records if "evaluation_return" in r] == [320, 640]
    assert json.loads((run / "config.json").read_text())["algorithm"] == "pqn"
    assert main(["--resume", str(run), "--env-steps", "960", "--average-decay", "0.9"]) == 0
    assert read_header(run / "last.safetensors").step == 960
    assert main(["--resume", str(run)]) == 0
    assert json.loads((run / "config.json").read_text())["average_decay"] == 0.9
    assert main(["--resume", str(run), "--num-envs", "8"]) == 2
    assert "num_envs cannot change in a run that goes on: 4, not 8" in capsys.readouterr().err
    (run / "training_state.pt").write_bytes(b"nothing that could be loaded")
    assert main(["--resume", str(run), "--average-decay", "0.5"]) == 2
    assert "damaged" in capsys.readouterr().err
    assert json.loads((run / "config.json").read_text())["average_decay"] == 0.9
    assert main([*tiny, "--replay-size", "100"]) == 2
    assert "replay-size" in capsys.readouterr().err


def test_a_run_stops_when_an_evaluation_reaches_the_return(tmp_path):
    stops = [*TINY, "--stop-at-return", "-5", "--runs-dir", str(tmp_path)]
    assert main(stops) == 0
    assert read_header(the_run(tmp_path) / "last.safetensors").step == 400


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["cartpol"], "no preset 'cartpol'; nearest: cartpole"),
        (["Nope-v9"], "no environment 'Nope-v9'; nearest:"),
        (["ALE/Pnog-v5"], "nearest: ALE/Pong-v5"),
        (["Pendulum-v1"], "needs discrete actions"),
        (["cartpole", "--batch-sze", "3"], "--batch-size"),
        (["cartpole", "--discount", "2"], "--discount must be in (0, 1]"),
        (["cartpole", "--replay-size", "1000000000000"], "would fit"),
        (["--seed", "1"], "PRESET comes first"),
        (["--resume", "nowhere"], "no run folder nowhere"),
    ],
)
def test_a_mistake_is_told_in_three_lines_and_leaves_no_folder(
    arguments, said, tmp_path, capsys, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    assert main(arguments) == 2
    error = capsys.readouterr().err
    assert said in error
    assert len(error.strip().splitlines()) <= 3
    assert not list(tmp_path.iterdir())


def test_a_mistake_costs_under_a_second_and_no_torch(tmp_path):
    code = "import sys; from scripts.train_dqn import main; main(['cartpol']); print('torch' in sys.modules)"
    began = time.perf_counter()
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)
    assert run.stdout.strip() == "False"
    assert time.perf_counter() - began < 2  # alone 0.1 s


def test_help_names_the_presets(capsys):
    assert main(["--help"]) == 0
    told = capsys.readouterr().out
    assert (
        "cartpole, cartpole_plain, catch, corridor, recall, pong, breakout, seaquest, space_invaders"
        in " ".join(told.split())
    )
    assert max(map(len, told.splitlines())) <= 110
    assert main([]) == 2


def wait_for(condition, seconds=60.0):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "nothing happened"
        time.sleep(0.02)


def start(arguments, cwd):
    return subprocess.Popen(
        [*SCRIPT, *arguments], cwd=cwd, stderr=subprocess.DEVNULL, env=os.environ | {"OMP_NUM_THREADS": "1"}
    )


def test_a_killed_run_goes_on_and_ends_like_an_uninterrupted_one(tmp_path):
    arguments = [*TINY, "--env-steps", "3000", "--save-every-seconds", "0.1"]
    straight, killed = tmp_path / "straight", tmp_path / "killed"
    assert main([*arguments, "--runs-dir", str(straight)]) == 0
    process = start([*arguments, "--runs-dir", str(killed)], tmp_path)
    try:
        wait_for(lambda: list(killed.glob("*/training_state.pt")))
    finally:
        process.kill()
        process.wait()
    run = the_run(killed)
    assert all(record["step"] < 3000 for record in read_records(run / "metrics.jsonl"))
    assert main(["--resume", str(run)]) == 0

    def numbers(folder):
        return [
            {name: value for name, value in record.items() if name != "wall_s"}
            for record in read_records(folder / "metrics.jsonl")
        ]

    assert numbers(run) == numbers(the_run(straight))
    for name in ("best.safetensors", "last.safetensors"):
        assert (run / name).read_bytes() == (the_run(straight) / name).read_bytes()


def test_ctrl_c_saves_and_the_run_goes_on(tmp_path):
    arguments = [
        *TINY,
        "--env-steps",
        "1000000",
        "--evaluate-every-steps",
        "100000",
        "--runs-dir",
        str(tmp_path),
    ]
    process = start(arguments, tmp_path)
    try:
        wait_for(lambda: [p for p in tmp_path.glob("*/metrics.jsonl") if p.stat().st_size > 300])
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=60) == 0
    finally:
        process.kill()
    run = the_run(tmp_path)
    assert (run / "training_state.pt").exists()
    step = read_records(run / "metrics.jsonl")[-1]["step"]
    assert main(["--resume", str(run), "--minutes", "0.01"]) == 0
    assert read_records(run / "metrics.jsonl")[-1]["step"] >= step
