"""The transposition table: what a search found out about states it may meet again.

A score is worth something only with the question it answers, so an entry says which: the kind of bound, and
for which search depths it holds. A score that depended on the horizon holds for exactly the depth it was
searched with; one that did not (all lines ended, or a forced win) holds for every greater depth too. A search
that respects this returns the plain minimax score, whatever the table contains.

Two entries share a bucket: the first is kept while it is deeper than what arrives, the second takes
everything.
"""

import numpy as np
from numpy.typing import NDArray

from envs.boards.dispatch import kernel

NO_ENTRY, EXACT, AT_LEAST, AT_MOST = 0, 1, 2, 3  # kinds of bound
NO_MOVE = -1
ENTRY = np.dtype(
    [
        ("key", np.uint64),
        ("score", np.int16),  # distances of wins count from this state, not from the root
        ("depth_from", np.int8),
        ("depth_to", np.int8),
        ("bound", np.int8),
        ("move", np.int8),
        ("generation", np.uint8),  # of the search that wrote it
        ("unused", np.uint8),
    ]
)
DEFAULT_ENTRIES = 1 << 20  # 16 MiB


def new_table(entries: int = DEFAULT_ENTRIES) -> NDArray[np.void]:
    """An empty table; `entries` is a power of two, at least 2."""
    if entries < 2 or entries & (entries - 1):
        raise ValueError(f"a table has a power of two of entries, at least 2, got {entries!r}")
    return np.zeros(entries, ENTRY)


@kernel
def find(table: NDArray[np.void], key: np.uint64) -> int:
    """Index of the entry for `key`, -1 where there is none."""
    first = 2 * int(key & np.uint64(table.size // 2 - 1))
    for i in range(first, first + 2):
        if table[i]["key"] == key and table[i]["bound"] != NO_ENTRY:
            return i
    return -1


@kernel
def slot_for(table: NDArray[np.void], key: np.uint64, depth: int, generation: int) -> int:
    """Index of the entry to overwrite with a result of `depth` for `key`."""
    first = 2 * int(key & np.uint64(table.size // 2 - 1))
    kept = table[first]
    if kept["key"] == key or kept["generation"] != generation or kept["depth_from"] <= depth:
        return first
    return first + 1
