"""python scripts/compare_runs.py RUN [RUN ...] --labels A A B B     learning curves in one picture

Runs of one label differ in their seed only and are drawn as their mean with its 95 % interval. The table says
what each label came to, and how soon it reached each of the --thresholds.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from rich.console import Console
from rich.table import Table
from tyro.conf import Positional, arg

from agents.runs.comparison import Curve, Reached, Summary, XAxis, read_curve, summarise
from scripts.command_line import command, parse


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Learning curves of several runs in one picture, and a table of what they reached how soon."""

    runs: Annotated[Positional[tuple[Path, ...]], arg(metavar="RUN...")]
    """run folders, or their metrics.jsonl"""
    labels: Annotated[tuple[str, ...], arg(metavar="LABEL...")] = ()
    """one for each run; runs of one label are repetitions. Default: each run by itself"""
    metric: str = "evaluation_return"
    """what to draw, of what the runs recorded"""
    x: XAxis = "steps"
    """environment steps, or minutes of wall clock, evaluations included"""
    thresholds: Annotated[tuple[float, ...], arg(metavar="VALUE...")] = ()
    """tell when the metric first reached these"""
    out: Annotated[Path, arg(metavar="FILE.png")] = Path("runs/comparison.png")
    """the picture"""

    def __post_init__(self) -> None:
        if not self.runs:
            raise ValueError("compare_runs.py needs at least one RUN")
        if self.labels and len(self.labels) != len(self.runs):
            raise ValueError(
                f"--labels: {len(self.labels)} labels for {len(self.runs)} runs; give one for each"
            )
        if self.out.suffix != ".png":
            raise ValueError(f"--out must end in .png, got {self.out}")


@command
def main(argv: Sequence[str] | None = None) -> int:
    """Read, draw, print the table."""
    wanted = parse(Comparison, argv, description=__doc__ or "")
    groups: dict[str, list[Curve]] = {}
    for run, label in zip(wanted.runs, wanted.labels or map(str, wanted.runs), strict=True):
        groups.setdefault(label, []).append(read_curve(run, wanted.metric))
    from agents.runs.plots import comparison_plot  # late: matplotlib

    path = comparison_plot(groups, wanted.out, metric=wanted.metric, x=wanted.x)
    console = Console()
    console.print(_table(groups, wanted.metric, wanted.thresholds))
    console.print(f"picture: {path}", highlight=False, soft_wrap=True)
    return 0


def _table(groups: Mapping[str, Sequence[Curve]], metric: str, thresholds: Sequence[float]) -> Table:
    table = Table(
        title=f"{metric.replace('_', ' ')}: means over runs, median steps and minutes to a threshold"
    )
    table.add_column("label", overflow="fold")
    for heading in (
        "runs",
        "mean (sd of runs)",
        "last",
        "best",
        *(f"to {threshold:g}" for threshold in thresholds),
    ):
        table.add_column(heading, justify="right")
    for label, curves in groups.items():
        summary = summarise(curves, thresholds)
        table.add_row(label, *_numbers(summary))
    return table


def _numbers(summary: Summary) -> list[str]:
    spread = "" if math.isnan(summary.deviation) else f" ({summary.deviation:.2g})"
    plain = [f"{summary.runs}", f"{summary.mean:.4g}{spread}", f"{summary.last:.4g}", f"{summary.best:.4g}"]
    return plain + [_time_to(reached, summary.runs) for reached in summary.reached]


def _time_to(reached: Reached, runs: int) -> str:
    """`38,000 steps, 5.2 min (2 of 3 runs)`: without the bracket where all runs did."""
    count = "" if reached.runs == runs else f" ({reached.runs} of {runs} runs)"
    if math.isinf(reached.steps):
        return f"not reached{count}"
    return f"{reached.steps:,.0f} steps, {reached.minutes:.1f} min{count}"


if __name__ == "__main__":
    sys.exit(main())
