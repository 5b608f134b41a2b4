"""How long a search may think, and the one byte that stops it.

Depth and nodes are counted by the search itself, so a search limited by them is repeatable. A search with a
limit of time looks at the clock as it goes (`agents.search.clock`). All kernels, which run without Python's
lock, read a byte that another thread sets, such as that of a person who closes a window.
"""

import threading
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

DEPTH_MAX = 120  # plies; no game here lasts longer (Othello: 60 stones, each after at most one pass)
NODES_MAX = 2**62


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """The effort for one decision; a search stops at the first limit it meets. At least one must be given."""

    depth: int | None = None  # plies looked ahead, 1..DEPTH_MAX
    nodes: int | None = None  # states visited, counting the leaves
    seconds: float | None = None  # wall clock

    def __post_init__(self) -> None:
        if self.depth is None and self.nodes is None and self.seconds is None:
            raise ValueError("Limits needs at least one of depth, nodes, seconds")
        if self.depth is not None and not 1 <= self.depth <= DEPTH_MAX:
            raise ValueError(f"Limits.depth must be in 1..{DEPTH_MAX} plies, got {self.depth!r}")
        if self.nodes is not None and not 1 <= self.nodes <= NODES_MAX:
            raise ValueError(f"Limits.nodes must be in 1..2**62, got {self.nodes!r}")
        if self.seconds is not None and not 0 < self.seconds < threading.TIMEOUT_MAX:
            raise ValueError(f"Limits.seconds must be positive and finite, got {self.seconds!r}")


class Stopped(Exception):
    """A solver was stopped before it knew."""


class StopFlag:
    """A byte shared with running kernels: not 0 means stop."""

    def __init__(self) -> None:
        self.byte: NDArray[np.uint8] = np.zeros(1, np.uint8)

    def set(self) -> None:
        """Ask the search to stop; from any thread."""
        self.byte[0] = 1

    def clear(self) -> None:
        """Let the next search run."""
        self.byte[0] = 0
