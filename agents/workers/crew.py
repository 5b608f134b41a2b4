"""Several workers at a site, each at a post of its own; who dies is replaced.

A post makes the call of a dead worker again of the next one, so that for whoever called it happened once. A
thread leads each post: a worker's next call follows its answer at once, whatever the main thread is busy
with.
"""

import threading
from collections.abc import Callable
from typing import Any, TypeAlias

from agents.workers.job import MakeJob
from agents.workers.site import Site, Worker, WorkerDied

# At one post in a row without an answer: Ray may place a successor on a node that is dying too
DEATHS_MAX = 5
CLOSE_SECONDS = 10.0  # that a thread may take to see the end of its worker

MakeMessage: TypeAlias = Callable[[bool], Any]  # given whether the worker is new


class PostClosed(RuntimeError):
    """The post was closed while it was being led."""


class Post:
    """A place where one worker follows the other.

    Args:
        hire: a worker, given how many have been there before.
        name: for messages.
    """

    def __init__(self, hire: Callable[[int], Worker], name: str) -> None:
        self.deaths: list[str] = []  # how each worker died that did
        self._hire = hire
        self._name = name
        self._worker: Worker | None = None
        self._closed = False
        self._lock = threading.Lock()

    def call(self, make_message: MakeMessage) -> Any:
        """An answer, from the first worker that lives to give it.

        Args:
            make_message: makes the message anew for each worker that is asked.
        Raises: PostClosed; ChildProcessError when worker after worker died; JobFailed.
        """
        for _ in range(DEATHS_MAX):
            worker, is_new = self._present()
            try:
                return worker.call(make_message(is_new))
            except WorkerDied as death:
                self._bury(worker, str(death))
        raise ChildProcessError(
            f"{self._name}: {DEATHS_MAX} workers in a row died without an answer, "
            f"the last one with {self.deaths[-1]}"
        )

    def close(self) -> None:
        """End the worker, and hire no more."""
        with self._lock:
            self._closed = True
            if self._worker is not None:
                self._worker.close()

    def _present(self) -> tuple[Worker, bool]:
        """The worker, and whether it is new."""
        with self._lock:
            if self._closed:
                raise PostClosed(self._name)
            if self._worker is not None:
                return self._worker, False
            self._worker = self._hire(len(self.deaths))
            return self._worker, True

    def _bury(self, worker: Worker, how: str) -> None:
        with self._lock:
            if self._closed:
                raise PostClosed(self._name)
            worker.close()  # a worker that is only out of reach must not go on
            self._worker = None
            self.deaths.append(how)


class Crew:
    """As many workers as a site has room for; use it in a `with`, which ends them.

    Args:
        site: where they work.
        make_job: given the number of the post, and of the worker at that post.
        lead: makes the calls of the post of that number, in a thread of its own; ends at PostClosed.
        name: of the workers, for messages.
    """

    def __init__(
        self,
        site: Site,
        make_job: Callable[[int, int], MakeJob],
        lead: Callable[[int, Post], None],
        *,
        name: str,
    ) -> None:
        def post(i: int) -> Post:
            return Post(lambda before: site.hire(make_job(i, before)), f"{name} {i}")

        self._posts = [post(i) for i in range(site.room)]
        self._lead = lead
        self._error: BaseException | None = None
        self._threads = [threading.Thread(target=self._run, args=(i,), daemon=True) for i in range(site.room)]
        for thread in self._threads:
            thread.start()

    @property
    def deaths(self) -> list[str]:
        """How workers died whose place was taken by others."""
        return [how for post in self._posts for how in post.deaths]

    def check(self) -> None:
        """Raise what ended a thread, if anything did."""
        if self._error is not None:
            raise self._error

    def close(self) -> None:
        """End all workers; work that they have begun is lost."""
        for post in self._posts:
            post.close()
        for thread in self._threads:
            thread.join(CLOSE_SECONDS)

    def __enter__(self) -> "Crew":
        return self

    def __exit__(self, *raised: object) -> None:
        self.close()

    def _run(self, i: int) -> None:
        try:
            self._lead(i, self._posts[i])
        except PostClosed:
            return
        except BaseException as error:  # noqa: BLE001  # handed to the thread that asks for it
            self._error = error
