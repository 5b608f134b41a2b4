"""A real window, on a display of its own: opened by the command line, driven by keys, closed by SIGTERM."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

XVFB = shutil.which("Xvfb")
SCRIPT = Path(__file__).parents[2] / "scripts" / "watch.py"
WAIT_SECONDS = 120.0  # for a picture; a busy machine takes its time

pytestmark = pytest.mark.skipif(XVFB is None, reason="Xvfb is not installed: apt-get install xvfb")


@pytest.fixture
def display() -> Iterator[str]:
    assert XVFB is not None
    reader, writer = os.pipe()
    server = subprocess.Popen(
        [XVFB, "-displayfd", str(writer), "-screen", "0", "1280x800x24", "-nolisten", "tcp"],
        pass_fds=[writer],
        stderr=subprocess.DEVNULL,
    )
    os.close(writer)
    with os.fdopen(reader) as answer:
        number = answer.readline().strip()
    yield f":{number}"
    server.terminate()
    server.wait()


DRIVEN = """
import sys
from envs.view import window
from envs.view.sdl import pygame
shown = window.Window.frame
count = 0
def frame(self, seconds):
    global count
    count += 1
    if count in (5, 40):
        pygame.event.post(pygame.event.Event(pygame.KEYDOWN, key=pygame.K_c))
    alive = shown(self, seconds)
    if count == 60:
        print(pygame.display.get_driver(), flush=True)
    return alive
window.Window.frame = frame
from scripts.watch import main
sys.exit(main(sys.argv[1:]))
"""


def test_a_real_window_shows_a_game_takes_screenshots_and_ends_with_sigterm(
    display: str, tmp_path: Path
) -> None:
    environment = os.environ | {"DISPLAY": display, "PYTHONPATH": str(SCRIPT.parents[1])}
    environment.pop("SDL_VIDEODRIVER", None)
    program = subprocess.Popen(
        [sys.executable, "-c", DRIVEN, "tic_tac_toe", "random", "random", "--games", "50"],
        cwd=tmp_path,
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert program.stdout is not None
        assert program.stdout.readline() == "x11\n"
        assert {path.name for path in tmp_path.iterdir()} == {"watch_000.png", "watch_001.png"}
        began = time.monotonic()
        program.send_signal(signal.SIGTERM)
        assert program.wait(timeout=WAIT_SECONDS) == 128 + signal.SIGTERM
        assert time.monotonic() - began < 5.0  # one second on a machine that is not busy
    finally:
        program.kill()
        program.communicate()
