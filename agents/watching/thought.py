"""A slow job beside the drawing thread. What it returned, or raised, is taken when somebody asks."""

import os
import sys
import threading
from collections.abc import Callable
from typing import Generic, NoReturn, TypeVar

T = TypeVar("T")


class Thought(Generic[T]):
    """A job that runs in a thread of its own from now on; the thread does not keep the program alive."""

    def __init__(self, job: Callable[[], T]) -> None:
        self._job = job
        self._result: list[T] = []
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    @property
    def ready(self) -> bool:
        """Whether the job has ended."""
        return not self._thread.is_alive()

    def wait(self, seconds: float | None = None) -> bool:
        """Wait for the end, at most so long; returns `ready`."""
        self._thread.join(seconds)
        return self.ready

    def result(self) -> T:
        """What the job returned; waits for it. Raises what the job raised."""
        self._thread.join()
        if self._error is not None:
            raise self._error
        return self._result[0]

    def _run(self) -> None:
        try:
            self._result.append(self._job())
        except BaseException as error:  # noqa: BLE001  # handed to the thread that asks for the result
            self._error = error


def exit_among_jobs(code: int) -> NoReturn:
    """End the program, at once where jobs still run.

    An interpreter that ends below a thread in C++ code takes the thread down with it, and the thread the
    process: "terminate called without an active exception".
    """
    if any(thread.daemon for thread in threading.enumerate()):
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    sys.exit(code)
