"""Ctrl-C and SIGTERM as a request: a long work finishes its step, saves, and ends in good order."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any


@contextmanager
def stop_requests() -> Iterator[threading.Event]:
    """An event that Ctrl-C and SIGTERM set; a second signal raises KeyboardInterrupt at once.

    Outside the main thread, where Python allows no handlers, the event is never set.
    """
    stopped = threading.Event()

    def request(signum: int, frame: FrameType | None) -> None:
        if stopped.is_set():
            raise KeyboardInterrupt
        stopped.set()

    in_main_thread = threading.current_thread() is threading.main_thread()
    before: dict[signal.Signals, Any] = {}
    if in_main_thread:
        before = {number: signal.signal(number, request) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stopped
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
