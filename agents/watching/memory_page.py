"""What a memory went through, as a picture: states unit by unit, gates on average, and the values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from envs.view.pictures import ActionValue, MemoryPicture, Series, Strip

if TYPE_CHECKING:
    from networks.memory_trace import MemoryTrace

SERIES_MAX = 6  # actions whose values are drawn over time: as many as there are colours
FOOTER = "h help · tab page · [ ] checkpoints · click a step: go there · space pause · . step · left undo"


def memory_picture(
    found: MemoryTrace,
    *,
    title: str,
    status: str,
    footer: str,
    frame: NDArray[np.uint8] | None,
    first: int,
    cursor: int,
    action_names: Sequence[str],
) -> MemoryPicture:
    """The page at one step.

    Args:
        first: the episode's step of the trace's first column.
        cursor: the column of the step that is shown.
    """
    units = found.hidden.shape[1]
    states = (("Hidden state h", found.hidden), ("Cell state c", found.cell))
    strips = [
        Strip(title=f"{name}: {units} units over time", values=each.T, high=float(np.abs(each).max()) or 1.0)
        for name, each in states
        if each is not None
    ]
    now = found.q[cursor]
    shown = np.sort(np.argsort(-now, kind="stable")[:SERIES_MAX])
    return MemoryPicture(
        title=title,
        status=status,
        footer=footer,
        frame=frame,
        strips=strips,
        gates=[Series(name=name, values=gate.mean(axis=1).tolist()) for name, gate in found.gates.items()],
        q=[Series(name=action_names[action], values=found.q[:, action].tolist()) for action in shown],
        actions=[
            ActionValue(name=name, value=float(q), chosen=i == int(now.argmax()))
            for i, (name, q) in enumerate(zip(action_names, now, strict=True))
        ],
        first=first,
        cursor=cursor,
    )
