"""How quickly the viewer answers: until its first picture, from frame to frame, and to a key while an agent
thinks.

Everything runs through the window itself, on SDL's dummy display where no other is named.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import cycle
from typing import TYPE_CHECKING

from envs.view.canvas import Canvas
from envs.view.draw import DEFAULT_SIZE, paint
from envs.view.sdl import pygame
from envs.view.window import Window

if TYPE_CHECKING:
    from agents.watching.scenes import Scene

KEYS = (pygame.K_n, pygame.K_v, pygame.K_TAB, pygame.K_h, pygame.K_h)
KEY_SECONDS = 0.1  # from one key to the next
PAGES_WARM = 2  # frames of each page that make its letters and shapes, not counted

ONE_FRAME = """
from envs.view.window import Window
frame = Window.frame
def first(self, seconds):
    frame(self, seconds)
    print("drawn", flush=True)
    return False
Window.frame = first
from scripts.watch import run
run()
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
    """From each of many keys to the end of the frame that obeys it, while the window runs for so long.

    A thread presses them by the clock, also in the middle of a frame.
    """
    os.environ.update(_display())
    window = Window(scene)
    answers: list[float] = []
    pressed: deque[float] = deque()
    done = threading.Event()

    def press() -> None:
        for key in cycle(KEYS):
            if done.wait(KEY_SECONDS):
                return
            pressed.append(time.perf_counter())
            pygame.event.post(pygame.event.Event(pygame.KEYDOWN, key=key))

    presser = threading.Thread(target=press)
    end = time.perf_counter() + seconds
    presser.start()
    try:
        while time.perf_counter() < end:
            elapsed, started = window.wait(), time.perf_counter()
            window.frame(elapsed)
            while pressed and pressed[0] <= started:
                answers.append(time.perf_counter() - pressed.popleft())
    finally:
        done.set()
        presser.join()
        window.close()
    return answers


def _display() -> dict[str, str]:
    """The environment that gives SDL a display."""
    return {} if os.environ.get("SDL_VIDEODRIVER") else {"SDL_VIDEODRIVER": "dummy"}
