"""The command: mistakes are told early, a run of each kind leaves its folder, Ctrl-C keeps the model."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from stable_baselines3 import DQN

from agents.runs.metrics import read_records
from scripts.train_peer import main

ROOT = Path(__file__).resolve().parents[2]
TINY = ["--evaluation-episodes", "2", "--evaluation-envs", "2", "--stop-at-return", "None"]
PLAIN = ["--norm", "none", "--no-double"]


def the_run(root):
    (folder,) = root.iterdir()
    return folder


def test_a_run_with_equal_settings_leaves_a_folder_like_ours(tmp_path, capsys):
    arguments = ["cartpole", "--settings", "ours", *PLAIN, *TINY, "--env-steps", "1200"]
    arguments += ["--evaluate-every-steps", "600", "--batch-size", "16", "--seed", "3"]
    assert main([*arguments, "--runs-dir", str(tmp_path)]) == 0
    run = the_run(tmp_path)
    assert run.name.startswith("peer-cartpole-")
    config = json.loads((run / "config.json").read_text())
    assert (config["settings"], config["protocol"]["seed"]) == ("ours", 3)
    assert config["hyperparameters"]["batch_size"] == 16
    names = {name for record in read_records(run / "metrics.jsonl") for name in record}
    assert {"train_return", "evaluation_return", "evaluation_low", "evaluation_high", "wall_s"} <= names
    assert DQN.load(run / "last_model.zip", device="cpu").num_timesteps == 1_200
    assert str(run) in capsys.readouterr().out.splitlines()[-1]


def test_pong_is_learned_with_its_own_settings(tmp_path):
    arguments = ["pong", *TINY, "--env-steps", "300", "--evaluate-every-steps", "150"]
    assert main([*arguments, "--evaluation-steps-max", "40", "--runs-dir", str(tmp_path)]) == 0
    run = the_run(tmp_path)
    settings = json.loads((run / "config.json").read_text())["hyperparameters"]
    assert (settings["learning_rate"], settings["buffer_size"]) == (1e-4, 100_000)
    records = read_records(run / "metrics.jsonl")
    assert [record["step"] for record in records if "evaluation_return" in record] == [150, 300]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["cartpol"], "no preset 'cartpol'; nearest: cartpole"),
        (["--seed", "1"], "PRESET comes first"),
        (["cartpole", "--batch-sze", "3"], "--batch-size"),
        (["cartpole", "--batch-size", "3"], "--batch-size 3 changes nothing with --settings own"),
        (["cartpole", "--precision", "float32"], "--precision float32 means nothing to the peer"),
        (["pong_pqn"], "preset 'pong_pqn' is no DQN"),
        (["cartpole", "--settings", "ours"], "both need --norm none --no-double"),
        (["recall", "--settings", "ours"], "stable-baselines3's DQN cannot do"),
        (["cartpole", "--threads", "-1"], "--threads must be at least 0, got -1"),
        (["cartpole", "--discount", "2"], "discount must be in (0, 1]"),
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


def test_atari_without_opencv_is_told_what_to_install(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("scripts.train_peer.find_spec", lambda _: None)
    assert main(["pong"]) == 2
    assert "pip install opencv-python-headless" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_a_preset_of_another_algorithm_is_refused(capsys, monkeypatch):
    monkeypatch.setattr("scripts.train_peer.config_named", lambda _: object())
    assert main(["cartpole"]) == 2
    assert "preset 'cartpole' is no DQN" in capsys.readouterr().err


def test_a_mistake_costs_no_torch():
    code = (
        "import sys; from scripts.train_peer import main; main(['cartpole', '--settings', 'ours']); "
        "sys.exit(int('torch' in sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert "cannot do" in done.stderr
    assert done.returncode == 0


def test_help_and_nothing(capsys):
    assert main(["--help"]) == 0
    assert "--settings own|ours" in capsys.readouterr().out
    assert main([]) == 2


def test_ctrl_c_leaves_the_last_model(tmp_path):
    command = [sys.executable, str(ROOT / "scripts" / "train_peer.py"), "cartpole", *TINY]
    command += ["--env-steps", "1000000", "--log-every-steps", "100", "--evaluate-every-steps", "1000000"]
    process = subprocess.Popen(
        [*command, "--runs-dir", str(tmp_path)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)},
    )
    try:
        deadline = time.monotonic() + 120
        while not any(path.stat().st_size for path in tmp_path.glob("*/metrics.jsonl")):
            assert time.monotonic() < deadline, "nothing was logged"
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        said, _ = process.communicate(timeout=60)
    finally:
        process.kill()
        process.wait()
    run = the_run(tmp_path)
    assert process.returncode == 0
    assert said.splitlines()[-1] == f"stopped on request; models, metrics and curve: {run}"
    assert 0 < DQN.load(run / "last_model.zip", device="cpu").num_timesteps < 1_000_000
