"""Metrics: every record survives a kill, no curve is doubled by a resume, and bad numbers are told."""

import json
import signal
import subprocess
import sys
import warnings

import numpy as np
import pytest
import torch
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from agents.runs.metrics import MetricsLog, read_records

KILLED_AFTER_A_RECORD = """
import os, signal, sys
from pathlib import Path
from agents.runs.metrics import MetricsLog
log = MetricsLog(Path(sys.argv[1]))
for step in range(1, 4):
    log.log(step, {"loss": step / 2})
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture
def log(tmp_path):
    log = MetricsLog(tmp_path)
    yield log
    log.close()


def events(folder, name):
    """(step, value) of a scalar as TensorBoard itself reads the folder."""
    accumulator = EventAccumulator(str(folder / "tensorboard")).Reload()
    return [(event.step, event.value) for event in accumulator.Scalars(name)]


def test_numbers_arrays_and_tensors_become_one_line_each_and_the_same_events(log, tmp_path):
    log.log(10, {"loss": torch.tensor(0.5, requires_grad=True), "score": np.float32(2)})
    log.log(20, {"loss": 0.25, "games": 7})
    first, second = (json.loads(line) for line in log.path.read_text().splitlines())
    assert list(first) == ["step", "wall_s", "loss", "score"]
    assert (first["step"], first["loss"], first["score"]) == (10, 0.5, 2.0)
    assert (second["step"], second["loss"], second["games"]) == (20, 0.25, 7.0)
    assert 0 <= first["wall_s"] <= second["wall_s"] < 60
    assert events(tmp_path, "loss") == [(10, 0.5), (20, 0.25)]


def test_a_killed_process_loses_no_record(tmp_path):
    killed = subprocess.run([sys.executable, "-c", KILLED_AFTER_A_RECORD, str(tmp_path)], check=False)
    assert killed.returncode == -signal.SIGKILL
    assert [record["loss"] for record in read_records(tmp_path / "metrics.jsonl")] == [0.5, 1.0, 1.5]
    assert events(tmp_path, "loss") == [(1, 0.5), (2, 1.0), (3, 1.5)]


def test_a_resume_drops_what_it_repeats_from_both_files(log, tmp_path):
    for step in (0, 100, 200, 300):
        log.log(step, {"loss": float(step)})
    log.close()

    resumed = MetricsLog(tmp_path)
    resumed.drop_after(200)
    resumed.log(250, {"loss": -1.0})
    resumed.close()
    expected = [(0, 0.0), (100, 100.0), (200, 200.0), (250, -1.0)]
    assert [(record["step"], record["loss"]) for record in read_records(log.path)] == expected
    assert events(tmp_path, "loss") == expected


def test_dropping_everything_starts_again_at_nought(log):
    log.log(5, {"loss": 1.0})
    log.drop_after(0)
    assert read_records(log.path) == []
    log.log(1, {"loss": 1.0})


def test_wall_time_counts_training_only_and_goes_on_after_a_resume(tmp_path):
    path = tmp_path / "metrics.jsonl"
    path.write_text('{"step": 1, "wall_s": 100.0}\n{"step": 2, "wall_s": 200.0}\n')
    log = MetricsLog(tmp_path)
    log.drop_after(1)
    log.log(2, {})
    log.close()
    assert 100.0 <= read_records(path)[-1]["wall_s"] < 160.0


@pytest.mark.parametrize("value", [float("nan"), float("inf"), torch.tensor(float("nan"))])
def test_what_is_not_finite_is_null_in_the_file_and_warned_about_once(log, value):
    with pytest.warns(RuntimeWarning, match=r"metric loss is (nan|inf) at step 10"):
        log.log(10, {"loss": value, "score": 1.0})
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        log.log(20, {"loss": value})
    assert [record["loss"] for record in read_records(log.path)] == [None, None]


def test_a_step_that_goes_back_is_refused_and_equal_steps_are_not(log):
    log.log(10, {"loss": 1.0})
    log.log(10, {"score": 1.0})
    with pytest.raises(
        ValueError, match=r"metrics\.jsonl: step 9 after step 10; a resume begins with load_state"
    ):
        log.log(9, {"loss": 1.0})


@pytest.mark.parametrize("name", ["step", "wall_s"])
def test_a_metric_cannot_take_a_reserved_name(log, name):
    with pytest.raises(ValueError, match=f"a metric cannot be named '{name}'"):
        log.log(1, {name: 1.0})
    assert read_records(log.path) == []


@pytest.mark.parametrize("value", [torch.zeros(2), np.zeros(2), "high", None])
def test_a_metric_that_is_no_single_number_is_named(log, value):
    with pytest.raises(ValueError, match="metric loss must be one number"):
        log.log(1, {"loss": value})
    assert read_records(log.path) == []


def test_a_record_cut_off_by_a_full_disk_is_left_out_and_overwritten(tmp_path):
    path = tmp_path / "metrics.jsonl"
    path.write_text('{"step": 1, "wall_s": 0.5, "loss": 2.0}\n{"step": 2, "wal')
    assert [record["step"] for record in read_records(path)] == [1]
    log = MetricsLog(tmp_path)
    log.log(2, {"loss": 1.0})
    log.close()
    assert [record["step"] for record in read_records(path)] == [1, 2]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{oops", "line 2: not JSON"),
        ("[1, 2]", r"line 2: a record needs the numbers step and wall_s, got '\[1, 2\]'"),
        ('{"step": 3}', "line 2: a record needs the numbers step and wall_s"),
        ('{"step": null, "wall_s": 1}', "line 2: a record needs the numbers step and wall_s"),
    ],
)
def test_a_damaged_line_is_told_by_its_number(tmp_path, line, message):
    path = tmp_path / "metrics.jsonl"
    path.write_text(f'{{"step": 1, "wall_s": 0.5}}\n{line}\n')
    with pytest.raises(ValueError, match=rf"metrics\.jsonl, {message}"):
        read_records(path)


def test_closing_twice_is_allowed(log):
    log.log(1, {"loss": 1.0})
    log.close()
    log.close()
    assert len(read_records(log.path)) == 1
