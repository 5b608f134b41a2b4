"""One line for a long command: how far, how fast, how long still, and the few numbers that matter.

    with ProgressLine("pong", total=2_500_000, unit="steps") as line:
        line.update(step, score=score)

    pong ━━━━━━━━━━━━━━━━━━━━ 1,250,000 of 2,500,000 steps  5,120 steps/s  4 min 04 s left  score 12.3

On a terminal the line is rewritten in place; elsewhere a plain one is printed now and then. It goes to
stderr, so that what a command prints can be piped. Metrics may be tensors: they are read only when a line
is drawn.
"""

from __future__ import annotations

import sys
import time
from collections import deque
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING

from rich.console import Console
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from agents.runs.metrics import number

if TYPE_CHECKING:
    from typing import Self

    from torch import Tensor

RATE_WINDOW_SECONDS = 30.0  # the rate is that of the last half minute, so a slow start is soon forgotten
TERMINAL_SECONDS = 0.2  # between two drawings in place
PLAIN_SECONDS = 10.0  # between two plain lines
BAR_WIDTH = 20


class ProgressLine:
    """Progress of `total` units of work; use it in a `with`, which ends in a summary line, Ctrl-C or not."""

    def __init__(
        self,
        label: str,
        total: float,
        unit: str = "steps",
        *,
        start: float = 0,
        console: Console | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Nothing is drawn before the first update.

        Args:
            label: what runs.
            total: units of work in all, at least 1; parts of a unit may be done.
            unit: their name in the plural.
            start: units already done, by the earlier sittings of a resumed run.
            console: where to draw; stderr.
            clock: seconds.
        """
        if total < 1:
            raise ValueError(f"ProgressLine.total must be at least 1, got {total!r}")
        self.label, self.total, self.unit, self.start, self.done = label, total, unit, start, start
        self._metrics: dict[str, float | Tensor] = {}
        self._console = console or Console(file=sys.stderr)
        self._clock = clock
        self._began = self._drawn = clock()
        self._seen = deque([(self._began, start)])  # (seconds, units done), oldest first
        self._live: Live | None = None

    def update(self, done: float, **metrics: float | Tensor) -> None:
        """Say that `done` units are done, all in all; a metric keeps its value until it is given again."""
        now = self._clock()
        self.done = done
        self._metrics |= metrics
        if now - self._drawn < (TERMINAL_SECONDS if self._live else PLAIN_SECONDS):
            return
        self._drawn = now
        self._seen.append((now, done))
        while now - self._seen[1][0] > RATE_WINDOW_SECONDS:
            self._seen.popleft()
        if self._live:
            self._live.update(self._drawing(), refresh=True)
        else:
            self._console.print(self.text(), soft_wrap=True, highlight=False)

    def note(self, text: str) -> None:
        """Tell something once, above the line."""
        self._console.print(f"{self.label}: {text}", soft_wrap=True, highlight=False, markup=False)

    def rate(self) -> float:
        """Units a second, over the last half minute; 0 while unknown."""
        (since, before), now = self._seen[0], self._clock()
        return (self.done - before) / (now - since) if now > since else 0.0

    def text(self) -> str:
        """The line without its bar."""
        rate = self.rate()
        left = f"{duration((self.total - self.done) / rate)} left" if rate > 0 else "time left unknown"
        done = f"{_count(self.done)} of {_count(self.total)} {self.unit}"
        return "  ".join([self.label, done, f"{self._speed(rate)}", left, *self._numbers()])

    def summary(self) -> str:
        """The last line: what was done, in which time, with which result."""
        seconds = self._clock() - self._began
        done = self.done - self.start
        end = (
            f"{_count(self.done)} {self.unit}"
            if self.done >= self.total
            else f"stopped at {_count(self.done)} of {_count(self.total)} {self.unit}"
        )
        speed = self._speed(done / seconds if seconds > 0 else 0.0)
        return "  ".join([f"{self.label}: {end} in {duration(seconds)} ({speed})", *self._numbers()])

    def _speed(self, rate: float) -> str:
        return f"{rate:,.0f} {self.unit}/s" if rate >= 10 or rate == 0 else f"{rate:.2g} {self.unit}/s"

    def _numbers(self) -> list[str]:
        return [
            f"{name.replace('_', ' ')} {_short(number(name, value))}" for name, value in self._metrics.items()
        ]

    def _drawing(self) -> Table:
        bar = ProgressBar(total=self.total, completed=self.done, width=BAR_WIDTH)
        text = self.text().removeprefix(self.label).lstrip()
        drawing = Table.grid(padding=(0, 1))
        drawing.add_row(Text(self.label, style="bold"), bar, Text(text, no_wrap=True, overflow="ellipsis"))
        return drawing

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            shared = sys.stdout.isatty()  # else stdout is a file or pipe, and no business of the terminal's
            self._live = Live(
                console=self._console, auto_refresh=False, transient=True, redirect_stdout=shared
            )
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live:
            self._live.stop()
            self._live = None
        self._console.print(self.summary(), soft_wrap=True, highlight=False)


def _count(units: float) -> str:
    return f"{units:,.1f}".removesuffix(".0")


def _short(value: float) -> str:
    """Four digits, or a whole number: never 1.234e+04."""
    return f"{value:,.0f}" if 1000 <= abs(value) < 1e12 else f"{value:.4g}"


def duration(seconds: float) -> str:
    """A time for people: `8 s`, `4 min 03 s`, `2 h 05 min`."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"
