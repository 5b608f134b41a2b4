"""The watch script: pictures and films without a window, and mistakes told in three lines."""

import os
import subprocess
import sys
from pathlib import Path

import imageio.v3 as imageio
import numpy as np
import pytest
import torch

from agents.dqn.config import DQNConfig
from agents.runs.model import PRETRAINED, ModelHeader, save_model
from agents.values.learned import planes_shape
from agents.watching.scenes import open_scene, programme, told
from envs.boards.game import game
from envs.vector import make_env
from envs.view.pictures import EpisodePicture, InsidePicture, MemoryPicture, Spot
from envs.view.style import LEARNED
from envs.view.window import Window
from networks.build import build
from networks.config import NetworkConfig
from scripts.watch import main


@pytest.fixture
def dqn(tmp_path: Path) -> Path:
    """An untrained agent of Catch."""
    config = DQNConfig(env_id="advantage/Catch-v0", hidden_sizes=(8,))
    env = make_env(config.env_id)
    shape = env.observation_space.shape
    assert shape is not None
    network = config.network(shape, 3)
    torch.manual_seed(0)
    header = ModelHeader(
        kind="dqn",
        subject=config.env_id,
        network=network.to_json(),
        config=config.to_json(),
        step=7,
        score=0.5,
    )
    path = tmp_path / "catcher.safetensors"
    save_model(path, build(network).state_dict(), header)
    return path


@pytest.fixture
def board_model(tmp_path: Path) -> Path:
    """An untrained judgement of Tic-Tac-Toe."""
    config = NetworkConfig(
        trunk="board_resnet",
        input_shape=planes_shape(game("tic_tac_toe")),
        head="policy_value",
        num_actions=9,
        channels=4,
        blocks=1,
    )
    torch.manual_seed(0)
    header = ModelHeader(
        kind="board_value", subject="tic_tac_toe", network=config.to_json(), config={}, step=0
    )
    path = tmp_path / "judge.safetensors"
    save_model(path, build(config).state_dict(), header)
    return path


@pytest.fixture
def no_display(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SDL_VIDEODRIVER", "DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(sys, "platform", "linux")


def test_a_board_picture_is_written_without_a_display(
    tmp_path: Path, no_display: None, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "board.png"
    argv = ["tic_tac_toe", "random", "random", "--screenshot", str(path), "--at", "3", "--headless"]
    assert main([*argv, "--size", "960x600"]) == 0
    assert imageio.imread(path).shape == (600, 960, 3)
    assert capsys.readouterr().out == f"wrote {path} (3 steps)\n"


def test_the_same_seed_draws_the_same_picture_and_another_one_another(tmp_path: Path) -> None:
    def picture(name: str, seed: str) -> np.ndarray:
        path = tmp_path / name
        argv = ["tic_tac_toe", "random", "random", "--screenshot", str(path), "--at", "4", "--seed", seed]
        assert main(argv) == 0
        return imageio.imread(path)

    assert np.array_equal(picture("a.png", "1"), picture("b.png", "1"))
    assert not np.array_equal(picture("a.png", "1"), picture("c.png", "2"))


def test_a_film_of_a_game_has_a_picture_for_the_start_and_each_ply(tmp_path: Path) -> None:
    path = tmp_path / "film.mp4"
    argv = ["tic_tac_toe", "random", "random", "--record", str(path), "--size", "960x600"]
    assert main([*argv, "--steps", "4"]) == 0
    assert imageio.imread(path).shape == (5, 600, 960, 3)


def test_a_film_ends_with_the_last_game(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "film.gif"
    argv = ["tic_tac_toe", "random", "random", "--record", str(path), "--games", "2", "--size", "800x500"]
    assert main(argv) == 0
    steps = int(capsys.readouterr().out.split("(")[1].split()[0])
    assert 11 <= steps <= 19  # two games of 5 to 9 plies and the step between them
    assert imageio.imread(path, index=None).shape == (steps + 1, 500, 800, 3)


def test_a_model_plays_its_environment(tmp_path: Path, dqn: Path) -> None:
    picture, film = tmp_path / "catch.png", tmp_path / "catch.mp4"
    assert main([str(dqn), "--screenshot", str(picture), "--at", "5"]) == 0
    assert imageio.imread(picture).shape == (720, 1280, 3)
    assert main([str(dqn), "--record", str(film), "--episodes", "1", "--size", "960x600"]) == 0
    assert len(imageio.imread(film)) == 10  # a ball falls nine rows


def test_a_network_with_memory_shows_its_state_over_time_on_the_inside_page(tmp_path: Path) -> None:
    config = DQNConfig(env_id="advantage/Recall-v0", hidden_sizes=(8,), memory="lstm", memory_size=5)
    network = config.network((5,), 4)
    header = ModelHeader(
        kind="dqn", subject=config.env_id, network=network.to_json(), config=config.to_json(), step=7
    )
    save_model(tmp_path / "rememberer.safetensors", build(network).state_dict(), header)
    scene = open_scene(programme([str(tmp_path / "rememberer.safetensors")]))
    scene.pages.show("Inside")
    for _ in range(3):
        scene.step_now()
    scene.settle()
    page = scene.picture()
    assert isinstance(page, MemoryPicture)
    assert [strip.values.shape for strip in page.strips] == [(5, 4), (5, 4)]
    assert [each.name for each in page.gates] == ["input", "forget", "output"]
    assert (page.first, page.cursor) == (0, 3)
    shown = scene.play_page().actions  # type: ignore[union-attr]  # an episode
    assert [each.value for each in page.actions] == pytest.approx([each.value for each in shown], abs=1e-6)
    scene.press("[")
    scene.settle()
    page = scene.picture()
    assert isinstance(page, MemoryPicture)
    assert page.status.endswith("its memory was empty at step 0")
    scene.pick(Spot("graph", (0, 1)))
    scene.advance(0.0)
    scene.settle()
    page = scene.picture()
    assert isinstance(page, MemoryPicture)
    assert (page.cursor, page.strips[0].values.shape) == (1, (5, 4))  # what followed is still known
    scene.close()


def test_what_an_agent_of_the_playing_area_looks_at_lies_over_that_area(tmp_path: Path) -> None:
    config = DQNConfig(
        env_id="ALE/Pong-v5", trunk="nips_cnn", hidden_sizes=(8,), playing_area_only=True, precision="float32"
    )
    network = config.network((4, 84, 84), 6)
    header = ModelHeader(
        kind="dqn", subject=config.env_id, network=network.to_json(), config=config.to_json(), step=7
    )
    save_model(tmp_path / "paddle.safetensors", build(network).state_dict(), header)
    scene = open_scene(programme([str(tmp_path / "paddle.safetensors")]))
    scene.step_now()
    play = scene.picture()
    assert isinstance(play, EpisodePicture)
    assert play.frame is not None
    assert (play.frame.shape, play.obs.shape) == ((210, 160, 3), (4, 84, 84))
    scene.pages.show("Inside")
    scene.settle()
    inside = scene.picture()
    assert isinstance(inside, InsidePicture)
    assert inside.frame is not None
    assert inside.heat is not None
    assert np.array_equal(inside.frame, play.frame[34:195])  # without Pong's score and its lower wall
    scene.close()


def test_a_board_model_is_judged_and_plays(tmp_path: Path, board_model: Path) -> None:
    path = tmp_path / "judged.png"
    assert main([str(board_model), "--screenshot", str(path), "--at", "1"]) == 0
    blue = (imageio.imread(path) == LEARNED).all(axis=2).sum(axis=1)
    assert blue.max() > 100  # the bar of the learned judgement


def test_a_window_opens_draws_and_closes(monkeypatch: pytest.MonkeyPatch, dqn: Path, tmp_path: Path) -> None:
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    drawn: list[np.ndarray] = []

    def run(window: Window) -> None:
        window.frame(0.1)
        drawn.append(window.canvas.pixels())
        window.close()

    monkeypatch.setattr(Window, "run", run)
    assert main([str(dqn), "--size", "960x600"]) == 0
    assert drawn[0].shape == (600, 960, 3)
    assert len(np.unique(drawn[0])) > 50


@pytest.mark.parametrize(
    ("argv", "told"),
    [
        (["tic_tac_toe", "human", "random"], "--screenshot FILE.png"),
        (["tic_tac_toe", "human", "randum"], "random"),
        (["tic_tac_toe", "human", "random", "--headless"], "--record"),
        (["--screenshot", "a.png"], "nothing"),
        (["tic_tac_toe", "random", "--screenshot", "a.png"], "MODEL, or GAME PLAYER PLAYER"),
        (["tic_tack_toe", "random", "random", "--screenshot", "a.png"], "tic_tac_toe"),
        (["tic_tac_toe", "randum", "random", "--screenshot", "a.png"], "random"),
        (["tic_tac_toe", "alpha_beta:deph=3", "random", "--screenshot", "a.png"], "depth"),
        (["tic_tac_toe", "human", "random", "--screenshot", "a.png", "--at", "1"], "window"),
        (["no_such_model", "--screenshot", "a.png"], "no_such_model"),
        (["tic_tac_toe", "random", "random", "--screenshot", "a.jpg"], ".png"),
        (["tic_tac_toe", "random", "random", "--record", "a.avi"], ".mp4"),
        (["tic_tac_toe", "random", "random", "--record", "a.mp4", "--size", "961x600"], "even"),
        (["tic_tac_toe", "random", "random", "--record", "a.mp4", "--steps", "0"], "--steps"),
        (["tic_tac_toe", "random", "random", "--screenshot", "a.png", "--size", "huge"], "1280x720"),
        (["tic_tac_toe", "random", "random", "--screenshot", "a.png", "--size", "10x10"], "10x10"),
        (["tic_tac_toe", "random", "random", "--screenshot", "a.png", "--speed", "0"], "speed"),
        (["tic_tac_toe", "random", "random", "--screenshot", "a.png", "--games", "0"], "--episodes"),
    ],
)
def test_mistakes_are_told_in_three_lines_and_leave_nothing(
    argv: list[str],
    told: str,
    no_display: None,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(argv) == 2
    error = capsys.readouterr().err
    assert told in error
    assert len(error.splitlines()) <= 3
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("argv", [["connect_four", "random", "randm"], ["pongg"], ["connect_four", "random"]])
def test_a_wrong_command_is_told_within_a_second(argv: list[str], tmp_path: Path) -> None:
    script = Path(__file__).parents[2] / "scripts" / "watch.py"
    before = os.times()
    done = subprocess.run(
        [sys.executable, str(script), *argv, "--screenshot", "x.png"],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        check=False,
    )
    after = os.times()
    assert done.returncode == 2
    seconds = after.children_user + after.children_system - before.children_user - before.children_system
    assert seconds < 1.0  # of a processor, so that a busy machine does not count


BEFORE_THE_FIRST_PICTURE = """
import sys
from agents.watching.scenes import open_scene, programme
from envs.view.draw import draw
draw(open_scene(programme(sys.argv[1:])).picture())
print(*sorted({name.partition(".")[0] for name in sys.modules}))
"""


@pytest.mark.parametrize(
    ("argv", "unneeded"),
    [
        (["connect_four", "human", "mcts:value=learned"], {"torch", "gymnasium"}),
        (["{dqn}"], {"numba"}),
    ],
)
def test_what_the_first_picture_does_not_need_is_not_imported_before_it(
    argv: list[str], unneeded: set[str], dqn: Path
) -> None:
    names = [each.format(dqn=dqn) for each in argv]
    done = subprocess.run(
        [sys.executable, "-c", BEFORE_THE_FIRST_PICTURE, *names], capture_output=True, text=True, check=True
    )
    imported = set(done.stdout.split())
    assert "pygame" in imported
    assert not imported & (unneeded | {"matplotlib", "stable_baselines3", "ray", "pandas"})


def test_a_model_of_the_project_is_told_by_its_path_within_it_and_others_by_their_own(tmp_path: Path) -> None:
    header = ModelHeader(kind="dqn", subject="x", network={}, config={}, step=1_500, score=2.5)
    assert (
        told(PRETRAINED / "pong.safetensors", header)
        == "pretrained/pong.safetensors · step 1,500 · score 2.5"
    )
    assert told(tmp_path / "mine.safetensors", header).startswith(str(tmp_path))
