"""Where workers run and how many, as a command line says it: `2`, `ray` or `ray:8`. No torch, no Ray."""

import importlib.util
import os
from dataclasses import dataclass

FORMS = "a number of processes from 1, or ray[:N]"
INSTALL_RAY = "pip install --editable '.[scale]'"


@dataclass(frozen=True, slots=True)
class WorkersConfig:
    """Where and how many."""

    on_ray: bool  # as actors of a Ray cluster, else as processes here
    count: int | None  # None: one for each CPU of the cluster


def parse_workers(given: int | str) -> WorkersConfig:
    """Read what `--workers` takes. ValueError for anything else."""
    kind, colon, number = str(given).rpartition(":")
    if str(given) == "ray":
        return WorkersConfig(on_ray=True, count=None)
    if kind == "ray" or not colon:
        try:
            count = int(number)
        except ValueError:
            count = 0
        if count >= 1:
            return WorkersConfig(on_ray=kind == "ray", count=count)
    raise ValueError(f"workers must be {FORMS}, got {given!r}")


def check_workers(workers: int | str, ray_address: str | None) -> None:
    """Whether this machine can have such workers, before anything heavy is imported or any folder made.

    Raises: ValueError, with the cure.
    """
    on_ray = parse_workers(workers).on_ray
    if on_ray and importlib.util.find_spec("ray") is None:
        raise ValueError(f"--workers {workers} needs Ray, which is not installed: {INSTALL_RAY}")
    if ray_address is not None and not on_ray:
        raise ValueError(f"--ray-address {ray_address} is for --workers ray[:N], got --workers {workers}")


def joined_address(ray_address: str | None) -> str | None:
    """Of the cluster that workers on Ray join: as given, else RAY_ADDRESS; None: one of our own, here."""
    return ray_address or os.environ.get("RAY_ADDRESS") or None


def cores() -> int:
    """How many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
