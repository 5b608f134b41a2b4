"""Pictures of results as PNG files: learning curves of runs, and ratings with their intervals.

Drawn without a display and without matplotlib's global state. The colours are those of Okabe and Ito (2008),
told apart by colour-blind readers too; lines differ in their dashes as well.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from agents.runs.atomic import replacing
from agents.runs.comparison import INTERVAL_NAME, Curve, MeanCurve, XAxis, mean_curve, metrics_file
from agents.runs.metrics import RESERVED, Record, read_records

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
DASHES = ("-", "--", "-.", ":")
WIDTH_INCHES, PANEL_INCHES, DPI = 8.0, 2.6, 120
NAME_CHARACTERS = 40  # of a line beside a bar
SMOOTH_FROM = 60  # points; from there on a running mean is drawn over the pale raw line


def learning_curve(
    runs: Mapping[str, str | Path],
    path: str | Path,
    metrics: Sequence[str] = (),
    *,
    x: XAxis = "steps",
    step_name: str = "environment steps",
) -> Path:
    """Draw metrics over training, one panel for each metric and one line for each run.

    Args:
        runs: label -> a run folder or its metrics.jsonl.
        path: the PNG to write, whole or not at all.
        metrics: which, in this order; empty: all that were recorded.
        x: training steps, or minutes of wall clock.
        step_name: what a step of these runs is called.
    Returns: `path`.
    Raises: FileNotFoundError; ValueError where nothing was recorded, or not the metric asked for.
    """
    records = {label: read_records(metrics_file(Path(run))) for label, run in runs.items()}
    recorded = list(dict.fromkeys(name for rows in records.values() for row in rows for name in row))
    recorded = [name for name in recorded if name not in RESERVED]
    if wrong := [name for name in metrics if name not in recorded]:
        raise ValueError(
            f"no metric {wrong[0]!r} in {', '.join(map(str, runs.values()))}; recorded: {recorded}"
        )
    if not recorded:
        raise ValueError(f"no metrics are recorded in {', '.join(map(str, runs.values()))}")
    names = metrics or recorded
    figure = Figure(figsize=(WIDTH_INCHES, 0.5 + PANEL_INCHES * len(names)), layout="constrained")
    panels = figure.subplots(len(names), 1, sharex=True, squeeze=False)[:, 0]
    for panel, name in zip(panels, names, strict=True):
        for index, (label, rows) in enumerate(records.items()):
            _draw_line(panel, index, label, *_points(rows, name, x))
        panel.set_ylabel(name.replace("_", " "))
        _tidy(panel)
    _name_axis(panels[-1], x, step_name)
    if len(records) > 1:
        panels[0].legend(frameon=False)
    else:
        panels[0].set_title(next(iter(records)), loc="left")
    return _save(figure, path)


def comparison_plot(
    groups: Mapping[str, Sequence[Curve]],
    path: str | Path,
    *,
    metric: str,
    x: XAxis = "steps",
    step_name: str = "environment steps",
) -> Path:
    """Draw one metric of several groups of runs: each group's mean with its interval, its runs pale behind.

    The mean reaches as far as all runs of its group do. The height of the picture is that of the runs: an
    interval over few of them may go beyond.

    Args:
        groups: label -> the curves of its runs, at least one.
        path: the PNG to write, whole or not at all.
        metric: what the curves are of.
        x, step_name: as in `learning_curve`.
    Returns: `path`.
    Raises: ValueError where the runs of a group have no x in common.
    """
    figure = Figure(figsize=(WIDTH_INCHES, 1.8 * PANEL_INCHES), layout="constrained")
    panel = figure.subplots()
    bands: list[tuple[MeanCurve, str]] = []
    for index, (label, curves) in enumerate(groups.items()):
        colour, dash = COLOURS[index % len(COLOURS)], DASHES[index % len(DASHES)]
        mean = mean_curve(curves, x)
        if len(curves) > 1:
            label = f"{label}: mean of {len(curves)} runs, {INTERVAL_NAME}"
            for curve in curves:
                panel.plot(curve.x(x), curve.values, color=colour, alpha=0.3, linewidth=0.8)
        panel.plot(mean.x, mean.mean, dash, color=colour, label=label, linewidth=2)
        bands.append((mean, colour))
    panel.set_ylim(panel.get_ylim())
    for mean, colour in bands:
        panel.fill_between(mean.x, mean.low, mean.high, color=colour, alpha=0.15, linewidth=0)
    panel.set_ylabel(metric.replace("_", " "))
    _name_axis(panel, x, step_name)
    panel.legend(frameon=False)
    _tidy(panel)
    return _save(figure, path)


def elo_plot(
    names: Sequence[str],
    elos: Sequence[float],
    lows: Sequence[float],
    highs: Sequence[float],
    path: str | Path,
    *,
    axis_label: str = "Elo, with 95 % interval",
) -> Path:
    """Draw ratings as bars with their intervals, the strongest on top.

    Args:
        names: of the players.
        elos, lows, highs: as many; low <= elo <= high; infinite where all games were won, or lost.
        path: the PNG to write, whole or not at all.
        axis_label: quantity, unit and meaning of the interval; for other ratings, such as mean returns.
    Returns: `path`.
    Raises: ValueError where the lengths differ, there is no player or a rating lies outside its interval.
    """
    counts = (len(names), len(elos), len(lows), len(highs))
    if len(set(counts)) > 1 or not names:
        raise ValueError(f"elo_plot needs as many names, elos, lows and highs, at least one; got {counts}")
    for name, elo, low, high in zip(names, elos, lows, highs, strict=True):
        if not low <= elo <= high:
            raise ValueError(f"the rating of {name} is outside its interval: {elo} not in [{low}, {high}]")
    order = np.argsort(elos, kind="stable")
    values = np.array([lows, elos, highs], float)[:, order]  # [3, players]
    left, right = _axis_ends(values)
    low_ends, centres, high_ends = np.clip(values, left, right)
    rows = np.arange(len(names))
    figure = Figure(figsize=(WIDTH_INCHES, 1.0 + 0.45 * len(names)), layout="constrained")
    axes = figure.subplots()
    axes.barh(rows, centres, color=COLOURS[5], height=0.65)
    spread = (centres - low_ends, high_ends - centres)
    axes.errorbar(centres, rows, xerr=spread, fmt="o", color=COLOURS[6], markersize=4, capsize=4)
    for row, (low, elo, high) in enumerate(values.T):
        place = (max(float(high_ends[row]), 0.0), row)
        axes.annotate(_rating(low, elo, high), place, (6, 0), textcoords="offset points", va="center")
    axes.set_yticks(rows, [_in_lines(names[index]) for index in order])
    figure.supxlabel(axis_label, fontsize="medium")  # below the names too, which may leave the axes narrow
    axes.set_xlim(left, right)
    axes.axvline(0, color=COLOURS[6], linewidth=0.8)
    _tidy(axes)
    axes.grid(visible=False, axis="y")
    return _save(figure, path)


def _in_lines(name: str) -> str:
    """A player's long spec, broken after a comma."""
    if len(name) <= NAME_CHARACTERS or (comma := name.rfind(",", 0, NAME_CHARACTERS)) < 0:
        return name
    return f"{name[: comma + 1]}\n{_in_lines(name[comma + 1 :])}"


def _axis_ends(values: NDArray[np.float64]) -> tuple[float, float]:
    """Ends that hold 0 and all finite values with room to spare; infinite intervals run into them."""
    finite = [0.0, *values[np.isfinite(values)]]
    room = 0.15 * (max(finite) - min(finite)) or 100.0
    return min(finite) - room, max(finite) + room


def _rating(low: float, elo: float, high: float) -> str:
    """The number beside a bar; only its finite bound where all games were won, or lost."""
    if elo == math.inf:
        return f"> {_brief(low)}"
    if elo == -math.inf:
        return f"< {_brief(high)}"
    return _brief(elo)


def _brief(value: float) -> str:
    return (f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}").replace("-", "\N{MINUS SIGN}")


def _points(rows: Sequence[Record], name: str, x: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The x and y of all records that hold the metric; NaN, a gap, where it was not finite."""
    key, scale = ("step", 1.0) if x == "steps" else ("wall_s", 1 / 60)
    rows = [row for row in rows if name in row]
    # None becomes NaN in a float array.
    return np.array([row[key] for row in rows], float) * scale, np.array([row[name] for row in rows], float)


def _draw_line(panel: Axes, index: int, label: str, x: NDArray[np.float64], y: NDArray[np.float64]) -> None:
    colour, dash = COLOURS[index % len(COLOURS)], DASHES[index % len(DASHES)]
    if len(x) < SMOOTH_FROM:
        panel.plot(x, y, dash, color=colour, label=label, marker="." if len(x) < SMOOTH_FROM // 2 else None)
        return
    panel.plot(x, y, color=colour, alpha=0.25, linewidth=0.8)
    panel.plot(x, running_mean(y, len(y) // 40 * 2 + 1), dash, color=colour, label=label)


def running_mean(y: NDArray[np.float64], width: int) -> NDArray[np.float64]:
    """Mean over the `width` (odd) points around each, fewer at the ends; NaN points are left out and stay."""
    known = np.isfinite(y)
    kernel = np.ones(width)
    count = np.convolve(known, kernel, mode="same")
    total = np.convolve(np.where(known, y, 0.0), kernel, mode="same")
    return np.where(known, total / np.maximum(count, 1), np.nan)


def _name_axis(panel: Axes, x: XAxis, step_name: str) -> None:
    panel.set_xlabel(step_name if x == "steps" else "wall-clock time (minutes)")
    if x == "steps":
        panel.xaxis.set_major_formatter(_short_number)


def _short_number(value: float, _: object = None) -> str:
    """1500 -> 1.5k, 2000000 -> 2M."""
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= size:
            return f"{value / size:g}{letter}"
    return f"{value:g}"


def _tidy(axes: Axes) -> None:
    axes.grid(alpha=0.3)
    axes.spines[["top", "right"]].set_visible(False)


def _save(figure: Figure, path: str | Path) -> Path:
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as file:
        figure.savefig(file, format="png", dpi=DPI)
    return path
