"""A real window, on a display of its own: opened by the command line, driven by keys, closed by SIGTERM."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import imageio.v3 as imageio
import pytest

XVFB = shutil.which("Xvfb")
SCRIPT = Path(__file__).parents[2] / "scripts" / "watch.py"

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
from pygame._sdl2.video import Window
shown = window.Window.frame
count = 0
def frame(self, seconds):
    global count
    count += 1
    if count in (5, 40):
        pygame.event.post(pygame.event.Event(pygame.KEYDOWN, key=pygame.K_c))
    if count == 20:
        Window.from_display_module().size = (1100, 700)  # as a window manager does when a corner is dragged
    alive = shown(self, seconds)
    if count == 60:
        print(pygame.display.get_driver(), flush=True)
    return alive
window.Window.frame = frame
from scripts.watch import main
sys.exit(main(sys.argv[1:]))
"""


def processor_seconds(process: int) -> float:
    """What a process has used so far; see proc(5)."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


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
        first, second = (imageio.imread(tmp_path / f"watch_00{i}.png").shape for i in range(2))
        assert (first, second) == ((720, 1280, 3), (700, 1100, 3))
        before = processor_seconds(program.pid)
        program.send_signal(signal.SIGTERM)
        _, status, used = os.wait4(program.pid, 0)
        program.returncode = os.waitstatus_to_exitcode(status)
        assert program.returncode == 128 + signal.SIGTERM
        assert used.ru_utime + used.ru_stime - before < 1.0  # of a processor: a busy machine does not count
    finally:
        program.kill()
        program.communicate()
