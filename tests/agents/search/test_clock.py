"""The clock of compiled code is Python's own, and survives numba's cache."""

import time

from agents.search.clock import NEVER, deadline_ns, now_ns
from envs.boards.dispatch import kernel


@kernel
def _read() -> int:
    return now_ns()


def test_kernels_and_python_read_the_same_clock() -> None:
    _read()
    before, between, after = now_ns(), _read(), now_ns()
    assert before <= between <= after
    assert abs(before - time.clock_gettime_ns(time.CLOCK_MONOTONIC)) < 60_000_000_000


def test_a_deadline_lies_ahead_and_may_be_never() -> None:
    assert deadline_ns(None) == NEVER
    assert deadline_ns(1e10) == NEVER  # past what 64 bits hold
    assert 900_000_000 < deadline_ns(1.0) - now_ns() <= 1_000_000_000
