"""Which site `--workers` means: this machine or a Ray cluster."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from agents.workers.config import check_workers, parse_workers
from agents.workers.site import Site


@contextmanager
def open_site(workers: int | str, ray_address: str | None = None) -> Iterator[Site]:
    """The site that `--workers` asks for; leaves no process behind.

    Args:
        workers: see `parse_workers`.
        ray_address: of a Ray cluster to join; None: RAY_ADDRESS, or else a cluster of this machine's own.
    Raises: ValueError where there is no such site, or no room in it; ConnectionError from Ray.
    """
    check_workers(workers, ray_address)
    wanted = parse_workers(workers)
    if wanted.on_ray:
        from agents.workers.ray_cluster import RaySite  # late: the extra `scale`

        with RaySite(wanted.count, ray_address) as site:
            yield site
    else:
        from agents.workers.processes import ProcessSite

        assert wanted.count is not None
        yield ProcessSite(wanted.count)
