"""Workers in processes of this machine. They end with the process that made them, however that one ends."""

import multiprocessing
import os
import signal
import threading
from multiprocessing.connection import Connection
from typing import Any

from agents.workers.job import MakeJob, begin, perform, unwrapped
from agents.workers.site import Worker, WorkerDied

CLOSE_SECONDS = 5.0  # that a process may take to end


class ProcessSite:
    """This machine.

    Args:
        room: for so many workers.
    """

    def __init__(self, room: int) -> None:
        self.room = room

    def hire(self, make_job: MakeJob) -> Worker:
        """Start a process."""
        return ProcessWorker(make_job)

    def share(self, value: Any) -> Any:
        """The value itself: each process gets it through its own pipe."""
        return value


class ProcessWorker:
    """A job in a process of its own."""

    def __init__(self, make_job: MakeJob) -> None:
        context = multiprocessing.get_context("spawn")  # torch and numba threads do not survive a fork
        self._connection, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs, make_job), daemon=True)
        self._process.start()
        theirs.close()

    @property
    def pid(self) -> int:
        """Of the process."""
        assert self._process.pid is not None
        return self._process.pid

    def call(self, message: Any) -> Any:
        """Send the message and wait for the answer."""
        try:
            self._connection.send(message)
            answer = self._connection.recv()
        except (EOFError, OSError) as error:
            self._process.join(CLOSE_SECONDS)
            raise WorkerDied(f"exit code {self._process.exitcode}") from error
        return unwrapped(answer)

    def close(self) -> None:
        """End the process. The pipe stays for a call that waits, which sees its end."""
        self._process.terminate()
        self._process.join(CLOSE_SECONDS)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()


def _serve(connection: Connection, make_job: MakeJob) -> None:
    """The life of a worker process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; our maker closes us
    threading.Thread(target=_end_with_parent, daemon=True).start()
    job = begin(make_job)
    try:
        while True:
            connection.send(perform(job, connection.recv()))
    except (EOFError, BrokenPipeError, ConnectionResetError):
        return  # nobody is left who would call


def _end_with_parent() -> None:
    """A call may take minutes; do not finish it for nobody."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)
