"""A scene without a window: pictures and films on disk."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from envs.view.draw import draw
from envs.view.pictures import Picture
from envs.view.recorder import Recorder, save_png


class StepScene(Protocol):
    """What can go on by itself, one step after the other."""

    @property
    def pictures_per_second(self) -> float:
        """Of a film with one picture for each step."""

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

    def __str__(self) -> str:
        return f"wrote {self.path} ({self.steps} step{'' if self.steps == 1 else 's'})"


def screenshot(scene: StepScene, path: Path, size: tuple[int, int], at: int) -> Filmed:
    """The picture after `at` steps, or after the last one if there are fewer."""
    steps = 0
    while steps < at and scene.step_now():
        steps += 1
    scene.settle()
    return Filmed(save_png(path, draw(scene.picture(), size)), steps)


def record(scene: StepScene, path: Path, size: tuple[int, int], steps: int | None) -> Filmed:
    """A film with one picture for the start and one for each step; to the end where `steps` is None.

    Raises: ValueError for an odd size, which films cannot have.
    """
    if size[0] % 2 or size[1] % 2:
        raise ValueError(f"a film needs an even width and height, got {size[0]}x{size[1]}")
    count = -1
    with Recorder(path, scene.pictures_per_second) as recorder:
        for pixels in _pictures(scene, size, steps):
            recorder.add(pixels)
            count += 1
    return Filmed(recorder.path, count)


def _pictures(scene: StepScene, size: tuple[int, int], steps: int | None) -> Iterator[NDArray[np.uint8]]:
    taken = 0
    while True:
        scene.settle()
        yield draw(scene.picture(), size)
        if taken == steps or not scene.step_now():
            return
        taken += 1
