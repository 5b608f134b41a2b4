"""The replay on disk, so that a killed run goes on with it: each save appends what is new, as a chunk.

A save costs what was gained, not what is held: `append` writes `replay/chunk-000012.npz` (whole or not at
all), the training state names the chunks it needs, and `prune`, called once that state is safe, deletes
those it no longer does. Observations are deflated at the fastest level: Atari frames shrink about 30 times.
Priorities change anywhere on the tapes, so the training state holds all of them, 8 bytes a place.
"""

from __future__ import annotations

import zlib
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from agents.dqn.replay import Replay
from agents.runs.atomic import replacing

FOLDER = "replay"
CHUNK_BYTES = 16 << 20  # before it is deflated: what a save needs of memory beside the replay


class ReplayLog:
    """The chunks of one run's replay.

    Args:
        run_folder: chunks go to its folder `replay`.
        replay: what is saved, or restored into.
    """

    def __init__(self, run_folder: Path, replay: Replay) -> None:
        self.folder = run_folder / FOLDER
        self.replay = replay
        self._saved = np.zeros(replay.num_envs, np.int64)  # `written` at the last append
        self._ends: dict[int, list[int]] = {}  # chunk number -> `written` at its end
        self._count = 0
        row_bytes = sum(column[0, 0].nbytes for column in replay.columns.values())
        self._places_a_chunk = max(CHUNK_BYTES // (row_bytes * replay.num_envs), 1)

    def append(self) -> dict[str, Any]:
        """Write what is new. Returns what the training state must hold: plain numbers and tensors."""
        replay = self.replay
        first = np.maximum(self._saved, replay.written - replay.places)
        while (first < replay.written).any():
            until = np.minimum(first + self._places_a_chunk, replay.written)
            self.folder.mkdir(exist_ok=True)
            with replacing(self._path(self._count)) as file:
                rows = _deflated(replay.rows(first, until))
                np.savez(file, allow_pickle=False, first=first, until=until, **rows)
            self._ends[self._count] = until.tolist()
            self._count += 1
            first = until
        self._saved = replay.written.copy()
        oldest = self.replay.written - self.replay.places
        self._ends = {n: end for n, end in self._ends.items() if (np.array(end) > oldest).any()}
        state: dict[str, Any] = {"chunks": dict(self._ends), "count": self._count}
        if self.replay.priorities is not None:
            priorities = self.replay.priorities.state()
            state["priorities"] = {name: torch.from_numpy(values) for name, values in priorities.items()}
        return state

    def prune(self) -> None:
        """Delete the chunks that the last `append` no longer named."""
        kept = {self._path(number) for number in self._ends}
        for path in self.folder.glob("chunk-*.npz"):
            if path not in kept:
                path.unlink()

    def restore(self, state: dict[str, Any]) -> None:
        """Fill the replay as it was when `append` returned `state`; drop what was written after it.

        Raises: FileNotFoundError where a chunk is missing.
        """
        self._ends, self._count = dict(state["chunks"]), state["count"]
        for number in sorted(self._ends):
            with np.load(self._path(number), allow_pickle=False) as chunk:
                rows = _inflated(chunk, self.replay)
                self.replay.put_rows(chunk["first"], chunk["until"], rows)
        if self.replay.priorities is not None:
            priorities = {name: values.numpy() for name, values in state["priorities"].items()}
            self.replay.priorities.restore(priorities)
        self._saved = self.replay.written.copy()
        self.prune()

    def _path(self, number: int) -> Path:
        return self.folder / f"chunk-{number:06d}.npz"


def _deflated(rows: dict[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    packed = zlib.compress(np.ascontiguousarray(rows["obs"]).data, level=1)
    return rows | {"obs": np.frombuffer(packed, np.uint8)}


def _inflated(chunk: Any, replay: Replay) -> dict[str, NDArray[Any]]:
    rows = {name: chunk[name] for name in replay.columns}
    column = replay.columns["obs"]
    flat = np.frombuffer(zlib.decompress(rows["obs"].data), column.dtype)
    return rows | {"obs": flat.reshape(-1, *column.shape[2:])}
