"""Self-play that writes down in a file what it finishes, before it tells anyone: what counts are held to."""

import functools
import os
from collections.abc import Mapping
from itertools import groupby
from pathlib import Path
from typing import Any

from agents.board_value.workers import Harvest, SelfPlayJob


class LoggedSelfPlay(SelfPlayJob):
    """Its log: a line `pid games samples` for each harvest."""

    def __init__(self, log: Path, config_json: Mapping[str, Any], seed: int) -> None:
        super().__init__(config_json, seed)
        self._log = log

    def do(self, message: Any) -> Harvest:
        harvest = super().do(message)
        line = f"{os.getpid()} {harvest.counts.games} {len(harvest.samples)}\n"
        with self._log.open("a") as file:
            file.write(line)
        return harvest


def logged_to(log: Path) -> Any:
    """What takes the place of `SelfPlayJob`."""
    return functools.partial(LoggedSelfPlay, log)


def lines(log: Path) -> list[list[int]]:
    """[pid, games, samples] of each harvest, in the order of time."""
    if not log.exists():
        return []
    return [[int(word) for word in line.split()] for line in log.read_text().splitlines()]


def check_counts(log: Path, games: int, samples: int) -> None:
    """Every harvest was counted once, but for the last one of a worker, which may have been lost with it."""
    by_worker = [
        list(group) for _, group in groupby(sorted(lines(log), key=lambda line: line[0]), lambda x: x[0])
    ]
    possible = {(0, 0)}
    for harvests in by_worker:
        whole = sum(line[1] for line in harvests), sum(line[2] for line in harvests)
        without_last = whole[0] - harvests[-1][1], whole[1] - harvests[-1][2]
        possible = {(g + add[0], s + add[1]) for g, s in possible for add in (whole, without_last)}
    assert (games, samples) in possible
