"""Each page beside a small picture of how it looked when somebody looked at it, in two sizes, with tolerance.

After a change of the look: `ADVANTAGE_GOLDEN=write python -m pytest tests/envs/view/test_golden.py`, and look
at the pages before committing what is in tests/envs/view/golden/.
"""

import os
from dataclasses import replace
from pathlib import Path

import imageio.v3 as imageio
import numpy as np
import pytest

from envs.boards.game import game
from envs.view import style
from envs.view.draw import draw
from envs.view.pictures import (
    ActionValue,
    BoardPicture,
    DepthLine,
    EpisodePicture,
    Ghost,
    Help,
    InsidePicture,
    Judgement,
    MapGrid,
    MemoryPicture,
    MoveHint,
    Picture,
    Seat,
    Series,
    Strip,
    Tabs,
    TreeNode,
    TreePicture,
)

FOLDER = Path(__file__).parent / "golden"
SIZES = [(960, 600), (1280, 720)]
SHRUNK = 4  # pixels of a page in one of the picture that is kept
MEAN_MAX, SHARE_MAX = 1.5, 0.01  # grey levels on average; share of pixels off by more than FAR
FAR = 40
TABS = Tabs(("Play", "Tree", "Inside"), 0)


def board() -> BoardPicture:
    position = game("connect_four").position("4435244")
    history = [0.5, 0.55, 0.5, 0.62, 0.7, 0.41, 0.66, 0.72]
    learned = [0.5, 0.52, 0.55, 0.6, 0.55, 0.8, 0.71, 0.6]
    return BoardPicture(
        title="Connect Four",
        game="connect_four",
        cells=position.game.cell_owner(position),
        seats=(Seat(name="mcts:value=learned", note="Yellow"), Seat(name="human", note="Red · your move")),
        to_move=1,
        status="ply 7",
        footer="h help",
        last=(2, 3),
        hints=[MoveHint(cell=(5, 0), label="12", weight=0.2), MoveHint(cell=(4, 2), label="88", weight=1.0)],
        hints_title="Visits of the search",
        ghosts=[Ghost(cell=(4, 2), player=1, number=1), Ghost(cell=(3, 2), player=0, number=2)],
        judgements=(
            Judgement(label="Handcrafted", colour=style.HANDCRAFTED, expected_score=0.72, history=history),
            Judgement(label="Learned", colour=style.LEARNED, expected_score=0.6, history=learned),
        ),
        terms=[("centre", 120.0), ("open_threes", -300.0), ("forced_loss", 0.0)],
        search=[("depth", "8 plies"), ("nodes", "12k")],
        line="3 3 1",
        disagreement=5,
        cursor=5,
        tabs=TABS,
    )


def episode() -> EpisodePicture:
    frame = np.zeros((210, 160, 3), np.uint8)
    frame[40:60, 30:50] = (200, 80, 40)
    return EpisodePicture(
        title="ALE/Pong-v5",
        frame=frame,
        obs=np.tile(np.arange(84, dtype=np.uint8) * 3, (4, 84, 1)),
        status="pretrained/pong.safetensors",
        footer="h help",
        facts=[("episode", "1"), ("return", "-3")],
        actions=[ActionValue(name=name, value=i / 10, chosen=i == 2) for i, name in enumerate("ABCDEF")],
        choice="explored",
        explored=True,
        values=[float(np.sin(i / 9)) for i in range(120)],
        returns=[float(i // 30) for i in range(120)],
        cursor=80,
        tabs=TABS,
    )


def tree() -> TreePicture:
    nodes = [
        TreeNode(
            move=str(i + 1),
            player=0 if i < 3 else 1,
            visits=[120, 60, 20, 80, 40][i],
            share=[0.6, 0.3, 0.1, 0.4, 0.2][i],
            expected_score=0.6,
            prior=0.25,
            proof="draw" if i == 4 else "",
            parent=None if i < 3 else 0,
            depth=1 if i < 3 else 2,
            row=[0.5, 2, 3, 0, 1][i],
            is_line=i in (0, 3),
        )
        for i in range(5)
    ]
    return TreePicture(
        title="Connect Four", board=board(), tree_title="Tree of Yellow", nodes=nodes, tabs=TABS, footer="h"
    )


def depths() -> TreePicture:
    lines = [
        DepthLine(
            depth=d,
            expected_score=0.1 * d,
            score_text="50 %",
            nodes=5**d,
            cutoffs=4 ** (d - 1) - 1,
            first_cutoffs=3 ** (d - 1) - 1,
            line="4 4 3",
            is_new=d == 3,
        )
        for d in range(1, 9)
    ]
    return replace(tree(), nodes=(), depths=lines, tree_title="Alpha-beta of Red, depth by depth")


def inside() -> InsidePicture:
    waves = np.sin(np.arange(32)[:, None, None] + np.arange(8)[:, None] * 0.8 + np.arange(8) * 0.5)
    maps = np.abs(np.sin(np.arange(16 * 100).reshape(16, 10, 10) / 7)).astype(np.float32)
    heat = np.zeros((17, 17), np.float32)
    heat[4:7, 3:6] = 1.0
    return InsidePicture(
        title="Inside the network",
        footer="h help",
        frame=episode().frame,
        heat=heat,
        heat_title="What Q of A hangs on: by gradient",
        field=(0.1, 0.1, 0.4, 0.5),
        kernels=waves.astype(np.float32),
        initial=waves[::-1].astype(np.float32),
        kernels_title="now",
        initial_title="at the start",
        verdict="Orientation selectivity: median 0.09, at the start 0.08.",
        layers=[
            MapGrid(name="a", title="Shallow", maps=maps, picked=(1, (2, 3))),
            MapGrid(name="b", title="Deep", maps=maps[:, :5, :5]),
            MapGrid(name="c", title="Dense", maps=maps.reshape(1, 1, -1)[:, :, :256]),
        ],
        output_title="Output: action values Q",
        actions=episode().actions,
        tabs=Tabs(TABS.names, 2),
    )


def memory() -> MemoryPicture:
    waves = np.sin(np.arange(32)[:, None] / 3 + np.arange(40) / 7).astype(np.float32)
    return MemoryPicture(
        title="Inside the network",
        footer="h help",
        frame=episode().frame,
        strips=[Strip(title=title, values=waves, high=1.0) for title in ("Hidden", "Cell")],
        gates=[Series(name=name, values=(waves[i] / 2 + 0.5).tolist()) for i, name in enumerate("ifo")],
        q=[Series(name=name, values=waves[i].tolist()) for i, name in enumerate("ABC")],
        actions=episode().actions,
        first=100,
        cursor=30,
        tabs=Tabs(TABS.names, 2),
    )


PAGES: dict[str, Picture] = {
    "board": board(),
    "episode": episode(),
    "tree": tree(),
    "depths": depths(),
    "inside": inside(),
    "memory": memory(),
    "help": replace(board(), help=Help(title="Keys", keys=[("space", "pause and go on")] * 12)),
}


def shrunk(pixels: np.ndarray) -> np.ndarray:
    """Averages of SHRUNK x SHRUNK pixels: small differences of fonts vanish, moved panels do not."""
    height, width = (side // SHRUNK * SHRUNK for side in pixels.shape[:2])
    blocks = pixels[:height, :width].reshape(height // SHRUNK, SHRUNK, width // SHRUNK, SHRUNK, 3)
    return np.round(blocks.mean(axis=(1, 3))).astype(np.uint8)


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize("name", PAGES)
def test_a_page_looks_as_it_did_when_somebody_looked_at_it(name: str, size: tuple[int, int]) -> None:
    path = FOLDER / f"{name}_{size[0]}x{size[1]}.png"
    now = shrunk(draw(PAGES[name], size))
    if os.environ.get("ADVANTAGE_GOLDEN") == "write":
        FOLDER.mkdir(exist_ok=True)
        imageio.imwrite(path, now)
    before = imageio.imread(path)
    assert now.shape == before.shape
    off = np.abs(now.astype(int) - before)
    assert off.mean() < MEAN_MAX
    assert (off.max(axis=2) > FAR).mean() < SHARE_MAX


def test_the_comparison_sees_a_panel_that_moved_and_a_colour_that_changed() -> None:
    before = shrunk(draw(PAGES["board"], SIZES[1])).astype(int)
    other = replace(board(), hints=(), terms=[("centre", -120.0)], search=[])
    after = shrunk(draw(other, SIZES[1]))
    off = np.abs(after - before)
    assert (off.max(axis=2) > FAR).mean() > SHARE_MAX / 4
    assert off.mean() > 0.3
