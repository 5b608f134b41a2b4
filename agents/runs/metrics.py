"""Metrics of a run, twice: `metrics.jsonl` for programs and plots, TensorBoard events for people.

One record is one line: `{"step": 4000, "wall_s": 12.5, "loss": 0.03}`; `wall_s` counts seconds of training,
all sittings of a resumed run together. A record is handed to the operating system before `log` returns, so
a killed process loses none that was logged. What is not finite is written as null (JSON has no NaN), with a
warning for each metric's first time.
"""

from __future__ import annotations

import json
import math
import time
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agents.runs.atomic import write_text

if TYPE_CHECKING:
    from torch import Tensor
    from torch.utils.tensorboard import SummaryWriter

Record = dict[str, float | None]  # "step", "wall_s" and the metrics; None was not finite

RESERVED = ("step", "wall_s")


class MetricsLog:
    """Appends records to a run folder; on a resume, goes on where the kept records end."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "metrics.jsonl"
        self._events = folder / "tensorboard"
        self._writer: SummaryWriter | None = None
        self._warned: set[str] = set()
        self._purge_step: int | None = None  # TensorBoard hides older events from this step on
        self._begin(read_records(self.path) if self.path.exists() else [])

    def _begin(self, records: list[Record]) -> None:
        """Make `records` the whole file and go on after them."""
        write_text(self.path, "".join(json.dumps(record) + "\n" for record in records))
        self._file = self.path.open("a", encoding="utf-8")
        last = records[-1] if records else {}
        self._last_step = int(last.get("step") or 0)
        self._started = time.monotonic() - (last.get("wall_s") or 0.0)

    def log(self, step: int, metrics: Mapping[str, float | Tensor]) -> None:
        """Write one record; only here do tensors leave their device.

        Args:
            step: never below the last record's.
            metrics: plain numbers, or tensors and arrays of one element.
        Raises: ValueError for a step that goes back, a reserved name, or a metric that is no number.
        """
        if step < self._last_step:
            raise ValueError(
                f"{self.path}: step {step} after step {self._last_step}; a resume begins with load_state()"
            )
        if clash := metrics.keys() & set(RESERVED):
            raise ValueError(f"a metric cannot be named {clash.pop()!r}: each record has that already")
        numbers = {name: number(name, value) for name, value in metrics.items()}
        finite = {name: x if math.isfinite(x) else None for name, x in numbers.items()}
        record = {"step": step, "wall_s": round(time.monotonic() - self._started, 3), **finite}
        self._file.write(json.dumps(record, allow_nan=False) + "\n")
        self._file.flush()
        self._write_events(step, numbers)
        self._last_step = step
        for name in sorted(name for name in finite if finite[name] is None and name not in self._warned):
            self._warned.add(name)
            warnings.warn(f"metric {name} is {numbers[name]} at step {step}", RuntimeWarning, stacklevel=3)

    def drop_after(self, step: int) -> None:
        """Forget all records beyond `step`, which a resume from `step` will log again."""
        records = [record for record in read_records(self.path) if (record["step"] or 0) <= step]
        self.close()
        self._begin(records)
        self._purge_step = step + 1

    def close(self) -> None:
        """Close both files; a second call does nothing."""
        self._file.close()
        if self._writer is not None:
            self._writer.close()
            self._writer = None

    def _write_events(self, step: int, numbers: Mapping[str, float]) -> None:
        if self._writer is None:
            from torch.utils.tensorboard import SummaryWriter

            self._writer = SummaryWriter(str(self._events), purge_step=self._purge_step)
        for name, value in numbers.items():
            self._writer.add_scalar(name, value, step)
        self._writer.flush()


def read_records(path: str | Path) -> list[Record]:
    """All records of a `metrics.jsonl`, oldest first; a last line that was cut off is left out.

    Raises: FileNotFoundError; ValueError, with the line's number, for a line that is no record.
    """
    lines = Path(path).read_text(encoding="utf-8").splitlines(keepends=True)
    if lines and not lines[-1].endswith("\n"):
        lines.pop()
    return [_record(line, f"{path}, line {number}") for number, line in enumerate(lines, start=1)]


def _record(line: str, where: str) -> Record:
    try:
        record: Any = json.loads(line)
    except ValueError as error:
        raise ValueError(f"{where}: not JSON: {error}") from error
    if not isinstance(record, dict) or any(
        not isinstance(record.get(name), int | float) for name in RESERVED
    ):
        raise ValueError(
            f"{where}: a record needs the numbers {' and '.join(RESERVED)}, got {line.strip()!r}"
        )
    return record


def number(name: str, value: float | Tensor) -> float:
    """A metric as a python number; a tensor leaves its device here. Raises: ValueError naming the metric."""
    try:
        return float(value.item() if hasattr(value, "item") else value)
    except (TypeError, ValueError, RuntimeError) as error:
        raise ValueError(f"metric {name} must be one number: {error}") from error
