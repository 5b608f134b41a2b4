"""An outside program at the other end of two pipes: asked within a time limit, and ended with all it started.

No thread reads ahead. While nobody asks, what a program writes waits in the pipe, which the kernel bounds;
while somebody does, at most OUTPUT_BYTES_MAX are read. The program has a process group of its own, which is
killed as a whole. POSIX only, as process groups are.
"""

import contextlib
import os
import selectors
import signal
import subprocess
import time
import weakref
from collections.abc import Sequence
from typing import IO

from agents.outside.foreign_text import shown
from agents.outside.gtp_text import Answer, NotGTP, parse_answer
from agents.players import OutsideFailure

OUTPUT_BYTES_MAX = 1 << 16  # of one answer; a board takes a few hundred
STDERR_BYTES_KEPT = 1 << 12  # the last of them, to tell why a program died
QUIT_SECONDS = 0.3  # for a program to end by itself when it is no longer needed
_END_OF_ANSWER = b"\n\n"


class EngineProcess:
    """A running engine that speaks GTP. It is ended by `end`, with this object, or with Python.

    Args:
        arguments: the program and its arguments; no shell reads them.
    Raises: OutsideFailure where it cannot be started.
    """

    def __init__(self, arguments: Sequence[str]) -> None:
        try:
            self._process = subprocess.Popen(
                arguments,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                bufsize=0,
                start_new_session=True,  # also a process group
            )
        except OSError as error:
            raise OutsideFailure(f"cannot be started: {error}") from error
        self._finalizer = weakref.finalize(self, _end, self._process)
        self._stdin, self._stdout, self._stderr = (pipe.fileno() for pipe in _pipes(self._process))
        os.set_blocking(self._stdin, False)  # a program that does not read must not keep us waiting
        self._unread = b""  # output that is not yet an answer
        self._last_words = b""
        self._commands = 0

    @property
    def pid(self) -> int:
        """Of the program; also its process group."""
        return self._process.pid

    def ask(self, command: str, deadline: float) -> Answer:
        """Send one command and wait for its answer.

        Args: deadline: of `time.monotonic`.
        Raises: OutsideFailure when no answer, or no proper one, came by then. The program is of no more use.
        """
        self._commands += 1
        number = str(self._commands)
        self._send(f"{number} {command}\n".encode(), command)
        try:
            answer = parse_answer(self._receive(command, deadline))
        except NotGTP as error:
            raise OutsideFailure(f"{error}; it was asked {command!r}") from error
        if answer.number != number:
            raise OutsideFailure(
                f"answered number {shown(answer.number)} when it was asked {command!r} with number {number}"
            )
        return answer

    def end(self) -> None:
        """End the program and everything it started; it may leave by itself first, if it is quick."""
        if self._finalizer.alive:
            with contextlib.suppress(OSError):
                os.write(self._stdin, b"quit\n")
                self._wait_for_the_end_of_output(time.monotonic() + QUIT_SECONDS)
            self.kill()

    def kill(self) -> None:
        """End the program and everything it started, at once."""
        self._finalizer()

    def _send(self, line: bytes, command: str) -> None:
        try:
            sent = os.write(self._stdin, line)
        except BlockingIOError:
            sent = 0
        except OSError as error:
            raise OutsideFailure(f"{self._death()} before it was asked {command!r}") from error
        if sent < len(line):
            raise OutsideFailure(f"does not read what it is asked ({command!r})")

    def _receive(self, command: str, deadline: float) -> bytes:
        """The next block of output that is not empty."""
        received = len(self._unread)
        with self._selector() as selector:
            while True:
                self._unread = self._unread.replace(b"\r", b"").lstrip(b"\n")
                block, end, rest = self._unread.partition(_END_OF_ANSWER)
                if end:
                    self._unread = rest
                    return block
                if received > OUTPUT_BYTES_MAX:
                    raise OutsideFailure(
                        f"wrote more than {OUTPUT_BYTES_MAX} bytes without an answer to {command!r}"
                    )
                seconds = deadline - time.monotonic()
                if seconds <= 0:
                    raise OutsideFailure(f"did not answer {command!r} in time")
                for key, _ in selector.select(seconds):
                    chunk = os.read(key.fd, OUTPUT_BYTES_MAX)
                    if key.fd == self._stdout and not chunk:
                        raise OutsideFailure(f"{self._death()} when it was asked {command!r}")
                    if key.fd == self._stdout:
                        received += len(chunk)
                        self._unread += chunk
                    elif chunk:
                        self._last_words = (self._last_words + chunk)[-STDERR_BYTES_KEPT:]
                    else:
                        selector.unregister(key.fd)  # it closed its stderr, which it may

    def _selector(self) -> selectors.BaseSelector:
        selector = selectors.DefaultSelector()
        selector.register(self._stdout, selectors.EVENT_READ)
        selector.register(self._stderr, selectors.EVENT_READ)
        return selector

    def _death(self) -> str:
        """That the program has ended, and its last words, as far as they are there."""
        os.set_blocking(self._stderr, False)
        with contextlib.suppress(BlockingIOError):
            self._last_words += os.read(self._stderr, STDERR_BYTES_KEPT)
        told = self._last_words.decode("utf-8", "replace").strip().splitlines()
        return f"ended or closed its output{f', saying {shown(told[-1])},' if told else ''}"

    def _wait_for_the_end_of_output(self, deadline: float) -> None:
        with self._selector() as selector:
            while (seconds := deadline - time.monotonic()) > 0:
                for key, _ in selector.select(seconds):
                    if not os.read(key.fd, OUTPUT_BYTES_MAX):
                        selector.unregister(key.fd)
                if not selector.get_map():
                    return


def _end(process: "subprocess.Popen[bytes]") -> None:
    """Kill the process group, then collect the program, so that no zombie stays."""
    with contextlib.suppress(ProcessLookupError):  # all of it has ended by itself
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    for pipe in _pipes(process):
        pipe.close()


def _pipes(process: "subprocess.Popen[bytes]") -> list[IO[bytes]]:
    """Its stdin, stdout and stderr."""
    return [pipe for pipe in (process.stdin, process.stdout, process.stderr) if pipe is not None]
