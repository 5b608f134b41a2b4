"""What --workers takes, and what is told where it cannot be had."""

import importlib.util
from typing import Any

import pytest

from agents.workers.config import WorkersConfig, check_workers, parse_workers
from agents.workers.places import open_site


@pytest.mark.parametrize(
    ("given", "read"),
    [
        (2, WorkersConfig(on_ray=False, count=2)),
        ("3", WorkersConfig(on_ray=False, count=3)),
        ("ray", WorkersConfig(on_ray=True, count=None)),
        ("ray:4", WorkersConfig(on_ray=True, count=4)),
    ],
)
def test_processes_and_ray_are_told_apart(given: int | str, read: WorkersConfig) -> None:
    assert parse_workers(given) == read


@pytest.mark.parametrize(
    "given", [0, -1, "", "two", "ray:", "ray:0", "ray:x", "rai:2", ":2", "ray:2:3", "2.5"]
)
def test_anything_else_is_refused_with_what_is_allowed(given: int | str) -> None:
    with pytest.raises(ValueError, match=r"workers must be a number of processes from 1, or ray\[:N\], got"):
        parse_workers(given)


def test_an_address_is_for_ray_alone() -> None:
    with pytest.raises(ValueError, match=r"--ray-address head:6379 is for --workers ray"):
        check_workers(2, "head:6379")


def test_without_ray_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def nothing(name: str, *_: Any) -> None:
        return None

    monkeypatch.setattr(importlib.util, "find_spec", nothing)
    with (
        pytest.raises(ValueError, match=r"needs Ray.*pip install --editable '\.\[scale\]'"),
        open_site("ray:2"),
    ):
        pass
