"""Several runs side by side: the mean curve of repeated runs with its interval, and how soon they got where.

Runs that differ in nothing but their seed are one group. A mean over so few runs says little without its
interval: Student's t over the runs, which with three of them is wide and should be.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

from agents.runs.metrics import RESERVED, read_records

XAxis = Literal["steps", "minutes"]

CONFIDENCE = 0.95
INTERVAL_NAME = "95 % t interval"


@dataclass(frozen=True)
class Curve:
    """One metric of one run, oldest first, where it was recorded and finite; all three [points]."""

    steps: NDArray[np.float64]
    minutes: NDArray[np.float64]  # of wall clock, evaluations included
    values: NDArray[np.float64]

    def x(self, axis: XAxis) -> NDArray[np.float64]:
        """Where the points lie on this axis."""
        return self.steps if axis == "steps" else self.minutes

    def time_to(self, threshold: float) -> tuple[float, float]:
        """Steps and minutes at the first value of at least `threshold`; both infinite where there is none."""
        reached = np.flatnonzero(self.values >= threshold)
        return (self.steps[reached[0]], self.minutes[reached[0]]) if len(reached) else (np.inf, np.inf)


@dataclass(frozen=True)
class MeanCurve:
    """The mean over runs where all of them have been, and its 95 % interval; all four [points].

    One run alone has no interval: NaN.
    """

    x: NDArray[np.float64]
    mean: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]


@dataclass(frozen=True)
class Reached:
    """How soon a group came to a threshold: medians over its runs; one that never did counts as infinite."""

    threshold: float
    runs: int  # of the group, that reached it
    steps: float
    minutes: float


@dataclass(frozen=True)
class Summary:
    """What a group of runs came to: means over its runs."""

    runs: int
    mean: float  # of the means over each run's points
    deviation: float  # of those means, from run to run; NaN for one run
    last: float  # of the last values
    best: float  # of each run's best value, which is high by luck too
    reached: tuple[Reached, ...]


def metrics_file(run: Path) -> Path:
    """The metrics of a run folder; a file stands for itself."""
    return run / "metrics.jsonl" if run.is_dir() else run


def read_curve(run: Path, metric: str) -> Curve:
    """The curve of `metric` in a run folder or a metrics.jsonl.

    Raises: FileNotFoundError; ValueError where the metric was not recorded, naming those that were.
    """
    file = metrics_file(run)
    if not file.is_file():
        raise FileNotFoundError(f"no run at {run}: there is no file {file}")
    records = read_records(file)
    rows = [
        (step, wall_s / 60, value)
        for record in records
        if (value := record.get(metric)) is not None
        and (step := record["step"]) is not None
        and (wall_s := record["wall_s"]) is not None
    ]
    if not rows:
        recorded = dict.fromkeys(name for record in records for name in record if name not in RESERVED)
        raise ValueError(f"no metric {metric!r} in {run}; recorded: {', '.join(recorded) or 'nothing yet'}")
    steps, minutes, values = np.array(rows, float).T
    return Curve(steps, minutes, values)


def mean_curve(curves: Sequence[Curve], axis: XAxis) -> MeanCurve:
    """The mean at each x where one of the curves has a point, from the last start to the first end of them.

    Between its points a curve is a straight line. Raises: ValueError where no x is common to all.
    """
    start = max(curve.x(axis)[0] for curve in curves)
    end = min(curve.x(axis)[-1] for curve in curves)
    points = np.unique(np.concatenate([curve.x(axis) for curve in curves]))
    x = points[(start <= points) & (points <= end)]
    if not len(x):
        raise ValueError(f"{len(curves)} runs of one label have no {axis} in common: no mean can be drawn")
    values = np.array([np.interp(x, curve.x(axis), curve.values) for curve in curves])  # [runs, points]
    mean, n = values.mean(axis=0), len(curves)
    if n == 1:
        return MeanCurve(x, mean, np.full_like(mean, np.nan), np.full_like(mean, np.nan))
    spread = stdtrit(n - 1, (1 + CONFIDENCE) / 2) * values.std(axis=0, ddof=1) / np.sqrt(n)
    return MeanCurve(x, mean, mean - spread, mean + spread)


def summarise(curves: Sequence[Curve], thresholds: Sequence[float]) -> Summary:
    """What the runs of one group came to, and how soon they came to each threshold."""
    means = [curve.values.mean() for curve in curves]
    return Summary(
        runs=len(curves),
        mean=float(np.mean(means)),
        deviation=float(np.std(means, ddof=1)) if len(means) > 1 else np.nan,
        last=float(np.mean([curve.values[-1] for curve in curves])),
        best=float(np.mean([curve.values.max() for curve in curves])),
        reached=tuple(_reached(curves, threshold) for threshold in thresholds),
    )


def _reached(curves: Sequence[Curve], threshold: float) -> Reached:
    times = np.array([curve.time_to(threshold) for curve in curves])  # [runs, 2]
    steps, minutes = np.median(times, axis=0)
    return Reached(threshold, int(np.isfinite(times[:, 0]).sum()), float(steps), float(minutes))
