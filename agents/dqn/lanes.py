"""Parts of one batch computed side by side, a thread each.

Each operation of a small network is too short to be shared out: with torch's own threads the cores meet
after every layer, and a core that another program holds makes all others wait, spinning. Whole parts of a
batch meet once. Measured on two cores, the Nature network in bfloat16 forth and back, 128 samples: 45 ms on
one core, 35 by torch's threads, 27 by two lanes; 32 samples: 12.6, 10.9 and 8.7 ms.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import torch

Part = TypeVar("Part")
Result = TypeVar("Result")

PART_MIN = 8  # samples: fewer cost nearly as much as so many


class Lanes:
    """`count` threads, the caller's among them; one lane is a plain loop."""

    def __init__(self, count: int = 1) -> None:
        self.count = count
        self._others = (
            ThreadPoolExecutor(count - 1, "lane", torch.set_num_threads, (1,)) if count > 1 else None
        )

    def map(self, work: Callable[[Part], Result], parts: Sequence[Part]) -> list[Result]:
        """The result of `work` for each part, in their order; raises what one of them raises."""
        if self._others is None or len(parts) == 1:
            return [work(part) for part in parts]
        others = [self._others.submit(work, part) for part in parts[1:]]
        return [work(parts[0]), *(other.result() for other in others)]

    def slices(self, samples: int) -> list[slice]:
        """The parts of a batch: as many as there are lanes, and as equal as can be, or one if it is small."""
        count = max(min(self.count, samples // PART_MIN), 1)
        bounds = [samples * part // count for part in range(count + 1)]
        return [slice(*ends) for ends in itertools.pairwise(bounds)]


def lane_count(wanted: int, *, pays: bool) -> int:
    """`wanted`, or for 0 as many as there are cores for this process, where it `pays`."""
    if wanted or not pays:
        return wanted or 1
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
