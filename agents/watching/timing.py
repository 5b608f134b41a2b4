"""How quickly the viewer answers: until its first picture, from frame to frame, and to a key while an agent
thinks.

Everything runs through the window itself, on SDL's dummy display where no other is named.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from envs.view.canvas import Canvas
from envs.view.draw import DEFAULT_SIZE, paint
from envs.view.sdl import pygame
from envs.view.window import FRAMES_PER_SECOND, Window

if TYPE_CHECKING:
    from agents.watching.scenes import Scene

KEYS = (pygame.K_n, pygame.K_v, pygame.K_TAB, pygame.K_h, pygame.K_h)
KEY_SECONDS = 0.1  # from one key to the next
PAGES_WARM = 2  # frames of each page that make its letters and shapes, not counted

ONE_FRAME = """
import sys
from envs.view.window import Window
frame = Window.frame
def first(self, seconds):
    frame(self, seconds)
    print("drawn", flush=True)
    return False
Window.frame = first
from scripts.watch import main
sys.exit(main(sys.argv[1:]))
"""


@dataclass(frozen=True, slots=True)
class FrameTimes:
    """Seconds of each frame by the clock, and of the processor that drew them."""

    page: str
    seconds: tuple[float, ...]
    processor_seconds: float

    @property
    def rate(self) -> float:
        """Frames a second."""
        return len(self.seconds) / sum(self.seconds)


def first_picture_seconds(argv: Sequence[str]) -> float:
    """From the start of `watch.py ARGV` in a new process to its first picture."""
    started = time.perf_counter()
    command, environment = [sys.executable, "-c", ONE_FRAME, *argv], os.environ | _display()
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as program:
        assert program.stdout is not None
        line = program.stdout.readline()
        elapsed = time.perf_counter() - started
    if line != "drawn\n":
        raise RuntimeError(f"watch.py {' '.join(argv)} drew nothing")
    return elapsed


def page_frames(scene: Scene, steps: int, size: tuple[int, int] = DEFAULT_SIZE) -> Iterator[FrameTimes]:
    """Each page of a scene over `steps` of its steps: a new picture each time, never one drawn before."""
    for page in scene.pages.tabs.names:
        scene.pages.show(page)
        canvas, seconds, processor = Canvas(size), [], 0.0
        for step in range(PAGES_WARM + steps):
            if not scene.step_now():
                break
            scene.settle()
            started, processor_started = time.perf_counter(), time.process_time()
            paint(canvas, scene.picture())
            if step >= PAGES_WARM:
                seconds.append(time.perf_counter() - started)
                processor += time.process_time() - processor_started
        if seconds:
            yield FrameTimes(page, tuple(seconds), processor)


def answer_seconds(scene: Scene, seconds: float) -> list[float]:
    """From each of many keys to the end of the frame that obeys it, while the window runs for so long."""
    os.environ.update(_display())
    window = Window(scene)
    answers: list[float] = []
    clock, due = pygame.time.Clock(), KEY_SECONDS
    started = time.perf_counter()
    try:
        while (elapsed := time.perf_counter() - started) < seconds:
            posted = None
            if elapsed >= due:
                posted, due = time.perf_counter(), due + KEY_SECONDS
                key = KEYS[len(answers) % len(KEYS)]
                pygame.event.post(pygame.event.Event(pygame.KEYDOWN, key=key))
            window.frame(clock.tick(FRAMES_PER_SECOND) / 1000)
            if posted is not None:
                answers.append(time.perf_counter() - posted)
    finally:
        window.close()
    return answers


def _display() -> dict[str, str]:
    """The environment that gives SDL a display."""
    return {} if os.environ.get("SDL_VIDEODRIVER") else {"SDL_VIDEODRIVER": "dummy"}
