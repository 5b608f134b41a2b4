"""python scripts/watch.py connect_four human mcts:value=learned; or python scripts/watch.py pong."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

from tyro.conf import Positional, arg

from agents.player_specs import help_text
from agents.watching.scenes import Programme, open_scene, programme
from agents.watching.thought import exit_among_jobs
from envs.view.canvas import checked_size
from envs.view.recorder import SUFFIXES, checked_name
from envs.view.sdl import has_display
from scripts.command_line import command, parse

if TYPE_CHECKING:
    from agents.watching.scenes import Scene

DESCRIPTION = f"""\
Watch an agent play and think. In the window, h shows the keys.

  pong                                      a DQN model in its environment: a file, a run folder or a name
  connect_four human mcts:value=learned     a board game between two players
  connect_four                              a board model against handcrafted judgement
  sb3:dqn:CartPole-v1:zoo/dqn.zip --trust   a stable-baselines3 model that you trust

{help_text()}
"""


@dataclass(frozen=True, kw_only=True)
class Watch:
    """What to show and where."""

    what: Annotated[Positional[tuple[str, ...]], arg(metavar="MODEL | GAME PLAYER PLAYER")]
    seed: int = 0
    size: str = "1280x720"
    """pixels, WIDTHxHEIGHT"""
    speed: float = 1.0
    """a factor"""
    page: str = ""
    """that is shown first: play, inside, tree"""
    trust_pickle: Annotated[bool, arg(aliases=["--trust"])] = False
    """load a stable-baselines3 model, which runs code from its file"""
    episodes: Annotated[int | None, arg(aliases=["--games"], metavar="N")] = None
    """or games; one game, or episodes without end, where it is left out"""
    headless: bool = False
    """no window; implied by --screenshot and --record"""
    screenshot: Annotated[Path | None, arg(metavar="FILE.png")] = None
    """write one picture"""
    at: Annotated[int, arg(metavar="N")] = 0
    """the ply or step of the screenshot"""
    record: Annotated[Path | None, arg(metavar="FILE.mp4|.gif")] = None
    """write a film"""
    steps: Annotated[int | None, arg(metavar="N")] = None
    """plies or steps of the film; to the end where it is left out"""


@command
def main(argv: Sequence[str] | None = None) -> int:
    """Show, or write what would be shown."""
    options = parse(Watch, argv, description=DESCRIPTION)
    size = _size(options.size)
    without_window = _check_outputs(options)
    shown = programme(
        options.what,
        seed=options.seed,
        games=options.episodes,
        speed=options.speed,
        trust_pickle=options.trust_pickle,
    )
    if without_window:
        _write(options, shown, size)
        return 0
    if not has_display():
        raise ValueError(
            "there is no display to open a window on\n"
            "write files: --headless --screenshot FILE.png [--at N], --record FILE.mp4|.gif [--steps N]"
        )
    from envs.view.window import Window

    Window(_opened(shown, options.page), size).run()
    return 0


def run() -> NoReturn:
    """`main` as a program that ends at once, whoever still thinks."""
    try:
        code = main()
    except SystemExit as ended:  # --help, SIGTERM
        code = int(ended.code or 0)
    exit_among_jobs(code)


def _opened(shown: Programme, page: str) -> Scene:
    """The scene with its first page."""
    scene = open_scene(shown)
    if page:
        scene.pages.show(page.capitalize())
    return scene


def _write(options: Watch, shown: Programme, size: tuple[int, int]) -> None:
    """The picture and the film, each from the start."""
    from agents.watching.film import record, screenshot

    if options.screenshot is not None:
        scene = _opened(shown, options.page)
        print(screenshot(scene, options.screenshot, size, options.at))
        scene.close()
    if options.record is not None:
        scene = _opened(shown, options.page)
        print(record(scene, options.record, size, options.steps))
        scene.close()


def _check_outputs(options: Watch) -> bool:
    """Whether files are wanted in place of a window. ValueError for what cannot be had."""
    if options.at < 0 or (options.steps is not None and options.steps < 1):
        raise ValueError("--at counts from 0, --steps from 1")
    if options.screenshot is not None:
        checked_name(options.screenshot, (".png",))
    if options.record is not None:
        checked_name(options.record, SUFFIXES)
    if options.screenshot is not None or options.record is not None:
        return True
    if options.headless:
        raise ValueError("--headless needs --screenshot FILE.png or --record FILE.mp4|.gif")
    return False


def _size(text: str) -> tuple[int, int]:
    """Of `1280x720`."""
    width, x, height = text.partition("x")
    if not (x and width.isdigit() and height.isdigit()):
        raise ValueError(f"--size is WIDTHxHEIGHT in pixels, such as 1280x720; got {text!r}")
    return checked_size((int(width), int(height)))


if __name__ == "__main__":
    run()
