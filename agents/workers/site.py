"""The interface: a site has room for workers and hires them, a worker answers calls.

An answer belongs to its call. Whoever called counts it when it comes, once; a worker that dies over a call
has answered nothing, and the call is made again of its successor (`agents.workers.crew`). There is no second
way for an answer to arrive, hence nothing to count twice.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from agents.workers.job import MakeJob


class WorkerDied(ChildProcessError):
    """A process or node was lost in the middle of its work; the message says how."""


class Worker(Protocol):
    """Does a job elsewhere."""

    def call(self, message: Any) -> Any:
        """The job's answer, for which this waits. Raises: WorkerDied; JobFailed where the job raised."""

    def close(self) -> None:
        """End it, whatever it is doing; a waiting call raises WorkerDied. May be called from any thread."""


class Site(Protocol):
    """Where workers run."""

    @property
    def room(self) -> int:
        """How many workers it is meant for."""

    def hire(self, make_job: MakeJob) -> Worker:
        """Start a worker; it may take a while until it is there for its first call."""

    def share(self, value: Any) -> Any:
        """What may be sent instead of `value` as a whole message, cheaply to many workers."""
