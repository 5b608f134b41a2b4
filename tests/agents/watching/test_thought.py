"""Jobs beside the drawing thread, and a program that ends among them."""

import subprocess
import sys
import threading

import pytest

from agents.watching.thought import Thought

ENDS_AMONG_JOBS = """
import sys, time
from agents.watching.thought import Thought, exit_among_jobs
job = Thought(lambda: time.sleep(60) if "job" in sys.argv else None)
job.wait(0 if "job" in sys.argv else None)
print("told", end="")
try:
    exit_among_jobs(3)
finally:
    print(" and unwound")
"""


def test_a_thought_gives_what_its_job_returned_or_raised() -> None:
    go = threading.Event()
    thought = Thought(lambda: go.wait() and 7)
    assert not thought.ready
    assert not thought.wait(0.01)
    go.set()
    assert thought.result() == 7
    assert thought.ready
    with pytest.raises(ZeroDivisionError):
        Thought(lambda: 1 // 0).result()


@pytest.mark.parametrize(("argument", "said"), [("job", "told"), ("idle", "told and unwound\n")])
def test_a_program_ends_at_once_among_jobs_with_all_that_it_said(argument: str, said: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", ENDS_AMONG_JOBS, argument],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (3, said, "")
