"""A small engine, written for its faults: it plays Connect Four into the first open column."""

import shlex
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from agents.outside.gtp_player import GTPPlayer
from envs.boards.game import game

ENGINE = """\
import os, subprocess, sys, time

LOG, FAULT = sys.argv[1:]
log = open(LOG, "a", buffering=1)
heights, moves = [0] * 7, 0


def say(text):
    sys.stdout.write(text)
    sys.stdout.flush()


def flood(text):
    while True:
        say(text)


if FAULT == "hangs at the start":
    time.sleep(1000)
if FAULT == "answers without reading":
    time.sleep(0.1)
    say("".join(f"={i} play clear_board list_commands\\n\\n" for i in range(1, 200)))
    time.sleep(1000)
if FAULT == "starts a child":
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(1000)"])
    log.write(f"child {child.pid}\\n")
for line in sys.stdin:
    number, name, *arguments = line.split() if line[0].isdigit() else ["", *line.split()]
    log.write(" ".join([name, *arguments]) + "\\n")
    answer = ""
    if name == "quit":
        break
    elif name == "list_commands":
        answer = "list_commands\\nclear_board\\nplay\\ngenmove\\nset_game\\ntime_settings"
    elif name == "clear_board":
        heights = [0] * 7
    elif name == "play":
        heights[int(arguments[1]) - 1] += 1
    elif name == "genmove":
        moves += 1
        column = next(i for i in range(7) if heights[i] < 6)
        heights[column] += 1
        answer = str(column + 1)
        if FAULT == "hangs" or FAULT == "hangs later" and moves > 2:
            time.sleep(1000)
        elif FAULT == "starts a child":
            flood("x")
        elif FAULT == "dies":
            print("Segmentation fault, said nobody", file=sys.stderr)
            os._exit(139)
        elif FAULT == "closes its output":
            os.close(1)
            time.sleep(1000)
        elif FAULT == "floods":
            flood("= 1 = 1 = 1 ")
        elif FAULT == "floods with empty lines":
            flood("\\n" * 1000)
        elif FAULT == "floods its stderr":
            while True:
                os.write(2, b"warning " * 1000)
        elif FAULT == "answers another number":
            number = "999"
        elif FAULT == "answers without a number":
            number = ""
        elif FAULT == "answers nonsense":
            say("I think, therefore I move\\n\\n")
        elif FAULT == "answers binary":
            os.write(1, bytes(range(128, 256)) + b"\\n\\n")
        elif FAULT == "plays off the board":
            answer = "Z9"
        elif FAULT == "plays an illegal move":
            answer = "4"  # full in the position of the test
        elif FAULT == "passes":
            answer = "pass"
        elif FAULT == "resigns":
            answer = "resign"
        elif FAULT == "answers with half a line":
            say("=" + number + " 1\\n")
            time.sleep(1000)
        elif FAULT == "refuses":
            say("?" + number + " I would rather not\\n\\n")
    say(f"={number} {answer}\\n\\n")
"""

Engine = Callable[..., GTPPlayer]


@pytest.fixture
def engine(tmp_path: Path, request: pytest.FixtureRequest) -> Engine:
    """A player of that engine with the fault of that name; `engine.log` has what it was told."""
    program = tmp_path / "engine.py"
    program.write_text(ENGINE)

    def build(fault: str = "none", seconds: float = 0.5) -> GTPPlayer:
        arguments = [sys.executable, "-S", str(program), str(tmp_path / "engine.log"), fault]
        player = GTPPlayer(f"engine that {fault}", game("connect_four"), arguments, seconds)
        request.addfinalizer(player.close)
        return player

    return build


@pytest.fixture
def told(tmp_path: Path) -> Callable[[], list[str]]:
    """What engines were told since the last call."""

    def take() -> list[str]:
        log = tmp_path / "engine.log"
        lines = log.read_text().splitlines()
        log.write_text("")
        return lines

    return take


@pytest.fixture
def command(tmp_path: Path) -> Callable[[str], str]:
    """The command line of that engine with a fault."""
    program = tmp_path / "engine.py"
    program.write_text(ENGINE)
    return lambda fault: shlex.join([sys.executable, "-S", str(program), str(tmp_path / "log"), fault])
