"""A film of what a window shows, made while it is shown: pictures go to a thread that encodes them."""

import contextlib
import queue
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from envs.view.recorder import Recorder

PICTURES_PER_SECOND = 30
WAITING_MAX = 30  # pictures; where the encoder falls behind further, they are left out
LOOK_SECONDS = 0.05  # between looks at whether the film is over


class Filming:
    """A film that is being made; `advance` says how time runs, so that it lasts as long as what it shows."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._due = 1.0  # pictures
        self._left_out = 0
        self._pictures: queue.Queue[NDArray[np.uint8]] = queue.Queue(WAITING_MAX)
        self._ended = threading.Event()
        self._error: Exception | None = None
        self._thread = threading.Thread(target=self._write, daemon=True)
        self._thread.start()

    def advance(self, seconds: float, picture: Callable[[], NDArray[np.uint8]]) -> None:
        """Add uint8[H, W, 3] as often as is due after so much more time; returns at once."""
        self._due += seconds * PICTURES_PER_SECOND
        count = int(self._due)
        self._due -= count
        if not count or self._ended.is_set():
            return
        pixels = picture()
        for _ in range(count):
            try:
                self._pictures.put_nowait(pixels)
            except queue.Full:
                self._left_out += 1

    def stop(self) -> None:
        """No further pictures; those that wait are still written."""
        self._ended.set()

    @property
    def result(self) -> str:
        """What came of it, in words; empty until the file is complete."""
        if self._thread.is_alive():
            return ""
        if self._error is not None:
            return f"no film: {self._error}"
        lost = f"; {self._left_out} pictures left out" if self._left_out else ""
        return f"saved {self.path}{lost}"

    def close(self, seconds: float) -> None:
        """Stop, drop what waits, and wait at most so long until the file is complete."""
        self.stop()
        with contextlib.suppress(queue.Empty):
            while True:
                self._pictures.get_nowait()
        self._thread.join(seconds)

    def _write(self) -> None:
        try:
            with Recorder(self.path, PICTURES_PER_SECOND) as recorder:
                for pixels in self._waiting():
                    recorder.add(pixels)
        except (OSError, ValueError, RuntimeError) as error:  # told by `result`, in the window's own thread
            self._error = error

    def _waiting(self) -> Iterator[NDArray[np.uint8]]:
        while True:
            try:
                yield self._pictures.get(timeout=LOOK_SECONDS)
            except queue.Empty:
                if self._ended.is_set():
                    return
