"""Workers as Ray actors: on this machine, or on all machines of a cluster that was started with `ray start`.

Each actor reserves a CPU. Ray itself restarts nothing: who dies is replaced by `agents.workers.crew`, which
knows what was under way. On a cluster that is joined the code of this project travels with the work; what
its machines need is Python, Ray and the dependencies in the versions of this one.
"""

from __future__ import annotations

import os
from typing import Any

os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # read at import: nothing is reported to anyone

import ray
from ray.exceptions import RayActorError

from agents.runs.model import PROJECT_ROOT
from agents.workers.config import cores, joined_address
from agents.workers.job import MakeJob, begin, perform, unwrapped
from agents.workers.site import Worker, WorkerDied

PACKAGES = ("agents", "envs", "networks")  # what a job may import
STORE_BYTES = 200 << 20  # of shared memory, in a cluster of our own: a few networks and harvests


class RaySite:
    """A Ray cluster; use it in a `with`, which leaves the cluster, and ends it where it is our own.

    Args:
        room: for so many workers; None: one for each CPU of the cluster.
        address: of a cluster to join; None: RAY_ADDRESS, or else a cluster of our own.
    Raises: ValueError where the cluster has not so many CPUs; ConnectionError where there is no cluster.
    """

    def __init__(self, room: int | None, address: str | None) -> None:
        address = joined_address(address)
        quiet: dict[str, Any] = {"log_to_driver": False, "logging_level": "ERROR"}
        if address is None:
            ray.init(
                address="local",
                num_cpus=room or cores(),
                object_store_memory=STORE_BYTES,
                include_dashboard=False,
                **quiet,
            )
        else:
            others = [f"/{path.name}" for path in PROJECT_ROOT.iterdir() if path.name not in PACKAGES]
            code = {"working_dir": str(PROJECT_ROOT), "excludes": [*others, "__pycache__"]}
            ray.init(address=address, runtime_env=code, **quiet)
        cpus = int(ray.cluster_resources().get("CPU", 0))
        self.room = cpus if room is None else room
        if not 1 <= self.room <= cpus:
            ray.shutdown()
            raise ValueError(
                f"--workers ray:{self.room}: the Ray cluster has {cpus} CPUs, one for each worker; "
                "take fewer, or start more nodes (ray start)"
            )

    def hire(self, make_job: MakeJob) -> Worker:
        """Start an actor where a CPU is free; it waits where none is."""
        return RayWorker(make_job)

    def share(self, value: Any) -> Any:
        """A reference: each node fetches the value once, for all its workers."""
        return ray.put(value)

    def __enter__(self) -> RaySite:
        return self

    def __exit__(self, *raised: object) -> None:
        ray.shutdown()


class RayWorker:
    """A job in an actor of its own."""

    def __init__(self, make_job: MakeJob) -> None:
        options = {"num_cpus": 1, "max_restarts": 0, "max_task_retries": 0, "scheduling_strategy": "SPREAD"}
        self._actor = ray.remote(_Actor).options(**options).remote(make_job)

    def call(self, message: Any) -> Any:
        """Send the message and wait for the answer."""
        try:
            answer = ray.get(self._actor.perform.remote(message))
        except RayActorError as error:
            raise WorkerDied(" ".join(str(error).split())) from error
        return unwrapped(answer)

    def close(self) -> None:
        """End the actor."""
        ray.kill(self._actor)


class _Actor:
    """The life of a worker, as Ray calls it."""

    def __init__(self, make_job: MakeJob) -> None:
        self._job = begin(make_job)

    def perform(self, message: Any) -> Any:
        return perform(self._job, message)
