"""Workers and crews: every call is answered once, whoever dies, and nobody is left behind."""

import functools
import multiprocessing
import os
import queue
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from agents.workers.crew import DEATHS_MAX, Crew, Post
from agents.workers.job import JobFailed, MakeJob
from agents.workers.processes import ProcessSite, ProcessWorker
from agents.workers.site import WorkerDied


class Ledger:
    """A job that writes down in a file what it does, before it answers: number, incarnation, process."""

    def __init__(self, path: Path, before: int) -> None:
        self._path, self._before = path, before

    def do(self, message: int) -> tuple[int, int]:
        if message < 0:
            raise LookupError(f"no number {message}")
        line = f"{message} {self._before} {os.getpid()}\n"
        descriptor = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        os.write(descriptor, line.encode())
        os.close(descriptor)
        time.sleep(0.01)
        return message, self._before


class Mortal:
    """A job whose process ends at its first call."""

    def do(self, message: Any) -> Any:
        os._exit(7)


def done(path: Path) -> list[list[int]]:
    """[number, incarnation, pid] in the order in which it was done."""
    return [[int(word) for word in line.split()] for line in path.read_text().splitlines()]


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def wait_for(holds: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.01)


@contextmanager
def worker(make_job: MakeJob) -> Iterator[ProcessWorker]:
    hired = ProcessWorker(make_job)
    try:
        yield hired
    finally:
        hired.close()


def test_a_worker_answers_each_call(tmp_path: Path) -> None:
    with worker(functools.partial(Ledger, tmp_path / "done", 0)) as hired:
        assert [hired.call(number) for number in range(3)] == [(0, 0), (1, 0), (2, 0)]
        pids = {pid for _, _, pid in done(tmp_path / "done")}
        assert pids == {hired.pid}
        assert os.getpid() not in pids
    assert not is_alive(hired.pid)


def test_what_a_job_raises_is_raised_by_the_call_and_the_job_goes_on(tmp_path: Path) -> None:
    with worker(functools.partial(Ledger, tmp_path / "done", 0)) as hired:
        with pytest.raises(JobFailed, match="LookupError: no number -1"):
            hired.call(-1)
        assert hired.call(5) == (5, 0)


def test_a_killed_worker_says_how_it_died() -> None:
    with worker(Mortal) as hired, pytest.raises(WorkerDied, match="exit code 7"):
        hired.call(None)
    with worker(Mortal) as hired:
        os.kill(hired.pid, signal.SIGKILL)
        with pytest.raises(WorkerDied, match="exit code -9"):
            hired.call(None)


def test_killed_again_and_again_a_crew_answers_every_call_exactly_once(tmp_path: Path) -> None:
    path, calls, answers = tmp_path / "done", queue.SimpleQueue[int](), queue.SimpleQueue[tuple[int, int]]()
    count = 600  # enough for successors that start slowly
    for number in range(count):
        calls.put(number)

    def lead(i: int, post: Post) -> None:
        while not calls.empty():
            number = calls.get()
            answers.put(post.call(lambda is_new, number=number: number))

    def make_job(i: int, before: int) -> MakeJob:
        return functools.partial(Ledger, path, before)

    with Crew(ProcessSite(2), make_job, lead, name="worker") as crew:
        for kills in range(1, 4):
            wait_for(lambda: answers.qsize() > 60 * kills)  # noqa: B023
            os.kill(done(path)[-1][2], signal.SIGKILL)
            wait_for(lambda: len(crew.deaths) == kills)  # noqa: B023
        wait_for(lambda: answers.qsize() == count)
        crew.check()
    told = [answers.get() for _ in range(count)]
    assert sorted(number for number, _ in told) == list(range(count))
    assert crew.deaths == ["exit code -9"] * 3
    again = len(done(path)) - count  # done by a worker that died before it could say so, and done anew
    assert 0 <= again <= 3
    assert sum(before > 0 for _, before in told) > 60
    assert not any(is_alive(pid) for _, _, pid in done(path))
    assert not multiprocessing.active_children()


def test_the_successor_is_told_that_it_is_new(tmp_path: Path) -> None:
    hired: list[ProcessWorker] = []

    def hire(before: int) -> ProcessWorker:
        hired.append(ProcessWorker(functools.partial(Ledger, tmp_path / "done", before)))
        return hired[-1]

    told: list[bool] = []

    def message(is_new: bool) -> int:
        told.append(is_new)
        return len(told)

    post = Post(hire, "worker")
    assert [post.call(message) for _ in range(2)] == [(1, 0), (2, 0)]
    os.kill(hired[0].pid, signal.SIGKILL)
    assert post.call(message) == (4, 1)
    assert told == [True, False, False, True]
    post.close()


def test_who_dies_every_time_is_given_up_with_the_exit_code() -> None:
    def lead(i: int, post: Post) -> None:
        post.call(lambda is_new: None)

    with Crew(ProcessSite(1), lambda i, before: Mortal, lead, name="player") as crew:
        wait_for(lambda: len(crew.deaths) == DEATHS_MAX)
        wait_for(lambda: crew._error is not None)
        with pytest.raises(ChildProcessError, match=r"player 0: 5 workers in a row died.*exit code 7"):
            crew.check()


def test_a_fault_of_the_job_is_not_repeated(tmp_path: Path) -> None:
    post = Post(lambda before: ProcessWorker(functools.partial(Ledger, tmp_path / "done", before)), "worker")
    with pytest.raises(JobFailed, match="no number -4"):
        post.call(lambda is_new: -4)
    assert post.deaths == []
    post.close()


ORPHAN = """
import functools, sys, time
from pathlib import Path
from agents.workers.processes import ProcessWorker
from tests.agents.workers.test_crew import Sleeper
if __name__ == "__main__":
    hired = ProcessWorker(Sleeper)
    print(hired.call(0), flush=True)
    hired.call(600)
"""


class Sleeper:
    """A job that takes long; says which process it is in."""

    def do(self, message: float) -> int:
        time.sleep(message)
        return os.getpid()


def test_a_worker_in_the_middle_of_a_call_ends_with_a_killed_parent(tmp_path: Path) -> None:
    script = tmp_path / "parent.py"
    script.write_text(ORPHAN)
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    with subprocess.Popen(
        [sys.executable, script], stdout=subprocess.PIPE, text=True, env=environment
    ) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        assert is_alive(pid)
        parent.kill()
    wait_for(lambda: not is_alive(pid), 10)
