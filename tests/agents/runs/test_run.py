"""Run folders: nothing half made, a state that always loads again, and a best score that outlives a stop."""

import json
import subprocess
from pathlib import Path

import numpy as np
import pytest
import torch

from agents.runs import run as run_module
from agents.runs.metrics import read_records
from agents.runs.model import ModelHeader, find_model, load_model, read_header
from agents.runs.run import Run
from agents.runs.seeding import capture, generators, torch_generators

CONFIG = {"env": "CartPole-v1", "discount": 0.99, "hidden_sizes": [64, 64]}


def header(step: int, score: float | None) -> ModelHeader:
    return ModelHeader(kind="dqn", subject="CartPole-v1", network={}, config=CONFIG, step=step, score=score)


@pytest.fixture
def run(tmp_path):
    with Run.create(tmp_path / "runs", "cartpole", CONFIG) as run:
        yield run


def test_a_new_run_is_a_dated_folder_that_knows_config_command_and_versions(tmp_path, monkeypatch):
    monkeypatch.setattr("sys.argv", ["scripts/train_dqn.py", "cartpole"])
    with Run.create(tmp_path / "runs", "cartpole", CONFIG) as run:
        assert run.path.name.startswith("cartpole-20")
        assert json.loads((run.path / "config.json").read_text()) == CONFIG == run.config
        origin = json.loads((run.path / "origin.json").read_text())
    assert origin["command"].endswith("scripts/train_dqn.py cartpole")
    assert origin["versions"]["torch"] == torch.__version__
    assert origin["python"].startswith("3.")


def test_the_recorded_commit_is_that_of_git(run):
    origin = json.loads((run.path / "origin.json").read_text())
    command = ["git", "-C", str(Path(run_module.__file__).parent), "rev-parse", "HEAD"]
    head = subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
    if not head:
        assert origin["commit"] is None
    else:
        assert head.startswith(origin["commit"].removesuffix("-dirty"))


def test_the_commit_is_none_outside_a_checkout(tmp_path, monkeypatch):
    monkeypatch.setattr(run_module, "PROJECT_ROOT", tmp_path)
    with Run.create(tmp_path, "x", {}) as run:
        assert json.loads((run.path / "origin.json").read_text())["commit"] is None


def test_runs_that_start_in_the_same_second_get_folders_of_their_own(tmp_path):
    runs = [Run.create(tmp_path, "pong", {}) for _ in range(3)]
    assert len({run.path for run in runs}) == len(list(tmp_path.iterdir())) == 3
    for run in runs:
        run.close()


@pytest.mark.parametrize(
    ("name", "config", "message"),
    [
        ("ALE/Pong-v5", {}, "must be a plain folder name, got 'ALE/Pong-v5'"),
        ("", {}, "must be a plain folder name"),
        ("pong", {"path": Path("x")}, "config of run 'pong' is not plain JSON: .*Path"),
        ("pong", {"clip": float("inf")}, "config of run 'pong' is not plain JSON"),
    ],
)
def test_a_run_that_cannot_start_leaves_no_folder(tmp_path, name, config, message):
    with pytest.raises(ValueError, match=message):
        Run.create(tmp_path / "runs", name, config)
    assert not (tmp_path / "runs").exists()


def test_a_run_that_fails_while_it_is_made_leaves_no_folder(tmp_path, monkeypatch):
    def full_disk(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full_disk)
    with pytest.raises(OSError, match="No space left"):
        Run.create(tmp_path, "pong", {})
    assert list(tmp_path.iterdir()) == []


def test_the_training_state_comes_back_equal_and_loads_as_data_only(run):
    network = torch.nn.Linear(3, 2)
    optimiser = torch.optim.Adam(network.parameters())
    network(torch.ones(1, 3)).sum().backward()
    optimiser.step()
    streams = generators(1, "replay") | torch_generators(1, "actions")
    state = {
        "step": 400,
        "network": network.state_dict(),
        "optimiser": optimiser.state_dict(),
        "streams": capture(streams),
        "replay": {"obs": torch.zeros(4, 3, dtype=torch.uint8), "size": 4, "sizes": (1, 2)},
        "note": None,
    }
    run.save_state(state)
    loaded = run.load_state()
    assert loaded.keys() == state.keys()
    assert (loaded["step"], loaded["streams"]["replay"]) == (400, state["streams"]["replay"])
    assert torch.equal(loaded["network"]["weight"], network.weight)
    moments, expected = loaded["optimiser"]["state"][0], optimiser.state_dict()["state"][0]
    assert torch.equal(moments["exp_avg"], expected["exp_avg"])
    assert (loaded["replay"]["obs"].dtype, loaded["replay"]["sizes"]) == (torch.uint8, (1, 2))


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ({"x": np.float64(1)}, r"state\['x'\] is a numpy.float64, which a safe load refuses"),
        ({"x": [1, {"y": np.zeros(2)}]}, r"state\['x'\]\[1\]\['y'\] is a numpy.ndarray"),
        ({"x": {np.int64(3): 1}}, r"a key of state\['x'\] is a numpy.int64"),
        ({"x": Path("x")}, r"state\['x'\] is a pathlib\.\w+"),
        ({"step": None}, "needs its step as an int, got None"),
        ({"step": 1.5}, "needs its step as an int, got 1.5"),
    ],
)
def test_a_state_that_could_not_be_loaded_again_is_refused_when_it_is_saved(run, entry, message):
    with pytest.raises(ValueError, match=message):
        run.save_state({"step": 1} | entry)
    assert not (run.path / "training_state.pt").exists()


def test_a_save_that_fails_half_way_leaves_the_earlier_state(run, monkeypatch):
    run.save_state({"step": 1})

    def half(state: object, file: object) -> None:
        file.write(b"half a file")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(torch, "save", half)
    with pytest.raises(OSError, match="No space left"):
        run.save_state({"step": 2})
    assert run.load_state() == {"step": 1}
    assert not list(run.path.glob(".*.part"))


class Bomb:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return exec, ("raise SystemExit('a pickle was run')",)


def test_a_state_with_code_in_it_is_refused_and_never_run(run):
    torch.save({"step": 1, "bomb": Bomb()}, run.path / "training_state.pt")
    with pytest.raises(
        ValueError, match=r"training_state\.pt is damaged or not a training state; start a new run"
    ):
        run.load_state()


@pytest.mark.parametrize("content", [b"", b"not a zip", b"PK\x03\x04 cut"])
def test_a_damaged_state_is_told_as_such(run, content):
    (run.path / "training_state.pt").write_bytes(content)
    with pytest.raises(ValueError, match=r"training_state\.pt is damaged"):
        run.load_state()


def test_a_resumed_run_logs_each_step_once(run):
    for step in (100, 200, 300):
        run.log(step, {"loss": 1.0})
        if step == 200:
            run.save_state({"step": step})
    run.close()
    with Run.open(run.path) as resumed:
        assert resumed.config == CONFIG
        step = resumed.load_state()["step"]
        resumed.log(step + 100, {"loss": 0.5})
    assert [record["step"] for record in read_records(run.path / "metrics.jsonl")] == [100, 200, 300]


def test_a_run_that_goes_on_keeps_its_new_config_and_both_origins(run):
    first = json.loads((run.path / "origin.json").read_text())
    run.save_state({"step": 1})
    run.close()
    for rate in (0.1, 0.2):
        with Run.open(run.path) as resumed:
            resumed.go_on(CONFIG | {"learning_rate": rate})
    with Run.open(run.path) as resumed:
        assert resumed.config == CONFIG | {"learning_rate": 0.2}
    origin = json.loads((run.path / "origin.json").read_text())
    assert [set(each) for each in origin.pop("resumed")] == [set(first)] * 2
    assert origin == first


def test_a_folder_is_open_once(run):
    run.save_state({"step": 1})
    run.log(1, {"loss": 0.5})
    with pytest.raises(ValueError, match="still being trained by another process"):
        Run.open(run.path)
    run.log(2, {"loss": 0.4})  # the first one is unharmed
    assert len(read_records(run.path / "metrics.jsonl")) == 2
    run.close()
    Run.open(run.path).close()


def test_open_says_what_is_missing_and_what_else_is_there(run, tmp_path):
    with pytest.raises(
        FileNotFoundError, match="cannot be resumed: it was stopped before its first training_state"
    ):
        Run.open(run.path)
    with pytest.raises(FileNotFoundError, match=rf"no run folder .*/nope; newest there: .*{run.path.name}"):
        Run.open(run.path.parent / "nope")
    with pytest.raises(FileNotFoundError, match=r"no run folder .*; none there"):
        Run.open(tmp_path / "nope")
    with pytest.raises(FileNotFoundError, match=r"is not a run folder: it has no config\.json"):
        Run.open(tmp_path)
    run.save_state({"step": 1})
    (run.path / "config.json").write_text("{")
    with pytest.raises(ValueError, match=r"config\.json is damaged"):
        Run.open(run.path)


def test_the_best_model_is_kept_when_later_ones_are_worse_and_after_a_resume(run):
    tensors = {"w": torch.zeros(1)}
    assert run.best_score() is None
    assert [
        run.save_model(tensors, header(step, score))
        for step, score in ((1, -5.0), (2, 9.5), (3, 9.5), (4, 1.0))
    ] == [
        True,
        True,
        False,
        False,
    ]
    run.save_state({"step": 4})
    run.close()
    with Run.open(run.path) as resumed:
        assert resumed.best_score() == 9.5
        assert not resumed.is_better(9.5)
        assert resumed.is_better(9.6)
        assert read_header(resumed.model_path("last")).step == 4
    assert read_header(find_model(run.path)).step == 2


def test_a_model_without_a_score_is_only_ever_the_last(run):
    assert not run.save_model({"w": torch.zeros(1)}, header(1, None))
    assert run.model_path("last").is_file()
    assert not run.model_path("best").exists()


def test_the_model_before_the_first_step_is_kept_as_the_initial_one(run):
    for step in (0, 10, 20):
        run.save_model({"w": torch.full((2,), float(step))}, header(step=step, score=None))
    initial, tensors = load_model(run.model_path("initial"))
    assert initial.step == 0
    assert tensors["w"].tolist() == [0.0, 0.0]
    assert read_header(run.model_path("last")).step == 20


def test_the_parts_of_a_run_have_models_and_best_scores_of_their_own(run):
    run.save_model({"w": torch.zeros(1)}, header(1, 3.0))
    run.save_model({"w": torch.ones(1)}, header(1, 1.0), part="alpha_beta")
    assert (run.best_score(), run.best_score("alpha_beta")) == (3.0, 1.0)
    assert run.is_better(2.0, "alpha_beta")
    assert not run.is_better(2.0)
    assert find_model(run.path, part="alpha_beta").name == "best_alpha_beta.safetensors"


@pytest.mark.parametrize("score", [float("nan"), float("inf")])
def test_a_score_that_no_evaluation_gives_is_refused(run, score):
    with pytest.raises(ValueError, match="evaluation score must be finite, got"):
        run.is_better(score)
