"""The command that fits values: what it leaves, how it goes on, what it refuses."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from agents.roster import build_player
from agents.runs.model import read_header
from agents.values.ntuple import NTupleValue
from envs.boards.game import game
from scripts.fit_value import main

TINY = [
    *("--generations", "2", "--games", "300", "--depth", "1", "--exact-empties", "2", "--workers", "1"),
    *("--iterations", "5", "--match-games", "4"),
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run."""
    runs = tmp_path_factory.mktemp("runs")
    assert main(["othello", *TINY, "--runs-dir", str(runs)]) == 0
    (made,) = runs.iterdir()
    return made


def test_a_run_leaves_two_values_that_alpha_beta_plays_with(folder: Path) -> None:
    for part, kind in (("alpha_beta", "board_value_ntuple"), ("fitted", "board_value_fitted")):
        header = read_header(folder / f"last_{part}.safetensors")
        assert (header.kind, header.subject, header.step) == (kind, "othello", 2)
        assert header.score is not None
    for value in ("learned", "fitted"):
        player = build_player(f"alpha_beta:value={value},model={folder},depth=2", game("othello"))
        assert player.choose(game("othello").start()).action in game("othello").start().legal()


def test_a_run_goes_on_with_the_games_that_are_missing_and_ends_the_same(
    folder: Path, tmp_path: Path
) -> None:
    broken = tmp_path / "broken"
    shutil.copytree(folder, broken)
    for lost in ("games-2-0001.npz", "ntuple-2.npz", "last_alpha_beta.safetensors"):
        (broken / lost).unlink()
    import torch

    torch.save({"step": 1}, broken / "training_state.pt")  # as it is while generation 2 plays
    assert main(["--resume", str(broken)]) == 0
    whole, mended = (NTupleValue.load(each / "last_alpha_beta.safetensors") for each in (folder, broken))
    np.testing.assert_array_equal(mended.kernel.tables, whole.kernel.tables)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["chess"], "there is othello"),
        (["othello", "--games", "0"], "games must be at least 1"),
        (["--resume", "nowhere"], "no run folder nowhere"),
    ],
)
def test_what_cannot_be_done_is_told(
    arguments: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    assert told in capsys.readouterr().err
