"""Plots: a PNG comes out, drawn from the right numbers; what cannot be drawn is refused with its reason."""

import json
import subprocess
import sys

import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.image import imread

from agents.runs.comparison import Curve
from agents.runs.plots import comparison_plot, elo_plot, learning_curve, running_mean


@pytest.fixture
def run_folder(tmp_path):
    folder = tmp_path / "pong-1"
    folder.mkdir()
    records = [
        {"step": 1_000 * i, "wall_s": 60.0 * i, "loss": None if i == 3 else 1 / (i + 1)}
        | ({"score": i} if i % 2 else {})
        for i in range(10)
    ]
    (folder / "metrics.jsonl").write_text("".join(json.dumps(record) + "\n" for record in records))
    return folder


@pytest.fixture
def figures(monkeypatch):
    """The figures as they were when they were saved."""
    saved = []
    savefig = Figure.savefig

    def record(figure, *args, **kwargs):
        savefig(figure, *args, **kwargs)
        saved.append(figure)

    monkeypatch.setattr(Figure, "savefig", record)
    return saved


def test_a_curve_has_a_panel_for_each_metric_with_its_own_steps_and_a_gap_where_it_was_not_finite(
    run_folder, tmp_path, figures
):
    path = learning_curve({"pong": run_folder}, tmp_path / "new folder" / "curve.png")
    assert imread(path).shape[2] == 4
    loss, score = figures[0].axes
    assert (loss.get_ylabel(), score.get_ylabel(), score.get_xlabel()) == (
        "loss",
        "score",
        "environment steps",
    )
    x, y = loss.lines[0].get_data()
    assert list(x) == [1_000 * i for i in range(10)]
    assert np.flatnonzero(np.isnan(y)).tolist() == [3]
    x, y = score.lines[0].get_data()
    assert (list(x), list(y)) == ([1_000, 3_000, 5_000, 7_000, 9_000], [1, 3, 5, 7, 9])


def test_a_curve_over_wall_time_is_in_minutes_and_several_runs_get_a_legend(run_folder, tmp_path, figures):
    runs = {"seed 0": run_folder, "seed 1": run_folder / "metrics.jsonl"}
    learning_curve(runs, tmp_path / "curve.png", ["score"], x="minutes")
    (panel,) = figures[0].axes
    assert panel.get_xlabel() == "wall-clock time (minutes)"
    assert list(panel.lines[0].get_xdata()) == [1, 3, 5, 7, 9]
    assert [text.get_text() for text in panel.get_legend().get_texts()] == ["seed 0", "seed 1"]
    assert panel.lines[0].get_color() != panel.lines[1].get_color()
    assert panel.lines[0].get_linestyle() != panel.lines[1].get_linestyle()


def test_many_points_are_smoothed_over_the_raw_line(tmp_path, figures):
    file = tmp_path / "metrics.jsonl"
    file.write_text("".join(f'{{"step": {i}, "wall_s": {i}, "loss": {i % 2}}}\n' for i in range(400)))
    learning_curve({"x": file}, tmp_path / "curve.png")
    raw, smooth = figures[0].axes[0].lines
    assert np.ptp(raw.get_ydata()) == 1
    assert np.ptp(smooth.get_ydata()[20:-20]) < 0.1


def test_an_unknown_metric_is_refused_with_those_that_were_recorded(run_folder, tmp_path):
    with pytest.raises(ValueError, match=r"no metric 'return' in .*pong-1; recorded: \['loss', 'score'\]"):
        learning_curve({"pong": run_folder}, tmp_path / "curve.png", ["return"])
    assert not (tmp_path / "curve.png").exists()


def test_a_run_without_records_is_refused(tmp_path):
    (tmp_path / "metrics.jsonl").write_text("")
    with pytest.raises(ValueError, match="no metrics are recorded in"):
        learning_curve({"pong": tmp_path}, tmp_path / "curve.png")
    with pytest.raises(FileNotFoundError):
        learning_curve({"pong": tmp_path / "nope"}, tmp_path / "curve.png")


def test_the_running_mean_is_that_of_a_plain_loop():
    y = np.random.default_rng(0).standard_normal(50)
    y[[7, 8, 9, 30]] = np.nan
    expected = [np.nan if np.isnan(y[i]) else np.nanmean(y[max(0, i - 2) : i + 3]) for i in range(len(y))]
    np.testing.assert_allclose(running_mean(y, 5), expected)


def test_a_group_of_runs_is_drawn_as_its_mean_with_its_interval_and_one_run_as_a_line(tmp_path, figures):
    steps = np.array([1000.0, 2000.0])
    groups = {
        "ours": [Curve(steps, steps / 60, np.array([0.0, last])) for last in (1.0, 3.0)],
        "peer": [Curve(steps, steps / 30, np.array([0.0, 1.0]))],
    }
    path = comparison_plot(groups, tmp_path / "c.png", metric="evaluation_return")
    assert imread(path).shape[2] == 4
    (panel,) = figures[0].axes
    *runs, mean, alone = panel.lines
    assert [line.get_ydata().tolist() for line in runs] == [[0, 1], [0, 3]]
    assert mean.get_ydata().tolist() == [0, 2]
    assert alone.get_ydata().tolist() == [0, 1]
    assert mean.get_color() != alone.get_color()
    assert [text.get_text() for text in panel.get_legend().get_texts()] == [
        "ours: mean of 2 runs, 95 % t interval",
        "peer",
    ]
    band = panel.collections[0].get_paths()[0].vertices
    # t of 97.5 % with one degree of freedom is 12.706; the standard error of 1 and 3 is 1.
    assert (band[:, 1].min(), band[:, 1].max()) == pytest.approx((2 - 12.706, 2 + 12.706), abs=1e-3)
    assert panel.get_ylim()[1] < 4
    assert (panel.get_xlabel(), panel.get_ylabel()) == ("environment steps", "evaluation return")


def test_a_comparison_over_wall_time_is_in_minutes(tmp_path, figures):
    run = Curve(np.array([1000.0, 2000.0]), np.array([3.0, 5.0]), np.array([0.0, 1.0]))
    comparison_plot({"ours": [run]}, tmp_path / "c.png", metric="score", x="minutes")
    (panel,) = figures[0].axes
    assert panel.get_xlabel() == "wall-clock time (minutes)"
    assert panel.lines[0].get_xdata().tolist() == [3, 5]


def test_ratings_are_drawn_with_their_intervals_the_strongest_on_top(tmp_path, figures):
    elo_plot(
        ["weak", "strong", "middle"], [-50, 200, 10], [-80, 150, -20], [-10, 260, 30], tmp_path / "elo.png"
    )
    (axes,) = figures[0].axes
    assert [label.get_text() for label in axes.get_yticklabels()] == ["weak", "middle", "strong"]
    assert [bar.get_width() for bar in axes.patches] == [-50, 10, 200]
    ends = [segment[:, 0].tolist() for segment in axes.collections[0].get_segments()]
    assert ends == [[-80, -10], [-20, 30], [150, 260]]
    assert figures[0].get_supxlabel() == "Elo, with 95 % interval"


def test_a_long_spec_is_broken_after_a_comma(tmp_path, figures):
    spec = "mcts:value=learned,seconds=0.05,model=connect_four_alpha_beta"
    elo_plot([spec, "x" * 60], [1, 2], [0, 1], [2, 3], tmp_path / "elo.png")
    labels = [label.get_text() for label in figures[0].axes[0].get_yticklabels()]
    assert labels == ["mcts:value=learned,seconds=0.05,\nmodel=connect_four_alpha_beta", "x" * 60]


def test_a_player_that_won_all_games_gets_its_bound_as_its_number(tmp_path, figures):
    inf = float("inf")
    elo_plot(["all", "none"], [inf, -inf], [230, -inf], [inf, -200], tmp_path / "elo.png")
    (axes,) = figures[0].axes
    assert [text.get_text() for text in axes.texts] == ["< −200", "> 230"]
    assert np.isfinite(axes.get_xlim()).all()


@pytest.mark.parametrize(
    ("names", "elos", "lows", "highs", "message"),
    [
        (
            ["a"],
            [1, 2],
            [0, 0],
            [3, 3],
            r"as many names, elos, lows and highs, at least one; got \(1, 2, 2, 2\)",
        ),
        ([], [], [], [], "at least one"),
        (["a"], [5], [6], [7], r"rating of a is outside its interval: 5 not in \[6, 7\]"),
        (["a"], [float("nan")], [0], [1], "rating of a is outside its interval"),
    ],
)
def test_ratings_that_make_no_sense_are_refused(tmp_path, names, elos, lows, highs, message):
    with pytest.raises(ValueError, match=message):
        elo_plot(names, elos, lows, highs, tmp_path / "elo.png")


def test_drawing_touches_neither_a_display_nor_pyplot(run_folder, tmp_path):
    code = (
        "import sys; from agents.runs.plots import learning_curve; "
        f"learning_curve({{'x': {str(run_folder)!r}}}, {str(tmp_path / 'c.png')!r}); "
        "assert 'matplotlib.pyplot' not in sys.modules and 'torch' not in sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
