"""What a worker does, wherever it runs: a job takes one message after the other and answers each.

The same few lines run in a local process and in a Ray actor, so that a job never knows which it is in.
"""

import traceback
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

from agents.runs.allocator import keep_freed_memory


class Job(Protocol):
    """The work itself; lives in its worker from the first message to the end."""

    def do(self, message: Any) -> Any:
        """Do a piece of work. Message and answer are pickled on their way."""


MakeJob: TypeAlias = Callable[[], Job]  # called in the worker; is pickled: a class, a function or a partial


@dataclass(frozen=True, slots=True)
class Failure:
    """The answer of a job that raised: what it raised and where."""

    told: str


class JobFailed(RuntimeError):
    """A job raised: a fault of the work, which another worker would only repeat."""


def begin(make_job: MakeJob) -> Job:
    """Make the job in its worker. A job that computes with torch takes one thread: there are many workers."""
    keep_freed_memory()
    return make_job()


def perform(job: Job, message: Any) -> Any:
    """The job's answer, or a `Failure`."""
    try:
        return job.do(message)
    except Exception:  # noqa: BLE001  # handed to the caller, as its own
        return Failure(traceback.format_exc())


def unwrapped(answer: Any) -> Any:
    """The answer, on the caller's side. Raises: JobFailed instead of a `Failure`."""
    if isinstance(answer, Failure):
        raise JobFailed(f"in a worker:\n{answer.told}")
    return answer
