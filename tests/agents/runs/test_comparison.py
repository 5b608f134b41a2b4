"""Comparing runs: means, intervals and times to a threshold against arithmetic by hand."""

import json

import numpy as np
import pytest

from agents.runs.comparison import Curve, mean_curve, read_curve, summarise


def curve(steps, values):
    """A run that takes a minute for each thousand steps."""
    steps = np.array(steps, float)
    return Curve(steps, steps / 1000, np.array(values, float))


def write_metrics(folder, records):
    folder.mkdir(exist_ok=True)
    (folder / "metrics.jsonl").write_text("".join(json.dumps(record) + "\n" for record in records))
    return folder


def test_a_curve_holds_the_records_that_have_the_metric_with_minutes_from_seconds(tmp_path):
    run = write_metrics(
        tmp_path / "run",
        [
            {"step": 100, "wall_s": 30.0, "loss": 1.0},
            {"step": 200, "wall_s": 60.0, "evaluation_return": 5.0},
            {"step": 300, "wall_s": 90.0, "evaluation_return": None},
            {"step": 400, "wall_s": 120.0, "evaluation_return": 7.0},
        ],
    )
    for place in (run, run / "metrics.jsonl"):
        read = read_curve(place, "evaluation_return")
        assert (read.steps.tolist(), read.minutes.tolist(), read.values.tolist()) == (
            [200, 400],
            [1, 2],
            [5, 7],
        )


def test_a_metric_or_a_run_that_is_not_there_is_refused(tmp_path):
    run = write_metrics(tmp_path / "run", [{"step": 1, "wall_s": 1.0, "loss": 1.0, "epsilon": 0.5}])
    with pytest.raises(ValueError, match=r"no metric 'score' in .*run; recorded: loss, epsilon"):
        read_curve(run, "score")
    with pytest.raises(FileNotFoundError, match=r"no run at .*nope"):
        read_curve(tmp_path / "nope", "score")


def test_the_interval_of_three_runs_is_students_t():
    curves = [curve([1, 2], [10, 0]), curve([1, 2], [12, 0]), curve([1, 2], [17, 0])]
    mean = mean_curve(curves, "steps")
    assert mean.mean.tolist() == [13, 0]
    # Standard deviation of 10, 12, 17: sqrt(13); t of 97.5 % with 2 degrees of freedom, from a table: 4.3027.
    spread = 4.3027 * np.sqrt(13 / 3)
    np.testing.assert_allclose(mean.low, [13 - spread, 0], rtol=1e-4)
    np.testing.assert_allclose(mean.high, [13 + spread, 0], rtol=1e-4)


def test_a_mean_reaches_only_as_far_as_all_runs_and_lies_on_straight_lines_between_points():
    mean = mean_curve([curve([0, 10, 20], [0, 10, 0]), curve([5, 15], [1, 3])], "steps")
    assert mean.x.tolist() == [5, 10, 15]
    assert mean.mean.tolist() == [(5 + 1) / 2, (10 + 2) / 2, (5 + 3) / 2]


def test_a_mean_over_minutes_goes_by_the_clock():
    fast, slow = curve([1000, 2000], [0, 1]), curve([1000, 2000], [0, 1])
    slow = Curve(slow.steps, 2 * slow.minutes, slow.values)
    mean = mean_curve([fast, slow], "minutes")
    assert mean.x.tolist() == [2]
    assert mean.mean.tolist() == [0.5]


def test_one_run_alone_is_its_own_mean_and_has_no_interval():
    mean = mean_curve([curve([1, 2], [3, 4])], "steps")
    assert mean.mean.tolist() == [3, 4]
    assert np.isnan(mean.low).all()
    assert np.isnan(mean.high).all()


def test_runs_without_a_common_stretch_have_no_mean():
    with pytest.raises(ValueError, match="2 runs of one label have no steps in common"):
        mean_curve([curve([1, 2], [0, 0]), curve([3, 4], [0, 0])], "steps")


def test_a_summary_means_over_runs_and_counts_a_run_that_never_got_there_as_infinitely_late():
    curves = [curve([1000, 2000, 3000], values) for values in ([1, 9, 5], [1, 2, 9], [1, 2, 3])]
    summary = summarise(curves, [2, 9, 10])
    assert (summary.runs, summary.last, summary.best) == (3, (5 + 9 + 3) / 3, (9 + 9 + 3) / 3)
    assert summary.mean == np.mean([5, 4, 2])
    assert summary.deviation == pytest.approx(np.std([5, 4, 2], ddof=1))
    two, nine, ten = summary.reached
    assert (two.runs, two.steps, two.minutes) == (3, 2000, 2)
    assert (nine.runs, nine.steps, nine.minutes) == (2, 3000, 3)
    assert (ten.runs, ten.steps) == (0, np.inf)
