"""The window as a person uses it: posted keys and clicks, on SDL's dummy display."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import imageio.v3 as imageio
import numpy as np
import pytest

from envs.view import layout
from envs.view.draw import grid_of
from envs.view.pictures import BoardPicture, Cell, KeyHelp, Seat, Spot
from envs.view.sdl import has_display, pygame
from envs.view.window import FRAMES_PER_SECOND, Window, key_name


class Recording:
    """A scene that writes down what it is told."""

    title = "Noughts"
    keys: tuple[KeyHelp, ...] = (("x", "does nothing"),)

    def __init__(self) -> None:
        self.pressed: list[str] = []
        self.released: list[str] = []
        self.clicked: list[Cell] = []
        self.picked: list[Spot] = []
        self.closed = 0

    def advance(self, seconds: float) -> bool:
        return False

    def picture(self) -> BoardPicture:
        seats = (Seat(name="a"), Seat(name="b"))
        return BoardPicture(
            title=self.title, game="tic_tac_toe", cells=np.zeros((3, 3), np.int8), seats=seats
        )

    def press(self, key: str) -> None:
        self.pressed.append(key)

    def release(self, key: str) -> None:
        self.released.append(key)

    def click(self, cell: Cell) -> None:
        self.clicked.append(cell)

    def pick(self, spot: Spot) -> None:
        self.picked.append(spot)

    def close(self) -> None:
        self.closed += 1


@pytest.fixture
def scene() -> Recording:
    return Recording()


@pytest.fixture
def window(scene: Recording, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Window]:
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    window = Window(scene, (960, 600), folder=tmp_path)
    yield window
    if not scene.closed:
        window.close()


def post_key(key: int) -> None:
    pygame.event.post(pygame.event.Event(pygame.KEYDOWN, key=key))
    pygame.event.post(pygame.event.Event(pygame.KEYUP, key=key))


def test_only_one_pygame_is_installed() -> None:
    assert not getattr(pygame, "IS_CE", False)


def test_keys_reach_the_scene_by_name(window: Window, scene: Recording) -> None:
    for key in (pygame.K_SPACE, pygame.K_LEFT, pygame.K_5, pygame.K_KP5, pygame.K_PERIOD):
        post_key(key)
    assert window.frame(0.1)
    assert scene.pressed == scene.released == ["space", "left", "5", "5", "."]


def test_a_wait_ends_with_what_happens_and_loses_none_of_it(window: Window, scene: Recording) -> None:
    window.frame(window.wait())
    for key in (pygame.K_a, pygame.K_b):
        post_key(key)
        window.wait()
    post_key(pygame.K_x)
    window.frame(0.1)
    assert scene.pressed == scene.released == ["a", "b", "x"]


def test_a_wait_without_events_lasts_until_the_next_frame_is_due(window: Window) -> None:
    pygame.event.clear()
    window.wait()
    assert window.wait() >= 0.9 / FRAMES_PER_SECOND


def test_a_click_reaches_the_cell_below_it_and_a_miss_nothing(window: Window, scene: Recording) -> None:
    x, y = grid_of(window.canvas, scene.picture()).centre((2, 1))
    for point in ((int(x), int(y)), (959, 599)):
        pygame.event.post(pygame.event.Event(pygame.MOUSEBUTTONDOWN, button=1, pos=point))
    window.frame(0.1)
    assert scene.clicked == [(2, 1)]


def test_a_click_on_the_graph_reaches_the_scene_as_its_ply(window: Window, scene: Recording) -> None:
    window.frame(0.1)
    place = layout.board_layout(window.canvas.rect.size, window.canvas.unit, (3, 3)).graph
    for x in (place.left + place.width // 2, place.right - 18):
        point = (x, place.centery)
        pygame.event.post(pygame.event.Event(pygame.MOUSEBUTTONDOWN, button=1, pos=point))
    window.frame(0.1)
    assert [spot.name for spot in scene.picked] == ["graph", "graph"]
    middle, end = (spot.cell[1] for spot in scene.picked)
    assert 3 <= middle <= 5
    assert end == 10


def test_a_film_is_recorded_between_two_presses_and_lasts_as_long(window: Window, tmp_path: Path) -> None:
    post_key(pygame.K_m)
    window.frame(0.0)
    assert any("recording" in text.text for text in window.canvas.texts)
    for _ in range(12):
        window.frame(0.1)
        time.sleep(0.1)  # the encoder has as long as the film lasts
    post_key(pygame.K_m)
    wait_for_the_film(window)
    film = imageio.imread(tmp_path / "watch_000.mp4")
    assert film.shape[1:] == (600, 960, 3)
    assert 25 <= len(film) <= 38


def resize(window: Window, *sizes: tuple[int, int]) -> None:
    for size in sizes:
        pygame.event.post(pygame.event.Event(pygame.WINDOWSIZECHANGED, x=size[0], y=size[1]))
    window.frame(0.0)


@pytest.mark.parametrize(
    ("dragged", "shown"),
    [((1500, 801), (1500, 801)), ((300, 200), (960, 600)), ((1000, 90_000), (1000, 7680))],
)
def test_the_layout_follows_a_dragged_corner_at_once_within_limits(
    window: Window, scene: Recording, dragged: tuple[int, int], shown: tuple[int, int]
) -> None:
    resize(window, (1111, 700), dragged)
    assert window.canvas.rect.size == pygame.display.get_surface().get_size() == shown
    assert window.canvas.problems() == []
    assert len(window.canvas.texts) > 5
    on_screen = pygame.surfarray.array3d(pygame.display.get_surface()).swapaxes(0, 1)
    assert np.array_equal(on_screen, window.canvas.pixels())
    x, y = grid_of(window.canvas, scene.picture()).centre((0, 2))
    pygame.event.post(pygame.event.Event(pygame.MOUSEBUTTONDOWN, button=1, pos=(int(x), int(y))))
    window.frame(0.0)
    assert scene.clicked == [(0, 2)]


def test_a_film_keeps_its_first_size_while_the_window_is_resized(window: Window, tmp_path: Path) -> None:
    resize(window, (1001, 701))
    post_key(pygame.K_m)
    window.frame(0.1)
    before = window.canvas.pixels()
    resize(window, (1400, 900))
    for _ in range(5):
        window.frame(0.1)
    post_key(pygame.K_m)
    window.frame(0.0)
    wait_for_the_film(window)
    film = imageio.imread(tmp_path / "watch_000.mp4")
    assert film.shape[1:] == (700, 1000, 3)
    assert len(film) >= 10
    assert (
        np.abs(film[-1].astype(int) - before[:700, :1000]).mean() < 5
    )  # the same page, not a part of a larger


def wait_for_the_film(window: Window) -> None:
    for _ in range(400):
        window.frame(0.0)
        if any("saved" in text.text for text in window.canvas.texts):
            return
        time.sleep(0.02)
    raise AssertionError("the film was never saved")


def test_help_covers_the_picture_until_the_next_key(window: Window, scene: Recording) -> None:
    window.frame(0.1)
    plain = window.canvas.pixels()
    post_key(pygame.K_h)
    window.frame(0.1)
    assert {text.text for text in window.canvas.texts} > {"Keys: Noughts", "does nothing", "quit"}
    post_key(pygame.K_ESCAPE)
    assert window.frame(0.1)
    assert np.array_equal(window.canvas.pixels(), plain)
    assert scene.pressed == []


@pytest.mark.parametrize("key", [pygame.K_q, pygame.K_ESCAPE])
def test_quit_keys_end_the_window(window: Window, key: int) -> None:
    post_key(key)
    assert not window.frame(0.1)


def test_closing_the_window_closes_the_scene_once(window: Window, scene: Recording) -> None:
    pygame.event.post(pygame.event.Event(pygame.QUIT))
    window.run()
    assert scene.closed == 1


def test_screenshots_are_numbered_and_told(window: Window, tmp_path: Path) -> None:
    window.frame(0.1)
    shown = window.canvas.pixels()
    post_key(pygame.K_c)
    window.frame(0.1)
    assert any("watch_000.png" in text.text for text in window.canvas.texts)
    post_key(pygame.K_c)
    window.frame(0.1)
    assert np.array_equal(imageio.imread(tmp_path / "watch_000.png"), shown)
    assert (tmp_path / "watch_001.png").exists()
    window.frame(10.0)
    assert not any("watch_" in text.text for text in window.canvas.texts)


def test_an_unchanged_scene_is_not_drawn_again(window: Window) -> None:
    window.frame(0.1)
    window.canvas.texts.clear()
    window.frame(0.1)
    assert window.canvas.texts == []


def test_without_a_display_there_is_no_window(scene: Recording, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SDL_VIDEODRIVER", "DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(sys, "platform", "linux")
    assert not has_display()
    with pytest.raises(ValueError, match="no display"):
        Window(scene)


def test_the_number_pads_keys_are_named_as_their_twins() -> None:
    assert key_name(pygame.K_KP7) == key_name(pygame.K_7) == "7"
    assert key_name(pygame.K_LEFTBRACKET) == "["


RUN_FOR_EVER = """
import sys
sys.path.insert(0, sys.argv[1])
from test_window import Recording
from envs.view.window import Window
class Told(Recording):
    def advance(self, seconds):
        print("on", flush=True)
        return False
    def close(self):
        print("closed", flush=True)
Window(Told()).run()
"""


@pytest.mark.parametrize(("number", "status"), [(signal.SIGTERM, 143), (signal.SIGINT, -signal.SIGINT)])
def test_signals_end_the_window_within_a_second_and_close_the_scene(number: int, status: int) -> None:
    program = subprocess.Popen(
        [sys.executable, "-c", RUN_FOR_EVER, str(Path(__file__).parent)],
        env=os.environ | {"SDL_VIDEODRIVER": "dummy"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert program.stdout is not None
    assert program.stdout.readline() == "on\n"
    program.send_signal(number)
    out, _ = program.communicate(timeout=2.0)
    assert out.endswith("closed\n")
    assert program.returncode == status
