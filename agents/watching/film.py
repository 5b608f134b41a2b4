"""A session without a window: pictures and films on disk."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from envs.view.draw import draw
from envs.view.pictures import Picture
from envs.view.recorder import Recorder, save_png


class Session(Protocol):
    """What can go on by itself, one step after the other."""

    def settle(self) -> None:
        """Complete the picture of the current step."""

    def step_now(self) -> bool:
        """Take one step; False when there is none left."""

    def picture(self) -> Picture:
        """What is to be seen."""


@dataclass(frozen=True, slots=True)
class Filmed:
    """A file that was written, and the steps behind it."""

    path: Path
    steps: int


def screenshot(session: Session, path: Path, size: tuple[int, int], at: int) -> Filmed:
    """The picture after `at` steps, or after the last one if there are fewer."""
    steps = 0
    while steps < at and session.step_now():
        steps += 1
    session.settle()
    return Filmed(save_png(path, draw(session.picture(), size)), steps)


def record(
    session: Session, path: Path, size: tuple[int, int], steps: int | None, pictures_per_second: float
) -> Filmed:
    """A film with one picture for each step and one for the start; to the end where `steps` is None."""
    count = -1
    with Recorder(path, pictures_per_second) as recorder:
        for pixels in _pictures(session, size, steps):
            recorder.add(pixels)
            count += 1
    return Filmed(recorder.path, count)


def _pictures(session: Session, size: tuple[int, int], steps: int | None) -> Iterator[NDArray[np.uint8]]:
    taken = 0
    while True:
        session.settle()
        yield draw(session.picture(), size)
        if taken == steps or not session.step_now():
            return
        taken += 1
