"""The one pygame window: shows a scene's picture, hands it keys and clicks, and never waits for it.

A scene does its slow work elsewhere (in threads) and answers at once; the picture is drawn again only when
something changed. The user may drag it to any size from LEAST_SIZE on; a film keeps the size that it began
with. The window itself knows help (h), screenshot (c), record (m) and quit (q, escape, closing
it, Ctrl-C, SIGTERM).
"""

import signal
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from envs.view.canvas import SIDE_MAX, Canvas
from envs.view.draw import DEFAULT_SIZE, cell_at, paint
from envs.view.filming import Filming
from envs.view.pictures import Cell, Help, KeyHelp, Picture, Spot
from envs.view.recorder import save_png
from envs.view.sdl import has_display, pygame

FRAMES_PER_SECOND = 60
LEAST_SIZE = (960, 600)  # pixels; the window springs back from less
NOTICE_SECONDS = 4.0
FILM_CLOSE_SECONDS = 0.6  # at most, for a film's last pictures when the window is closed
TERMINATED = 143  # 128 + SIGTERM, as shells report it
OWN_KEYS: tuple[KeyHelp, ...] = (
    ("h", "this help"),
    ("c", "screenshot"),
    ("m", "record a film, and stop"),
    ("q  esc", "quit"),
)


class Scene(Protocol):
    """What a window shows. Every method answers at once."""

    @property
    def title(self) -> str:
        """For the window's frame."""

    @property
    def keys(self) -> Sequence[KeyHelp]:
        """The keys that `press` knows, for the help."""

    def advance(self, seconds: float) -> bool:
        """Let time pass; returns whether the picture has changed."""

    def picture(self) -> Picture:
        """What is to be seen now."""

    def press(self, key: str) -> None:
        """A key by its name ("space", "left", "5"); unknown ones are ignored."""

    def release(self, key: str) -> None:
        """A key was let go."""

    def click(self, cell: Cell) -> None:
        """A click on a cell of the board."""

    def pick(self, spot: Spot) -> None:
        """A click on another part of the page that has a meaning."""

    def close(self) -> None:
        """Stop all work; called once, also in the middle of a think."""


class Window:
    """A scene on the screen. Use `run`, or call `frame` again and again."""

    def __init__(self, scene: Scene, size: tuple[int, int] = DEFAULT_SIZE, folder: Path = Path()) -> None:
        """Open the window; `folder` takes the screenshots. Raises: ValueError without a display."""
        if not has_display():
            raise ValueError("there is no display to open a window on")
        self._scene = scene
        self._canvas = Canvas(size)
        self._folder = folder
        self._help = False
        self._changed = True
        self._notice, self._notice_seconds = "", 0.0
        self._film: tuple[Filming, Canvas] | None = None  # drawn on its own where the window's size changed
        pygame.display.init()
        self._screen = pygame.display.set_mode(size, pygame.RESIZABLE)
        pygame.display.set_caption(f"Advantage - {scene.title}")
        pygame.event.set_blocked(pygame.MOUSEMOTION)
        self._events: list[pygame.event.Event] = []  # that ended a wait
        self._last_wait = time.perf_counter()

    @property
    def canvas(self) -> Canvas:
        """What is shown."""
        return self._canvas

    def wait(self) -> float:
        """Wait until the next frame is due, or something happens; returns the seconds since the last time."""
        left = self._last_wait + 1 / FRAMES_PER_SECOND - time.perf_counter()
        if left > 0 and (event := pygame.event.wait(max(1, round(1000 * left)))).type != pygame.NOEVENT:
            self._events.append(event)
        before, self._last_wait = self._last_wait, time.perf_counter()
        return self._last_wait - before

    def frame(self, seconds: float) -> bool:
        """Handle what happened, let `seconds` pass, draw if needed. False: the user wants to quit."""
        events, self._events = self._events, []
        for event in events + pygame.event.get():
            if event.type == pygame.QUIT:
                return False
            if event.type == pygame.KEYDOWN and not self._key(key_name(event.key)):
                return False
            if event.type == pygame.KEYUP:
                self._scene.release(key_name(event.key))
            if event.type == pygame.MOUSEBUTTONDOWN and event.button == pygame.BUTTON_LEFT:
                self._click(event.pos)
            if event.type == pygame.WINDOWSIZECHANGED:
                self._resize((event.x, event.y))
            if event.type in (pygame.WINDOWEXPOSED, pygame.WINDOWRESTORED):
                self._changed = True
        self._changed |= self._scene.advance(seconds)
        self._changed |= self._notice_fades(seconds)
        if self._changed:
            self._show()
        self._film_on(seconds)
        return True

    def run(self) -> None:
        """Frames until the user quits or the process is told to end; then closes the scene and the window."""
        try:
            with _sigterm_as_exit():
                while self.frame(self.wait()):
                    pass
        finally:
            self.close()

    def close(self) -> None:
        """End the film, the scene, then the window."""
        if self._film is not None:
            self._film[0].close(FILM_CLOSE_SECONDS)
        self._scene.close()
        pygame.display.quit()

    def _key(self, key: str) -> bool:
        self._changed = True
        if key == "q" or (key == "escape" and not self._help):
            return False
        if key == "h" or self._help:
            self._help = not self._help
        elif key == "c":
            self._tell(f"saved {save_png(self._free_path('.png'), self._canvas.pixels())}")
        elif key == "m":
            self._record()
        else:
            self._scene.press(key)
        return True

    def _click(self, point: tuple[int, int]) -> None:
        self._changed = True
        if self._help:
            self._help = False
            return
        cell = cell_at(self._canvas, self._scene.picture(), point)
        if cell is not None:
            self._scene.click(cell)
        elif (spot := self._canvas.spot_at(point)) is not None:
            self._scene.pick(spot)

    def _resize(self, size: tuple[int, int]) -> None:
        """Lay everything out anew."""
        width, height = (
            min(max(side, least), SIDE_MAX) for side, least in zip(size, LEAST_SIZE, strict=True)
        )
        if (width, height) != self._screen.get_size():
            self._screen = pygame.display.set_mode((width, height), pygame.RESIZABLE)
        if (width, height) != self._canvas.rect.size:
            self._canvas = Canvas((width, height))
        self._changed = True

    def _record(self) -> None:
        """Begin a film, or finish the one that is being made."""
        if self._film is not None:
            self._film[0].stop()
            return
        width, height = self._canvas.rect.size
        self._film = Filming(self._free_path(".mp4")), Canvas((width // 2 * 2, height // 2 * 2))
        self._tell(f"recording {self._film[0].path}: m stops")

    def _film_on(self, seconds: float) -> None:
        if self._film is None:
            return
        film, canvas = self._film
        film.advance(seconds, lambda: self._pixels(canvas))
        if result := film.result:
            self._film = None
            self._tell(result)

    def _pixels(self, canvas: Canvas) -> NDArray[np.uint8]:
        """What the window shows, in the size of that canvas."""
        if canvas.rect.size == self._canvas.rect.size:
            return self._canvas.pixels()
        paint(canvas, self._picture())
        return canvas.pixels()

    def _free_path(self, suffix: str) -> Path:
        paths = (self._folder / f"watch_{i:03}{suffix}" for i in range(1000))
        return next(path for path in paths if not path.exists())

    def _tell(self, notice: str) -> None:
        self._notice, self._notice_seconds = notice, NOTICE_SECONDS
        self._changed = True

    def _notice_fades(self, seconds: float) -> bool:
        self._notice_seconds -= seconds
        if self._notice and self._notice_seconds <= 0:
            self._notice = ""
            return True
        return False

    def _show(self) -> None:
        paint(self._canvas, self._picture())
        self._screen.blit(self._canvas.surface, (0, 0))
        pygame.display.flip()
        self._changed = False

    def _picture(self) -> Picture:
        """The scene's picture with what the window has to say."""
        picture = self._scene.picture()
        if self._notice:
            picture = replace(picture, footer=self._notice)
        if self._help:
            keys = (*self._scene.keys, *OWN_KEYS)
            picture = replace(picture, help=Help(title=f"Keys: {self._scene.title}", keys=keys))
        return picture


def key_name(key: int) -> str:
    """A key code's name; the number pad's keys are named as their twins."""
    name = pygame.key.name(key)
    return name[1:-1] if len(name) == 3 and name[0] == "[" else name


@contextmanager
def _sigterm_as_exit() -> Iterator[None]:
    """SIGTERM unwinds the stack, so that what is open is closed. Only the main thread may ask for signals."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def leave(number: int, frame: object) -> None:
        sys.exit(TERMINATED)

    before = signal.signal(signal.SIGTERM, leave)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
